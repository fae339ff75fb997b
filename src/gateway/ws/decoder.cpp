// SPDX-License-Identifier: Apache-2.0
#include "gateway/ws/decoder.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "base/utf8.hpp"
#include "gateway/ws/deflate.hpp"
#include "gateway/ws/mask.hpp"

namespace hiky::gateway {
namespace {

// Unmasking and the UTF-8 check take turns in pieces of this size, so that the second finds its bytes in the first
// cache.
constexpr std::size_t piece = 8 * 1024;

// Bytes that grow as they arrive, never ahead of what has been promised.
class growing_bytes {
 public:
  // Room for `size` more bytes, of `promised` (at least `size`) that may follow in all.
  char* append(std::size_t size, std::size_t promised) {
    auto const needed = size_ + size;
    if (needed > capacity_) {
      auto const capacity = std::max(needed, std::min(std::max<std::size_t>(2 * capacity_, 64), size_ + promised));
      auto const old = data_.release();
      auto const grown = static_cast<char*>(std::realloc(old, capacity));
      data_.reset(grown ? grown : old);
      if (!grown) throw std::bad_alloc{};
      capacity_ = capacity;
    }
    return data_.get() + std::exchange(size_, needed);
  }
  void shrink(std::size_t size) { size_ = size; }
  std::size_t capacity() const { return capacity_; }
  std::string_view from(std::size_t begin) const { return {data_.get() + begin, size_ - begin}; }

 private:
  struct release {
    void operator()(char* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<char, release> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace

struct decoder::pending {
  growing_bytes bytes;     // the open message, behind it the payload of an unfinished control frame
  message_so_far message;  // its part of `bytes`
  frame_head frame;        // while in_payload; its key is turned to the next byte
  std::uint64_t left = 0;  // of the frame's payload
  std::array<char, max_masked_header> head;
  std::uint8_t head_size = 0;  // of a head that is not yet complete
  opcode op = opcode::continuation;
  utf8::validator text;
  bool compressed = false;
  bool in_payload = false;
  bool given = false;  // the last event's payload is here; it goes at the following call
};

decoder::decoder(decoder_limits const& limits, role side, inflater* inflate) noexcept
    : limits_(&limits), inflater_(inflate), side_(side) {}
decoder::decoder(decoder&&) noexcept = default;
decoder& decoder::operator=(decoder&&) noexcept = default;
decoder::~decoder() = default;

std::size_t decoder::memory() const noexcept { return pending_ ? sizeof(pending) + pending_->bytes.capacity() : 0; }

event decoder::next(std::span<char>& input) {
  forget_given();
  while (!ended_) {
    if (!pending_ || !pending_->in_payload) {
      // Both return the head without a copy: copied right after it was written field by field, it cost a third of a
      // small frame.
      auto const frame = pending_ && pending_->head_size != 0 ? take_rest_of_head(input) : take_head(input);
      if (frame.wrong) return fail(*frame.wrong, beginning_of(frame, input));
      if (frame.size == 0) return {};
      auto const alone = frame.last && frame.op != opcode::continuation;
      if (alone && frame.length <= input.size()) {
        auto const payload = input.first(frame.length);
        input = input.subspan(frame.length);
        return in_place(frame, payload);
      }
      auto& to = under_way();
      to.frame = frame;
      to.left = frame.length;
      to.in_payload = true;
      if (!is_control(frame.op) && to.message.frames++ == 0) {
        to.op = frame.op;
        to.compressed = frame.compressed;
      }
    }
    if (auto const wrong = take_payload(input)) return fail(*wrong);
    auto& now = *pending_;
    if (now.left != 0) return {};
    now.in_payload = false;
    if (is_control(now.frame.op)) {
      now.given = true;
      return finished(now.frame.op, now.bytes.from(now.message.bytes));
    }
    if (now.frame.last) {
      now.given = true;
      now.message = {};
      return now.compressed ? inflated(now.op, now.bytes.from(0)) : finished(now.op, now.bytes.from(0));
    }
  }
  return {};
}

frame_head decoder::take_head(std::span<char>& input) {
  auto const frame = read_head({input.data(), input.size()}, side_, *limits_,
                               pending_ ? pending_->message : message_so_far{}, inflater_);
  if (frame.size != 0) {
    input = input.subspan(frame.size);
  } else if (!frame.wrong && !input.empty()) {
    auto& to = under_way();
    std::ranges::copy(input, to.head.begin());
    to.head_size = static_cast<std::uint8_t>(input.size());
    input = input.last(0);
  }
  return frame;
}

frame_head decoder::take_rest_of_head(std::span<char>& input) {
  auto& now = *pending_;
  auto const had = std::exchange(now.head_size, std::uint8_t{0});
  auto const more = std::min(input.size(), now.head.size() - had);
  std::ranges::copy(input.first(more), now.head.begin() + had);
  auto const frame = read_head({now.head.data(), had + more}, side_, *limits_, now.message, inflater_);
  if (frame.size == 0) now.head_size = static_cast<std::uint8_t>(had + more);
  input = input.subspan(frame.size != 0 ? frame.size - had : more);
  return frame;
}

// The frame is whole and nobody's fragment: no copy.
event decoder::in_place(frame_head const& frame, std::span<char> payload) {
  if (pending_ && pending_->message.frames == 0) pending_.reset();
  auto const text = frame.op == opcode::text && !frame.compressed;
  utf8::validator check;
  auto key = frame.key;
  for (auto rest = payload; !rest.empty();) {
    auto const now = rest.first(std::min(rest.size(), piece));
    if (side_ == role::server) key = mask(now.data(), now.data(), now.size(), key);
    if (text && !check.take({now.data(), now.size()})) return fail(faults::not_utf8);
    rest = rest.subspan(now.size());
  }
  if (!check.complete()) return fail(faults::not_utf8);
  std::string_view const whole{payload.data(), payload.size()};
  return frame.compressed ? inflated(frame.op, whole) : finished(frame.op, whole);
}

// Moves what has arrived of the frame's payload to the bytes under way.
frame_fault const* decoder::take_payload(std::span<char>& input) {
  auto& now = *pending_;
  auto const control = is_control(now.frame.op);
  auto const size = static_cast<std::size_t>(std::min<std::uint64_t>(now.left, input.size()));
  auto const promised = now.frame.last ? now.left : limits_->max_message - now.message.bytes;
  auto to = size == 0 ? nullptr : now.bytes.append(size, promised);
  for (auto rest = input.first(size); !rest.empty();) {
    auto const n = std::min(rest.size(), piece);
    if (side_ == role::server) now.frame.key = mask(to, rest.data(), n, now.frame.key);
    else std::memcpy(to, rest.data(), n);
    if (!control && now.op == opcode::text && !now.compressed && !now.text.take({to, n})) return &faults::not_utf8;
    to += n;
    rest = rest.subspan(n);
  }
  input = input.subspan(size);
  now.left -= size;
  if (control) return nullptr;
  now.message.bytes += size;
  auto const ends = now.left == 0 && now.frame.last;
  return ends && !now.text.complete() ? &faults::not_utf8 : nullptr;
}

event decoder::finished(opcode op, std::string_view payload) {
  if (op == opcode::ping) return {.what = event::ping, .op = op, .payload = payload};
  if (op == opcode::pong) return {.what = event::pong, .op = op, .payload = payload};
  if (op != opcode::close) return {.what = event::message, .op = op, .payload = payload};
  if (payload.size() == 1) return fail(faults::half_code);
  event closed{.what = event::close, .op = op, .payload = payload};
  if (!payload.empty()) {
    auto const byte = [&](int i) { return static_cast<unsigned char>(payload[i]); };
    auto const code = static_cast<std::uint16_t>(byte(0) << 8 | byte(1));
    if (!valid_on_the_wire(code)) return fail(faults::unknown_code);
    closed.code = close_code{code};
    closed.reason = payload.substr(2);
    if (!utf8::valid(closed.reason)) return fail(faults::not_utf8);
  }
  ended_ = true;
  if (pending_ && !pending_->given) pending_.reset();
  return closed;
}

// Only when it is whole: what would have to be kept of a half inflated one is more than the message.
event decoder::inflated(opcode op, std::string_view compressed) {
  auto const whole = inflater_->inflate(compressed, limits_->max_message);
  if (!whole)
    return fail(*whole.error(), op == opcode::text && whole.error() == &faults::message_size ? inflater_->so_far()
                                                                                             : std::string_view{});
  if (op == opcode::text && !utf8::valid(*whole)) return fail(faults::not_utf8);
  auto out = finished(op, *whole);
  out.compressed = compressed.size();
  return out;
}

event decoder::fail(frame_fault const& what, std::string_view beginning) {
  ended_ = true;
  if (beginning.empty()) pending_.reset();
  else if (pending_) pending_->given = true;
  return {.what = event::failed, .code = what.code, .payload = beginning, .reason = what.text};
}

// The part that is here of a text that is too big: its fragments so far, or else the bytes behind the head.
std::string_view decoder::beginning_of(frame_head const& frame, std::span<char> input) const {
  if (frame.wrong != &faults::message_size) return {};
  if (pending_ && pending_->message.frames > 0) {
    bool const readable = pending_->op == opcode::text && !pending_->compressed;
    return readable ? pending_->bytes.from(0).substr(0, pending_->message.bytes) : std::string_view{};
  }
  if (frame.op != opcode::text || frame.compressed || frame.size == 0) return {};
  auto const part = input.first(static_cast<std::size_t>(std::min<std::uint64_t>(frame.length, input.size())));
  if (side_ == role::server) mask(part.data(), part.data(), part.size(), frame.key);
  return {part.data(), part.size()};
}

void decoder::forget_given() {
  if (!pending_ || !pending_->given) return;
  if (ended_ || pending_->message.frames == 0) return pending_.reset();
  pending_->bytes.shrink(pending_->message.bytes);
  pending_->given = false;
}

decoder::pending& decoder::under_way() {
  if (!pending_) pending_ = std::make_unique<pending>();
  return *pending_;
}

}  // namespace hiky::gateway
