// SPDX-License-Identifier: Apache-2.0
// Loaded before hikyd (LD_PRELOAD): tells how long its loops were without a look at their sockets, the longest turn
// since the last question. A turn is the processor time of a thread from one epoll_wait to the next, so a busy machine
// does not lengthen it. The file TURNS_FILE holds it as 8 bytes, in ns; who reads it sets it to 0.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static _Atomic long* longest;
static int (*real_wait)(int, struct epoll_event*, int, int);
static _Thread_local long began;

__attribute__((constructor)) static void open_file(void) {
  real_wait = (int (*)(int, struct epoll_event*, int, int))dlsym(RTLD_NEXT, "epoll_wait");
  const char* path = getenv("TURNS_FILE");
  // The embedded Redis inherits the environment.
  int file = path && strcmp(program_invocation_short_name, "hikyd") == 0 ? open(path, O_RDWR) : -1;
  void* memory = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *longest, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory != MAP_FAILED) longest = memory;
}

static long used(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

int epoll_wait(int epoll, struct epoll_event* events, int most, int timeout) {
  long const turn = began ? used() - began : 0;
  if (longest) {
    long known = atomic_load(longest);
    while (turn > known && !atomic_compare_exchange_weak(longest, &known, turn)) {}
  }
  int const got = real_wait(epoll, events, most, timeout);
  began = used();
  return got;
}
