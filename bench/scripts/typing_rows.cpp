// SPDX-License-Identifier: Apache-2.0
// Typing: the chat's marks, and the document's keys.
#include <fmt/format.h>

#include "row.hpp"
#include "state/chat/keys.hpp"

namespace hiky::script_bench {
namespace {

using state::typing_change;
constexpr int typists = 100;

void nobody_types(stage& on) {
  on.command(redis::request{"DEL", state::keys::typing_users, state::keys::typing_marks});
}
call change(stage& on, int i, typing_change what) {
  return done(on.store.typing.change(person(i), room("room", i / 10), what));
}
void all_type(stage& on) {
  nobody_types(on);
  on.all(typists, [&on](int i) { return change(on, i, typing_change::on); });
}

}  // namespace

std::vector<row> typing_rows(stage& on) {
  std::vector<row> out;
  auto const none = [&on] { nobody_types(on); };
  auto const all = [&on] { all_type(on); };
  out.push_back({.script = "typing", .what = "begins", .calls = typists, .prepare = none, .call = [&on](int i) {
                   return change(on, i, typing_change::on);
                 }});
  out.push_back({.script = "typing", .what = "ends", .calls = typists, .prepare = all, .call = [&on](int i) {
                   return change(on, i, typing_change::off);
                 }});
  out.push_back(
      {.script = "typing", .what = "runs out, but was renewed", .calls = typists, .prepare = all, .call = [&on](int i) {
         return change(on, i, typing_change::expired);
       }});
  out.push_back({.script = "typing_sweep",
                 .what = "100 marks, none is overdue",
                 .calls = 200,
                 .prepare = all,
                 .call = [&on](int) { return done(on.store.typing.sweep(100, std::chrono::seconds{2})); }});
  out.push_back({.script = "typing_sweep",
                 .what = "10 overdue marks",
                 .calls = 10,
                 .prepare =
                     [&on] {
                       nobody_types(on);
                       redis::request ask;
                       for (int i = 0; i < typists; ++i) {
                         ask.add("HSET", state::keys::typing_users, person(i), room("room", i / 10));
                         ask.add("ZADD", state::keys::typing_marks, 1000 + i,
                                 person(i).str() + "\n" + room("room", i / 10).str());
                       }
                       on.command(std::move(ask));
                     },
                 .call = [&on](int) { return done(on.store.typing.sweep(10, std::chrono::seconds{2})); }});
  out.push_back({.script = "typing_set", .what = "a user", .calls = typists, .prepare = none, .call = [&on](int i) {
                   return done(on.typing_users.set(person(i), room("room", i / 10)));
                 }});
  out.push_back(
      {.script = "typing_get", .what = "a user who types", .calls = typists, .prepare = all, .call = [&on](int i) {
         return done(on.typing_users.get(person(i)));
       }});
  out.push_back({.script = "typing_all", .what = "100 users type", .calls = 20, .prepare = all, .call = [&on](int) {
                   return done(on.typing_users.all());
                 }});
  out.push_back(
      {.script = "typing_remove", .what = "a user who types", .calls = typists, .prepare = all, .call = [&on](int i) {
         return done(on.typing_users.remove(person(i)));
       }});
  return out;
}

}  // namespace hiky::script_bench
