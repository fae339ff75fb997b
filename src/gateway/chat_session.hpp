// SPDX-License-Identifier: Apache-2.0
// A chat session over a WebSocket: joins `chat::session` to `connection`, and knows nothing else of either.
#pragma once
#include "chat/flows/flows.hpp"
#include "gateway/net/connection.hpp"

namespace hiky::gateway {

class chat_session final : public chat::session, public endpoint {
 public:
  // Starts the conversation; the session keeps itself until the connection has ended. `who`: by the handshake, if it
  // showed anybody.
  static void begin(chat::flows& flows, chat::counters& count, connection_ptr link, connection_id id,
                    std::string user_agent, std::unique_ptr<auth::identity> who, std::string_view already_read,
                    std::string trace = {});

  void received(opcode op, std::string_view payload) override;
  void asked(std::uint32_t ping) override { ledger.asked(ping); }
  void answered(std::uint32_t ping) override { ledger.answered(ping); }
  void oversized(std::string_view beginning) override { flows_.oversized(*this, beginning); }
  void overrun(std::size_t pings) override { flows_.pinged(*this, pings); }
  bool pending() const override { return turn->pending(); }
  bool unconfirmed() const override { return ledger.unconfirmed(); }
  std::size_t held() const override { return ledger.waiting_bytes(); }
  void ended(bool vanished) override;

  bool send(frame_ptr frame, chat::traffic kind) override;
  bool admits(chat::traffic kind) override;
  void close(std::uint16_t code, std::string_view reason) override;
  void after_pong(std::function<void(bool)> done) override;
  void after_flush(std::function<void(bool)> done) override;
  void ask_receipt() override;
  void read_more(bool wanted) override;
  void identified() override;
  std::string remote_address() const override;
  std::string_view user_agent() const override { return user_agent_; }

 private:
  chat_session(chat::flows& flows, chat::counters& count, connection_ptr link)
      : flows_(flows), count_(count), link_(std::move(link)) {}

  chat::flows& flows_;
  chat::counters& count_;
  connection_ptr link_;         // empty once ended
  chat::session_ptr self_;      // until ended
  std::string user_agent_;
};

}  // namespace hiky::gateway
