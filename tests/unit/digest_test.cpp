// SPDX-License-Identifier: Apache-2.0
#include "base/digest.hpp"

#include <gtest/gtest.h>

using namespace hiky;

TEST(digest, is_that_of_the_standard) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abc").front(), 0xba);
}

TEST(digest, is_shortened_to_as_many_bytes_as_are_wanted) {
  EXPECT_EQ(short_digest("abc", 3), "ungW");
  EXPECT_EQ(short_digest("abc", 8).size(), 11);
  EXPECT_EQ(short_digest("abc", 100), short_digest("abc", 32));
}
