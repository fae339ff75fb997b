// SPDX-License-Identifier: Apache-2.0
#include "auth/key_text.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace hiky;
using auth::key_text;

namespace {

struct key_text_in_environment : testing::Test {
  static constexpr auto name = "HIKY_KEY_TEXT_TEST";
  void set(char const* text) { ::setenv(name, text, 1); }
  void TearDown() override { ::unsetenv(name); }
};

std::string fault_of(std::string const& place) {
  auto const text = key_text(place);
  if (text) return "none: " + *text;
  EXPECT_EQ(text.error().code, errc::invalid_argument);
  return text.error().text;
}

}  // namespace

TEST_F(key_text_in_environment, is_the_whole_value) {
  set("-----BEGIN PUBLIC KEY-----\nAAAA\n");
  EXPECT_EQ(key_text("env:HIKY_KEY_TEXT_TEST").value(), "-----BEGIN PUBLIC KEY-----\nAAAA\n");
}

TEST_F(key_text_in_environment, must_be_there_and_hold_something) {
  EXPECT_EQ(fault_of("env:HIKY_KEY_TEXT_TEST"),
            "the environment has no variable HIKY_KEY_TEXT_TEST; set it for this program, or name a file");
  set("");
  EXPECT_EQ(fault_of("env:HIKY_KEY_TEXT_TEST"), "the variable HIKY_KEY_TEXT_TEST is empty");
  EXPECT_EQ(fault_of("env:"), "'env:' names no variable; expected env:NAME");
}

TEST(key_text, of_a_file_is_all_of_it) {
  auto const path = std::filesystem::temp_directory_path() / "hiky-key-text-test";
  std::ofstream{path} << "two\nlines\n";
  EXPECT_EQ(key_text(path).value(), "two\nlines\n");
  std::ofstream{path}.close();
  EXPECT_EQ(fault_of(path), "'" + path.string() + "' is empty");
  std::filesystem::remove(path);
}

// HIKY_SESSION_SECRET="the secret" instead of a place is an easy mistake, and errors end up in logs.
TEST(key_text, never_repeats_what_may_be_the_secret_itself) {
  for (auto const& slip : {std::string{"a secret that was put here by mistake"}, std::string{"a/secret+of/base64=="},
                           std::string(5'000, 's')}) {
    EXPECT_EQ(fault_of(slip),
              "there is no such file; expected a file's name, or env:NAME of a variable that holds the text");
  }
}
