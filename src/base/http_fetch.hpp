// SPDX-License-Identifier: Apache-2.0
// One request to an HTTP server of the application's, and its answer: for key sets, and for questions whether a user
// may enter a room. Bounded in time and size; certificates of https are checked against the system's; redirects are not
// followed.
#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/async.hpp"
#include "base/error.hpp"

namespace hiky {

struct web_address {
  bool tls = false;
  std::string host, port, target;
  std::string to_string() const;  // without the query
};
// `http://` or `https://` HOST[:PORT][/PATH]. Login data and fragments are refused.
result<web_address> parse_web_address(std::string_view url);

struct web_question {
  std::string method{};  // empty: POST with a body, otherwise GET
  std::string json{};  // a body
  std::string agent{"hikyd"};
  std::string bearer{};  // for `Authorization`, unless empty
  std::size_t most_body = 256 * 1024;
  std::chrono::milliseconds patience{5'000};  // for all of it
};
struct web_answer {
  unsigned status = 0;
  std::string body;
};

// Any answer that arrives is one, also with a status of failure. io: it did not arrive, and the text says why. timeout:
// not in time.
task<result<web_answer>> http_fetch(asio::any_io_executor executor, web_address where, web_question what);

// The same for a server that is asked often: connections stay open for the next question (RFC 9112 9.3). A question
// that fails on one of these, which the server may have closed meanwhile, is asked once more on a new one, so it must
// be one that may be asked twice.
class http_client {
 public:
  http_client(asio::any_io_executor executor, web_address where)
      : http_client(std::move(executor), std::move(where), true) {}
  task<result<web_answer>> fetch(web_question what);
  web_address const& where() const;

 private:
  struct pool;
  http_client(asio::any_io_executor executor, web_address where, bool keeps_connections);

  std::shared_ptr<pool> pool_;
  friend task<result<web_answer>> http_fetch(asio::any_io_executor executor, web_address where, web_question what);
};

}  // namespace hiky
