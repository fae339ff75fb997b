// SPDX-License-Identifier: Apache-2.0
#include "gateway/ws/deflate.hpp"

#include <algorithm>
#include <new>

#include "gateway/ws/frame_fault.hpp"

namespace hiky::gateway {
namespace {

constexpr int window = -15;  // negative: bare deflate data, without zlib's header
// Chat is short: a higher level takes longer and saves next to nothing, and a larger table takes longer to clear
// (docs/benchmarks.md).
constexpr int level = 1;
constexpr int table = 6;
// Compressing a frame of this size keeps everybody on the worker waiting for a millisecond or two.
constexpr std::size_t largest = 128 * 1024;
// Both ends leave it out, at the end of each message.
constexpr std::string_view tail{"\0\0\xff\xff", 4};
constexpr std::size_t kept = 64 * 1024;  // of the buffer between messages
constexpr std::size_t first_room = 16 * 1024;
constexpr std::uint8_t rsv1 = 0x40;
constexpr int last_block = 64, between_blocks = 128;  // in zlib's data_type
// A block with tables of its own costs microseconds, also one that holds nothing; everything else costs less than it
// takes on the wire. zlib makes none for less than 128 bytes.
constexpr std::size_t free_tables = 512, bytes_for_a_table = 128;

void read_from(z_stream& z, std::string_view input) {
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  z.avail_in = static_cast<uInt>(input.size());
}

// Behind the first `size` bytes.
void write_to(z_stream& z, std::string& out, std::size_t size) {
  z.next_out = reinterpret_cast<Bytef*>(out.data() + size);
  z.avail_out = static_cast<uInt>(out.size() - size);
}

// `z` stands before a block, with so many bits of the last byte unread. The four bytes behind all the input begin with
// a zero.
bool has_tables(z_stream const& z, unsigned unread) {
  auto const last = unread == 0 ? 0U : static_cast<unsigned>(z.next_in[-1]) >> (8 - unread);
  auto const next = z.avail_in == 0 ? 0U : static_cast<unsigned>(z.next_in[0]);
  constexpr unsigned dynamic = 2;
  return ((last | next << unread) >> 1 & 3) == dynamic;
}

// The size that libstdc++ 12 hands to the operation may be larger than the one it was asked for.
void resize(std::string& out, std::size_t size) {
  out.resize_and_overwrite(size, [size](char*, std::size_t) { return size; });
}

}  // namespace

deflater::~deflater() {
  if (stream_) ::deflateEnd(&*stream_);
}

frame_ptr deflater::smallest(frame_ptr frame, unsigned window_bits) {
  auto const size = frame->payload().size();
  // A text that is not longer than the window never looks back beyond it, whatever window it was made with.
  if (size < from_ || size > largest || (window_bits < 15 && size > std::size_t{1} << window_bits) ||
      frame->is_control())
    return frame;
  auto twin = frame->twin([&] { return compressed(*frame); });
  if (!twin) return frame;
  count_.saved_bytes.add(frame->bytes().size() - twin->bytes().size());
  return twin;
}

frame_ptr deflater::compressed(shared_frame const& frame) {
  if (stream_) {
    ::deflateReset(&*stream_);
  } else if (::deflateInit2(&stream_.emplace(), level, Z_DEFLATED, window, table, Z_DEFAULT_STRATEGY) != Z_OK) {
    stream_.reset();
    throw std::bad_alloc{};
  }
  auto const payload = frame.payload();
  resize(out_, payload.size() + tail.size());
  auto& z = *stream_;
  read_from(z, payload);
  write_to(z, out_, 0);
  ::deflate(&z, Z_SYNC_FLUSH);
  if (z.avail_out == 0) return {};  // not smaller
  count_.deflated.add();
  return shared_frame::make(std::string_view{out_}.substr(0, out_.size() - z.avail_out - tail.size()),
                            static_cast<std::uint8_t>(frame.bytes()[0]) | rsv1);
}

inflater::~inflater() {
  if (stream_) ::inflateEnd(&*stream_);
}

void inflater::rewind() {
  if (stream_) {
    ::inflateReset(&*stream_);
  } else if (::inflateInit2(&stream_.emplace(), window) != Z_OK) {
    stream_.reset();
    throw std::bad_alloc{};
  }
}

std::expected<std::string_view, frame_fault const*> inflater::inflate(std::string_view compressed, std::size_t limit) {
  rewind();
  if (out_.size() > kept) std::string{}.swap(out_);
  size_ = tables_ = 0;
  auto const whole = [this] {
    count_.inflated.add();
    return std::string_view{out_}.substr(0, size_);
  };
  auto const ended = take(compressed, limit);
  if (!ended) return std::unexpected(ended.error());
  // A final block. Peers that can't flush end messages so.
  if (*ended) return whole();
  if (auto const closed = take(tail, limit); !closed) return std::unexpected(closed.error());
  if ((stream_->data_type & between_blocks) == 0) return std::unexpected(&faults::not_deflate);
  return whole();
}

// Block by block.
std::expected<bool, frame_fault const*> inflater::take(std::string_view piece, std::size_t limit) {
  auto& z = *stream_;
  read_from(z, piece);
  for (;;) {
    if (size_ == out_.size()) resize(out_, std::min(std::max(2 * size_, first_room), limit + 1));
    write_to(z, out_, size_);
    auto const told = ::inflate(&z, Z_BLOCK);
    size_ = out_.size() - z.avail_out;
    if (size_ > limit) return std::unexpected(&faults::message_size);
    if (told == Z_MEM_ERROR) throw std::bad_alloc{};
    bool const final = told == Z_STREAM_END;
    if (final)
      ::inflateResetKeep(
          &z);  // RFC 7692 7.2.1: the next block follows at the next byte, and may look back at what was before
    else if (told != Z_OK && told != Z_BUF_ERROR) return std::unexpected(&faults::not_deflate);
    if (told == Z_OK && (z.data_type & between_blocks) != 0 && (z.data_type & last_block) != 0)
      continue;  // then comes its end
    if (z.avail_in == 0 && (final || z.avail_out != 0)) return final;
    if ((final || (z.data_type & between_blocks) != 0) &&
        has_tables(z, final ? 0 : static_cast<unsigned>(z.data_type & 7)) &&
        ++tables_ > free_tables + size_ / bytes_for_a_table)
      return std::unexpected(&faults::block_count);
  }
}

}  // namespace hiky::gateway
