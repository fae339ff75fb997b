// SPDX-License-Identifier: Apache-2.0
#include "support/chat_stage.hpp"

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include <stdexcept>
#include <utility>

namespace support {

using namespace hiky;

namespace {

constexpr float no_limit = 0;

chat::user_rates::limits rates_of(chat::flow_limits const& flow) {
  return {{{flow.messages_per_s, flow.message_burst},
           {flow.requests_per_s, flow.request_burst},
           {flow.refusals_per_s, flow.refusal_burst},
           {no_limit, no_limit},
           {1, 2}}};
}

}  // namespace

// Stands in the place of the gateway's connection.
class chat_client::link final : public chat::session {
 public:
  link(chat_stage& stage, std::string connection) : stage_(stage) { id = connection_id{std::move(connection)}; }

  bool send(frame_ptr frame, chat::traffic kind) override {
    if (!admits(kind)) return false;
    heard.emplace_back(frame->payload());
    return true;
  }
  bool admits(chat::traffic kind) override { return is_open() && (room_for_hints || kind == chat::traffic::chat); }
  void close(std::uint16_t with, std::string_view why) override {
    chat::flows::drop_requests(*this);
    if (!is_open()) return;
    code = with;
    reason = why;
    boost::asio::post(stage_.loop.executor(), [self = boost::intrusive_ptr<link>{this}] { self->end(); });
  }
  void ask_receipt() override {
    if (!is_open()) return;
    ledger.asked(++last_ping);
    ++pings;
  }
  void after_pong(std::function<void(bool)> done) override {
    if (!is_open()) return done(false);
    ask_receipt();
    at_pong.push_back(std::move(done));
  }
  void after_flush(std::function<void(bool)> done) override {
    if (!is_open() || takes) return done(is_open());
    at_flush.push_back(std::move(done));
  }
  void read_more(bool wanted) override { reading = wanted; }
  void identified() override { is_identified = true; }
  std::string remote_address() const override { return "192.0.2.1"; }
  std::string_view user_agent() const override { return "a test"; }

  bool is_open() const { return code == 0 && !ended; }
  void end() {
    if (std::exchange(ended, true)) return;
    tell(at_pong, false);
    tell(at_flush, false);
    stage_.flows.closed(*this);
  }
  static void tell(std::vector<std::function<void(bool)>>& those, bool what) {
    for (auto const& done : std::exchange(those, {})) done(what);
  }

  std::vector<std::string> heard;
  std::vector<std::function<void(bool)>> at_pong, at_flush;
  std::uint32_t last_ping = 0;
  int pings = 0, code = 0;
  std::string reason;
  bool takes = true, room_for_hints = true, reading = true, is_identified = false, ended = false;

 private:
  chat_stage& stage_;
};

chat_client::chat_client(chat_stage& stage, std::string connection)
    : stage_(stage), link_(new link{stage, std::move(connection)}) {}

// The handlers that wait for a pong hold the session.
chat_client::~chat_client() {
  std::exchange(link_->at_pong, {});
  std::exchange(link_->at_flush, {});
}

void chat_client::says(std::string_view frame) {
  if (link_->is_open()) stage_.flows.receive(*link_, frame);
  stage_.settle();
}

std::vector<std::string> chat_client::hears() { return std::exchange(link_->heard, {}); }

std::string chat_client::hears_one(std::string_view type) {
  std::string out;
  auto const begin = fmt::format(R"({{"type":"{}")", type);
  auto all = hears();
  for (auto& frame : all) {
    if (!frame.starts_with(begin)) continue;
    if (!out.empty()) throw std::logic_error(fmt::format("two frames of type {}: {} {}", type, out, frame));
    out = frame;
  }
  if (out.empty()) throw std::logic_error(fmt::format("no frame of type {} among {}", type, fmt::join(all, " ")));
  return out;
}

bool chat_client::is_open() const { return link_->is_open(); }
int chat_client::closed_with() const { return link_->code; }
std::string chat_client::reason() const { return link_->reason; }
void chat_client::leaves() {
  link_->end();
  stage_.settle();
}

void chat_client::pongs() {
  link_->pings = 0;
  link_->ledger.answered(link_->last_ping);
  link::tell(link_->at_pong, true);
  stage_.settle();
}
int chat_client::pings() const { return link_->pings; }
void chat_client::takes(bool frames) {
  link_->takes = frames;
  if (frames) link::tell(link_->at_flush, true);
  stage_.settle();
}
void chat_client::has_room(bool for_hints) { link_->room_for_hints = for_hints; }
bool chat_client::is_listened_to() const { return link_->reading; }
bool chat_client::is_identified() const { return link_->is_identified; }
chat::session& chat_client::session() { return *link_; }

chat_stage::chat_stage(chat_settings settings)
    : connection(loop.executor(), redis.address()),
      store(connection, 1, {}, settings.grace),
      rates(rates_of(settings.limits)),
      door(loop.executor(), settings.rooms, store.members, people, redis.address(), rates, count),
      bus(connection, instance_id{"here"}),
      flows(loop.executor(), 0, instance_id{"here"}, store, people, gate, door, bus, rates, count, settings.limits) {
  bus.add_worker(
      [this](chat::bus::batch messages, std::chrono::steady_clock::time_point) { flows.deliver(messages, arrivals); });
  connection.start();
  loop.until([this] { return bus.alive(); });
}

chat_stage::~chat_stage() {
  bus.stop();
  connection.stop();
  loop.settle();
}

chat_client& chat_stage::connects(std::string id) {
  if (id.empty()) id = fmt::format("c{}", clients_.size() + 1);
  clients_.push_back(std::unique_ptr<chat_client>{new chat_client{*this, std::move(id)}});
  return *clients_.back();
}

chat_client& chat_stage::says_first(std::string_view frame) {
  auto& client = connects();
  client.says(frame);
  return client;
}

chat_client& chat_stage::registers(std::string const& user, std::string_view how) {
  return says_first(fmt::format(R"({{"type":"register","userId":"{}"{}{}}})", user, how.empty() ? "" : ",", how));
}

chat_client& chat_stage::arrives(std::string const& user, std::set<std::string> const& rooms, std::string_view how) {
  data.rooms[user].insert(rooms.begin(), rooms.end());
  auto& client = registers(user, how);
  client.hears_one("registered");
  return client;
}

void chat_story::TearDown() {
  EXPECT_THAT(redis.surprises(), testing::IsEmpty());
  EXPECT_THAT(log.lines("flow.failed"), testing::IsEmpty());
  EXPECT_THAT(log.lines("bus.failed"), testing::IsEmpty());
}

std::string mail_story::letter(int n, std::string_view room) {
  return fmt::format(R"({{"type":"message","roomId":"{}","content":{},"messageId":"e:{}"}})", room, n, n);
}

void mail_story::waits(int first, int last) {
  for (int n = last; n >= first; --n) data.mail["alice"].push_back(letter(n));
}

std::string mail_story::frame(std::string_view letters, int n) {
  return fmt::format(R"({{"type":"offlineMessages","count":{},"messages":[{}]}})", n, letters);
}

}  // namespace support
