// SPDX-License-Identifier: Apache-2.0
// The mask that RFC 6455 lays over every payload from a client: bytes XOR a key of four bytes, over and over.
#pragma once
#include <cstddef>
#include <cstdint>

namespace hiky::gateway {

// Masks or unmasks `size` bytes, which is the same. The key is its four bytes as they stand in memory; returns it
// turned so that it fits the bytes that follow. `to` may be `from`; otherwise they don't overlap.
std::uint32_t mask(char* to, char const* from, std::size_t size, std::uint32_t key) noexcept;

}  // namespace hiky::gateway
