// SPDX-License-Identifier: Apache-2.0
#include "other_program.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace hiky::script_bench {

other_program::other_program(std::string const& path) {
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ == 0) {
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::execl(path.c_str(), path.c_str(), "--answer", nullptr);
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  to_ = ::fdopen(in[1], "w");
  from_ = ::fdopen(out[0], "r");
}

// The program ends when there is nothing more to read.
other_program::~other_program() {
  std::fclose(to_);
  std::fclose(from_);
  ::waitpid(pid_, nullptr, 0);
}

std::optional<double> other_program::sample(std::string const& script, std::string const& what) {
  std::fprintf(to_, "%s\t%s\n", script.c_str(), what.c_str());
  std::fflush(to_);
  char line[64];
  if (std::fgets(line, sizeof line, from_) == nullptr) throw std::runtime_error("the program of --beside has ended");
  if (line[0] == '-') return std::nullopt;
  return std::strtod(line, nullptr);
}

}  // namespace hiky::script_bench
