// SPDX-License-Identifier: Apache-2.0
#include "state/document/with_fallback.hpp"

#include "base/log.hpp"
#include "state/document/batch_user_operations.hpp"

// In each function: no memory for the line, no line. The caller's answer matters more.
namespace hiky::state::settling {

void report(std::string_view operation, std::string_view code, std::string_view reason) noexcept {
  try {
    log::error("operation.failed", {{"operation", operation}, {"code", code}, {"reason", reason}});
  } catch (...) {  // NOLINT(bugprone-empty-catch)
  }
}

void report_batch(std::size_t failed, std::size_t of, std::string_view first_reason) noexcept {
  try {
    log::error("batch.failed", {{"users", failed}, {"of", of}, {"first_reason", first_reason}});
  } catch (...) {  // NOLINT(bugprone-empty-catch)
  }
}

}  // namespace hiky::state::settling
