// SPDX-License-Identifier: Apache-2.0
#include "redis/script.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

namespace hiky::redis {

script::script(std::string_view text) : text_(text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  for (unsigned i = 0; i < size; ++i) sha1_ += fmt::format("{:02x}", digest[i]);
}

request script::call(std::size_t keys, std::size_t arguments, std::size_t bytes) const {
  request r;
  // Room for the heads of all arguments, and for arguments of a usual size.
  r.reserve(256 + 48 * keys + 48 * arguments + bytes);
  r.begin(3 + keys + arguments).arg("EVALSHA").arg(sha1_).arg(keys);
  return r;
}

request script::call(std::span<std::string const> keys, std::size_t arguments) const {
  auto r = call(keys.size(), arguments, 0);
  for (auto const& key : keys) r.arg(key);
  return r;
}

task<result<reply>> script::run(client& redis, request prepared) const {
  auto const unknown = [](result<reply> const& answer) {
    return !answer && answer.error().code == errc::server_error && answer.error().text.starts_with("NOSCRIPT");
  };
  auto answer = co_await redis.exec_kept(prepared);
  // Redis may forget it again between the two.
  for (int tries = 0; tries < 5 && unknown(answer); ++tries) {
    if (auto const loaded = co_await redis.exec(request{"SCRIPT", "LOAD", text_}); !loaded)
      co_return std::unexpected(loaded.error());
    answer = co_await redis.exec_kept(prepared);
  }
  co_return answer;
}

}  // namespace hiky::redis
