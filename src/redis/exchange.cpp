// SPDX-License-Identifier: Apache-2.0
#include "redis/exchange.hpp"

#include <fmt/format.h>

#include <cstring>
#include <new>

namespace hiky::redis {

using boost::redis::resp3::type;

namespace {
constexpr std::size_t largest_kept = 256 * 1024;  // of a buffer, when all of it is read or sent
constexpr std::size_t largest_copied = 64 * 1024;  // an answer, out of the input buffer
}  // namespace

result<void> exchange::submit(request const& r, clock::time_point deadline, done& then) {
  if (r.commands() == 0) return fail(errc::invalid_argument, "a request for Redis without a command");
  if (out_.size() + r.payload().size() > max_unsent || waiting_.size() >= max_waiting) {
    return fail(errc::overloaded, "too much is waiting for Redis already");
  }
  out_ += r.payload();
  waiting_.push_back({.then = std::move(then), .missing = r.commands(), .deadline = deadline});
  return {};
}

void exchange::submit_silent(request const& r, clock::time_point deadline) {
  out_ += r.payload();
  waiting_.push_back({.then = {}, .missing = r.words() - r.commands(), .deadline = deadline, .silent = true});
}

std::string_view exchange::output() {
  if (sent_ == sending_.size()) {
    // The two take turns, and keep their memory unless it is much.
    if (sending_.capacity() > largest_kept) sending_ = {};
    sending_.clear();
    std::swap(sending_, out_);
    sent_ = 0;
  }
  return std::string_view{sending_}.substr(sent_);
}

std::span<char> exchange::prepare(std::size_t least) {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (in_size_ > largest_kept) in_.reset(), in_size_ = 0;
  }
  if (in_size_ - end_ < least && begin_ > 0) {
    std::memmove(in_.get(), in_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (in_size_ - end_ < least) {
    auto const size = std::max(in_size_ * 2, end_ + least);
    auto* const grown = std::realloc(in_.get(), size);
    if (grown == nullptr) throw std::bad_alloc{};
    [[maybe_unused]] auto* const moved = in_.release();
    in_.reset(static_cast<char*>(grown));
    in_size_ = size;
  }
  return {in_.get() + end_, in_size_ - end_};
}

// The input buffer. A new one takes its place, with the bytes that are not handled yet.
input_buffer exchange::take_input() {
  auto taken = std::exchange(in_, {});
  std::size_t const rest = end_ - begin_, from = begin_;
  in_size_ = begin_ = end_ = 0;
  if (rest > 0) std::memcpy(prepare(rest).data(), taken.get() + from, rest);
  end_ = rest;
  return taken;
}

result<void> exchange::commit(std::size_t size) {
  end_ += size;
  while (begin_ < end_) {
    std::string_view const view{in_.get() + begin_, end_ - begin_};
    boost::system::error_code ec;
    while (!parser_.done()) {
      auto const got = parser_.consume(view, ec);
      if (ec) return fail(errc::unexpected_reply, "not RESP3: " + ec.message());
      if (!got) return {};
      auto const offset = got->value.empty() ? 0 : static_cast<std::size_t>(got->value.data() - view.data());
      pieces_.push_back({got->data_type, got->aggregate_size, got->depth, offset, got->value.size()});
    }
    message_.clear();
    for (auto const& p : pieces_)
      message_.push_back({p.type, p.aggregate_size, p.depth, view.substr(p.offset, p.size)});
    pieces_.clear();
    auto const length = parser_.get_consumed();
    begin_ += length;
    parser_.reset();
    if (auto const given = deliver(length); !given) return given;
  }
  return {};
}

result<void> exchange::deliver(std::size_t length) {
  auto const& root = message_.front();
  if (root.data_type == type::push) {
    auto const what = message_.size() > 1 ? message_[1].value : std::string_view{};
    if (what == "subscribe" || what == "unsubscribe") {
      if (auto const expected = confirm(); !expected) return expected;
    }
    if (push_) push_(message_);
    return {};
  }
  bool const refused = root.data_type == type::simple_error || root.data_type == type::blob_error;
  if (waiting_.empty()) {
    return fail(errc::unexpected_reply,
                refused ? fmt::format("Redis said: {}", root.value) : "Redis answered what nobody had asked");
  }
  auto& front = waiting_.front();
  if (front.silent) {
    if (refused) return fail(errc::server_error, fmt::format("Redis refused a subscription: {}", root.value));
    return fail(errc::unexpected_reply, "Redis answered something else before it confirmed a subscription");
  }
  if (front.then && length > largest_copied) front.answer.append(message_, take_input());
  else if (front.then) front.answer.append(message_);
  if (--front.missing == 0) complete_front();
  return {};
}

result<void> exchange::confirm() {
  if (waiting_.empty() || !waiting_.front().silent)
    return fail(errc::unexpected_reply, "Redis confirmed a subscription that nobody had asked for");
  if (--waiting_.front().missing == 0) waiting_.pop_front();
  return {};
}

void exchange::complete_front() {
  // Taken off the queue first: the handler may submit again.
  auto finished = std::move(waiting_.front());
  waiting_.pop_front();
  if (answered_) answered_(finished.deadline);
  if (finished.then) std::move(finished.then)(result<reply>{std::move(finished.answer)});
}

void exchange::expire(clock::time_point now) {
  // Deadlines are in order, since all requests of a client have the same patience.
  for (std::size_t i = 0; i < waiting_.size() && waiting_[i].deadline <= now; ++i) {
    if (auto then = std::exchange(waiting_[i].then, {})) {
      std::move(then)(result<reply>{fail(errc::timeout, "Redis did not answer in time")});
    }
  }
}

std::optional<exchange::clock::time_point> exchange::oldest_deadline() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.front().deadline;
}

void exchange::abandon(error const& why) {
  auto lost = std::exchange(waiting_, {});
  out_.clear();
  sending_.clear();
  sent_ = 0;
  begin_ = end_ = 0;
  parser_.reset();
  pieces_.clear();
  for (auto& entry : lost) {
    if (entry.then) std::move(entry.then)(result<reply>{std::unexpected(why)});
  }
}

}  // namespace hiky::redis
