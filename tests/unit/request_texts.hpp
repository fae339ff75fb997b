// SPDX-License-Identifier: Apache-2.0
// Texts of clients as requests: read, or refused with a code and a reason.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "chat/protocol/protocol.hpp"

namespace unit {

using namespace hiky;
using namespace hiky::chat;
using enum error_code;

inline request parsed(std::string_view text) {
  auto r = parse(text);
  EXPECT_TRUE(r) << text << ": " << r.error().message;
  return r ? std::move(*r) : request{};
}

template <class Body>
Body body(std::string_view text) {
  auto r = parsed(text);
  EXPECT_TRUE(std::holds_alternative<Body>(r.body)) << text;
  return std::holds_alternative<Body>(r.body) ? std::get<Body>(r.body) : Body{};
}

inline refusal refused(std::string_view text) {
  auto const r = parse(text);
  EXPECT_FALSE(r) << text;
  return r ? refusal{} : r.error();
}

inline void refuses(std::string_view text, error_code code, std::string_view why = {}) {
  auto const r = refused(text);
  EXPECT_EQ(r.code, code) << text << ": " << r.message;
  EXPECT_NE(r.message.find(why), std::string::npos) << text << ": " << r.message;
  EXPECT_FALSE(r.message.empty());
}

}  // namespace unit
