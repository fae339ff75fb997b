// SPDX-License-Identifier: Apache-2.0
// Reads the frames of RFC 6455, for both roles, without I/O: bytes become events.
// Knows no sockets, no clock, no HTTP upgrade, and nothing of what the messages say.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "gateway/ws/frame_head.hpp"

namespace hiky::gateway {

class inflater;

struct event {
  enum kind : std::uint8_t {
    need_more,  // all input is consumed, nothing has come of it yet
    message,    // `op` is text or binary, `payload` the whole message; text is valid UTF-8
    ping,       // `payload` wants to come back in a pong
    pong,
    close,      // the peer's code (no_status if it gave none) and reason; `payload` is both as they came
    failed,  // the peer broke the protocol: close with `code` and `reason`, which says what was wrong. Where a text is
             // too big, `payload` is what is there of its beginning, unchecked
  };
  kind what = need_more;
  opcode op = opcode::continuation;
  close_code code = close_code::no_status;
  std::string_view payload;
  std::string_view reason;  // at most 123 bytes; static text if failed
  std::size_t compressed = 0;  // bytes of a message that came compressed, before it was inflated
};

// One direction of one connection. Holds no heap memory while no message is under way.
class decoder {
 public:
  using role = frame_role;

  // `limits` and `inflate` must outlive the decoder; connections share them. A change of limits counts from the next
  // frame on. `inflate`: permessage-deflate was negotiated, without context takeover. A compressed message must keep
  // the limits as it comes and when it is inflated.
  explicit decoder(decoder_limits const& limits, role side = role::server, inflater* inflate = nullptr) noexcept;
  decoder(decoder&&) noexcept;
  decoder& operator=(decoder&&) noexcept;
  ~decoder();

  // Consumes from the front of `input`, unmasking in place, until there is something to say. Call again until
  // need_more; then all of `input` is consumed and its bytes may be overwritten. Views in the event point into `input`,
  // the decoder or the inflater, and are valid until the following call to one that shares it. After close or failed,
  // nothing is consumed any more and the answer is always need_more. Throws std::bad_alloc only.
  event next(std::span<char>& input);

  // Bytes of heap memory held for a message under way.
  std::size_t memory() const noexcept;

 private:
  struct pending;

  frame_head take_head(std::span<char>& input);
  frame_head take_rest_of_head(std::span<char>& input);
  event in_place(frame_head const& frame, std::span<char> payload);
  frame_fault const* take_payload(std::span<char>& input);
  event finished(opcode op, std::string_view payload);
  event inflated(opcode op, std::string_view compressed);
  event fail(frame_fault const& what, std::string_view beginning = {});
  std::string_view beginning_of(frame_head const& frame, std::span<char> input) const;
  void forget_given();
  pending& under_way();

  decoder_limits const* limits_;
  inflater* inflater_;
  std::unique_ptr<pending> pending_;
  role side_;
  bool ended_ = false;
};

}  // namespace hiky::gateway
