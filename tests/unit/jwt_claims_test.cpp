// SPDX-License-Identifier: Apache-2.0
// The claims of a token: its times, its audience, its user and its rooms, and each reason why one is refused.
#include <fmt/format.h>

#include "token_judging.hpp"

using namespace std::chrono_literals;
using namespace testing;
using namespace tokens_of_tests;

TEST(jwt, expires_and_begins_with_leeway) {
  auto const at = [](std::string_view claims) { return hs256(fmt::format(R"({{"sub":"alice",{}}})", claims)); };
  token_rules const strict{.leeway = 0s}, lenient{.leeway = 30s};
  auto const keys = only(key_of(secret));
  refuses(at(R"("exp":1800000000)"), "has expired", keys, strict);
  takes(at(R"("exp":1800000001)"), keys, strict);
  refuses(at(R"("exp":1799999970)"), "has expired", keys, lenient);
  takes(at(R"("exp":1799999971)"), keys, lenient);
  refuses(at(R"("exp":1800000060,"nbf":1800000001)"), "not valid yet", keys, strict);
  takes(at(R"("exp":1800000060,"nbf":1800000000)"), keys, strict);
  takes(at(R"("exp":1800000060,"nbf":1800000030)"), keys, lenient);
  refuses(at(R"("exp":1800000060,"nbf":1800000031)"), "not valid yet", keys, lenient);
  takes(at(R"("exp":1800000000.5e0,"nbf":1.0)"), keys, lenient);
  refuses(at(R"("exp":-1e300)"), "has expired", keys, strict);
  refuses(at(R"("exp":"1800000060")"), "exp is not a number");
  refuses(at(R"("exp":null)"), "exp is not a number");
  refuses(at(R"("exp":1800000060,"nbf":"0")"), "nbf is not a number");
  refuses(at(R"("iat":1)"), "expected exp");
  EXPECT_EQ(judged(at(R"("exp":1800000060)"), keys, lenient)->grant.expiry, now + 90s);
}

TEST(jwt, is_for_us_and_from_whom_we_trust) {
  auto const with = [](std::string_view more) {
    return hs256(fmt::format(R"({{"sub":"alice","exp":1800000060{}}})", more));
  };
  auto const keys = only(key_of(secret));
  token_rules const us{.audiences = {"chat", "voice"}, .issuer = "https://id.example"};
  takes(with(R"(,"iss":"https://id.example","aud":"chat")"), keys, us);
  takes(with(R"(,"iss":"https://id.example","aud":["mail","voice"])"), keys, us);
  refuses(with(R"(,"iss":"https://id.example","aud":"mail")"), "another audience", keys, us);
  refuses(with(R"(,"iss":"https://id.example","aud":[])"), "another audience", keys, us);
  refuses(with(R"(,"iss":"https://id.example","aud":{"chat":1})"), "another audience", keys, us);
  refuses(with(R"(,"iss":"https://id.example")"), "another audience", keys, us);
  refuses(with(R"(,"iss":"https://id.example.evil","aud":"chat")"), "another issuer", keys, us);
  refuses(with(R"(,"iss":["https://id.example"],"aud":"chat")"), "another issuer", keys, us);
  refuses(with(R"(,"aud":"chat")"), "another issuer", keys, us);
  refuses(with(R"(,"aud":"chat")"), "is for an audience");  // nobody said that we are it
}

TEST(jwt, names_a_user) {
  auto const about = [](std::string_view sub) { return hs256(fmt::format(R"({{{}"exp":1800000060}})", sub)); };
  refuses(about(""), "names no user");
  refuses(about(R"("sub":null,)"), "names no user; expected sub");
  refuses(about(R"("sub":["alice"],)"), "neither a string nor a whole number");
  refuses(about(R"("sub":"",)"), "must not be empty");
  refuses(about(fmt::format(R"("sub":"{}",)", std::string(129, 'a'))), "at most 128 bytes");
  refuses(about(R"("sub":"a\nb",)"), "control characters");
  auto const who = judged(hs256(R"({"sub":"alice","exp":1800000060,"name":"Alice L.","username":"al"})"));
  EXPECT_EQ(who->name, "Alice L.");
  EXPECT_EQ(who->username, "al");
  EXPECT_EQ(
      judged(hs256(fmt::format(R"({{"sub":"alice","exp":1800000060,"name":"{}é"}})", std::string(127, 'a'))))->name,
      std::string(127, 'a'));
}

TEST(jwt, names_a_user_by_number) {
  auto const user = [](std::string_view sub) {
    return judged(hs256(fmt::format(R"({{"sub":{},"exp":1800000060}})", sub)));
  };
  for (auto const* number : {"7", "-5", "0", "9007199254740993", "18446744073709551615"})
    EXPECT_EQ(user(number)->user, user_id{number});
  // Nobody could say which digits the issuer meant.
  for (auto const* number : {"7.0", "1e3", "0.5", "18446744073709551616"}) {
    refuses(hs256(fmt::format(R"({{"sub":{},"exp":1800000060}})", number)), "neither a string nor a whole number");
  }
}

TEST(jwt, names_a_user_where_the_operator_says) {
  auto const by = [](std::string_view path, std::string_view claims) {
    return judged(hs256(fmt::format(R"({{"exp":1800000060,{}}})", claims)), only(key_of(secret)),
                  {.user_claim = std::string{path}});
  };
  EXPECT_EQ(by("uid", R"("sub":"bob","uid":"alice")")->user, user_id{"alice"});
  EXPECT_EQ(by("user.id", R"("user":{"id":17})")->user, user_id{"17"});
  EXPECT_EQ(by("a.b.c", R"("a":{"b":{"c":"alice"}})")->user, user_id{"alice"});
  // Claims of an application's own are often named by an address.
  EXPECT_EQ(by("https://app.example/user", R"("https://app.example/user":"alice")")->user, user_id{"alice"});
  EXPECT_EQ(by("https://app.example/meta.id", R"("https://app.example/meta":{"id":"alice"})")->user, user_id{"alice"});
  EXPECT_EQ(by("a.b", R"("a":{"b":"bob"},"a.b":"alice")")->user, user_id{"alice"});
  for (auto const* claims :
       {R"("sub":"bob")", R"("user":"alice")", R"("user":{})", R"("user":{"id":null})", R"("user":[{"id":"alice"}])"}) {
    EXPECT_THAT(by("user.id", claims).error().text, HasSubstr("it names no user; expected user.id")) << claims;
  }
  EXPECT_THAT(by("user.id", R"("user":{"id":true})").error().text, HasSubstr("what stands at user.id is neither"));
}

TEST(jwt, is_refused_in_words_when_a_date_is_in_milliseconds) {
  auto const at = [](std::string_view claims) { return hs256(fmt::format(R"({{"sub":"alice",{}}})", claims)); };
  refuses(at(R"("exp":1800000060000)"), "exp is too large for seconds since 1970; is it in milliseconds?");
  refuses(at(R"("exp":1.80000006e12)"), "is it in milliseconds?");
  refuses(at(R"("exp":1e300)"), "is it in milliseconds?");
  refuses(at(R"("exp":1799999000000)"), "is it in milliseconds?");  // also one that is over
  refuses(at(R"("exp":1800000060,"nbf":1800000000000)"),
          "nbf is too large for seconds since 1970; is it in milliseconds?");
  takes(at(R"("exp":253402300799)"));  // the last second of the year 9999
}

TEST(jwt, without_an_end_is_taken_where_that_is_allowed_and_holds_a_connection_for_a_day) {
  auto const keys = only(key_of(secret));
  token_rules const lenient{.require_expiry = false};
  auto const who = judged(hs256(R"({"sub":"alice"})"), keys, lenient);
  ASSERT_TRUE(who) << who.error().text;
  EXPECT_EQ(who->grant.expiry, now + 24h);
  EXPECT_EQ(judged(hs256(good), keys, lenient)->grant.expiry, now + 90s);
  refuses(hs256(R"({"sub":"alice","exp":1799999900})"), "has expired", keys, lenient);
  refuses(hs256(R"({"sub":"alice","exp":"never"})"), "exp is not a number", keys, lenient);
}

TEST(jwt, may_restrict_to_rooms) {
  EXPECT_FALSE(judged(hs256(good))->grant.rooms);
  auto const some = judged(hs256(R"({"sub":"alice","exp":1800000060,"rooms":["tea","team:*"]})"))->grant;
  EXPECT_TRUE(some.allows(room_id{"tea"}));
  EXPECT_TRUE(some.allows(room_id{"team:red"}));
  EXPECT_FALSE(some.allows(room_id{"teapot"}));
  EXPECT_FALSE(judged(hs256(R"({"sub":"alice","exp":1800000060,"rooms":[]})"))->grant.allows(room_id{"tea"}));
  refuses(hs256(R"({"sub":"alice","exp":1800000060,"rooms":"*"})"), "rooms is not a list");
  refuses(hs256(R"({"sub":"alice","exp":1800000060,"rooms":[7]})"), "a pattern in rooms");
  refuses(hs256(R"({"sub":"alice","exp":1800000060,"rooms":null})"), "rooms is not a list");
  auto const stars = [](int patterns) {
    std::string all;
    for (int i = 0; i < patterns; ++i) all += fmt::format(R"({}"{}{}")", i == 0 ? "" : ",", std::string(64, '*'), i);
    return hs256(fmt::format(R"({{"sub":"alice","exp":1800000060,"rooms":[{}]}})", all));
  };
  EXPECT_TRUE(judged(stars(8)));
  refuses(stars(9), "rooms has 576 stars; expected at most 512");
}
