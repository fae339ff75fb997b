// SPDX-License-Identifier: Apache-2.0
#include "swarm.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace hiky::load {
namespace {
constexpr std::size_t buffer_bytes = 256 * 1024;
// The nonce of RFC 6455 section 1.3 and the answer printed there. Another nonce for each connection would test nothing
// more.
constexpr std::string_view nonce = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view nonce_answer = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
}  // namespace

swarm::swarm(endpoint to, dialect const& speech)
    : to_(std::move(to)), speech_(speech), epoll_(epoll_create1(EPOLL_CLOEXEC)), buffer_(buffer_bytes) {}

swarm::~swarm() {
  leave(0, members_.size());
  close(epoll_);
}

bool swarm::open(std::size_t count, std::function<place(std::size_t)> const& where, std::size_t in_flight,
                 std::int64_t until) {
  std::size_t const first = members_.size();
  members_.reserve(first + count);
  auto const faults_before = faults_;
  std::size_t begun = 0;
  while ((begun < count || waiting_ > 0) && faults_ == faults_before) {
    while (begun < count && waiting_ < in_flight && begin(where(first + begun))) ++begun;
    if (now_ns() >= until) {
      fault(fmt::format("set-up too slow: {} of {} members in their rooms when the time was over", begun - waiting_,
                        count));
      break;
    }
    step(until);
  }
  return faults_ == faults_before;
}

bool swarm::begin(place where) {
  int const fd = begin_connect(to_, members_.size());
  if (fd < 0) {
    fault(fmt::format("connection {}: {}", members_.size(), std::strerror(errno)));
    return false;
  }
  member one;
  one.started = now_ns();
  one.where = std::move(where);
  adopt(fd);
  one.fd = fd;
  members_.back() = std::move(one);
  ++waiting_;
  return true;
}

void swarm::adopt(int fd) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = members_.size();
  epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  member one;
  one.fd = fd;
  one.at = stage::ready;
  members_.push_back(std::move(one));
}

void swarm::say(std::size_t index, std::string_view content) {
  member& one = members_[index];
  send(one, opcode::text, speech_.say(one.where.user, one.where.room, content));
}

void swarm::leave(std::size_t first, std::size_t count) {
  for (std::size_t i = first; i < std::min(first + count, members_.size()); ++i) {
    member& one = members_[i];
    if (one.at != stage::gone && one.at != stage::connecting) send(one, opcode::close, std::string_view("\x03\xE8", 2));
    drop(one);
  }
}

void swarm::step(std::int64_t until) {
  std::array<epoll_event, 512> events;
  std::int64_t const wait = std::max<std::int64_t>(until - now_ns(), 0);
  timespec const limit{wait / ns_per_second, wait % ns_per_second};
  int const count = epoll_pwait2(epoll_, events.data(), events.size(), &limit, nullptr);
  for (int i = 0; i < count; ++i) handle(events[i].data.u64, events[i].events);
}

void swarm::handle(std::size_t index, std::uint32_t events) {
  member& one = members_[index];
  if (one.at == stage::connecting) {
    int code = 0;
    socklen_t size = sizeof code;
    getsockopt(one.fd, SOL_SOCKET, SO_ERROR, &code, &size);
    if (code != 0) return fault(index, fmt::format("could not connect: {}", std::strerror(code)));
    if (!(events & EPOLLOUT)) return;
    one.unsent = fmt::format(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
        "{}\r\nSec-WebSocket-Version: 13\r\n{}\r\n",
        speech_.target(to_.path, one.where.room), to_.authority, nonce,
        to_.compress ? "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n" : "");
    one.at = stage::upgrading;
    return flush(one);
  }
  if ((events & EPOLLOUT) && !one.unsent.empty()) flush(one);
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) read(index);
}

void swarm::read(std::size_t index) {
  member& one = members_[index];
  while (one.at != stage::gone) {
    ssize_t const got = recv(one.fd, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return fault(index, got == 0 ? "closed by the server without a close frame" : std::strerror(errno));
    std::string_view const fresh(buffer_.data(), static_cast<std::size_t>(got));
    if (one.unread.empty()) {
      one.unread = fresh.substr(consume(index, fresh));
    } else {
      std::string const whole = std::exchange(one.unread, {}) += fresh;
      one.unread = whole.substr(consume(index, whole));
    }
    // Fewer bytes than asked for: the socket is empty, and epoll reports an edge when new bytes come.
    if (fresh.size() < buffer_.size()) return;
  }
}

std::size_t swarm::consume(std::size_t index, std::string_view bytes) {
  member& one = members_[index];
  std::size_t used = 0;
  if (one.at == stage::upgrading) {
    std::size_t const end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) return 0;
    std::string_view const answer = bytes.substr(0, end);
    if (!answer.starts_with("HTTP/1.1 101") || answer.find(nonce_answer) == std::string_view::npos) {
      fault(index, fmt::format("upgrade refused: {}", answer.substr(0, answer.find('\r'))));
      return bytes.size();
    }
    used = end + 4;
    advance(one);
  }
  while (one.at != stage::gone) {
    std::string_view const rest = bytes.substr(used);
    auto const head = read_server_head(rest);
    if (!head || rest.size() < head->bytes()) break;
    if (!head->final || head->code == 0) {
      fault(index, "a fragmented message, which this program does not read");
      break;
    }
    take_frame(index, *head, rest.substr(head->head_bytes, head->payload_bytes));
    used += head->bytes();
  }
  return one.at == stage::gone ? bytes.size() : used;
}

void swarm::take_frame(std::size_t index, frame_head const& head, std::string_view payload) {
  if (head.code == opcode::text && head.compressed) {
    auto const text = unpack_.unpack(payload);
    return text ? take_frame_text(index, *text) : fault(index, "a compressed message that can't be inflated");
  }
  if (head.code == opcode::text) return take_frame_text(index, payload);
  if (head.code == opcode::ping) return send(members_[index], opcode::pong, payload);
  if (head.code != opcode::close) return;
  auto const byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<std::uint8_t>(payload[i])); };
  unsigned const reason = payload.size() < 2 ? 1005 : byte(0) << 8 | byte(1);
  fault(index, fmt::format("closed by the server with code {} {}", reason,
                           payload.substr(std::min<std::size_t>(2, payload.size()))));
}

void swarm::take_frame_text(std::size_t index, std::string_view text) {
  if (!speech_.lines()) return take_text(index, text);
  while (!text.empty()) {
    std::string_view const line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    take_text(index, line);
  }
}

void swarm::take_text(std::size_t index, std::string_view text) {
  member& one = members_[index];
  switch (speech_.meaning(text)) {
    case heard::delivery:
      if (on_delivery) on_delivery(index, text);
      return;
    case heard::greeted:
      if (one.at == stage::greeting) advance(one);
      return;
    case heard::joined:
      if (one.at == stage::joining) advance(one);
      return;
    case heard::heartbeat: return send(one, opcode::text, speech_.heartbeat());
    case heard::error: return fault(fmt::format("connection {} heard: {}", index, text.substr(0, 300)));
    case heard::nothing: return;
  }
}

// One stage on, past those for which the dialect has no words.
void swarm::advance(member& one) {
  while (one.at != stage::ready) {
    one.at = static_cast<stage>(static_cast<int>(one.at) + 1);
    std::string const words = one.at == stage::greeting  ? speech_.greet(one.where.user)
                              : one.at == stage::joining ? speech_.join(one.where.room)
                                                         : std::string{};
    if (!words.empty()) return send(one, opcode::text, words);
  }
  setup_.add(now_ns() - one.started);
  --waiting_;
}

void swarm::send(member& one, std::uint8_t code, std::string_view payload) {
  if (one.fd < 0) return;
  append_client_frame(one.unsent, code, payload);
  flush(one);
}

// A broken socket is not reported here: the next read gives the reason.
void swarm::flush(member& one) {
  ssize_t const sent = ::send(one.fd, one.unsent.data(), one.unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent > 0) one.unsent.erase(0, static_cast<std::size_t>(sent));
}

void swarm::drop(member& one) {
  if (one.at != stage::ready && one.at != stage::gone) --waiting_;
  if (one.fd >= 0) close(std::exchange(one.fd, -1));
  one.at = stage::gone;
  one.unread = {};
  one.unsent = {};
}

void swarm::fault(std::string text) {
  if (faults_++ == 0) first_fault_ = std::move(text);
}

void swarm::fault(std::size_t index, std::string_view what) {
  fault(fmt::format("connection {} ({}): {}", index, members_[index].where.user, what));
  drop(members_[index]);
}

}  // namespace hiky::load
