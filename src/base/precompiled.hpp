// SPDX-License-Identifier: Apache-2.0
// The slow headers, read once per build. Not a way to share names: every file includes what it uses.
#pragma once
#include <fmt/format.h>
#include <boost/asio.hpp>
#include <boost/json.hpp>

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>
