// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/examine.hpp"

namespace hiky::state {

task<result<std::vector<observation>>> examine(redis::client& redis, std::vector<subject> subjects, mending how) {
  if (subjects.empty()) co_return std::vector<observation>{};
  switch (subjects.front().kind) {
    case subject_kind::key: co_return co_await examine_keys(redis, std::move(subjects), how);
    case subject_kind::user: co_return co_await examine_users(redis, std::move(subjects), how);
    case subject_kind::pair: co_return co_await examine_pairs(redis, std::move(subjects), how);
    case subject_kind::instance: co_return co_await examine_instances(redis, std::move(subjects), how);
    case subject_kind::typing: co_return co_await examine_typing(redis, std::move(subjects), how);
    case subject_kind::mailbox: co_return co_await examine_mailboxes(redis, std::move(subjects), how);
    case subject_kind::inflight: co_return co_await examine_inflight(redis, std::move(subjects), how);
    case subject_kind::room: co_return co_await examine_rooms(redis, std::move(subjects), how);
  }
  co_return std::vector<observation>{};
}

}  // namespace hiky::state
