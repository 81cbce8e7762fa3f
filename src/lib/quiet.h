/*
 * Writing to a descriptor that nobody reads any more raises SIGPIPE, which ends a host that does
 * not expect it. While a struct quiet is open it is blocked in this thread, and in threads that
 * this thread starts; one that came is taken off when it is closed, so that the host never sees it.
 */
#ifndef LIB_QUIET_H
#define LIB_QUIET_H

#include <signal.h>
#include <stdbool.h>

struct quiet {
  sigset_t before;
  bool pending; /* one of the host's own, blocked by itself: not ours to take */
};
struct quiet quiet_begin(void);
void quiet_end(struct quiet *q); /* keeps errno */
#define AUTO_QUIET __attribute__((cleanup(quiet_end), unused)) struct quiet

#endif
