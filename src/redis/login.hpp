// SPDX-License-Identifier: Apache-2.0
// The login to a Redis, without a socket: the requests that log in, and the judgement of their answers.
#pragma once
#include <string>
#include <string_view>

#include "redis/address.hpp"
#include "redis/reply.hpp"
#include "redis/request.hpp"

namespace hiky::redis {

// HELLO with the login, SELECT where the database is not 0, and PING: Redis refuses that one while it still loads its
// file, and not the others.
request login_request(address const& where);
// A request of its own, since it may be refused: then a loss of data is noticed later, by the lease.
request replication_request();

struct login {
  bool is_master = false;
  // The history that the server's data belongs to: a restarted server, and a replica that becomes the master, begin one
  // of their own. Empty where Redis does not tell.
  std::string history;
};

// server_error: refused, with a hint at the mend. not_connected: a Sentinel named this server as the master, and it is
// none. `replication` is the answer to replication_request, or the error.
result<login> judge_login(address const& where, reply const& hello, result<reply> const& replication);

// The hint for a person at the end of a refusal; empty when there is none.
std::string_view hint(std::string_view refusal);

}  // namespace hiky::redis
