/*
 * Sealing and opening in a process of its own, so that its memory and processor time are its own:
 * `bench --seal WHAT THREADS IN OUT`. What it says on its descriptor 3 is struct sealing as text.
 */
#ifndef BENCH_SEAL_CHILD_H
#define BENCH_SEAL_CHILD_H

#include "bench.h"

enum seal_what {
  SEAL_RAW,      /* AES-256-GCM of OpenSSL alone, messages of 16 KiB, from memory to memory */
  SEAL_RAW_READ, /* the same, of what is read from IN */
  SEAL_SEAL,
  SEAL_OPEN,
  SEAL_AGE_RAW, /* ChaCha20-Poly1305, messages of 64 KiB */
  SEAL_AGE_SEAL,
  SEAL_AGE_OPEN,
  SEAL_PUT,   /* 4 KiB in memory under one data key, again and again */
  SEAL_FILES, /* the same, each to a file in the folder OUT, under a temporary name and renamed */
  SEAL_PLAIN_FILES, /* the same without sealing */
  SEAL_WHATS
};
struct sealing {
  double wall_s, cpu_s;
  double bytes;    /* of plaintext */
  double count;    /* of SEAL_PUT and SEAL_FILES */
  double peak_mib; /* resident */
};
struct seal_job {
  enum seal_what what;
  unsigned threads;
  const char *in, *out;
};
err_t seal_measure(const struct seal_job *j, struct sealing *out);
int seal_main(int argc, char **argv); /* what follows --seal */

#endif
