// SPDX-License-Identifier: Apache-2.0
// The processes that share out a load, and the processor time of several processes.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "../load/crew.hpp"
#include "../load/processes.hpp"

namespace hiky::load {

TEST(crew, says_the_first_fault_of_any_process_and_ends_them_all) {
  auto const speech = make_dialect("hiky");
  endpoint const nobody = *parse_url("ws://127.0.0.1:1/ws");
  {
    crew team({settings{}, nobody, {nobody, nobody, nobody}, *speech, processes{}}, 30, 10);
    EXPECT_FALSE(team.open());
    EXPECT_NE(team.failure().find("could not connect"), std::string::npos) << team.failure();
    EXPECT_FALSE(team.talk(0.1));
  }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a process is left";
}

TEST(processes, several_gateways_count_together) {
  pid_t const busy = fork();
  if (busy == 0) {
    while (cpu_ns(0) < 50'000'000) {}
    pause();
  }
  processes const both({getpid(), busy}, 0), one({getpid()}, 0);
  for (int i = 0; i < 500 && cpu_ns(busy) < 50'000'000; ++i) usleep(10'000);
  EXPECT_GE(both.cpu().gateway, 50'000'000);
  EXPECT_GT(both.gateway_resident_bytes(), 0);
  kill(busy, SIGKILL);
  waitpid(busy, nullptr, 0);
  EXPECT_TRUE(one.known());
  EXPECT_FALSE(processes({}, 0).known());
}

}  // namespace hiky::load
