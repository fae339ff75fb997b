// SPDX-License-Identifier: Apache-2.0
// The findings of fsck, as a report.
#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include "app/ctl/commands.hpp"
#include "directory/foreign_text.hpp"

namespace hiky::ctl {

outcome fsck(session& s, state::fsck_question how) {
  how.progress = [&s](std::size_t seen, std::size_t all) {
    s.progress(fmt::format("fsck: {} of about {} keys", seen, std::max(seen, all)));
  };
  auto const done = co_await state::fsck(s.ws, how);
  if (!done) co_return std::unexpected(done.error());
  auto const left = done->findings.size() - done->repaired;
  report out{directory::mended_utf8(json::serialize(json::object{{"keys", done->keys},
                                                                 {"onlineUsers", done->users},
                                                                 {"memberships", done->memberships},
                                                                 {"findings", to_json(done->findings)},
                                                                 {"repaired", done->repaired},
                                                                 {"remaining", left}}))};
  out.head = {"KEY", "finding", "found", "expected", "repaired"};
  out.blocks = true;
  for (auto const& f : done->findings) out.rows.push_back({f.key, f.kind, f.found, f.expected, f.repaired});
  auto const looked = fmt::format("looked at {}, {} online, {}", counted(static_cast<std::int64_t>(done->keys), "key"),
                                  counted(static_cast<std::int64_t>(done->users), "user"),
                                  counted(static_cast<std::int64_t>(done->memberships), "membership"));
  out.when_empty = looked + ": all is well";
  if (!done->findings.empty()) {
    out.notes.push_back(fmt::format(
        "{}: {}, {} repaired{}", looked, counted(static_cast<std::int64_t>(done->findings.size()), "finding"),
        done->repaired, left > 0 && !how.repair ? "; mend with: hikyctl fsck --repair" : ""));
  }
  out.exit_code = left > 0 ? 1 : 0;
  co_return out;
}

}  // namespace hiky::ctl
