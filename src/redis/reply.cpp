// SPDX-License-Identifier: Apache-2.0
#include "redis/reply.hpp"

#include <charconv>

namespace hiky::redis {

using boost::redis::resp3::type;

bool value::is_null() const { return nodes_.empty() || nodes_.front().data_type == type::null; }
bool value::is_error() const {
  return !nodes_.empty() &&
         (nodes_.front().data_type == type::simple_error || nodes_.front().data_type == type::blob_error);
}
bool value::is_aggregate() const {
  return !nodes_.empty() && boost::redis::resp3::is_aggregate(nodes_.front().data_type);
}
bool value::is_integer() const { return !nodes_.empty() && nodes_.front().data_type == type::number; }

std::int64_t value::integer() const {
  std::int64_t number = 0;
  auto const t = text();
  if (!nodes_.empty() && nodes_.front().data_type == type::boolean) return t == "t" ? 1 : 0;
  std::from_chars(t.data(), t.data() + t.size(), number);
  return number;
}

std::optional<std::string> value::string() const {
  if (is_null()) return std::nullopt;
  return std::string{text()};
}

std::vector<value> value::items() const {
  std::vector<value> out;
  if (!is_aggregate()) return out;
  out.reserve(nodes_.size() - 1);
  auto const child = nodes_.front().depth + 1;
  for (std::size_t i = 1; i < nodes_.size();) {
    auto end = i + 1;
    while (end < nodes_.size() && nodes_[end].depth > child) ++end;
    out.emplace_back(nodes_.subspan(i, end - i));
    i = end;
  }
  return out;
}

std::vector<std::string> value::strings() const {
  std::vector<std::string> out;
  if (!is_aggregate()) return out;
  out.reserve(nodes_.size() - 1);
  auto const child = nodes_.front().depth + 1;
  for (auto const& n : nodes_.subspan(1)) {
    if (n.depth == child) out.emplace_back(n.value);
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> value::pairs() const {
  auto flat = strings();
  std::vector<std::pair<std::string, std::string>> out;
  out.reserve(flat.size() / 2);
  for (std::size_t i = 0; i + 1 < flat.size(); i += 2) out.emplace_back(std::move(flat[i]), std::move(flat[i + 1]));
  return out;
}

value reply::operator[](std::size_t index) const {
  if (index >= roots_.size()) return {};
  auto const end = index + 1 < roots_.size() ? roots_[index + 1] : nodes_.size();
  return value{std::span{nodes_}.subspan(roots_[index], end - roots_[index])};
}

std::optional<std::string_view> reply::server_error() const {
  for (std::size_t i = 0; i < roots_.size(); ++i) {
    if (auto const v = (*this)[i]; v.is_error()) return v.text();
  }
  return std::nullopt;
}

void reply::append(std::span<node const> message) {
  std::size_t bytes = 0;
  for (auto const& n : message) bytes += n.value.size();
  auto& text = texts_.emplace_back();
  text.reserve(bytes);
  roots_.push_back(nodes_.size());
  if (nodes_.empty()) nodes_.reserve(message.size());
  for (auto n : message) {
    auto const* at = text.data() + text.size();
    text.insert(text.end(), n.value.begin(), n.value.end());
    n.value = {at, n.value.size()};
    add(n);
  }
}

void reply::append(std::span<node const> message, input_buffer text) {
  large_texts_.push_back(std::move(text));
  roots_.push_back(nodes_.size());
  for (auto const& n : message) add(n);
}

void reply::add(node n) {
  // A verbatim string (INFO's answer) begins with its format and a colon: `txt:`.
  if (n.data_type == type::verbatim_string && n.value.size() >= 4) n.value.remove_prefix(4);
  nodes_.push_back(n);
}

}  // namespace hiky::redis
