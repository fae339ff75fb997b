// SPDX-License-Identifier: Apache-2.0
// A redis-server as a child of this process: started, watched, started again when it dies, stopped. Linux ends it with
// this process, also when that is killed. Refuses to know whose data folder it is: that is `embedded`.
#pragma once
#include <sys/types.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <filesystem>
#include <string>

#include "base/error.hpp"

namespace hiky::redis {

class server_process {
 public:
  // `program` is the path of redis-server. `lock` is a descriptor that the child inherits: the lock on it is held for
  // as long as the child lives. All calls come from the thread that runs `io` and lives as long as the process (Linux
  // ties the child's fate to the thread).
  server_process(boost::asio::io_context& io, std::filesystem::path data, std::string program, int lock);

  // Starts it. The error says what went wrong.
  result<void> spawn();
  // Until it accepts connections. It may still load its data then: the clients wait for that. The error names its log.
  result<void> wait_for_socket();
  // Stops it and waits: everything written is on disk afterwards. No restart follows.
  void stop();

  pid_t pid() const { return pid_; }
  static std::filesystem::path socket_in(std::filesystem::path const& data) { return data / "redis.sock"; }

 private:
  void kill();
  bool listens();
  void ended();
  void restart_later();
  std::string log_file() const { return (data_ / "redis.log").string(); }

  std::filesystem::path data_;
  std::string program_;
  int lock_;
  boost::asio::posix::stream_descriptor watch_;
  boost::asio::steady_timer timer_;
  pid_t pid_ = -1;
  std::chrono::steady_clock::time_point started_;
  std::chrono::milliseconds pause_;
  bool stopping_ = false;
};

}  // namespace hiky::redis
