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
  if (!answer) co_return std::unexpected(answer.error());  // in Redis's own words
  co_return result<void>{};
}

bool is_refusal(error const& e) {
  return e.code == errc::server_error && (refuses_writes(e) || !is_transient(e)) && !e.text.starts_with("NOSCRIPT");
}

}  // namespace hiky::state
