// SPDX-License-Identifier: Apache-2.0
#include "base/tls_tunnel.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <array>
#include <cerrno>
#include <cstring>

namespace hiky::tls {

namespace {

using boost::system::error_code;
using socket = asio::generic::stream_protocol::socket;
using namespace std::chrono_literals;

constexpr std::size_t portion = 16 * 1024;  // a TLS record
constexpr int portions_per_turn = 8;        // then others get theirs
constexpr int pair_buffer = 64 * 1024;      // of the kernel, each way
constexpr auto last_words = 5s;  // for a peer that is slow to take the bytes that our side wrote before it hung up

// Shared by the tunnels of a thread: nothing in it outlives a suspension.
thread_local std::array<char, portion> scratch;

struct free_ssl {
  void operator()(SSL* s) const { SSL_free(s); }
};

struct tunnel {
  tunnel(asio::any_io_executor const& ex, int descriptor, SSL* s) : tcp(ex), plain(ex), patience(ex), ssl(s) {
    error_code ignored;
    tcp.assign(asio::generic::stream_protocol{AF_INET, 0}, descriptor, ignored);
    SSL_set_fd(s, descriptor);
  }

  socket tcp, plain;
  asio::steady_timer patience;
  std::unique_ptr<SSL, free_ssl> ssl;
  bool sending = true, hung_up = false;

  void end() {
    error_code ignored;
    tcp.close(ignored);
    plain.close(ignored);
    patience.cancel();  // a caller that waits for all to have ended would wait for it
  }
};

using tunnel_ptr = std::shared_ptr<tunnel>;

task<bool> ready(socket& s, socket::wait_type what) {
  error_code ec;
  co_await s.async_wait(what, asio::redirect_error(use_task, ec));
  co_return !ec;
}

// Waits for the readiness that OpenSSL wants before the same call can go on. False when there is nothing to wait for:
// the connection is over.
task<bool> wanted(tunnel& t, int outcome) {
  switch (SSL_get_error(t.ssl.get(), outcome)) {
    case SSL_ERROR_WANT_READ: co_return co_await ready(t.tcp, socket::wait_read);
    case SSL_ERROR_WANT_WRITE: co_return co_await ready(t.tcp, socket::wait_write);
    default: co_return false;
  }
}

task<bool> write_plain(tunnel& t, std::string rest) {
  while (!rest.empty()) {
    if (!co_await ready(t.plain, socket::wait_write)) co_return false;
    auto const taken = ::send(t.plain.native_handle(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (taken < 0 && errno != EAGAIN && errno != EINTR) co_return false;
    if (taken > 0) rest.erase(0, static_cast<std::size_t>(taken));
  }
  co_return true;
}

task<> decrypt(tunnel_ptr t) {
  for (int turn = 0;;) {
    if (!t->tcp.is_open()) co_return;
    ERR_clear_error();
    auto const size = SSL_read(t->ssl.get(), scratch.data(), scratch.size());
    if (size <= 0) {
      turn = 0;
      if (!co_await wanted(*t, size)) break;
      continue;
    }
    auto const taken =
        ::send(t->plain.native_handle(), scratch.data(), static_cast<std::size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (taken < 0 && errno != EAGAIN && errno != EINTR) break;
    auto const done = taken < 0 ? 0 : taken;
    if (done < size &&
        !co_await write_plain(*t, std::string{scratch.data() + done, static_cast<std::size_t>(size - done)}))
      break;
    if (++turn % portions_per_turn == 0) co_await asio::post(use_task);
  }
  // Our side reads the bytes that are there, then the end, and closes in turn.
  if (!t->plain.is_open()) co_return;
  error_code ignored;
  t->plain.shutdown(socket::shutdown_send, ignored);
}

task<bool> write_tls(tunnel& t, std::string_view text) {
  // Copied only if it has to wait, since `text` is in `scratch`.
  std::string kept;
  while (!text.empty()) {
    if (!t.tcp.is_open()) co_return false;
    ERR_clear_error();
    auto const taken = SSL_write(t.ssl.get(), text.data(), static_cast<int>(text.size()));
    if (taken > 0) {
      text.remove_prefix(static_cast<std::size_t>(taken));
      continue;
    }
    if (kept.empty()) {
      kept = text;
      text = kept;
    }
    if (!co_await wanted(t, taken)) co_return false;
  }
  co_return true;
}

// The peer takes nothing any more: a writer on our side must not wait for it.
void refuse_plain(tunnel& t) {
  error_code ignored;
  t.plain.shutdown(socket::shutdown_receive, ignored);
  // A writer that waits for room is woken by room alone.
  while (::recv(t.plain.native_handle(), scratch.data(), scratch.size(), MSG_DONTWAIT) > 0) {}
}

task<> encrypt(tunnel_ptr t) {
  for (int turn = 0;;) {
    if (!t->plain.is_open()) co_return;
    auto const size = ::recv(t->plain.native_handle(), scratch.data(), scratch.size(), MSG_DONTWAIT);
    if (size == 0) break;
    if (size < 0) {
      turn = 0;
      if ((errno == EAGAIN || errno == EINTR) && co_await ready(t->plain, socket::wait_read)) continue;
      break;
    }
    if (!co_await write_tls(*t, {scratch.data(), static_cast<std::size_t>(size)})) {
      refuse_plain(*t);
      break;
    }
    if (++turn % portions_per_turn == 0) co_await asio::post(use_task);
  }
  t->sending = false;
  if (!t->tcp.is_open()) co_return;
  ERR_clear_error();
  SSL_shutdown(t->ssl.get());
  error_code ignored;
  t->tcp.shutdown(socket::shutdown_send, ignored);
  if (t->hung_up) t->end();
}

// The socket pair says hang-up when our side is closed altogether, or neither direction is left.
void watch(tunnel_ptr const& t) {
  t->plain.async_wait(socket::wait_error, [t](error_code ec) {
    if (ec) return;
    t->hung_up = true;
    if (!t->sending) return t->end();
    t->patience.expires_after(last_words);
    t->patience.async_wait([t](error_code) { t->end(); });
  });
}

std::string why_not(SSL* ssl, error_code const& timeout) {
  if (timeout == asio::error::operation_aborted) return "the handshake was not finished in time";
  if (auto const verdict = SSL_get_verify_result(ssl); verdict != X509_V_OK) {
    return fmt::format("the certificate is not accepted: {}", X509_verify_cert_error_string(verdict));
  }
  if (auto const code = ERR_peek_error(); code != 0) return last_reason();
  return "the connection ended during the handshake";
}

task<result<int>> shake_hands(tunnel_ptr t, std::chrono::milliseconds patience) {
  auto const until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    ERR_clear_error();
    auto const outcome = SSL_do_handshake(t->ssl.get());
    if (outcome == 1) break;
    auto const what = SSL_get_error(t->ssl.get(), outcome);
    if (what != SSL_ERROR_WANT_READ && what != SSL_ERROR_WANT_WRITE)
      co_return fail(errc::io, why_not(t->ssl.get(), {}));
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    error_code ec;
    co_await t->tcp.async_wait(what == SSL_ERROR_WANT_READ ? socket::wait_read : socket::wait_write,
                               asio::cancel_after(std::max(left, 0ms), asio::redirect_error(use_task, ec)));
    if (ec) co_return fail(errc::timeout, why_not(t->ssl.get(), ec));
  }
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
    co_return fail(errc::io, fmt::format("no socket pair for TLS: {}", std::strerror(errno)));
  }
  for (int const end : ends) ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &pair_buffer, sizeof pair_buffer);
  t->plain.assign(asio::generic::stream_protocol{AF_UNIX, 0}, ends[0]);
  auto const ex = co_await asio::this_coro::executor;
  watch(t);
  auto const when_over = [t](std::exception_ptr const& bug) {
    if (bug) t->end();
  };
  asio::co_spawn(ex, decrypt(t), when_over);
  asio::co_spawn(ex, encrypt(t), when_over);
  co_return ends[1];
}

task<tunnel_ptr> open(int descriptor, context const& with) {
  co_return std::make_shared<tunnel>(co_await asio::this_coro::executor, descriptor, SSL_new(with.get()));
}

}  // namespace

task<result<int>> accept(int descriptor, context with, std::chrono::milliseconds patience) {
  auto t = co_await open(descriptor, with);
  SSL_set_accept_state(t->ssl.get());
  co_return co_await shake_hands(std::move(t), patience);
}

task<result<int>> connect(int descriptor, context with, std::string host, std::chrono::milliseconds patience) {
  auto t = co_await open(descriptor, with);
  auto* const ssl = t->ssl.get();
  SSL_set_connect_state(ssl);
  error_code no_address;
  asio::ip::make_address(host, no_address);
  if (no_address) {
    SSL_set_tlsext_host_name(ssl, host.c_str());  // SNI knows names only
    SSL_set1_host(ssl, host.c_str());
  } else {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
  }
  co_return co_await shake_hands(std::move(t), patience);
}

}  // namespace hiky::tls
