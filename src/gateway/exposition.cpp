// SPDX-License-Identifier: Apache-2.0
#include "gateway/exposition.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <limits>

namespace hiky::gateway {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily family(char const* name, char const* help, MetricType type) {
  MetricFamily out;
  out.name = name;
  out.help = help;
  out.type = type;
  return out;
}

double seconds(timeval const& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; }

// The first number of /proc/self/statm is virtual memory in pages, the second one resident.
std::pair<double, double> memory() {
  long total = 0, resident = 0;
  if (auto* const file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%ld %ld", &total, &resident) != 2) total = resident = 0;
    std::fclose(file);
  }
  auto const page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  return {static_cast<double>(total) * page, static_cast<double>(resident) * page};
}

double open_files() {
  std::error_code ec;
  auto const entries = std::filesystem::directory_iterator{"/proc/self/fd", ec};
  return ec ? 0
            : static_cast<double>(std::distance(begin(entries), end(entries))) - 1;  // one of them is this look itself
}

void add_up(prometheus::ClientMetric::Histogram& all, std::vector<histogram const*> const& parts) {
  for (std::size_t i = 0; i <= histogram::bounds; ++i) {
    for (auto const* one : parts) all.sample_count += one->in_bucket(i);
    all.bucket.push_back(
        {all.sample_count, i < histogram::bounds ? histogram::bound_s(i) : std::numeric_limits<double>::infinity()});
  }
  for (auto const* one : parts) all.sample_sum += one->sum_s();
}

double const started_at = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();

}  // namespace

MetricFamily gauge(char const* name, char const* help, double value) {
  auto out = family(name, help, MetricType::Gauge);
  out.metric.emplace_back().gauge.value = value;
  return out;
}

MetricFamily count(char const* name, char const* help, double value) {
  auto out = family(name, help, MetricType::Counter);
  out.metric.emplace_back().counter.value = value;
  return out;
}

labelled::labelled(char const* name, char const* help, char const* label, char const* second)
    : label_(label), second_(second), family_(family(name, help, MetricType::Counter)) {}

void labelled::add(std::vector<prometheus::ClientMetric::Label> labels, double value) {
  auto& one = family_.metric.emplace_back();
  one.label = std::move(labels);
  one.counter.value = value;
}

MetricFamily sum(char const* name, char const* help, std::vector<histogram const*> const& parts) {
  auto out = family(name, help, MetricType::Histogram);
  add_up(out.metric.emplace_back().histogram, parts);
  return out;
}

MetricFamily sum(char const* name, char const* help, char const* label, labelled_parts const& values) {
  auto out = family(name, help, MetricType::Histogram);
  for (auto const& [value, parts] : values) {
    auto& one = out.metric.emplace_back();
    one.label = {{label, value}};
    add_up(one.histogram, parts);
  }
  return out;
}

double resident_memory() { return memory().second; }

void add_process(metric_families& to) {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  auto const [total, resident] = memory();
  to.push_back(count("process_cpu_seconds_total", "Processor time spent, in user mode and in the kernel",
                     seconds(used.ru_utime) + seconds(used.ru_stime)));
  to.push_back(gauge("process_resident_memory_bytes", "Memory that the process holds", resident));
  to.push_back(gauge("process_virtual_memory_bytes", "Address space that the process has", total));
  to.push_back(gauge("process_open_fds", "Open files, of which each connection is one", open_files()));
  to.push_back(gauge("process_max_fds", "How many files may be open", static_cast<double>(files.rlim_cur)));
  to.push_back(gauge("process_start_time_seconds", "When the process began, in seconds since 1970", started_at));
}

}  // namespace hiky::gateway
