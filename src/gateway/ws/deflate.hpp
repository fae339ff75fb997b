// SPDX-License-Identifier: Apache-2.0
// The payloads of permessage-deflate (RFC 7692 section 7.2), each message by itself: no context is kept between
// messages. So one compressed frame is right for all its receivers, a connection holds nothing of zlib, and no message
// tells anything of another. One of each per worker, on its thread. Knows no sockets and no negotiation.
#pragma once
#include <zlib.h>

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/shared_frame.hpp"
#include "chat/counters.hpp"

namespace hiky::gateway {

struct frame_fault;

class deflater {
 public:
  // Payloads of `from` bytes and more are worth the time.
  deflater(std::size_t from, chat::counters& count) : from_(from), count_(count) {}
  ~deflater();
  deflater(deflater const&) = delete;
  deflater& operator=(deflater const&) = delete;

  // The form of `frame` for a client that can look back 2^window_bits bytes: its compressed twin, where that is
  // smaller and within the window, otherwise the frame itself. The twin is made when it is first asked for, and shared
  // by all workers.
  frame_ptr smallest(frame_ptr frame, unsigned window_bits);

 private:
  frame_ptr compressed(shared_frame const& frame);

  std::size_t from_;
  chat::counters& count_;
  std::optional<z_stream> stream_;  // opened when first needed
  std::string out_;
};

class inflater {
 public:
  explicit inflater(chat::counters& count) : count_(count) {}
  ~inflater();
  inflater(inflater const&) = delete;
  inflater& operator=(inflater const&) = delete;

  // The message that was sent as `compressed`, or what is wrong with it. Inflating stops at `limit` bytes. Valid until
  // the following call.
  std::expected<std::string_view, frame_fault const*> inflate(std::string_view compressed, std::size_t limit);
  // The inflated beginning of a message that turned out to be larger than the limit. Valid as long.
  std::string_view so_far() const { return std::string_view{out_}.substr(0, size_); }

 private:
  void rewind();
  // Appends what `piece` holds; true when it ended with a final block.
  std::expected<bool, frame_fault const*> take(std::string_view piece, std::size_t limit);

  chat::counters& count_;
  std::optional<z_stream> stream_;  // opened when first needed
  std::string out_;
  std::size_t size_ = 0;  // of out_, what this message has filled
  std::size_t tables_ = 0;  // blocks that had tables of their own
};

}  // namespace hiky::gateway
