/*
 * What `cert issue` does: looks at the vault, writes the files of a version that is new, tells the
 * hook; once, or again and again until a signal ends it.
 */
#ifndef CLI_CERT_KEEP_H
#define CLI_CERT_KEEP_H

#include "cli/cert/enrol.h"
#include "cli/cert/files.h"

/* Something that may go wrong for long; it is told once, and once more when it is over. */
struct trouble {
  err_t code;
  char text[1024];
};

struct keeper {
  struct enrolment enrolment;
  struct cert_dir *dir;
  const char *hook;                    /* NULL: none */
  uint64_t interval;                   /* seconds between looks; 0: by the certificate's lifetime */
  char version[CERT_VERSION_SIZE + 1]; /* what the vault has */
  int64_t not_before, not_after;
  bool goes_on;
  struct trouble asking, renewing, telling;
};

/* The next look reads settings, credentials and trusted roots again: they may be what was wrong. */
void keeper_hang_up(struct keeper *k);

/* One look. An error means that the files are as they were; what went wrong with a renewal or the
 * hook is in their troubles. *changed: the files are new. */
err_t keep_look(struct keeper *k, bool *changed);
/* Looks again and again. Does not return: SIGTERM and SIGINT end the process with status 0, but not
 * while files are written or the hook runs; SIGHUP makes it look at once. */
_Noreturn void keep_on(struct keeper *k);
/* Before the first look of one that goes on. */
void keep_catch_signals(struct keeper *k);
/* Keeps what went wrong, or OK. One that goes on tells of it, unless that was the last thing told.
 */
void trouble_note(const struct keeper *k, struct trouble *t, err_t e);

#endif
