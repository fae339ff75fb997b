// SPDX-License-Identifier: Apache-2.0
// The files of a TLS client, by name: for code that passes them on and knows nothing of TLS.
#pragma once
#include <string>

namespace hiky::tls {

// In PEM. Each may be empty: the authorities that the server's certificate must be by (then the system's), and our own
// certificate and key (then none is shown).
struct client_files {
  std::string authorities{}, cert{}, key{};
};

}  // namespace hiky::tls
