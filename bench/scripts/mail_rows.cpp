// SPDX-License-Identifier: Apache-2.0
// Mail that waits for users, and its way to them.
#include <fmt/format.h>

#include "row.hpp"
#include "state/chat/keys.hpp"

namespace hiky::script_bench {
namespace {

constexpr int readers = 50, waiting = 20;

user_id reader(int i) { return user("reader", i); }
std::string message(int n) {
  return fmt::format(R"({{"type":"message","content":{},"messageId":"e:{}","seq":{}}})", short_content, n, n);
}

void put_mail(stage& on) {
  redis::request ask;
  for (int i = 0; i < readers; ++i) {
    ask.add("DEL", state::keys::offline_messages(reader(i)),
            state::keys::offline_inflight(reader(i), stage::connection(reader(i))));
    for (int n = 1; n <= waiting; ++n) ask.add("LPUSH", state::keys::offline_messages(reader(i)), message(n));
  }
  on.command(std::move(ask));
}
call claim(stage& on, int i) { return done(on.store.mailbox.claim(reader(i), stage::connection(reader(i)))); }

}  // namespace

std::vector<row> mail_rows(stage& on) {
  std::vector<row> out;
  auto const plant = [&on] { on.all(readers, [&on](int i) { return on.connect(reader(i)); }); };
  out.push_back({.script = "mail_claim",
                 .what = "20 messages wait",
                 .calls = readers,
                 .plant = plant,
                 .prepare = [&on] { put_mail(on); },
                 .call = [&on](int i) { return claim(on, i); }});
  out.push_back({.script = "mail_claim",
                 .what = "20 messages wait, 10 of them are chosen",
                 .calls = readers,
                 .plant = plant,
                 .prepare = [&on] { put_mail(on); },
                 .call =
                     [&on](int i) {
                       return done(on.store.mailbox.claim(
                           reader(i), stage::connection(reader(i)), {},
                           state::mail_choice{message(waiting), waiting, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}));
                     }});
  out.push_back({.script = "mail_claim", .what = "nothing waits", .calls = 200, .call = [&on](int i) {
                   return done(on.store.mailbox.claim(person(i), stage::connection(person(i))));
                 }});
  out.push_back({.script = "mail_confirm",
                 .what = "20 messages",
                 .calls = readers,
                 .plant = plant,
                 .prepare =
                     [&on] {
                       put_mail(on);
                       on.all(readers, [&on](int i) { return claim(on, i); });
                     },
                 .call =
                     [&on](int i) {
                       return done(on.store.mailbox.confirm(reader(i), stage::connection(reader(i)), waiting, 0));
                     }});
  out.push_back({.script = "offline_push", .what = "a mailbox that is full", .calls = 200, .call = [&on](int i) {
                   return done(on.offline_messages.push(user("pushed", i % 2),
                                                        {{"type", "message"}, {"content", short_content}}));
                 }});
  out.push_back({.script = "forget",
                 .what = "20 messages wait",
                 .prepare =
                     [&on] {
                       redis::request ask;
                       for (int i = 0; i < 100; ++i) {
                         ask.add("SET", state::keys::last_seen(user("gone", i)), "2020-01-31T12:00:00.000Z");
                         for (int n = 0; n < waiting; ++n)
                           ask.add("LPUSH", state::keys::offline_messages(user("gone", i)), message(n));
                       }
                       on.command(std::move(ask));
                     },
                 .call = [&on](int i) { return done(on.absentees.forget(user("gone", i))); }});
  return out;
}

}  // namespace hiky::script_bench
