// SPDX-License-Identifier: Apache-2.0
// A private redis-server as a child of this process: Unix socket and append-only file in one data folder. Restarted
// when it dies, stopped with this process, also when that is killed. One owner per data folder.
#pragma once
#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <memory>

#include "redis/address.hpp"

namespace hiky::redis {

class embedded {
 public:
  // Starts it on the calling thread, which must live as long as the process (Linux ties the child's fate to the
  // thread). `io` must be run by that thread. The error says who holds the folder, or what is missing.
  static result<std::unique_ptr<embedded>> start(boost::asio::io_context& io, std::filesystem::path data);
  ~embedded();

  address where() const;
  pid_t pid() const;

  // Stops it and waits: everything written is on disk afterwards. No restart follows.
  void stop();

 private:
  struct child;
  explicit embedded(std::unique_ptr<child> c);
  std::unique_ptr<child> child_;
};

}  // namespace hiky::redis
