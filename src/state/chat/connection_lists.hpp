// SPDX-License-Identifier: Apache-2.0
// The connections that Redis lists for each instance. By these lists other instances end the connections of a dead one,
// and a living instance finds connections that it does not hold.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "redis/client.hpp"

namespace hiky::state {

// Some of the connections of an instance.
struct connection_list_page {
  std::string cursor;  // for the next page; "0" when this was the last one
  std::int64_t now_ms = 0;  // Redis TIME
  std::vector<std::pair<connection_id, user_id>> connections;
};

class connection_lists {
 public:
  explicit connection_lists(redis::client& redis) : redis_(redis) {}

  // Instances that have connections. SCAN
  task<result<std::vector<instance_id>>> instances();
  // All connections of one instance. HGETALL
  task<result<std::vector<std::pair<connection_id, user_id>>>> of_instance(instance_id instance);
  // The same, page by page: of those whose id matches the glob pattern, about as many as `count`. TIME, HSCAN
  task<result<connection_list_page>> page(instance_id instance, std::string cursor, std::string pattern,
                                          std::size_t count);
  // Whether the instance's list has these connections, in the order asked for. HMGET
  task<result<std::vector<bool>>> contain(instance_id instance, std::vector<connection_id> connections);

 private:
  redis::client& redis_;
};

}  // namespace hiky::state
