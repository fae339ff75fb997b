// SPDX-License-Identifier: Apache-2.0
#include "base/tls.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <fstream>
#include <string_view>

namespace hiky::tls {

namespace {

std::unexpected<error> refused(std::string_view what, std::filesystem::path const& file) {
  return fail(errc::invalid_argument, fmt::format("{} in {} cannot be used: {}", what, file.string(), last_reason()));
}

result<void> readable(std::string_view what, std::filesystem::path const& file) {
  if (std::ifstream{file}.is_open()) return {};
  return fail(errc::invalid_argument, fmt::format("{}: {} cannot be read", what, file.string()));
}

// Picks HTTP/1.1 from the protocols that the client offers. To a client that offers only others it says
// no_application_protocol (RFC 7301 3.2). It is not called for a client that offers none.
int choose_protocol(SSL*, unsigned char const** out, unsigned char* size, unsigned char const* offered,
                    unsigned offered_size, void*) {
  std::string_view const ours{"\x08http/1.1"};
  unsigned char* chosen = nullptr;
  auto const found = SSL_select_next_proto(&chosen, size, reinterpret_cast<unsigned char const*>(ours.data()),
                                           static_cast<unsigned>(ours.size()), offered, offered_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

context made(SSL_METHOD const* method) {
  ERR_clear_error();
  context out{SSL_CTX_new(method), SSL_CTX_free};
  SSL_CTX_set_min_proto_version(out.get(), TLS1_2_VERSION);
  // An idle connection holds no buffers; bytes that could not be written at once may lie elsewhere the next time.
  SSL_CTX_set_mode(out.get(),
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(out.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  return out;
}

// The pair that `option`-cert and `option`-key name.
result<void> show(SSL_CTX& by, std::string_view option, std::filesystem::path const& cert,
                  std::filesystem::path const& key) {
  if (auto ok = readable(fmt::format("{}-cert", option), cert); !ok) return ok;
  if (auto ok = readable(fmt::format("{}-key", option), key); !ok) return ok;
  if (SSL_CTX_use_certificate_chain_file(&by, cert.c_str()) != 1) return refused("the certificate", cert);
  if (SSL_CTX_use_PrivateKey_file(&by, key.c_str(), SSL_FILETYPE_PEM) != 1) return refused("the key", key);
  if (SSL_CTX_check_private_key(&by) != 1)
    return refused(fmt::format("the key that is to belong to {}", cert.string()), key);
  return {};
}

}  // namespace

std::string last_reason() {
  auto const code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "no reason given";
  char const* const reason = ERR_reason_error_string(code);
  return reason ? reason : fmt::format("error {:x}", code);
}

result<context> server_context(std::filesystem::path const& cert, std::filesystem::path const& key) {
  auto out = made(TLS_server_method());
  SSL_CTX_set_options(out.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Tickets let clients resume without any memory of ours.
  SSL_CTX_set_session_cache_mode(out.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(out.get(), 1);
  SSL_CTX_set_alpn_select_cb(out.get(), choose_protocol, nullptr);
  if (auto const shown = show(*out, "--tls", cert, key); !shown) return std::unexpected(shown.error());
  return out;
}

context unchecking_client_context() { return made(TLS_client_method()); }

result<context> client_context(client_files const& files) {
  auto const& authorities = files.authorities;
  auto out = made(TLS_client_method());
  SSL_CTX_set_verify(out.get(), SSL_VERIFY_PEER, nullptr);
  if (!files.cert.empty()) {
    if (auto const shown = show(*out, "--redis", files.cert, files.key); !shown) return std::unexpected(shown.error());
  }
  if (authorities.empty()) {
    if (SSL_CTX_set_default_verify_paths(out.get()) != 1)
      return fail(errc::io, "the system's certificates cannot be read: " + last_reason());
    return out;
  }
  if (auto ok = readable("--redis-ca", authorities); !ok) return std::unexpected(ok.error());
  if (SSL_CTX_load_verify_file(out.get(), authorities.c_str()) != 1) return refused("the authorities", authorities);
  return out;
}

result<void> identity::load() {
  auto fresh = server_context(cert_, key_);
  if (!fresh) return std::unexpected(fresh.error());
  current_.store(std::move(*fresh));
  return {};
}

}  // namespace hiky::tls
