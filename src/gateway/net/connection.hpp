// SPDX-License-Identifier: Apache-2.0
// One WebSocket over one socket: codec, outbox, close handshake, liveness. Knows nothing of chat; an `endpoint` gets
// the messages. Holds no buffer while idle: it waits for readability and reads into the worker's. One thread.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/async.hpp"
#include "base/shared_frame.hpp"
#include "base/stream_socket.hpp"
#include "chat/counters.hpp"
#include "gateway/door/admission.hpp"
#include "gateway/net/batch_send.hpp"
#include "gateway/net/deadlines.hpp"
#include "gateway/ws/decoder.hpp"
#include "gateway/ws/deflate.hpp"

namespace hiky::gateway {

class connection;

// The receiver of a connection's messages.
class endpoint {
 public:
  virtual ~endpoint() = default;
  // `payload` is valid during the call only.
  virtual void received(opcode op, std::string_view payload) = 0;
  // A ping has been queued, behind all that was queued before; and the pong of this or a later one has come.
  virtual void asked([[maybe_unused]] std::uint32_t ping) {}
  virtual void answered([[maybe_unused]] std::uint32_t ping) {}
  // A text is larger than a message may be, which ends the connection next. `beginning`: what is here of it.
  virtual void oversized([[maybe_unused]] std::string_view beginning) {}
  // The peer has sent that many pings at once, of which hardly any was answered.
  virtual void overrun([[maybe_unused]] std::size_t pings) {}
  // Something that the peer asked for is under way, and will be answered. When it is done, the endpoint calls
  // read_more(true).
  virtual bool pending() const { return false; }
  // Something was sent of which no pong has shown that it arrived, and which matters.
  virtual bool unconfirmed() const { return false; }
  // Bytes that wait with the endpoint, to be queued later.
  virtual std::size_t held() const { return 0; }
  // The last call: the connection is closing, or has vanished without a close handshake. It may be gone afterwards.
  virtual void ended(bool vanished) = 0;
};

// The state that the connections of one worker share.
class connection_loop {
 public:
  // `compress_from`: bytes of a message that is worth compressing.
  connection_loop(asio::io_context& io, send_method method, decoder_limits frames, deadline_times times,
                  std::size_t max_outbox, std::size_t compress_from, chat::counters& count);

  // `c` has something to send; it leaves at the end of this turn.
  void mark(connection& c);
  // `c` is read again with the next tick.
  void look_later(connection& c) { looked_at_later_.emplace_back(&c); }
  // The frames that are marked now were read from Redis at `then`, and their messages are those of `arrivals`: how long
  // all take to leave is counted.
  void measure_since(std::chrono::steady_clock::time_point then) {
    if (ready_.empty()) arrivals.clear();
    else if (!measured_) measured_ = then;
  }
  // Acts on all deadlines that have passed. Call a few times a second.
  void tick();
  // When memory is short, less may wait for a slow reader; whoever has more is closed as slow.
  void relieve(bool pressed);
  // Ends every connection without a word.
  void drop_all();

  asio::io_context& io;
  decoder_limits const frames;
  std::size_t max_outbox;  // bytes queued for one connection before chat messages close it as slow
  chat::counters& count;
  std::vector<char> read_buffer;
  deadlines waits;
  batch_send sender;
  deflater deflate;
  inflater inflate;
  std::vector<std::chrono::steady_clock::time_point> arrivals;
  std::uint32_t last_ping = 0;
  bool tell_addresses = true;

 private:
  void flush();
  void send_all();
  std::size_t const usual_outbox_;
  std::optional<std::chrono::steady_clock::time_point> measured_;
  std::vector<boost::intrusive_ptr<connection>> ready_, sending_, looked_at_later_;
  std::vector<connection*> sending_now_;
};

class connection final : public deadline_entry {
 public:
  // `window_bits`: of the client, where permessage-deflate was negotiated, otherwise 0.
  // `seat`: its place among all connections, with the address of the client.
  connection(connection_loop& loop, stream_socket socket, std::uint8_t window_bits, admission::seat seat = {});
  ~connection();

  // Begins with bytes that came right behind the handshake. `who` outlives the call of its ended().
  void start(endpoint& who, wait_for first, std::string_view already_read);

  // Queues a frame. False when the outbox is over its limit; nothing is queued then.
  bool queue(frame_ptr frame);
  // Bytes that wait for the peer, those of the endpoint too; and their share of what may wait: 0 to 1.
  std::size_t queued() const { return queued_ + (who_ ? who_->held() : 0); }
  double queued_share() const { return static_cast<double>(queued()) / static_cast<double>(loop_.max_outbox); }
  // Starts the close handshake; what was queued before still leaves first.
  // `vanished`: the peer can't have received what was queued, and the endpoint is told so.
  void close(close_code code, std::string_view reason, bool vanished = false);
  // The same, and what the peer still sends is not even looked at.
  void cut_off(close_code code, std::string_view reason);
  // The same as close from inside a loop over connections: nothing changes before the next turn. What is queued is
  // given up. False when that is under way already.
  bool close_later(close_code code, std::string_view reason);
  // Pings, and calls `done` when the answer shows that all that was queued before has arrived (true), or at the end
  // (false).
  void after_pong(std::function<void(bool)> done);
  // Calls `done` when all that was queued before has left (true), or at the end (false).
  void after_flush(std::function<void(bool)> done);
  void read_more(bool wanted);
  // Sends a ping ahead of time.
  void ping();
  // From now on the connection is pinged; before, it waited for its identity.
  void identified();
  // Empty for a Unix socket, and where addresses are nobody's business.
  std::string remote_address() const { return loop_.tell_addresses ? seat_.address().to_string() : std::string{}; }

  // For connection_loop.
  int native_handle() { return socket_.native_handle(); }
  std::size_t gather(std::span<iovec> parts) const;
  void sent(ssize_t bytes_or_error);
  void drop();  // socket closed, nothing more happens
  void expired(wait_for what);
  void arm_read();
  void look();  // with the tick that look_later asked for
  bool is_open() const { return phase_ == phase::open; }
  bool unconfirmed() const { return who_ && who_->unconfirmed(); }
  bool is_marked() const { return marked_; }
  void set_marked(bool is) { marked_ = is; }
  bool has_output() const { return !outbox_.empty() && phase_ != phase::dead; }

 private:
  enum class phase : std::uint8_t {
    open,  // messages both ways
    closing,  // our close frame is out or on its way; waits for the peer's
    draining,  // nothing more to say: sends what is queued, then half-closes and waits for the peer to hang up, if it
               // has not
    dead,
  };

  // Bytes that came and are not looked at yet, since much came out of the compressed messages before them: to inflate
  // and to read these costs far more than to send them.
  struct unread {
    static constexpr std::size_t per_turn = 64 * 1024;  // bytes that come out of compressed messages
    std::string bytes{};
    float allowed = 0;  // bytes that may come out of compressed messages now, beyond what texts do; below 0: too many
    std::uint32_t at_ms = 0;
    bool waits = false;  // for the next tick
    bool identified = false;
  };

  void readable();
  void feed(std::span<char> input);
  unread& kept();
  bool spend(std::size_t compressed, std::size_t inflated);
  bool overspent();
  void keep_back(std::span<char> input);
  void wait_for_tick();
  void go_on();
  void handle(event const& e);
  void end(bool vanished = false);  // leaves `open`: tells the endpoint
  void peer_ended();
  void answer_end();
  void half_close();
  void push(frame_ptr frame);
  void flushed();
  std::uint32_t push_ping();
  void probe_life();
  bool ponged(std::string_view payload);
  // `number`: of the ping that was answered; 0: the outbox is empty.
  void settle_probes(std::uint32_t number);

  friend void intrusive_ptr_add_ref(connection* c) noexcept { ++c->users_; }
  friend void intrusive_ptr_release(connection* c) noexcept {
    if (--c->users_ == 0) delete c;
  }

  connection_loop& loop_;
  endpoint* who_ = nullptr;
  stream_socket socket_;
  admission::seat seat_;
  decoder decoder_;
  boost::container::small_vector<frame_ptr, 1> outbox_;
  struct probe {
    std::uint32_t number;  // of the ping; 0: waits for no pong, only until the outbox is empty
    std::function<void(bool)> done;
  };
  std::unique_ptr<std::vector<probe>> probes_;  // who waits for a pong or an empty outbox, oldest first
  std::unique_ptr<unread> unread_;
  std::uint32_t queued_ = 0;  // bytes in outbox_
  std::uint32_t sent_of_first_ = 0;  // bytes of outbox_.front() that have left
  std::uint32_t users_ = 0;
  phase phase_ = phase::open;
  std::uint8_t const window_bits_;
  bool marked_ = false, reading_ = false, paused_ = false, blocked_ = false, half_closed_ = false, condemned_ = false,
       identified_ = false;
  bool deaf_ = false;  // the peer says nothing more: its side of the socket has ended, and is not read again
  bool unheard_ = false;  // was paused since it was pinged, so that its pong may lie unread
  bool taking_ = false;  // something has left since it was pinged, or was taken to be alive for that
};

using connection_ptr = boost::intrusive_ptr<connection>;

}  // namespace hiky::gateway
