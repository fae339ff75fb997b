// SPDX-License-Identifier: Apache-2.0
// The dialect of each kind of server: the words for "I am u", "let me into r", "say this", and the meaning of its
// answers. Knows no sockets. Text is recognised by its first bytes, never parsed: the load generator must stay cheaper
// than the server.
#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace hiky::load {

enum class heard { nothing, greeted, joined, delivery, heartbeat, error };

class dialect {
 public:
  virtual ~dialect() = default;
  // The path to ask for in the upgrade, made from the path of the URL.
  virtual std::string target(std::string_view path, std::string_view room) const;
  // Frames to send. An empty frame is not sent, and no answer to it is awaited.
  virtual std::string greet(std::string_view user) const = 0;
  virtual std::string join(std::string_view room) const = 0;
  virtual std::string say(std::string_view user, std::string_view room, std::string_view content) const = 0;
  virtual heard meaning(std::string_view text) const = 0;
  // The answer to heard::heartbeat.
  virtual std::string heartbeat() const { return {}; }
  // True if a frame may hold several texts, one a line.
  virtual bool lines() const { return false; }
  // True if a message also comes back to its sender.
  virtual bool echoes() const { return false; }
};

// `name`: hiky (the document's protocol, also spoken by its Node service), socketio, nchan, centrifugo. Null if there
// is no such dialect.
std::unique_ptr<dialect> make_dialect(std::string_view name);

}  // namespace hiky::load
