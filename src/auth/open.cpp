// SPDX-License-Identifier: Apache-2.0
#include "auth/open.hpp"

namespace hiky::auth {

task<result<user_id>> open::identify(credentials shown) {
  if (!shown.claimed) co_return fail(errc::invalid_argument, "register needs a userId: a string of 1 to 128 bytes");
  co_return *shown.claimed;
}

}  // namespace hiky::auth
