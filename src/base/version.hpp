// SPDX-License-Identifier: Apache-2.0
#pragma once
namespace hiky {
inline constexpr char version[] = HIKY_VERSION;  // from CMake's project()
}
