/*
 * A verb's files, one after the other: what fails is told and the others go on, the exit code is
 * that of the first failure.
 *
 * Finished outputs are made durable in batches: written back together, then synced, renamed, and
 * their directories synced once. Only then is a file done, and told so. One thread.
 */
#ifndef CLI_SEAL_JOB_H
#define CLI_SEAL_JOB_H

#include "cli/progress.h"
#include "cli/seal/input.h"
#include "cli/seal/output.h"
#include "cli/seal/vault.h"

#define BATCH_MAX 256
#define BATCH_BYTES (UINT64_C(64) << 20)
#define SMALL_MAX (256u << 10) /* files of at most so much are handled in memory */

struct batch_item {
  struct output *output;
  char *file;
  char key[KEY_ID_MAX];
  uint64_t bytes, sealed, began_us;
  bool failed;
};
struct job {
  const struct args *args;
  struct seal_vault vault;
  struct progress progress;
  struct stream_options stream; /* with progress, and the threads that were asked for */
  struct batch_item batch[BATCH_MAX];
  size_t batched, batch_max;
  uint64_t batch_bytes;
  uint64_t failed, done;
  err_t first;       /* failure */
  struct buf memory; /* for small files; wiped after each */
  const char *advice_key; /* the key that was asked for, for advice; NULL: see the file */
};
/* Interrupts are caught from here on: the outputs are the job's. */
err_t job_open(const struct args *a, struct job **out);
void job_close(struct job *j);
CLEANUP(job, struct job *, job_close)

/* Calls each for every file, for NULL when there is none (stdin); what it returns is told. many:
 * whether more than one was named, or a list. Returns the first failure, told already. */
typedef err_t job_each(struct job *j, const char *path, void *ctx);
err_t job_run(struct job *j, job_each *each, void *ctx);
bool job_has_many(const struct args *a);

/* output (taken over, also on failure) is complete but not yet finished. */
struct finished {
  const char *key; /* its id, or NULL */
  uint64_t bytes, sealed, began_us;
};
err_t job_finish(struct job *j, const char *path, struct output *output, const struct finished *f);

/* What may be done about an error; "" where its text says it all. */
const char *job_advice(const struct job *j, err_t e);

#define JOB_OPTIONS \
  { "data", OPT_VALUE, "DIR", NULL, "take address and credentials from DIR/env" }, { \
    "json", OPT_FLAG, NULL, NULL, "events on stderr as JSON, one a line" \
  }
#define THREADS_OPTION \
  { "threads", OPT_VALUE, "N", NULL, "threads for large files (default: the cores, at most 8)" }

#endif
