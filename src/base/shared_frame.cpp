// SPDX-License-Identifier: Apache-2.0
#include "base/shared_frame.hpp"

#include <new>

namespace hiky {

frame_ptr shared_frame::make(std::string_view payload, std::uint8_t first_byte, std::uint8_t tag) {
  auto const size = payload.size();
  std::uint8_t const header = size < 126 ? 2 : size < 65536 ? 4 : 10;
  auto* const block = ::operator new(sizeof(shared_frame) + header + size);
  auto* const frame = new (block) shared_frame(static_cast<std::uint32_t>(header + size), header, tag);
  auto* const out = static_cast<unsigned char*>(block) + sizeof(shared_frame);
  out[0] = first_byte;
  if (header == 2) {
    out[1] = static_cast<unsigned char>(size);
  } else {
    out[1] = header == 4 ? 126 : 127;
    for (int i = 2; i < header; ++i) out[i] = static_cast<unsigned char>(size >> (8 * (header - 1 - i)));
  }
  payload.copy(reinterpret_cast<char*>(out + header), size);  // memcpy may not be given the null of an empty view
  return frame;
}

void shared_frame::destroy(shared_frame const* f) noexcept {
  if (auto const* const twin = f->twin_.load(std::memory_order_relaxed); twin && twin != f) intrusive_ptr_release(twin);
  f->~shared_frame();
  ::operator delete(const_cast<shared_frame*>(f));
}

}  // namespace hiky
