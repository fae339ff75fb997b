// SPDX-License-Identifier: Apache-2.0
// A login session of the application is looked after: the connection ends when that has ended.
#include "proven_user.hpp"

using namespace std::chrono_literals;
using namespace unit;

namespace {

class looked_after : public proven {
 protected:
  looked_after() : proven({.limits = {.session_check = 1000ms}}) {}
};

}  // namespace

TEST_F(looked_after, a_login_that_has_ended_ends_the_connection) {
  knows("t", {}, {}, "login1");
  auto& alice = comes_with("t");
  pass(3s);
  EXPECT_TRUE(alice.is_open());
  EXPECT_GE(gate.looks, 2);
  gate.logins.clear();
  pass(2s);
  EXPECT_EQ(alice.closed_with(), 4401);
  EXPECT_EQ(alice.reason(), "your session has ended; log in again, then connect anew");
  EXPECT_EQ(count.logged_out.get(), 1U);
  auto const looks = gate.looks;
  pass(5s);
  EXPECT_EQ(gate.looks, looks) << "there is nobody to look after";
}

TEST_F(looked_after, a_login_of_another_user_is_none) {
  knows("t", {}, {}, "login1");
  auto& alice = comes_with("t");
  gate.logins.insert_or_assign("login1", auth::identity{user_id{"bob"}});
  pass(2s);
  EXPECT_EQ(alice.closed_with(), 4401);
}

TEST_F(looked_after, a_login_that_can_not_be_looked_at_does_not_end_the_connection) {
  knows("t", {}, 10s, "login1");
  auto& alice = comes_with("t");
  gate.fault = error{errc::timeout, "Redis did not answer in time"};
  pass(30s);
  EXPECT_TRUE(alice.is_open()) << "not ended on a guess, however late it is";
  gate.fault.reset();
  gate.logins.clear();
  pass(3s);
  EXPECT_EQ(alice.closed_with(), 4401);
  EXPECT_EQ(count.expired.get(), 1U);
}

TEST_F(looked_after, the_application_may_put_the_end_off) {
  knows("t", {}, 10s, "login1");
  auto& alice = comes_with("t");
  pass(5s);
  knows("t", {}, 60s, "login1");
  pass(30s);
  EXPECT_TRUE(alice.is_open());
  gate.logins.clear();
  pass(2s);
  EXPECT_EQ(alice.closed_with(), 4401);
}

TEST_F(proven, a_login_is_looked_at_before_its_end) {
  knows("t", {}, 10s, "login1");
  auto& alice = comes_with("t", R"("events":false)");
  pass(9s);
  knows("t", {}, 60s, "login1");
  pass(5s);
  EXPECT_TRUE(alice.is_open());
  EXPECT_GE(gate.looks, 1);
}

TEST_F(looked_after, a_token_without_a_login_takes_the_place_of_one) {
  knows("t", {}, {}, "login1");
  knows("t2");
  auto& alice = comes_with("t");
  alice.says(R"({"type":"refresh","token":"t2"})");
  gate.logins.clear();
  pass(5s);
  EXPECT_TRUE(alice.is_open());
}
