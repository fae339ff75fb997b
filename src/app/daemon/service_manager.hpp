// SPDX-License-Identifier: Apache-2.0
// Tells systemd how we are (sd_notify(3)), over the socket that NOTIFY_SOCKET names. Without one, nothing is said.
#pragma once
#include <chrono>
#include <optional>
#include <string_view>

namespace hiky::app::service_manager {

// `state` as sd_notify takes it: lines of NAME=VALUE. Never waits, never fails: the daemon works as well unheard.
void notify(std::string_view state);

inline void ready() { notify("READY=1\nSTATUS=serving"); }
inline void stopping() { notify("STOPPING=1\nSTATUS=handing clients over"); }
// ready() follows when the new configuration is in force.
void reloading();

// How often WATCHDOG=1 is expected, halved, so that one lost notification is no death. Nothing if nobody watches us.
std::optional<std::chrono::microseconds> watchdog_interval();

// Whether stderr goes to systemd's journal, which keeps the time itself and takes a priority from the front of a line
// (sd-daemon(3)).
bool journal_reads();

}  // namespace hiky::app::service_manager
