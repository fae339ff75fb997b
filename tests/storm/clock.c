// SPDX-License-Identifier: Apache-2.0
// Loaded before a redis-server (LD_PRELOAD): its wall clock is CLOCK_STEP seconds off, the clock for durations is not.
// libfaketime would do the same, but does not start together with Debian's jemalloc.
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static long step(void) {
  const char* text = getenv("CLOCK_STEP");
  return text ? atol(text) : 0;
}

int clock_gettime(clockid_t c, struct timespec* t) {
  long r = syscall(SYS_clock_gettime, c, t);
  if (r == 0 && (c == CLOCK_REALTIME || c == CLOCK_REALTIME_COARSE)) t->tv_sec += step();
  return (int)r;
}
int gettimeofday(struct timeval* restrict v, void* restrict z) {
  (void)z;
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  v->tv_sec = t.tv_sec;
  v->tv_usec = t.tv_nsec / 1000;
  return 0;
}
time_t time(time_t* out) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  if (out) *out = t.tv_sec;
  return t.tv_sec;
}
