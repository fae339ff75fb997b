// SPDX-License-Identifier: Apache-2.0
#include "state/document/batch_user_operations.hpp"

#include "base/log.hpp"

namespace hiky::state::operation {

// The caller's answer matters more than the line.
void report_batch(std::size_t failed, std::size_t of, std::string_view first_reason) noexcept {
  try {
    log::error("batch.failed", {{"users", failed}, {"of", of}, {"first_reason", first_reason}});
  } catch (...) {  // NOLINT(bugprone-empty-catch)
  }
}

}  // namespace hiky::state::operation
