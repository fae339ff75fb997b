// SPDX-License-Identifier: Apache-2.0
// Families of Prometheus's text format, put together from plain numbers.
#pragma once
#include <prometheus/metric_family.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "base/histogram.hpp"

namespace hiky::gateway {

using metric_families = std::vector<prometheus::MetricFamily>;

prometheus::MetricFamily gauge(char const* name, char const* help, double value);
prometheus::MetricFamily count(char const* name, char const* help, double value);

// A counter with one label, or two; values are added one by one.
class labelled {
 public:
  labelled(char const* name, char const* help, char const* label, char const* second = nullptr);
  void add(std::string value_of_label, double value) { add({{label_, std::move(value_of_label)}}, value); }
  void add(std::string value_of_label, std::string value_of_second, double value) {
    add({{label_, std::move(value_of_label)}, {second_, std::move(value_of_second)}}, value);
  }
  prometheus::MetricFamily take() { return std::move(family_); }

 private:
  void add(std::vector<prometheus::ClientMetric::Label> labels, double value);

  char const *label_, *second_;
  prometheus::MetricFamily family_;
};

// The sum of what several threads have measured.
prometheus::MetricFamily sum(char const* name, char const* help, std::vector<histogram const*> const& parts);
// The same for each value of a label.
using labelled_parts = std::vector<std::pair<std::string, std::vector<histogram const*>>>;
prometheus::MetricFamily sum(char const* name, char const* help, char const* label, labelled_parts const& values);

// process_…: what the kernel says of this process, as Prometheus's own client libraries name it.
void add_process(metric_families& to);
// Bytes; 0 when the kernel does not tell.
double resident_memory();

}  // namespace hiky::gateway
