// SPDX-License-Identifier: Apache-2.0
// For whom a trusted proxy speaks, by its X-Forwarded-For header. Pure.
#pragma once
#include <functional>

#include "gateway/door/admission.hpp"
#include "gateway/door/peer_address.hpp"
#include "gateway/http/message.hpp"

namespace hiky::gateway {

// The last address in the request's X-Forwarded-For that is not a trusted proxy's: everything in front of it anybody
// can have made up. If all are trusted, the first. `from`, the peer itself, when the header is missing or its last
// entry is no address.
peer_address forwarded_client(http_request const& r, peer_address from,
                              std::function<bool(peer_address const&)> const& is_trusted);
// The client that sent the request, which comes by the connection of `seat`.
peer_address client_of(http_request const& r, admission::seat const& seat, admission const& doors);

}  // namespace hiky::gateway
