// SPDX-License-Identifier: Apache-2.0
// The cookies and login sessions of express-session, judged without a server. Real ones: tests/system/session.test.mjs.
#include "auth/session_cookie.hpp"

#include <gmock/gmock.h>

#include "token_maker.hpp"

using namespace hiky;
using namespace hiky::auth;
using namespace testing;
using namespace std::chrono_literals;

namespace {

std::chrono::sys_seconds const now{std::chrono::seconds{1'800'000'000}};  // 2027-01-15T08:00:00Z
std::vector<std::string> const secrets{"the newest secret", "the one before"};

std::string cookie_of(std::string const& id, std::string_view secret) {
  auto code = to_base64(tokens_of_tests::hmac(EVP_sha256(), secret, id));
  code.resize(code.find_last_not_of('=') + 1);
  std::string out = "s%3A" + id + ".";
  for (char const c : code) out += c == '+' ? "%2B" : c == '/' ? "%2F" : std::string{c};
  return out;
}

void refuses(std::string_view session, std::string_view why, std::string_view path = "passport.user") {
  auto const who = read_session(session, path, std::nullopt, now);
  ASSERT_FALSE(who);
  EXPECT_EQ(who.error().code, errc::invalid_argument);
  EXPECT_THAT(who.error().text, HasSubstr(std::string{why}));
}

}  // namespace

TEST(session_cookie, is_found_among_others_by_its_whole_name) {
  EXPECT_EQ(cookie_value("connect.sid=a", "connect.sid"), "a");
  EXPECT_EQ(cookie_value("x=1; connect.sid=a=b ;connect.sid=second", "connect.sid"), "a=b");
  EXPECT_EQ(cookie_value("connect.sid=\"a\"", "connect.sid"), "a");
  EXPECT_EQ(cookie_value("xconnect.sid=a; connect.sidx=b; connect.sid", "connect.sid"), std::nullopt);
  EXPECT_EQ(cookie_value("", "connect.sid"), std::nullopt);
  EXPECT_EQ(cookie_value(";;=;", "connect.sid"), std::nullopt);
}

TEST(session_cookie, is_believed_when_any_of_the_secrets_has_signed_it) {
  // As cookie-signature makes it.
  EXPECT_EQ(signed_session_id("s%3Ahello.DGDUkGlIkCzPz%2BC0B064FNgHdEjox7ch8tOBGslZ5QI", {"tobiiscool"}), "hello");
  EXPECT_EQ(signed_session_id(cookie_of("Ab-_1", secrets[0]), secrets), "Ab-_1");
  EXPECT_EQ(signed_session_id(cookie_of("Ab-_1", secrets[1]), secrets), "Ab-_1");
  EXPECT_EQ(signed_session_id(cookie_of("with.dots", secrets[0]), secrets), "with.dots");
}

TEST(session_cookie, is_refused_when_its_text_is_not_the_signed_one) {
  auto const good = cookie_of("Ab-_1", secrets[0]);
  EXPECT_FALSE(signed_session_id(cookie_of("Ab-_1", "a third secret"), secrets));
  EXPECT_FALSE(signed_session_id(good + "x", secrets));
  EXPECT_FALSE(signed_session_id(good.substr(0, good.size() - 1), secrets));
  EXPECT_FALSE(signed_session_id("s%3Aother" + good.substr(good.find('.')), secrets));
  EXPECT_FALSE(signed_session_id(good.substr(4), secrets));  // unsigned: without s:
  for (auto const* text : {"", "s:", "s:.", "s%3A.x", "s:a", "s:a.", "s%3", "%00%ff"})
    EXPECT_FALSE(signed_session_id(text, secrets)) << text;
  EXPECT_FALSE(signed_session_id(cookie_of(std::string(300, 'a'), secrets[0]), secrets));
  EXPECT_FALSE(signed_session_id(good, {}));
}

TEST(session_cookie, leads_to_the_user_at_the_path) {
  EXPECT_EQ(read_session(R"({"cookie":{},"passport":{"user":"alice"}})", "passport.user", std::nullopt, now)->user,
            user_id{"alice"});
  EXPECT_EQ(read_session(R"({"userId":42})", "userId", std::nullopt, now)->user, user_id{"42"});
  EXPECT_EQ(read_session(R"({"userId":18446744073709551615})", "userId", std::nullopt, now)->user,
            user_id{"18446744073709551615"});
  refuses(R"({"cookie":{}})", "nobody is logged in");
  refuses(R"({"passport":{}})", "nobody is logged in");
  refuses(R"({"passport":"user"})", "nobody is logged in");
  refuses(R"({"passport":{"user":null}})", "nobody is logged in");
  refuses(R"({"passport":{"user":{"id":1}}})", "neither a string nor a whole number");
  refuses(R"({"passport":{"user":1.5}})", "neither a string nor a whole number");
  refuses(R"({"passport":{"user":""}})", "must not be empty");
  EXPECT_EQ(read_session("tea", "userId", std::nullopt, now).error().code, errc::unexpected_reply);
}

TEST(session_cookie, ends_with_the_session) {
  auto const session = [](std::string_view expires) {
    return R"({"cookie":{"expires":)" + std::string{expires} + R"(},"userId":"alice"})";
  };
  auto const expiry = [&](std::string_view expires, std::optional<std::chrono::milliseconds> life) {
    return read_session(session(expires), "userId", life, now)->grant.expiry;
  };
  EXPECT_EQ(expiry("null", std::nullopt), std::nullopt);
  EXPECT_EQ(expiry("null", 5000ms), now + 5s);
  EXPECT_EQ(expiry(R"("2027-01-15T08:01:00.000Z")", std::nullopt), now + 60s);
  EXPECT_EQ(expiry(R"("2027-01-15T08:01:00.000Z")", 5000ms), now + 5s);
  EXPECT_EQ(expiry(R"("2027-01-15T08:00:03.999Z")", std::nullopt), now + 3s);
  // The session was touched since; its text does not show that.
  EXPECT_EQ(expiry(R"("2027-01-15T07:00:00.000Z")", 5000ms), now + 5s);
  EXPECT_GT(expiry(R"("9999-12-31T23:59:59.000Z")", std::chrono::milliseconds::max()), now + 24h * 365 * 50);
  refuses(session(R"("2027-01-15T08:00:00.000Z")"), "has expired", "userId");
  refuses(session(R"("2026-12-31T23:59:59.000Z")"), "has expired", "userId");
  refuses(session(R"("0000-01-01T00:00:00.000Z")"), "has expired", "userId");
  refuses(session(R"("tomorrow")"), "not a date", "userId");
  refuses(session("7"), "not a date", "userId");
}
