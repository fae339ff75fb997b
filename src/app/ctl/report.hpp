// SPDX-License-Identifier: Apache-2.0
// The result of a command of hikyctl, and its three faces: JSON for programs, a table for a terminal, and lines of
// tab-separated cells for a pipe. Knows nothing of Redis.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace hiky::ctl {

struct report {
  std::string json;                             // one JSON text
  std::vector<std::string> head{};  // names of the columns; without them each row is a name and its values
  std::vector<std::vector<std::string>> rows{};
  std::string text{};  // instead of rows: printed as it is
  std::size_t widest_cell = 0;  // a terminal gets longer cells cut to this many characters; 0 = no limit
  std::string when_empty{};  // what a terminal gets instead of a table without rows
  std::string title{};  // what a terminal gets above the table
  bool blocks = false;  // a terminal gets each row as a paragraph, its first cell above the others
  std::vector<std::string> notes{};  // for stderr
  int exit_code = 0;
  bool streamed = false;  // all was said under way; nothing is printed at the end
};

enum class face { json, terminal, lines };

// Ends with a newline unless it is empty. Cells are made harmless: one line each, no control characters, valid UTF-8.
std::string render(report const& r, face as);

// `cell` with control characters as \n, \t or \x1b, and bytes that are no UTF-8 as U+FFFD.
std::string visible(std::string_view cell);

// The `most` first characters of `text`, with … where something is cut off.
std::string shortened(std::string_view text, std::size_t most);

// "1 message", "2 messages"
std::string counted(std::int64_t number, std::string_view noun);

// `words` as a shell and hikyctl take them, for advice that can be pasted: quoted where needed, behind a `--` where
// needed.
std::string pasteable(std::vector<std::string_view> const& words);

// `text`, a JSON text, without a line end in it. Between its parts JSON has blanks of any kind; within strings it has
// no line ends. A text that is no JSON becomes a JSON string. Contents of messages are kept as their senders wrote
// them.
std::string json_line(std::string_view text);

// A JSON string whatever the bytes are. Texts in Redis were written by others.
json::string foreign(std::string_view text);

template <class Ids>
json::array json_array(Ids const& ids) {
  json::array out;
  out.reserve(ids.size());
  for (auto const& id : ids) out.emplace_back(foreign(id));
  return out;
}

}  // namespace hiky::ctl
