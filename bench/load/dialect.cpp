// SPDX-License-Identifier: Apache-2.0
#include "dialect.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace hiky::load {

std::string dialect::target(std::string_view path, std::string_view) const { return std::string(path); }

namespace {

class hiky_dialect final : public dialect {
 public:
  std::string greet(std::string_view user) const override {
    return fmt::format(R"({{"type":"register","userId":"{}"}})", user);
  }
  std::string join(std::string_view room) const override {
    return fmt::format(R"({{"type":"joinRoom","roomId":"{}"}})", room);
  }
  std::string say(std::string_view, std::string_view room, std::string_view content) const override {
    return fmt::format(R"({{"type":"message","roomId":"{}","content":"{}"}})", room, content);
  }
  heard meaning(std::string_view text) const override {
    constexpr std::string_view lead = R"("type":")";
    // Almost always the first member; searched for only when it is not.
    std::size_t const at = text.size() > 1 && text.substr(1).starts_with(lead) ? 1 : text.find(lead);
    if (at == std::string_view::npos) return heard::nothing;
    std::string_view const type = text.substr(at + lead.size());
    if (type.starts_with("message\"")) return heard::delivery;
    if (type.starts_with("registered\"")) return heard::greeted;
    if (type.starts_with("joinedRoom\"")) return heard::joined;
    if (type.starts_with("error\"")) return heard::error;
    return heard::nothing;
  }
};

// Engine.IO 4 over WebSocket: one digit for the packet (0 open, 2 ping, 3 pong, 4 message), then one for Socket.IO's
// own (0 connect, 2 event, 3 acknowledgement, 4 connect error).
class socketio_dialect final : public dialect {
 public:
  std::string target(std::string_view path, std::string_view) const override {
    return fmt::format("{}?EIO=4&transport=websocket", path);
  }
  std::string greet(std::string_view) const override { return "40"; }
  std::string join(std::string_view room) const override { return fmt::format(R"(420["join","{}"])", room); }
  std::string say(std::string_view user, std::string_view room, std::string_view content) const override {
    return fmt::format(R"(42["message",{{"roomId":"{}","senderId":"{}","content":"{}"}}])", room, user, content);
  }
  heard meaning(std::string_view text) const override {
    if (text.starts_with(R"(42["message")")) return heard::delivery;
    if (text.starts_with("40")) return heard::greeted;
    if (text.starts_with("43")) return heard::joined;
    if (text == "2") return heard::heartbeat;
    if (text.starts_with("44") || text.starts_with("41")) return heard::error;
    return heard::nothing;
  }
  std::string heartbeat() const override { return "3"; }
};

// A channel of nginx's Nchan is a path: being connected is being in the room, and everything that a client sends is
// published unchanged.
class nchan_dialect final : public dialect {
 public:
  std::string target(std::string_view path, std::string_view room) const override {
    return fmt::format("{}/{}", path, room);
  }
  std::string greet(std::string_view) const override { return {}; }
  std::string join(std::string_view) const override { return {}; }
  std::string say(std::string_view user, std::string_view room, std::string_view content) const override {
    return fmt::format(R"({{"type":"message","roomId":"{}","senderId":"{}","content":"{}"}})", room, user, content);
  }
  heard meaning(std::string_view text) const override {
    return text.starts_with(R"({"type":"message")") ? heard::delivery : heard::nothing;
  }
  bool echoes() const override { return true; }
};

// Centrifugo's bidirectional protocol in JSON. The namespace `room` of its configuration says what a channel keeps. An
// answer bears the number of its request, so each kind of request has one number.
class centrifugo_dialect final : public dialect {
 public:
  std::string greet(std::string_view user) const override {
    return fmt::format(R"({{"id":1,"connect":{{"name":"{}"}}}})", user);
  }
  std::string join(std::string_view room) const override {
    return fmt::format(R"({{"id":2,"subscribe":{{"channel":"room:{}"}}}})", room);
  }
  std::string say(std::string_view user, std::string_view room, std::string_view content) const override {
    return fmt::format(
        R"({{"id":3,"publish":{{"channel":"room:{}","data":{{"roomId":"{}","senderId":"{}","content":"{}"}}}}}})", room,
        room, user, content);
  }
  heard meaning(std::string_view text) const override {
    if (text == "{}") return heard::heartbeat;
    constexpr std::string_view push = R"({"push":{"channel":")", answer = R"({"id":)";
    if (text.starts_with(push)) {
      std::size_t const end = text.find('"', push.size());
      return end != std::string_view::npos && text.substr(end).starts_with(R"(","pub":)") ? heard::delivery
                                                                                          : heard::nothing;
    }
    if (!text.starts_with(answer)) return heard::nothing;
    std::string_view const kind = text.substr(std::min(text.find(','), text.size()));
    if (kind.starts_with(R"(,"error")")) return heard::error;
    if (kind.starts_with(R"(,"connect")")) return heard::greeted;
    if (kind.starts_with(R"(,"subscribe")")) return heard::joined;
    return heard::nothing;
  }
  std::string heartbeat() const override { return "{}"; }
  bool lines() const override { return true; }
  bool echoes() const override { return true; }
};

}  // namespace

std::unique_ptr<dialect> make_dialect(std::string_view name) {
  if (name == "hiky") return std::make_unique<hiky_dialect>();
  if (name == "socketio") return std::make_unique<socketio_dialect>();
  if (name == "nchan") return std::make_unique<nchan_dialect>();
  if (name == "centrifugo") return std::make_unique<centrifugo_dialect>();
  return nullptr;
}

}  // namespace hiky::load
