// SPDX-License-Identifier: Apache-2.0
// Keys and secrets come from a file, or with `env:NAME` from a variable of the environment. Never from a flag's own
// value, which everybody on the machine can read.
#pragma once
#include <string>

#include "base/error.hpp"

namespace hiky::auth {

// The whole of it. The error names a file that is there, or the variable. Any other text may be a secret put in the
// wrong place, and is not shown.
result<std::string> key_text(std::string const& place);

}  // namespace hiky::auth
