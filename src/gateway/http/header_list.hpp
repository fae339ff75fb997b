// SPDX-License-Identifier: Apache-2.0
// The grammar that headers share (RFC 9110 section 5.6): tokens, and lists with commas between. Pure.
#pragma once
#include <string_view>
#include <vector>

#include "gateway/http/message.hpp"

namespace hiky::gateway {

bool is_token_character(char c);
bool is_token(std::string_view text);
// Without the spaces and tabs around it.
std::string_view trimmed(std::string_view text);
// The elements of a list in which nothing is quoted, in however many headers it stands. Empty ones are nothing, as RFC
// 9110 5.6.1.2 wants it. Beast's token_list stops at the first thing that is no token, and takes `websocket/13` for
// `websocket`.
std::vector<std::string_view> elements_of(http_request const& r, http_field name);

}  // namespace hiky::gateway
