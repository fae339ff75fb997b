// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"

#include <fmt/format.h>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/stream_parser.hpp>

namespace hiky {

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t clean = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, clean, i - clean);
    clean = i + 1;
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
    }
  }
  out.append(text, clean, text.size() - clean);
  out += '"';
}

result<json::value> parse_json(std::string_view text, json::storage_ptr storage) {
  json::parse_options options;
  options.max_depth = 128;
  options.allow_invalid_utf16 = true;  // JSON.parse takes lone surrogates, and a cut-off emoji makes one
  json::stream_parser parser{{}, options};
  parser.reset(std::move(storage));
  boost::system::error_code ec;
  auto const read = parser.write_some(text.data(), text.size(), ec);
  if (!ec && text.find_first_not_of(" \t\r\n", read) != std::string_view::npos) ec = json::error::extra_data;
  if (!ec) parser.finish(ec);
  if (ec) return fail(errc::invalid_argument, fmt::format("not JSON: {} at byte {}", ec.message(), read));
  return parser.release();
}

namespace {

// Takes what a parser finds, and keeps nothing.
struct nothing_kept {
  static constexpr auto any = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_object_size = any, max_array_size = any, max_key_size = any, max_string_size = any;
  using ec = boost::system::error_code;
  using text = json::string_view;
  bool on_document_begin(ec&) { return true; }
  bool on_document_end(ec&) { return true; }
  bool on_object_begin(ec&) { return true; }
  bool on_object_end(std::size_t, ec&) { return true; }
  bool on_array_begin(ec&) { return true; }
  bool on_array_end(std::size_t, ec&) { return true; }
  bool on_key_part(text, std::size_t, ec&) { return true; }
  bool on_key(text, std::size_t, ec&) { return true; }
  bool on_string_part(text, std::size_t, ec&) { return true; }
  bool on_string(text, std::size_t, ec&) { return true; }
  bool on_number_part(text, ec&) { return true; }
  bool on_int64(std::int64_t, text, ec&) { return true; }
  bool on_uint64(std::uint64_t, text, ec&) { return true; }
  bool on_double(double, text, ec&) { return true; }
  bool on_bool(bool, ec&) { return true; }
  bool on_null(ec&) { return true; }
  bool on_comment_part(text, ec&) { return true; }
  bool on_comment(text, ec&) { return true; }
};

}  // namespace

bool is_json_object(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  auto const begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos || text[begin] != '{') return false;
  json::parse_options options;
  options.max_depth = 256;  // a frame holds what was accepted as a text of its own
  options.allow_invalid_utf16 = true;  // as parse_json
  options.numbers = json::number_precision::none;
  json::basic_parser<nothing_kept> parser{options};
  boost::system::error_code ec;
  auto const read = parser.write_some(false, text.data(), text.size(), ec);
  return !ec && text.find_first_not_of(space, read) == std::string_view::npos;
}

namespace {

// A walk over text that is known to be JSON: no checks, only boundaries.
struct walker {
  std::string_view text;
  std::size_t at = 0;

  void space() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) ++at;
  }
  std::string_view string() {  // with its quotes
    auto const begin = at++;
    while (text[at] != '"') at += text[at] == '\\' ? 2 : 1;
    return text.substr(begin, ++at - begin);
  }
  std::string_view value() {
    auto const begin = at;
    if (text[at] == '"') return string();
    for (int depth = 0; at < text.size();) {
      char const c = text[at];
      if (c == '"') {
        string();
        continue;
      }
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') {
        if (depth == 0) break;
        ++at;
        if (--depth == 0) break;
        continue;
      }
      if (depth == 0 && (c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t')) break;
      ++at;
    }
    return text.substr(begin, at - begin);
  }
};

// `quoted` names `name`; a name written with escapes has to be decoded first.
bool names(std::string_view quoted, std::string_view name) {
  auto const inner = quoted.substr(1, quoted.size() - 2);
  if (inner.find('\\') == std::string_view::npos) return inner == name;
  auto const decoded = parse_json(quoted);
  return decoded && decoded->is_string() && std::string_view{decoded->get_string()} == name;
}

}  // namespace

std::optional<std::string_view> raw_member(std::string_view text, std::string_view name) {
  walker w{text};
  std::optional<std::string_view> found;
  w.space();
  if (w.at >= text.size() || text[w.at] != '{') return found;
  ++w.at;
  for (;;) {
    w.space();
    if (text[w.at] == '}') return found;
    auto const key = w.string();
    w.space();
    ++w.at;  // the colon
    w.space();
    auto const value = w.value();
    if (names(key, name)) found = value;
    w.space();
    if (text[w.at] == '}') return found;
    ++w.at;  // the comma
  }
}

std::vector<std::string_view> raw_elements(std::string_view text) {
  walker w{text};
  std::vector<std::string_view> out;
  w.space();
  if (w.at >= text.size() || text[w.at] != '[') return out;
  ++w.at;
  w.space();
  while (text[w.at] != ']') {
    out.push_back(w.value());
    w.space();
    if (text[w.at] == ',') ++w.at;
    w.space();
  }
  return out;
}

}  // namespace hiky
