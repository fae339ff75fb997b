// SPDX-License-Identifier: Apache-2.0
#include "support/redis_server.hpp"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "support/redis_probe.hpp"

namespace support {

using namespace std::chrono_literals;

redis_server::redis_server(std::vector<std::string> options) {
  std::string folder = std::filesystem::temp_directory_path() / "hiky-test-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("cannot make a folder " + folder);
  folder_ = folder;

  std::vector<std::string> words{"redis-server",  "--port", "0", "--unixsocket", socket(), "--dir",
                                 folder_,         "--save", "",  "--appendonly", "no",     "--logfile",
                                 folder_ + "/log"};
  words.insert(words.end(), options.begin(), options.end());
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  auto const parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(126);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  try {
    wait_until_it_answers();
  } catch (...) {
    remove();
    throw;
  }
}

redis_server::~redis_server() { remove(); }

void redis_server::remove() {
  kill();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

hiky::redis::address redis_server::address(int database) const {
  hiky::redis::address where;
  where.unix_path = socket();
  where.database = database;
  return where;
}

void redis_server::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void redis_server::hang() {
  ::kill(pid_, SIGSTOP);
  int status = 0;
  ::waitpid(pid_, &status, WUNTRACED);  // the signal is on its way until the kernel says so
}

void redis_server::resume() { ::kill(pid_, SIGCONT); }

void redis_server::wait_until_it_answers() {
  auto const until = std::chrono::steady_clock::now() + 10s;
  while (std::chrono::steady_clock::now() < until) {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      throw std::runtime_error("redis-server ended at once: is it installed, and does it know the options?");
    }
    try {
      redis_probe probe{socket(), 0};
      auto const answer = probe("PING");
      if (answer == "PONG" || answer.starts_with("(error) NOAUTH")) return;
    } catch (std::exception const&) {
      std::this_thread::sleep_for(5ms);
    }
  }
  throw std::runtime_error("redis-server did not answer within 10 s");
}

}  // namespace support
