// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/fsck.hpp"

#include <boost/asio/steady_timer.hpp>

#include <map>
#include <set>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "state/ask.hpp"
#include "state/inspect/examine.hpp"
#include "state/inspect/key_families.hpp"

namespace hiky::state {
namespace {

namespace prefix = keys::prefix;
constexpr std::size_t at_once = 200;

// Walks all keys page by page and has their subjects examined, a batch of each kind at a time. Suspects are examined a
// second time after a while; only that counts.
class inspection {
 public:
  inspection(redis::client& redis, fsck_question const& how) : redis_(redis), how_(how) {}

  task<result<fsck_report>> run() {
    if (auto const walked = co_await walk_keys(); !walked) co_return std::unexpected(walked.error());
    for (auto& [kind, waiting] : waiting_) {
      if (auto const looked = co_await first_look(kind); !looked) co_return std::unexpected(looked.error());
    }
    if (!suspects_.empty()) {
      if (auto const looked = co_await second_look(); !looked) co_return std::unexpected(looked.error());
    }
    co_return std::move(report_);
  }

 private:
  // SCAN gives keys while others come and go; a key that is there all the time is given at least once.
  task<result<void>> walk_keys() {
    auto const size = co_await ask<std::size_t>(redis_, "DBSIZE", "");
    std::string cursor{"0"};
    do {
      auto const answer = co_await redis_.exec(redis::request{"SCAN", cursor, "MATCH", keys::pattern, "COUNT", 500});
      if (!answer) co_return std::unexpected(in_context(answer.error(), "SCAN", keys::pattern));
      auto const page = (*answer)[0].items();
      if (page.size() != 2)
        co_return fail(errc::unexpected_reply, "SCAN answered with something else than a cursor and keys");
      cursor = page[0].text();
      for (auto const& key : page[1].strings()) {
        ++report_.keys;
        if (auto const taken = co_await take_key(key); !taken) co_return std::unexpected(taken.error());
      }
      if (how_.progress) how_.progress(report_.keys, size ? *size : 0);
    } while (cursor != "0");
    // Leases without connections have no key of their own.
    co_return co_await take_elements("ZSCAN", keys::instances,
                                     [this](std::string const& name) { return add(subject_kind::instance, name); });
  }

  task<result<void>> take_key(std::string key) {
    auto const rest = [&](std::string_view family) { return key.substr(family.size()); };
    auto const as = [this](subject_kind kind) {
      return [this, kind](std::string const& name) { return add(kind, name); };
    };
    result<void> done = co_await add(subject_kind::key, key);
    if (!done) co_return done;
    auto const* family = keys::family_of(key);
    if (family == nullptr) co_return done;
    auto const name = family->name;
    if (name == keys::online_users) co_return co_await take_elements("SSCAN", key, as(subject_kind::user));
    if (name == keys::clients) co_return co_await take_elements("HSCAN", key, as(subject_kind::user));
    if (name == keys::typing_users) co_return co_await take_elements("HSCAN", key, as(subject_kind::typing));
    if (name == prefix::user_connections) co_return co_await add(subject_kind::user, rest(name));
    if (name == prefix::instance_connections) co_return co_await add(subject_kind::instance, rest(name));
    if (name == prefix::offline_messages) co_return co_await add(subject_kind::mailbox, key);
    if (name == prefix::offline_inflight) co_return co_await add(subject_kind::inflight, key);
    if (name == prefix::room_head || name == prefix::room_log) co_return co_await add(subject_kind::room, rest(name));
    if (name == prefix::user_rooms || name == prefix::member_rooms) {
      co_return co_await take_elements("SSCAN", key, [this, user = rest(name)](std::string const& room) {
        return add(subject_kind::pair, user, room);
      });
    }
    if (name == prefix::room_participants || name == prefix::joined_room_participants || name == prefix::room_members ||
        name == prefix::room_absent) {
      co_return co_await take_elements("SSCAN", key, [this, room = rest(name)](std::string const& user) {
        return add(subject_kind::pair, user, room);
      });
    }
    co_return done;
  }

  // Every element of a set, every field of a hash, every member of a sorted set.
  template <class Add>
  task<result<void>> take_elements(std::string_view scan, std::string_view key, Add each) {
    std::string cursor{"0"};
    do {
      auto const answer = co_await redis_.exec(redis::request{scan, key, cursor, "COUNT", 500});
      if (!answer && answer.error().text.starts_with("WRONGTYPE")) co_return result<void>{};  // examine_keys says so
      if (!answer) co_return std::unexpected(in_context(answer.error(), scan, key));
      auto const page = (*answer)[0].items();
      if (page.size() != 2)
        co_return fail(errc::unexpected_reply, "SCAN answered with something else than a cursor and elements");
      cursor = page[0].text();
      auto const elements = page[1].strings();
      for (std::size_t i = 0; i < elements.size(); i += scan == "SSCAN" ? 1 : 2) {
        if (auto const added = co_await each(elements[i]); !added) co_return added;
      }
    } while (cursor != "0");
    co_return result<void>{};
  }

  task<result<void>> add(subject_kind kind, std::string name, std::string other = {}) {
    // Most subjects are met under several keys.
    auto const identity = std::string(1, static_cast<char>('a' + static_cast<int>(kind))) + name + '\0' + other;
    bool const is_new = kind == subject_kind::key || met_.insert(std::hash<std::string>{}(identity)).second;
    if (!is_new) co_return result<void>{};
    if (kind == subject_kind::user) ++report_.users;
    if (kind == subject_kind::pair) ++report_.memberships;
    auto& waiting = waiting_[kind];
    waiting.push_back({kind, std::move(name), std::move(other)});
    if (waiting.size() < at_once) co_return result<void>{};
    co_return co_await first_look(kind);
  }

  task<result<void>> first_look(subject_kind kind) {
    auto const subjects = std::exchange(waiting_[kind], {});
    if (subjects.empty()) co_return result<void>{};
    auto const found = co_await examine(redis_, subjects, {});
    if (!found) co_return std::unexpected(found.error());
    for (auto const& each : *found) suspects_.insert(each.about);
    co_return result<void>{};
  }

  task<result<void>> second_look() {
    asio::steady_timer pause{redis_.executor(), how_.patience};
    co_await pause.async_wait(use_task);
    for (auto const kind : in_order_of_repair) {
      std::vector<subject> batch;
      for (auto each = suspects_.begin(); each != suspects_.end(); ++each) {
        if (each->kind == kind) batch.push_back(*each);
        if (batch.empty() || (batch.size() < at_once && std::next(each) != suspects_.end())) continue;
        auto const found =
            co_await examine(redis_, std::exchange(batch, {}), {how_.repair, how_.repair && how_.repair_strays});
        if (!found) co_return std::unexpected(found.error());
        for (auto const& one : *found) {
          if (!one.found.repaired.empty()) ++report_.repaired;
          report_.findings.push_back(one.found);
        }
      }
    }
    co_return result<void>{};
  }

  redis::client& redis_;
  fsck_question const& how_;
  fsck_report report_;
  std::map<subject_kind, std::vector<subject>> waiting_;
  std::set<subject> suspects_;
  std::unordered_set<std::size_t> met_;
};

}  // namespace

task<result<fsck_report>> fsck(redis::client& redis, fsck_question how) {
  inspection both_looks{redis, how};
  co_return co_await both_looks.run();
}

}  // namespace hiky::state
