// SPDX-License-Identifier: Apache-2.0
// The text of the man pages besides options and commands, which come from their definitions.
#pragma once
#include "app/options/option_text.hpp"

namespace hiky::app {

inline constexpr man_words hikyd_man{
    .summary = "WebSocket backend for chat, on Redis",
    .description = R"(.B hikyd
lets WebSocket clients talk in rooms, tells them who is online and who types,
and keeps messages for members who are away.
All state lives in Redis: in one of its own, which it starts and ends, or in
one that is named, which any number of
.B hikyd
may share.
.PP
Who a client is, signed tokens or the sessions of an application prove
.RB ( \-\-auth ).
Other programs of the application use the HTTP API under /api/v1
.RB ( \-\-api\-key\-file ).
/live, /ready, /health and /metrics are for those who watch.
.PP
Every option is a flag, an environment variable and a key of the TOML file that
.B \-\-config
names. Flags win over the environment, and that over the file.
.PP
When connections are accepted, one line is printed on standard output, and
systemd is told (sd_notify). Events are logged to standard error.
)",
    .more = R"(.SH SIGNALS
.TP
.B SIGTERM
Stop accepting, hand clients over during
.BR \-\-drain ,
then end.
.TP
.B SIGINT
The same without spreading. A second signal of either kind ends at once.
.TP
.B SIGHUP
Read API keys, certificate and its key again.
What can't be read stays as it was.
.SH EXIT STATUS
.TP
.B 0
Stopped by a signal, the configuration is valid, or the daemon asked is well.
.TP
.B 1
It failed: address in use, data folder in use, a daemon that is not well,
and the like.
.TP
.B 2
Wrong usage or configuration; one line names the option.
.TP
.B 3
Redis can't be reached within
.BR \-\-redis\-wait ,
or there is none to start.
.SH FILES
.TP
.I /etc/hiky/hikyd.toml
Configuration of the service that the Debian package installs.
.TP
.I /var/lib/hiky
Data folder of that service.
.SH SEE ALSO
.BR hikyctl (1),
.BR redis\-server (1)
)",
};

inline constexpr man_words hikyctl_man{
    .summary = "look into a running hiky, and after it",
    .description = R"(.B hikyctl
shows and mends what
.BR hikyd (1)
keeps in Redis. It talks to Redis directly; the daemon need not run.
With
.B \-\-url
most commands ask the HTTP API of a daemon instead, with the first key in
.BR \-\-api\-key\-file .
.PP
A terminal gets tables; a pipe gets one line for each row, with cells
separated by tabs. Notes and errors go to standard error. Ids and texts that
begin with a hyphen go behind
.BR \-\- .
)",
    .more = R"(.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
It failed,
.B health
found Redis unhealthy, or
.B fsck
left something unmended.
.TP
.B 2
Wrong usage.
.TP
.B 3
Redis can't be reached, or with
.B \-\-url
the daemon.
.SH SEE ALSO
.BR hikyd (1),
.BR redis\-cli (1)
)",
};

}  // namespace hiky::app
