// SPDX-License-Identifier: Apache-2.0
#include "state/document/with_fallback.hpp"

#include "base/log.hpp"

namespace hiky::state::operation {

// The caller's answer matters more than the line.
void report_failure(std::string_view name, std::string_view code, std::string_view reason) noexcept {
  try {
    log::error("operation.failed", {{"operation", name}, {"code", code}, {"reason", reason}});
  } catch (...) {  // NOLINT(bugprone-empty-catch)
  }
}

}  // namespace hiky::state::operation
