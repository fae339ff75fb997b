// SPDX-License-Identifier: Apache-2.0
#include "gateway/chat_session.hpp"

namespace hiky::gateway {

void chat_session::begin(chat::flows& flows, chat::counters& count, connection_ptr link, connection_id id,
                         std::string user_agent, std::unique_ptr<auth::identity> who, std::string_view already_read,
                         std::string trace) {
  auto* const s = new chat_session{flows, count, link};
  s->self_ = s;
  s->id = std::move(id);
  s->user_agent_ = std::move(user_agent);
  s->shown = std::move(who);
  if (!trace.empty()) s->trace = std::make_unique<std::string>(std::move(trace));
  link->start(*s, wait_for::identity, already_read);
}

void chat_session::received(opcode op, std::string_view payload) {
  if (op == opcode::binary)
    return close(static_cast<std::uint16_t>(close_code::unsupported),
                 "binary frame; expected one JSON object per text frame");
  flows_.receive(*this, payload);
}

void chat_session::ended(bool) {
  auto const keep = std::move(self_);
  auto const last = std::move(link_);
  flows_.closed(*this);
}

bool chat_session::send(frame_ptr frame, chat::traffic kind) {
  if (!admits(kind)) return false;
  count_.sent[frame->tag()].add();
  link_->queue(std::move(frame));
  return true;
}

bool chat_session::admits(chat::traffic kind) {
  if (!link_) return false;
  // Hints go first, long before anything that matters would have to.
  if (link_->queued_share() <= (kind == chat::traffic::typing ? 0.25 : kind == chat::traffic::presence ? 0.5 : 1))
    return true;
  // A chat message is never skipped: the reader learns that it was too slow, and comes back for what it missed.
  if (kind != chat::traffic::chat) count_.shed[static_cast<std::size_t>(kind)].add();
  else if (link_->close_later(close_code::slow_consumer, "too slow: reconnect and resume")) count_.slow_closed.add();
  return false;
}

void chat_session::close(std::uint16_t code, std::string_view reason) {
  chat::flows::drop_requests(*this);
  if (!link_) return;
  if (close_code{code} == close_code::flooding) link_->cut_off(close_code::flooding, reason);
  else link_->close(close_code{code}, reason);
}

void chat_session::after_pong(std::function<void(bool)> done) {
  if (link_) link_->after_pong(std::move(done));
  else done(false);
}

void chat_session::after_flush(std::function<void(bool)> done) {
  if (link_) link_->after_flush(std::move(done));
  else done(false);
}

void chat_session::ask_receipt() {
  if (link_) link_->ping();
}

void chat_session::read_more(bool wanted) {
  if (link_) link_->read_more(wanted);
}

void chat_session::identified() {
  std::string{}.swap(user_agent_);
  if (link_) link_->identified();
}

std::string chat_session::remote_address() const { return link_ ? link_->remote_address() : std::string{}; }

}  // namespace hiky::gateway
