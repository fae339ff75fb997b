// SPDX-License-Identifier: Apache-2.0
// One thread of the gateway: its own loop, connections, hub, flows and Redis connections. Shares nothing but the bus.
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <optional>
#include <thread>

#include "auth/api_keys.hpp"
#include "auth/gate.hpp"
#include "base/log.hpp"
#include "base/tls.hpp"
#include "chat/bus/bus.hpp"
#include "chat/flows/flows.hpp"
#include "chat/room_policy.hpp"
#include "chat/upkeep/connection_audit.hpp"
#include "chat/upkeep/janitor.hpp"
#include "directory/redis_directory.hpp"
#include "gateway/api/context.hpp"
#include "gateway/door/admission.hpp"
#include "gateway/door/api_limits.hpp"
#include "gateway/metrics.hpp"
#include "gateway/net/connection.hpp"
#include "redis/client.hpp"
#include "state/chat/store.hpp"

namespace hiky::gateway {

struct gateway_settings {
  instance_id instance;
  redis::address redis;  // of the WebSocket database
  int directory_database = 0;
  auth::gate_settings identity;
  std::vector<std::string> origins;  // patterns; none: the same host
  bool sole_owner = false;  // nobody else uses this Redis: what is online there at start is over
  std::size_t workers = 1;
  send_method method = send_method::send;
  decoder_limits frames;
  deadline_times times;
  std::size_t max_outbox = 1 << 20;
  std::size_t compress_from = 1024;  // bytes of a message; 0: compression is not negotiated
  chat::flow_limits flow;
  chat::room_policy_settings rooms;
  state::room_log_limits room_log;
  std::chrono::seconds forget_absent{
      std::chrono::days{90}};  // after which a user who was not seen is no member any more; 0: never
  chat::lease_times leases;
  std::chrono::milliseconds grace{5'000};  // before an absence is announced
  std::chrono::milliseconds handshake_deadline{10'000};
  std::chrono::milliseconds keep_alive{
      75'000};  // between two requests of an HTTP connection; balancers use theirs again for 60 s
  std::size_t connections_per_user = 16;  // on all instances; the oldest go
  admission_limits admission;
  std::shared_ptr<tls::identity> tls;  // set: TCP listeners speak TLS
  bool proxy_protocol = false;         // TCP connections begin with a PROXY header
  bool tell_addresses = true;  // clients' addresses go into Redis
  bool demo = true;            // the page at /
  std::shared_ptr<auth::api_key_file> api_keys{};  // none: the HTTP API is closed
  api_rates api;
};

// Questions of one worker to all of them together. From any thread.
struct whole {
  std::function<bool()> connected;  // to Redis, every worker, and the bus hears
  std::function<std::optional<std::string>()> refusal;              // see janitor
  std::function<void(std::function<void()> then)> when_all_answer;  // see server
};

class worker {
 public:
  worker(gateway_settings const& settings, std::size_t index, gateway::metrics& numbers, gateway::admission& doors,
         gateway::api_limits& api, chat::user_rates& rates);
  ~worker();

  // The parts that all workers share; before run().
  void use(chat::bus& channel);
  void run();   // starts the thread
  void join();  // ends it, once stop() was called

  // From any thread, once an earlier process's connections are undone: compares Redis's list of connections with its
  // own from now on. The ids that this process's workers make begin with `prefixes`; none for all workers but one.
  void begin_audit(std::vector<std::string> prefixes);
  // Redis may have lost what it knew of this worker: puts it there again, and undoes what is there too much.
  void assert_again(std::chrono::milliseconds spread);

  // From any thread. Says goodbye to all connections, spread over `spread`, and waits until Redis knows; then calls
  // `done` here.
  void drain(std::chrono::milliseconds spread, std::function<void()> done);
  void stop();  // ends the loop as it is

  // For what runs on the worker's thread.
  // Lets `work` run; an exception that ends it is logged.
  void spawn(task<> work);
  asio::io_context& io() { return io_; }
  redis::client& redis() { return redis_; }
  state::store& store() { return store_; }
  directory::directory& people() { return people_; }
  connection_loop& connections() { return loop_; }
  auth::authenticator& gate() { return gate_; }
  chat::flows& flows() { return *flows_; }
  chat::bus& bus() { return *bus_; }
  gateway::metrics& metrics() { return numbers_; }
  gateway::admission& admission() { return doors_; }
  api_context const& api() const { return *api_; }
  gateway_settings const& settings() const { return settings_; }
  chat::counters& count() { return count_; }
  bool draining() const { return draining_; }
  gateway::whole const& whole() const { return whole_; }
  void belongs_to(gateway::whole all) { whole_ = std::move(all); }
  bool connected() const { return redis_.connected() && directory_redis_.connected(); }
  connection_id next_connection_id();
  std::string const& connection_prefix() const { return connection_prefix_; }

 private:
  task<> tick();
  task<> say_goodbye(std::chrono::milliseconds spread, std::function<void()> done);

  gateway_settings const& settings_;
  std::size_t index_;
  gateway::metrics& numbers_;
  gateway::admission& doors_;
  gateway::api_limits& api_limits_;
  chat::user_rates& user_rates_;
  chat::counters count_;
  asio::io_context io_;
  redis::client redis_, directory_redis_;
  state::store store_;
  auth::gate gate_;
  directory::redis_directory people_;
  chat::room_policy door_;
  connection_loop loop_;
  chat::bus* bus_ = nullptr;
  std::unique_ptr<chat::flows> flows_;
  std::optional<api_context> api_;
  std::unique_ptr<chat::connection_audit> audit_;
  std::string connection_prefix_;
  std::uint64_t last_connection_ = 0;
  gateway::whole whole_;
  std::atomic<bool> draining_{false};
  std::thread thread_;
};

}  // namespace hiky::gateway
