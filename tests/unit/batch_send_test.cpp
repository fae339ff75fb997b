// SPDX-License-Identifier: Apache-2.0
#include "gateway/net/batch_send.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

using namespace hiky::gateway;

namespace {

struct socket_pair {
  socket_pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0); }
  socket_pair(socket_pair const&) = delete;
  socket_pair& operator=(socket_pair const&) = delete;
  ~socket_pair() {
    for (int const fd : ends) ::close(fd);
  }
  std::string received() const {
    std::string out(1 << 20, '\0');
    auto const size = ::recv(ends[1], out.data(), out.size(), 0);
    out.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return out;
  }
  int ends[2]{-1, -1};
};

void fill(parcel& p, socket_pair const& to, std::vector<std::string> const& texts) {
  p.socket = to.ends[0];
  p.count = texts.size();
  for (std::size_t i = 0; i < texts.size(); ++i) p.parts[i] = {const_cast<char*>(texts[i].data()), texts[i].size()};
}

class batch_send_by : public testing::TestWithParam<send_method> {
 protected:
  void SetUp() override {
    if (GetParam() == send_method::io_uring && !io_uring_allowed()) GTEST_SKIP() << "this kernel gives no ring";
    sender.open();
    ASSERT_EQ(sender.method(), GetParam());
  }
  // Sends one part, or two, to each of `to`. Gives the number of bytes that each socket took.
  std::vector<ssize_t> send(std::vector<socket_pair> const& to, std::vector<std::vector<std::string>> const& texts) {
    std::vector<ssize_t> taken;
    while (taken.size() < to.size()) {
      auto const first = taken.size();
      auto const batch = sender.parcels(to.size() - first);
      for (std::size_t i = 0; i < batch.size(); ++i) fill(batch[i], to[first + i], texts[first + i]);
      sender.send(batch);
      for (auto const& p : batch) taken.push_back(p.taken);
    }
    return taken;
  }
  batch_send sender{GetParam()};
};

}  // namespace

TEST_P(batch_send_by, tells_each_socket_what_was_taken_of_it) {
  std::vector<socket_pair> const to(300);
  std::vector<std::vector<std::string>> texts;
  for (std::size_t i = 0; i < to.size(); ++i) {
    texts.push_back({"frame " + std::to_string(i)});
    if (i % 2 == 1) texts.back().emplace_back(", and one more");
  }
  auto const taken = send(to, texts);
  for (std::size_t i = 0; i < to.size(); ++i) {
    auto const whole = i % 2 == 1 ? texts[i][0] + texts[i][1] : texts[i][0];
    EXPECT_EQ(taken[i], static_cast<ssize_t>(whole.size()));
    EXPECT_EQ(to[i].received(), whole);
  }
}

TEST_P(batch_send_by, tells_of_a_full_socket_and_of_one_that_has_ended) {
  std::vector<socket_pair> const to(3);
  std::string const much(1 << 22, 'x');
  auto const first = send(to, {{much}, {"a"}, {"b"}});
  EXPECT_GT(first[0], 0);
  EXPECT_LT(first[0], static_cast<ssize_t>(much.size()));
  ::shutdown(to[1].ends[1], SHUT_RD);
  EXPECT_EQ(send(to, {{"c"}, {"d"}, {"e"}}), (std::vector<ssize_t>{-EAGAIN, -EPIPE, 1}));
  EXPECT_EQ(to[2].received(), "be");
}

INSTANTIATE_TEST_SUITE_P(each, batch_send_by, testing::Values(send_method::send, send_method::io_uring),
                         [](auto const& about) { return std::string{to_string(about.param)}; });
