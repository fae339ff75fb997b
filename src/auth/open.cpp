// SPDX-License-Identifier: Apache-2.0
#include "auth/open.hpp"

namespace hiky::auth {

task<verdict<std::optional<identity>>> open::identify(credentials shown) {
  if (!shown.claimed) co_return std::nullopt;
  co_return identity{std::move(*shown.claimed)};
}

}  // namespace hiky::auth
