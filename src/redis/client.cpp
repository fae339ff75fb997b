// SPDX-License-Identifier: Apache-2.0
#include "redis/client.hpp"

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <random>

#include "base/log.hpp"
#include "redis/sentinel.hpp"

namespace hiky::redis {

using namespace std::chrono_literals;
using boost::system::error_code;

namespace {

constexpr auto first_pause = 50ms;
constexpr auto longest_pause = 2000ms;
constexpr std::size_t read_size = 16 * 1024;
// Then Redis is asked something, so that a connection that a NAT or firewall has dropped is missed before a user needs
// it.
constexpr auto longest_silence = 15s;

// The history that the server's data belongs to: a restarted server, and a replica that becomes the master, begin one
// of their own.
std::string history_id(std::string_view info) {
  constexpr std::string_view name = "master_replid:";
  auto const at = info.find(name);
  if (at == std::string_view::npos) return {};
  auto const value = info.substr(at + name.size());
  return std::string{value.substr(0, value.find_first_of("\r\n"))};
}

// Of HELLO's answer.
std::string role_in(value hello) {
  for (auto const& [name, is] : hello.pairs()) {
    if (name == "role") return is;
  }
  return "server without a role";
}

std::string_view hint(std::string_view refusal) {
  if (refusal.contains("NOAUTH"))
    return "; put the user and password into the URL: redis://user:password@host:port, best in HIKY_REDIS";
  if (refusal.contains("WRONGPASS"))
    return "; check the user and password in the URL (redis://user:password@host:port; %40 for @)";
  if (refusal.contains("DB index is out of range"))
    return "; it has fewer databases than --redis-db-ws, --redis-db-app, --redis-db-session or --redis-db-cache say: "
           "`databases` in redis.conf";
  if (refusal.contains("NOPERM"))
    return "; the user lacks a right or a channel: deploy/redis/users.acl shows all that are needed";
  return {};
}

}  // namespace

struct client::core : std::enable_shared_from_this<client::core> {
  core(asio::any_io_executor executor, address to)
      : ex(std::move(executor)),
        where(std::move(to)),
        sock(ex),
        deadline_timer(ex),
        pause_timer(ex),
        state_timer(ex),
        silence_timer(ex) {
    // One look at the clock per read, not per answer; when a request was submitted is known by its deadline.
    chat.on_answer([this](exchange::clock::time_point deadline) {
      if (logged_in) counts.round_trips.observe(read_at - (deadline - where.deadline));
    });
  }

  task<> run(std::uint64_t life) {
    auto pause = std::chrono::milliseconds{first_pause};
    std::minstd_rand random{std::random_device{}()};
    while (life == current_life) {
      auto const up = co_await connect();
      if (life != current_life) {
        // Stopped while it was under way: what is open now would keep the io_context running for ever.
        if (!wanted) drop({errc::not_connected, "the connection to Redis was closed here"});
        break;
      }
      if (up) {
        auto const why = co_await read();
        if (life != current_life) break;
        // Let in and refused at once is as good as not let in: the pause goes on growing, and the same refusal is told
        // once.
        if (why.code != errc::server_error || exchange::clock::now() - login_at > longest_pause) {
          pause = first_pause;
          last_error = {};
        }
        if (last_error.text != why.text) {
          log::warn("redis.lost", {{"redis", where.to_string()}, {"database", where.database}, {"reason", why.text}});
        }
        give_up(why);
      } else {
        if (last_error.text != up.error().text) {
          // Redis is there, and reads its file: all that is to be done is to wait.
          bool const loads = up.error().text.contains(": LOADING ");
          log::event(loads ? log::level::info : log::level::warn, loads ? "redis.loading" : "redis.unreachable",
                     {{"redis", where.to_string()}, {"reason", up.error().text}});
        }
        counts.failures.fetch_add(1, std::memory_order_relaxed);
        give_up(up.error());
      }
      if (life != current_life) break;
      // Jitter: instances that lost the same Redis must not all come back in the same instant.
      auto const ms = std::uniform_int_distribution<long>(pause.count() / 2, pause.count())(random);
      pause_timer.expires_after(std::chrono::milliseconds{ms});
      error_code ignored;
      co_await pause_timer.async_wait(asio::redirect_error(use_task, ignored));
      pause = std::min(pause * 2, std::chrono::milliseconds{longest_pause});
    }
  }

  task<result<void>> connect() {
    tls::context secure;
    if (where.tls) {
      // Read at each connect, so that a renewed certificate counts from the next one on.
      auto made = tls::client_context(where.files);
      if (!made) co_return std::unexpected(made.error());
      secure = std::move(*made);
    }
    if (!where.sentinels.empty()) {
      auto const found = co_await find_master(sock, where, secure, first_sentinel);
      if (!found) co_return std::unexpected(found.error());
      if (where.host != found->host || where.port != found->port) {
        log::info("redis.master", {{"name", where.master}, {"host", found->host}, {"port", found->port}});
      }
      where.host = found->host;
      where.port = found->port;
    }
    auto const open = where.unix_path.empty()
                          ? co_await dial(sock, {where.host, where.port}, secure, where.connect_deadline)
                          : co_await dial(sock, where.unix_path, where.connect_deadline);
    if (!open) {
      auto const master =
          where.sentinels.empty() ? std::string{} : fmt::format(" (master {}:{})", where.host, where.port);
      co_return fail(open.error().code,
                     fmt::format("cannot connect to {}{}: {}", where.to_string(), master, open.error().text));
    }
    counts.connects.fetch_add(1, std::memory_order_relaxed);
    is_open = true;
    co_return co_await log_in();
  }

  // The answer to HELLO is read here, since the read loop runs only on a connection that is logged in.
  task<result<void>> log_in() {
    request hello;
    if (where.password.empty()) {
      hello.add("HELLO", 3, "SETNAME", where.client_name);
    } else {
      hello.add("HELLO", 3, "AUTH", where.login_name(), where.password, "SETNAME", where.client_name);
    }
    if (where.database != 0) hello.add("SELECT", where.database);
    hello.add("PING");  // refused while Redis still loads its file; HELLO and SELECT are not
    // Shared: when the login fails, the handler is called after this frame is gone.
    auto const kept = std::make_shared<std::optional<result<reply>>>();
    auto& answer = *kept;
    submit(hello, [kept](result<reply> r) { *kept = std::move(r); });
    // On its own, since it may be refused: then a loss of data is noticed later, by the lease.
    auto const told = std::make_shared<std::optional<result<reply>>>();
    submit(request{"INFO", "replication"}, [told](result<reply> r) { *told = std::move(r); });
    while (!answer || !*told) {
      error_code ec;
      auto const room = chat.prepare(read_size);
      auto const size =
          co_await sock.async_read_some(asio::buffer(room.data(), room.size()),
                                        asio::cancel_after(where.connect_deadline, asio::redirect_error(use_task, ec)));
      if (ec == asio::error::operation_aborted) {
        co_return fail(errc::not_connected, fmt::format("{} did not answer the login within {} ms", where.to_string(),
                                                        where.connect_deadline.count()));
      }
      if (ec) {
        auto why = lost(ec);
        // TLS 1.3 tells a client without a certificate only after the handshake.
        if (where.tls && where.files.cert.empty())
          why.text += "; a Redis that wants certificates of its clients does that: --redis-cert shows one";
        co_return std::unexpected(std::move(why));
      }
      if (auto const fed = chat.commit(size); !fed) co_return fed;
    }
    if (!*answer) co_return std::unexpected(answer->error());
    // A Redis that can't save refuses even a PING; what it holds can be read.
    if (auto const refused = (*answer)->server_error(); refused && !refused->starts_with("MISCONF")) {
      co_return fail(errc::server_error,
                     fmt::format("{} refused the login: {}{}", where.to_string(), *refused, hint(*refused)));
    }
    auto const role = role_in((**answer)[0]);
    if (!where.sentinels.empty() && role != "master") {
      ++first_sentinel;
      co_return fail(
          errc::not_connected,
          fmt::format("a Sentinel of {} names {}:{} as the master, which says that it is a {}; the next one is asked",
                      where.to_string(), where.host, where.port, role));
    }
    auto const now_in = *told && **told ? history_id((***told)[0].text()) : std::string{};
    bool const other_data = !history.empty() && !now_in.empty() && history != now_in;
    if (!now_in.empty()) history = now_in;
    is_master = role == "master";
    login_at = read_at = exchange::clock::now();
    logged_in = true;
    watch_silence(read_at);
    log::debug("redis.connected", {{"redis", where.to_string()}, {"database", where.database}});
    if (login_request.commands() > 0) submit(login_request, [](result<reply> const&) {});
    state_timer.cancel();
    if (other_data && data_handler) data_handler();
    if (state_handler) state_handler(true);
    co_return result<void>{};
  }

  // Why the connection is over: our own reason, if we ended it.
  error lost(error_code ec) const {
    return ended.value_or(error{errc::not_connected, "connection to Redis lost: " + ec.message()});
  }

  task<error> read() {
    for (;;) {
      error_code ec;
      auto const room = chat.prepare(read_size);
      auto const size =
          co_await sock.async_read_some(asio::buffer(room.data(), room.size()), asio::redirect_error(use_task, ec));
      read_at = exchange::clock::now();
      if (ec) co_return lost(ec);
      auto const fed = chat.commit(size);
      if (pushes_seen) {
        pushes_seen = false;
        if (batch_end) batch_end();
      }
      if (!fed) co_return error{fed.error().code, fmt::format("{}{}", fed.error().text, hint(fed.error().text))};
    }
  }

  void give_up(error const& why) {
    last_error = why;
    drop(why);
  }

  void drop(error const& why) {
    auto const was_up = logged_in.exchange(false);
    is_open = false;
    ended.reset();
    error_code ignored;
    sock.close(ignored);
    chat.abandon(
        {errc::not_connected, why.text});  // of whatever kind the reason is: those who wait have lost their connection
    deadline_timer.cancel();
    silence_timer.cancel();
    armed = false;
    if (was_up && state_handler) state_handler(false);
  }

  // Queues and sees to it that the bytes leave at the end of this turn, together with those of the same turn.
  void submit(request const& r, exchange::done then) {
    auto const queued = chat.submit(r, exchange::clock::now() + where.deadline, then);
    if (!queued) {
      asio::post(ex, [then = std::move(then), why = queued.error()]() mutable {
        std::move(then)(result<reply>{std::unexpected(why)});
      });
      return;
    }
    counts.requests.fetch_add(1, std::memory_order_relaxed);
    arm_deadline();
    wake_writer();
  }

  void wake_writer() {
    if (std::exchange(flush_posted, true)) return;
    asio::post(ex, [self = shared_from_this()] {
      self->flush_posted = false;
      self->write();
    });
  }

  void write() {
    if (writing || !is_open) return;
    for (auto bytes = chat.output(); !bytes.empty(); bytes = chat.output()) {
      error_code ec;
      chat.sent(sock.write_some(asio::buffer(bytes), ec));
      if (ec == asio::error::would_block) {
        writing = true;
        sock.async_wait(socket::wait_write, [self = shared_from_this(), life = connection_number()](error_code failed) {
          self->writing = false;
          if (!failed && life == self->connection_number()) self->write();
        });
        return;
      }
      if (ec) return end(lost(ec));
    }
  }

  // What is not answered within two deadlines ends the connection, see arm_deadline.
  void watch_silence(exchange::clock::time_point since) {
    silence_timer.expires_at(since + longest_silence);
    silence_timer.async_wait([self = shared_from_this()](error_code ec) {
      if (ec || !self->logged_in) return;
      auto const now = exchange::clock::now();
      bool const silent = now - self->read_at >= longest_silence;
      if (silent) self->submit(request{"PING"}, [](result<reply> const&) {});
      self->watch_silence(silent ? now : self->read_at);
    });
  }

  // The read loop sees it, and connects anew. Nothing is sent any more: behind a hole in the stream everything would
  // mean something else.
  void end(error why) {
    if (!std::exchange(is_open, false)) return;
    ended = std::move(why);
    error_code ignored;
    sock.shutdown(socket::shutdown_both, ignored);
  }

  // When the master has become a replica, whoever is the master now is found by connecting anew. Who was a replica at
  // the login is left now and then only: reads still have their answers from it.
  void no_writes(std::string_view refusal) {
    if (!is_master && exchange::clock::now() - login_at < longest_pause) return;
    end({errc::server_error, fmt::format("Redis takes no writes: {}", refusal)});
  }

  std::uint64_t connection_number() const { return counts.connects; }

  void arm_deadline() {
    if (armed) return;
    auto const when = chat.oldest_deadline();
    if (!when) return;
    armed = true;
    // A little late on purpose: one timer per deadline's length serves all requests in it.
    deadline_timer.expires_at(std::max(*when, exchange::clock::now() + 20ms));
    deadline_timer.async_wait([self = shared_from_this()](error_code ec) {
      if (ec) return;
      self->armed = false;
      auto const now = exchange::clock::now();
      self->chat.expire(now);
      if (auto const oldest = self->chat.oldest_deadline();
          oldest && *oldest + self->where.deadline <= now && self->is_open) {
        return self->end({errc::not_connected, "Redis hangs: no answer for two deadlines"});
      }
      self->arm_deadline();
    });
  }

  asio::any_io_executor ex;
  address where;
  socket sock;
  exchange chat;
  exchange::clock::time_point read_at{}, login_at{};
  counters counts;
  asio::steady_timer deadline_timer, pause_timer, state_timer, silence_timer;
  std::function<void(bool)> state_handler;
  std::function<void()> batch_end, data_handler;
  std::string history;
  request login_request;
  error last_error{errc::not_connected, "no connection yet"};
  std::optional<error> ended;  // why we ended the connection that is open
  std::uint64_t current_life = 0;
  bool wanted = false;  // started, and not stopped since
  std::size_t first_sentinel = 0;  // to ask
  std::atomic<bool> logged_in{false};  // read by other threads, for readiness
  bool is_open = false, writing = false, flush_posted = false, armed = false, pushes_seen = false, is_master = false;
};

client::client(asio::any_io_executor executor, address where)
    : core_(std::make_shared<core>(std::move(executor), std::move(where))) {}
client::~client() { stop(); }

void client::start() {
  core_->wanted = true;
  auto const life = ++core_->current_life;
  asio::co_spawn(core_->ex, [core = core_, life] { return core->run(life); }, asio::detached);
}

void client::stop() {
  core_->wanted = false;
  ++core_->current_life;
  core_->pause_timer.cancel();
  core_->state_timer.cancel();
  core_->state_handler = nullptr;
  core_->data_handler = nullptr;
  core_->drop({errc::not_connected, "the connection to Redis was closed here"});
}

void client::reconnect(error why) {
  if (core_->logged_in) core_->end(std::move(why));
}

bool client::connected() const { return core_->logged_in; }

task<result<void>> client::wait_connected(std::chrono::milliseconds patience) {
  auto core = core_;
  auto const until = exchange::clock::now() + patience;
  while (!core->logged_in && exchange::clock::now() < until) {
    core->state_timer.expires_at(until);
    error_code ignored;
    co_await core->state_timer.async_wait(asio::redirect_error(use_task, ignored));
  }
  if (!core->logged_in) co_return std::unexpected(core->last_error);
  co_return result<void>{};
}

task<result<reply>> client::exec_each(request r) {
  auto core = core_;
  if (!core->logged_in) {
    co_return fail(errc::not_connected,
                   "no connection to Redis at " + core->where.to_string() + ": " + core->last_error.text);
  }
  co_return co_await asio::async_initiate<asio::use_awaitable_t<> const, void(result<reply>)>(
      [&core, &r](auto handler) { core->submit(r, std::move(handler)); }, use_task);
}

task<result<reply>> client::exec(request r) {
  auto const core = core_;
  auto answer = co_await exec_each(std::move(r));
  if (answer) {
    if (auto const refused = answer->server_error()) {
      if (refused->contains("READONLY")) core->no_writes(*refused);
      co_return fail(errc::server_error, std::string{*refused});
    }
  }
  co_return answer;
}

task<bool> client::answers(std::chrono::milliseconds patience) {
  if (!core_->logged_in) co_return false;
  auto const timer = std::make_shared<asio::steady_timer>(core_->ex, patience);
  auto const heard = std::make_shared<bool>(false);
  core_->submit(request{"PING"}, [timer, heard](result<reply> const& answer) {
    *heard = answer.has_value();
    timer->cancel();
  });
  error_code ignored;
  co_await timer->async_wait(asio::redirect_error(use_task, ignored));
  co_return *heard;
}

void client::send(request const& r) {
  if (!core_->logged_in) return;
  core_->chat.submit_silent(r, exchange::clock::now() + core_->where.deadline);
  core_->arm_deadline();
  core_->wake_writer();
}

void client::on_login(request r) { core_->login_request = std::move(r); }

void client::on_push(exchange::push_handler handler, std::function<void()> batch_end) {
  core_->batch_end = std::move(batch_end);
  core_->chat.on_push([core = core_.get(), handler = std::move(handler)](std::span<node const> message) {
    core->pushes_seen = true;
    handler(message);
  });
}

void client::on_other_data(std::function<void()> handler) { core_->data_handler = std::move(handler); }
void client::on_state(std::function<void(bool)> handler) { core_->state_handler = std::move(handler); }
address const& client::where() const { return core_->where; }
counters const& client::counts() const { return core_->counts; }
asio::any_io_executor client::executor() const { return core_->ex; }

}  // namespace hiky::redis
