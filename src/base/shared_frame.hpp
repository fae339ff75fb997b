// SPDX-License-Identifier: Apache-2.0
// A finished WebSocket text frame (RFC 6455, unmasked), made once and shared by all its receivers on all threads. Knows
// that it may have a twin, the same message in fewer bytes, and nothing of how the twin is made.
#pragma once
#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <atomic>
#include <cstdint>
#include <string_view>

namespace hiky {

// Header and payload in one block of memory, immutable after creation.
class shared_frame {
 public:
  std::string_view bytes() const { return {data(), size_}; }
  std::string_view payload() const { return bytes().substr(header_size_); }
  bool is_control() const { return (data()[0] & 8) != 0; }
  std::uint8_t tag() const { return tag_; }

  // The twin; null for none. The first caller has it made: `make` gives the frame, or null where there can't be one.
  // From any thread; of two that are made at the same time one is kept.
  template <class Make>
  boost::intrusive_ptr<shared_frame const> twin(Make const& make) const {
    auto const* found = twin_.load(std::memory_order_acquire);
    if (!found) {
      boost::intrusive_ptr<shared_frame const> const made = make();
      auto const* const mine = made ? made.get() : this;
      if (made) intrusive_ptr_add_ref(mine);
      if (twin_.compare_exchange_strong(found, mine, std::memory_order_acq_rel)) found = mine;
      else if (made) intrusive_ptr_release(mine);
    }
    return found == this ? nullptr : boost::intrusive_ptr<shared_frame const>{found};
  }

  // `first_byte` is FIN and opcode; 0x81 is a whole text message. `tag` tells its maker what it is; twins have none.
  static boost::intrusive_ptr<shared_frame const> make(std::string_view payload, std::uint8_t first_byte = 0x81,
                                                       std::uint8_t tag = 0);

 private:
  shared_frame(std::uint32_t size, std::uint8_t header_size, std::uint8_t tag)
      : size_(size), header_size_(header_size), tag_(tag) {}
  char const* data() const { return reinterpret_cast<char const*>(this + 1); }

  friend void intrusive_ptr_add_ref(shared_frame const* f) noexcept {
    f->users_.fetch_add(1, std::memory_order_relaxed);
  }
  friend void intrusive_ptr_release(shared_frame const* f) noexcept {
    if (f->users_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(f);
  }
  static void destroy(shared_frame const* f) noexcept;

  mutable std::atomic<shared_frame const*> twin_{nullptr};  // itself: looked for, and there is none
  mutable std::atomic<std::uint32_t> users_{0};
  std::uint32_t size_;
  std::uint8_t header_size_, tag_;
};

using frame_ptr = boost::intrusive_ptr<shared_frame const>;

}  // namespace hiky
