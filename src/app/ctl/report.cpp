// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/report.hpp"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>

#include "directory/foreign_text.hpp"

namespace hiky::ctl {
namespace {

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0u) != 0x80u; }

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

void append_padded(std::string& out, std::string_view cell, std::size_t width) {
  out += cell;
  out.append(width - std::min(width, characters(cell)), ' ');
}

void append_line(std::string& out, std::vector<std::string> const& cells, std::vector<std::size_t> const& widths) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i + 1 == cells.size()) out += cells[i];
    else append_padded(out, cells[i], widths[i] + 2);
  }
  out += '\n';
}

std::string table(std::vector<std::string> const& head, std::vector<std::vector<std::string>> const& rows) {
  std::vector<std::size_t> widths(head.size());
  for (std::size_t i = 0; i < head.size(); ++i) {
    widths[i] = characters(head[i]);
    for (auto const& row : rows) widths[i] = std::max(widths[i], i < row.size() ? characters(row[i]) : 0);
  }
  std::string out;
  append_line(out, head, widths);
  for (auto const& row : rows) append_line(out, row, widths);
  return out;
}

std::string facts(std::vector<std::vector<std::string>> const& rows) {
  std::size_t width = 0;
  for (auto const& row : rows) width = std::max(width, characters(row.front()));
  std::string out;
  for (auto const& row : rows) {
    append_padded(out, row.front(), width + 2);
    for (std::size_t i = 1; i < row.size(); ++i) out.append(i > 1 ? ", " : "").append(row[i]);
    if (row.size() == 1) out += '-';
    out += '\n';
  }
  return out;
}

std::string lines(std::vector<std::vector<std::string>> const& rows, bool facts) {
  std::string out;
  for (auto const& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) out.append(i > 0 ? "\t" : "").append(row[i]);
    if (facts && row.size() == 1) out += '\t';  // a fact without a value still has its column
    out += '\n';
  }
  return out;
}

std::string paragraphs(std::vector<std::string> const& head, std::vector<std::vector<std::string>> const& rows) {
  std::string out;
  for (auto const& row : rows) {
    out += row.front() + "\n";
    for (std::size_t i = 1; i < row.size(); ++i) {
      if (row[i].empty()) continue;
      out += "  ";
      append_padded(out, head[i], 10);
      out += row[i] + "\n";
    }
  }
  return out;
}

std::string visible_lines(std::string_view text) {
  std::string out;
  for (std::size_t begin = 0; begin <= text.size();) {
    auto const end = std::min(text.find('\n', begin), text.size());
    out += visible(text.substr(begin, end - begin)) + "\n";
    begin = end + 1;
  }
  return out;
}

}  // namespace

std::string visible(std::string_view cell) {
  auto const text = directory::mended_utf8(std::string{cell});
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters too; in UTF-8 they are C2 80 to C2 9F.
    bool const c1 = byte == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (byte == '\n') out += "\\n";
    else if (byte == '\t') out += "\\t";
    else if (byte < 0x20 || byte == 0x7f) out += fmt::format("\\x{:02x}", byte);
    else if (c1) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[++i]));
    else out += text[i];
  }
  return out;
}

std::string json_line(std::string_view text) {
  auto out = directory::mended_utf8(std::string{text});
  if (!parse_json(out)) return json::serialize(json::string{out});
  std::ranges::replace_if(out, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return out;
}

std::string shortened(std::string_view text, std::size_t most) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (begins_character(text[i]) && seen++ == most) return std::string{text.substr(0, i)} + "…";
  }
  return std::string{text};
}

std::string counted(std::int64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

std::string pasteable(std::vector<std::string_view> const& words) {
  std::string out;
  if (std::ranges::any_of(words, [](std::string_view word) { return word.starts_with('-'); })) out = "-- ";
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += ' ';
    auto const word = visible(words[i]);
    constexpr std::string_view harmless = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,:@%+/=";
    if (word.find_first_not_of(harmless) == std::string::npos) {
      out += word;
      continue;
    }
    out += '\'';
    for (char const each : word) each == '\'' ? out.append("'\\''") : out.append(1, each);
    out += '\'';
  }
  return out;
}

json::string foreign(std::string_view text) { return json::string{directory::mended_utf8(std::string{text})}; }

std::string render(report const& r, face as) {
  if (r.streamed) return {};
  if (as == face::json) return json_line(r.json) + "\n";
  if (!r.text.empty()) return r.text.ends_with('\n') ? r.text : r.text + "\n";
  bool const cut = as == face::terminal && r.widest_cell > 0;
  std::vector<std::vector<std::string>> rows;
  rows.reserve(r.rows.size());
  for (auto const& row : r.rows) {
    auto& out = rows.emplace_back();
    for (auto const& cell : row) out.push_back(cut ? shortened(visible(cell), r.widest_cell) : visible(cell));
  }
  if (as == face::lines) return lines(rows, r.head.empty());
  if (rows.empty() && !r.when_empty.empty()) return r.when_empty + "\n";
  if (r.head.empty()) return facts(rows);
  auto const body = r.blocks ? paragraphs(r.head, rows) : table(r.head, rows);
  return r.title.empty() ? body : visible_lines(r.title) + "\n" + body;
}

}  // namespace hiky::ctl
