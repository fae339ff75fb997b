// SPDX-License-Identifier: Apache-2.0
// TLS contexts: versions, keys and authorities. tls_tunnel carries the bytes.
#pragma once
#include <openssl/types.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/tls_files.hpp"

namespace hiky::tls {

using context = std::shared_ptr<SSL_CTX>;

// TLS 1.2 or newer, with HTTP/1.1 by ALPN. `cert` is a PEM chain, the server's own certificate first. The error names
// the file and its fault.
result<context> server_context(std::filesystem::path const& cert, std::filesystem::path const& key);

// TLS 1.2 or newer. The error names the option, the file and its fault.
result<context> client_context(client_files const& files);

// Takes any certificate, so that it proves nothing: for asking oneself.
context unchecking_client_context();

// The certificate that a server shows; it may change while the server runs.
class identity {
 public:
  identity(std::filesystem::path cert, std::filesystem::path key) : cert_(std::move(cert)), key_(std::move(key)) {}
  // Reads both files anew. On an error the old pair stays in use.
  result<void> load();
  // From any thread; empty before the first load() that succeeded.
  context current() const { return current_.load(); }

 private:
  std::filesystem::path cert_, key_;
  std::atomic<context> current_;
};

// The oldest reason in OpenSSL's queue, in words; empties the queue.
std::string last_reason();

}  // namespace hiky::tls
