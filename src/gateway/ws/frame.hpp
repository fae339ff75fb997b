// SPDX-License-Identifier: Apache-2.0
// The frames of RFC 6455, both ways and for both roles, without I/O: bytes become events, messages become bytes.
// Knows no sockets, no clock, no random numbers, no HTTP upgrade, and nothing of what the messages say.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace hiky::gateway {

enum class opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

enum class close_code : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported = 1003,
  no_status = 1005,  // never sent: says that the peer's close frame was empty
  invalid_payload = 1007,
  policy = 1008,
  too_big = 1009,
  internal = 1011,
  flooding = 4429,
  slow_consumer = 4430,
};

// What the peer has broken, where it is that.
inline constexpr std::array violations{close_code::protocol_error, close_code::unsupported, close_code::invalid_payload,
                                       close_code::policy, close_code::too_big};

// Whether a peer may send `code` in a close frame: those that RFC 6455 7.4 and the IANA registry define for the wire
// (up to 1014), and 3000 to 4999.
bool valid_on_the_wire(std::uint16_t code) noexcept;

struct decoder_limits {
  std::size_t max_message = 64 * 1024;  // bytes of payload, all fragments together
  std::size_t max_fragments = 1024;     // frames of one message; 0 = no limit
};

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
};

class inflater;
struct frame_fault;
struct frame_head;

// One direction of one connection. Holds no heap memory while no message is under way.
class decoder {
 public:
  enum class role : std::uint8_t { server, client };

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

// What write_header needs at most; a masked header takes four more.
inline constexpr std::size_t max_header = 10;

// Writes the header of an unmasked frame, as a server sends it; returns its size.
// `last` is false for all fragments of a message but the last one.
std::size_t write_header(char* out, opcode op, std::uint64_t payload_size, bool last = true) noexcept;

// Appends a masked frame, as a client sends it. `key` is to be unpredictable where proxies could be fooled
// (RFC 6455 10.3); the caller has the randomness.
void encode_masked(std::string& out, opcode op, std::string_view payload, std::uint32_t key, bool last = true);

// The payload of a close frame; `reason`, valid UTF-8, is cut to the 123 bytes that fit. Empty for no_status.
std::string close_payload(close_code code, std::string_view reason = {});

}  // namespace hiky::gateway
