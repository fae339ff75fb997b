// SPDX-License-Identifier: Apache-2.0
// A private redis-server in one data folder: Unix socket, append-only file, and one owner per folder. Restarted when it
// dies, stopped with this process, also when that is killed.
#pragma once
#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <memory>

#include "redis/address.hpp"

namespace hiky::redis {

class embedded {
 public:
  // Starts it on the calling thread, which must live as long as the process (Linux ties the child's fate to the
  // thread). `io` must be run by that thread. The error names the holder of the folder, or the thing that is missing.
  static result<std::unique_ptr<embedded>> start(boost::asio::io_context& io, std::filesystem::path data);
  ~embedded();

  address where() const;
  pid_t pid() const;

  // Stops it and waits: everything written is on disk afterwards. No restart follows.
  void stop();

 private:
  struct server;
  static result<void> await_end_of_earlier(server& s);
  explicit embedded(std::unique_ptr<server> s);
  std::unique_ptr<server> server_;
};

}  // namespace hiky::redis
