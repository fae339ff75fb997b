// SPDX-License-Identifier: Apache-2.0
// The processor time and resident memory that the measured processes have used, read from the kernel.
// The gateway is the given processes with all their descendants, less those that are Redis.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace hiky::load {

// Processor time in ns since the process began, all its threads together, also those that have ended. It includes the
// time that the kernel spends for the process: with a socket on loopback, also the hand-over of the bytes to the
// receiver.
std::int64_t cpu_ns(pid_t process);

struct cpu_sample {
  std::int64_t gateway = 0, redis = 0, own = 0;
  cpu_sample operator-(cpu_sample const& before) const {
    return {gateway - before.gateway, redis - before.redis, own - before.own};
  }
};

class processes {
 public:
  processes() = default;
  // `redis` 0: the processes named redis-server or valkey-server among the descendants of `gateways`. No gateway:
  // nothing is measured.
  processes(std::vector<pid_t> gateways, pid_t redis);

  bool known() const { return !gateway_.empty(); }
  cpu_sample cpu() const;
  std::int64_t gateway_resident_bytes() const;
  std::int64_t redis_resident_bytes() const;

 private:
  std::vector<pid_t> gateway_, redis_;
};

}  // namespace hiky::load
