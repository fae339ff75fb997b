// SPDX-License-Identifier: Apache-2.0
// What a TLS client goes by, as file names: for those who pass them on and know nothing of TLS.
#pragma once
#include <string>

namespace hiky::tls {

// In PEM, each may be empty: whom the server's certificate must be by (the system's authorities), and what is shown of
// us (nothing).
struct client_files {
  std::string authorities{}, cert{}, key{};
};

}  // namespace hiky::tls
