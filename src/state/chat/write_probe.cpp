// SPDX-License-Identifier: Apache-2.0
#include "state/chat/write_probe.hpp"

#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/chat/keys.hpp"

namespace hiky::state {

task<result<void>> probe_write(redis::client& redis) {
  static redis::script const script{scripts::write_probe_lua};
  std::string const used_keys[]{std::string{keys::instances}};
  auto call = script.call(used_keys, 1);
  call.arg(keys::instance_channels(redis.where().database));
  auto const answer = co_await script.run(redis, std::move(call));
  if (answer) co_return result<void>{};
  // In Redis's own words, without the place in the script: ` script: SHA1, on @user_script:LINE.`
  auto why = answer.error();
  if (auto const place = why.text.rfind(" script: "); place != std::string::npos) why.text.erase(place);
  co_return std::unexpected(std::move(why));
}

bool is_refusal(error const& e) {
  return e.code == errc::server_error && (refuses_writes(e) || !is_transient(e)) && !e.text.starts_with("NOSCRIPT");
}

}  // namespace hiky::state
