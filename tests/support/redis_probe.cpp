// SPDX-License-Identifier: Apache-2.0
#include "support/redis_probe.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

namespace support {

redis_probe::redis_probe(std::string const& socket_path, int database) {
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof where.sun_path) throw std::runtime_error("socket path too long: " + socket_path);
  std::memcpy(where.sun_path, socket_path.data(), socket_path.size());
  socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  timeval const patience{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::connect(socket_, reinterpret_cast<sockaddr const*>(&where), sizeof where) != 0) {
    ::close(socket_);
    throw std::runtime_error("nobody listens on " + socket_path);
  }
  if (database != 0) ask({"SELECT", std::to_string(database)});
}

redis_probe::~redis_probe() { ::close(socket_); }

std::string redis_probe::ask(std::vector<std::string_view> const& words) { return exchange(words).text; }

std::vector<std::string> redis_probe::ask_list(std::vector<std::string_view> const& words) {
  auto got = exchange(words);
  if (!got.text.empty()) throw std::runtime_error("a list was expected, not " + got.text);
  return std::move(got.items);
}

redis_probe::answer redis_probe::exchange(std::vector<std::string_view> const& words) {
  std::string out = "*" + std::to_string(words.size()) + "\r\n";
  for (auto word : words)
    out.append("$").append(std::to_string(word.size())).append("\r\n").append(word).append("\r\n");
  for (std::size_t sent = 0; sent < out.size();) {
    auto const size = ::send(socket_, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
    if (size <= 0) throw std::runtime_error("redis-server took no command");
    sent += static_cast<std::size_t>(size);
  }
  return read_answer();
}

redis_probe::answer redis_probe::read_answer() {
  auto const line = read_line();
  auto const rest = line.substr(1);
  switch (line[0]) {
    case '+':
    case ':': return {rest, {}};
    case '-': return {"(error) " + rest, {}};
    case '$': {
      if (rest == "-1") return {"(nil)", {}};
      auto text = read_exactly(std::stoul(rest) + 2);
      text.resize(text.size() - 2);
      return {std::move(text), {}};
    }
    case '*': {
      answer out;
      for (auto left = std::stol(rest); left > 0; --left) out.items.push_back(read_answer().text);
      return out;
    }
    default: throw std::runtime_error("not RESP2: " + line);
  }
}

std::string redis_probe::read_line() {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n")) == std::string::npos) fill();
  auto line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return line;
}

std::string redis_probe::read_exactly(std::size_t size) {
  while (buffer_.size() < size) fill();
  auto text = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return text;
}

void redis_probe::fill() {
  char bytes[65536];
  auto const size = ::recv(socket_, bytes, sizeof bytes, 0);
  if (size <= 0) throw std::runtime_error("redis-server gave no answer");
  buffer_.append(bytes, static_cast<std::size_t>(size));
}

}  // namespace support
