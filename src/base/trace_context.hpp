// SPDX-License-Identifier: Apache-2.0
// W3C Trace Context: the trace of the caller that a request belongs to. https://www.w3.org/TR/trace-context/
#pragma once
#include <string>
#include <string_view>

namespace hiky {

// The trace id (32 hexadecimal digits) of a `traceparent` header. Empty when the header is not exactly as the standard
// has it: to go on with half of it would tie together what does not belong together.
std::string trace_id_of(std::string_view traceparent);

}  // namespace hiky
