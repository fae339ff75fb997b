// SPDX-License-Identifier: Apache-2.0
// The gateway as a whole: workers, the bus between them and the rest, and the listeners.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "chat/upkeep/forgetter.hpp"
#include "chat/upkeep/janitor.hpp"
#include "chat/user_rates.hpp"
#include "gateway/entrance.hpp"
#include "gateway/metrics.hpp"
#include "gateway/net/listener.hpp"
#include "gateway/worker.hpp"

namespace hiky::gateway {

class server {
 public:
  explicit server(gateway_settings settings);
  ~server();

  // Binds all addresses; ports that were 0 get their number in `addresses`.
  result<void> listen(std::vector<listen_address>& addresses);
  // Starts the workers; waits at most `patience` for Redis, then accepts connections.
  result<void> start(std::chrono::milliseconds patience);
  // Calls `then` when every worker has come round to it, on the last one's thread: none of them hangs.
  void when_all_answer(std::function<void()> then);
  // Stops accepting, says goodbye to everybody spread over `spread`, and returns when Redis knows that all are gone.
  void drain(std::chrono::milliseconds spread);

 private:
  task<> lost();

  gateway_settings settings_;
  gateway::admission admission_;
  gateway::api_limits api_limits_;
  chat::user_rates user_rates_;
  gateway::metrics metrics_;
  std::vector<std::unique_ptr<worker>> workers_;
  std::vector<std::unique_ptr<entrance>> entrances_;  // one for each worker
  std::unique_ptr<chat::bus> bus_;
  std::unique_ptr<chat::janitor> janitor_;
  std::unique_ptr<chat::forgetter> forgetter_;
  std::vector<std::unique_ptr<listener>> listeners_;
  bool running_ = false;
};

}  // namespace hiky::gateway
