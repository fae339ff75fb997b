// SPDX-License-Identifier: Apache-2.0
#include "state/chat/leases.hpp"

#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/chat/keys.hpp"

namespace hiky::state {
namespace {

std::vector<std::string> lease_keys() { return {std::string{keys::instances}, std::string{keys::sweeps}}; }

}  // namespace

task<result<lease_renewal>> leases::renew(instance_id own, std::chrono::milliseconds lease, bool begin) {
  static redis::script const script{scripts::lease_renew_lua};
  auto call = script.call(lease_keys(), 3);
  call.arg(own).arg(lease.count()).arg(begin ? "begin" : "");
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  auto const items = (*answer)[0].items();
  if (items.empty()) co_return fail(errc::unexpected_reply, "lease_renew.lua returned nothing");
  auto const state = items[0].integer();
  lease_renewal out{state == 1 ? lease_state::renewed : state == 2 ? lease_state::being_swept : lease_state::lost, {}};
  for (std::size_t i = 1; i < items.size(); ++i) {
    if (items[i].text() != own.str()) out.expired.emplace_back(items[i].text());
  }
  co_return out;
}

task<result<bool>> leases::take(instance_id ended, std::chrono::milliseconds patience, bool more) {
  static redis::script const script{scripts::lease_take_lua};
  auto call = script.call(lease_keys(), 3);
  call.arg(ended).arg(patience.count()).arg(more ? "more" : "new");
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  co_return (*answer)[0].integer() == 1;
}

task<result<std::optional<std::int64_t>>> leases::end_of(instance_id instance) {
  auto const answer = co_await redis_.exec(redis::request{"ZSCORE", keys::instances, instance});
  if (!answer) co_return std::unexpected(answer.error());
  std::optional<std::int64_t> out;
  if (!(*answer)[0].is_null()) out = (*answer)[0].integer();
  co_return out;
}

task<result<void>> leases::forget(instance_id ended) {
  static redis::script const script{scripts::lease_forget_lua};
  auto used_keys = lease_keys();
  used_keys.push_back(keys::instance_connections(ended));
  auto call = script.call(used_keys, 1);
  call.arg(ended);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  co_return result<void>{};
}

task<result<std::int64_t>> leases::give_up(instance_id own) {
  static redis::script const script{scripts::lease_give_up_lua};
  auto used_keys = lease_keys();
  used_keys.push_back(keys::instance_connections(own));
  auto call = script.call(used_keys, 1);
  call.arg(own);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  co_return (*answer)[0].integer();
}

}  // namespace hiky::state
