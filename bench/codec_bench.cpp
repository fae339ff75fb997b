// SPDX-License-Identifier: Apache-2.0
// The cost of the codec by itself. All frames are masked with key 0: unmasking in place costs as much as with any key,
// but leaves the stream unchanged, so that the next round can read it again.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "base/utf8.hpp"
#include "gateway/ws/decoder.hpp"
#include "gateway/ws/deflate.hpp"

namespace {

using namespace hiky::gateway;

constexpr decoder_limits limits{.max_message = 1 << 20};

std::string repeated(std::string_view pattern, std::size_t size) {
  std::string text;
  while (text.size() + pattern.size() <= size) text += pattern;
  return text.append(size - text.size(), '.');
}

std::string sample(int script, std::size_t size) {
  switch (script) {
    case 1: return repeated("caf\xc3\xa9 am Nachmittag, \xe2\x82\xac 3 \xf0\x9f\x98\x80 ", size);
    case 2: return repeated("\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 ", size);
    default: return repeated("{\"type\":\"message\",\"roomId\":\"tea\",\"content\":\"kettle is on\"} ", size);
  }
}
constexpr char const* script_names[] = {"ascii", "mixed", "cyrillic"};

void take_all(decoder& from, std::span<char> input, benchmark::State& state) {
  for (;;) {
    auto const now = from.next(input);
    if (now.what == event::need_more) return;
    if (now.what != event::message) return state.SkipWithError("the stream was refused");
    benchmark::DoNotOptimize(now.payload.data());
  }
}

// Frames of 100 bytes of text, as many per read as the argument says.
void decode_small(benchmark::State& state) {
  std::string stream;
  for (auto i = state.range(0); i > 0; --i) encode_masked(stream, opcode::text, sample(0, 100), 0);
  decoder it{limits};
  for (auto _ : state) take_all(it, stream, state);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(decode_small)->Arg(1)->Arg(16)->Arg(500);

// A message of 64 KiB, in reads of the given size.
void decode_large(benchmark::State& state) {
  constexpr std::size_t size = 64 * 1024;
  std::string stream;
  encode_masked(stream, opcode::text, sample(static_cast<int>(state.range(0)), size), 0);
  decoder it{limits};
  for (auto _ : state)
    for (std::span<char> rest{stream}; !rest.empty();) {
      auto const read = rest.first(std::min<std::size_t>(rest.size(), static_cast<std::size_t>(state.range(1))));
      take_all(it, read, state);
      rest = rest.subspan(read.size());
    }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
  state.SetLabel(script_names[state.range(0)]);
}
BENCHMARK(decode_large)->ArgNames({"script", "read"})->ArgsProduct({{0, 1, 2}, {16 * 1024, 128 * 1024}});

void check_utf8(benchmark::State& state) {
  auto const text = sample(static_cast<int>(state.range(0)), 64 * 1024);
  for (auto _ : state) benchmark::DoNotOptimize(hiky::utf8::valid(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
  state.SetLabel(script_names[state.range(0)]);
}
BENCHMARK(check_utf8)->DenseRange(0, 2);

// One chat message of the given size, in words that do not repeat in order.
std::string chat_message(std::size_t size) {
  constexpr std::string_view words[] = {"the ",   "kettle ",   "is on, ",  "bring ",  "biscuits ", "and ",    "blue ",
                                        "cups ",  "at noon, ", "because ", "nobody ", "else ",     "has ",    "time. ",
                                        "later ", "today ",    "maybe ",   "you ",    "could ",    "tell ",   "Bob ",
                                        "that ",  "room ",     "seven ",   "works ",  "fine ",     "again? ", "my ",
                                        "train ", "was ",      "delayed ", "twenty "};
  std::string text{R"({"type":"message","roomId":"tea","senderId":"alice","content":")"};
  constexpr std::string_view rest{R"(","timestamp":"2026-11-23T03:02:09.271Z","messageId":"a29fbfb8ed34:1","seq":1})"};
  for (std::uint32_t next = 1; text.size() + rest.size() < size;) {
    next = next * 1664525 + 1013904223;
    text += words[next >> 27].substr(0, size - text.size() - rest.size());
  }
  return text.append(rest);
}

void deflate_message(benchmark::State& state) {
  hiky::chat::counters count;
  deflater deflate{1, count};
  auto const text = chat_message(static_cast<std::size_t>(state.range(0)));
  std::size_t size = 0;
  for (auto _ : state) size = deflate.smallest(hiky::shared_frame::make(text), 15)->bytes().size();
  state.counters["bytes"] = static_cast<double>(size);
}
BENCHMARK(deflate_message)->Arg(250)->Arg(650)->Arg(1150)->Arg(2150)->Arg(64 * 1024);

void inflate_message(benchmark::State& state) {
  hiky::chat::counters count;
  deflater deflate{1, count};
  inflater inflate{count};
  auto const frame =
      deflate.smallest(hiky::shared_frame::make(chat_message(static_cast<std::size_t>(state.range(0)))), 15);
  for (auto _ : state) benchmark::DoNotOptimize(inflate.inflate(frame->payload(), 1 << 20));
}
BENCHMARK(inflate_message)->Arg(250)->Arg(650)->Arg(1150)->Arg(2150)->Arg(64 * 1024);

}  // namespace

BENCHMARK_MAIN();
