// SPDX-License-Identifier: Apache-2.0
#include "gateway/ws/deflate_offer.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

using namespace hiky::gateway;
using namespace std::string_literals;

namespace {

constexpr auto answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

void declines(std::string_view offers) {
  auto const terms = accept_deflate(offers);
  ASSERT_TRUE(terms) << offers << ": " << terms.error();
  EXPECT_FALSE(*terms) << offers << ": " << (*terms)->answer;
}

void takes(std::string_view offers, int bits = 15, std::string const& wanted = answer) {
  auto const terms = accept_deflate(offers);
  ASSERT_TRUE(terms && *terms) << offers;
  EXPECT_EQ((*terms)->window_bits, bits) << offers;
  EXPECT_EQ((*terms)->answer, wanted) << offers;
}

}  // namespace

TEST(deflate_offer, is_answered_without_context_whether_the_client_names_it_or_not) {
  takes("permessage-deflate");
  takes("permessage-deflate; server_no_context_takeover");
  takes("permessage-deflate; client_no_context_takeover");
  takes(" permessage-deflate ; client_no_context_takeover;server_no_context_takeover ");
}

TEST(deflate_offer, of_a_client_s_window_is_a_hint_that_is_not_answered) {
  takes("permessage-deflate; client_max_window_bits");
  for (int bits = 8; bits <= 15; ++bits) takes(fmt::format("permessage-deflate; client_max_window_bits={}", bits));
}

TEST(deflate_offer, of_a_server_s_window_is_kept) {
  for (int bits = 8; bits <= 15; ++bits) {
    takes(fmt::format("permessage-deflate; server_max_window_bits={}", bits), bits,
          fmt::format("{}; server_max_window_bits={}", answer, bits));
  }
  takes("permessage-deflate; server_max_window_bits=\"10\"; client_max_window_bits=\"12\"", 10,
        answer + "; server_max_window_bits=10"s);
}

TEST(deflate_offer, that_can_not_be_kept_is_declined) {
  for (auto const* parameter : {"server_max_window_bits",
                                "server_max_window_bits=7",
                                "server_max_window_bits=16",
                                "server_max_window_bits=08",
                                "server_max_window_bits=010",
                                "server_max_window_bits=+9",
                                "server_max_window_bits=ten",
                                "server_max_window_bits=150",
                                "client_max_window_bits=7",
                                "client_max_window_bits=16",
                                "client_max_window_bits=09",
                                "client_max_window_bits=x",
                                "server_no_context_takeover=1",
                                "client_no_context_takeover=true",
                                "Server_no_context_takeover",
                                "mem_level=9",
                                "x",
                                "server_no_context_takeover; server_no_context_takeover",
                                "client_no_context_takeover; client_no_context_takeover",
                                "client_max_window_bits; client_max_window_bits=15",
                                "server_max_window_bits=15; server_max_window_bits=15"}) {
    declines("permessage-deflate; "s + parameter);
  }
}

TEST(deflate_offer, that_can_be_kept_is_found_behind_those_that_can_not) {
  takes("permessage-deflate; server_max_window_bits=7, permessage-deflate; server_max_window_bits=9", 9,
        answer + "; server_max_window_bits=9"s);
  takes("x-webkit-deflate-frame, permessage-bzip2; level=9, permessage-deflate; x, permessage-deflate");
  takes("permessage-deflate; server_max_window_bits=12, permessage-deflate", 12,
        answer + "; server_max_window_bits=12"s);
}

TEST(deflate_offer, is_found_between_empty_elements) {
  takes(",, permessage-deflate,");
  takes("permessage-bzip2 ,\t, permessage-deflate; server_max_window_bits=9 , ", 9,
        answer + "; server_max_window_bits=9"s);
}

TEST(deflate_offer, may_quote_what_it_says) {
  takes(R"(permessage-deflate; server_max_window_bits="1\0")", 10, answer + "; server_max_window_bits=10"s);
  takes(R"(x; y="a", permessage-deflate)");
}

TEST(deflate_offer, of_something_else_is_none) {
  for (auto const* offers : {"permessage-bzip2", "permessage-deflated", "x; permessage-deflate", "Permessage-Deflate"})
    declines(offers);
}

TEST(deflate_offer, that_is_malformed_is_told_so) {
  for (auto const* offers :
       {"", ",", " , ", "permessage-deflate; server_max_window_bits=\"9", "permessage-deflate; =",
        "permessage-deflate; a=", "permessage-deflate, permessage-deflate; =", "permessage-deflate x",
        "permessage-deflate;", ";;,,", "a; b=\"\"", "a; b=\"c d\"", "a; b=\"c\"d", "a; b=\"c\\", "a/b"}) {
    EXPECT_FALSE(accept_deflate(offers)) << offers;
  }
}
