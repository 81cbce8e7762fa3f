/*
 * A verb's files, one after the other: what fails is told and the others go on, the exit code is
 * that of the first failure.
 * One thread.
 */
#ifndef CLI_SEAL_JOB_H
#define CLI_SEAL_JOB_H

#include "cli/progress.h"
#include "cli/seal/batch.h"
#include "cli/seal/input.h"
#include "cli/seal/vault.h"

#define SMALL_MAX (256u << 10) /* files of at most so much are handled in memory */

struct job {
  const struct args *args;
  struct seal_vault vault;
  struct progress progress;
  unsigned threads;
  struct batch batch;
  uint64_t failed, done;
  err_t first, advised;     /* the first failure; the last one */
  struct buf plain, sealed; /* for small files; wiped */
  struct output *output;    /* that a stream writes now, .. */
  uint64_t moved, synced; /* .. its plaintext so far, and what of that is on its way to the disk */
};
/* Interrupts are caught from here on: the outputs are the job's. */
err_t job_open(const struct args *a, struct job **out);
void job_close(struct job *j);
CLEANUP(job, struct job *, job_close)

/* Of verbs with THREADS_OPTION. */
err_t job_threads(struct job *j);

/* Calls each for every file, for NULL when there is none (stdin); what it returns is told. Returns
 * the first failure, told already. */
typedef err_t job_each(struct job *j, const char *path, void *ctx);
err_t job_run(struct job *j, job_each *each, void *ctx);
bool job_has_many(const struct args *a); /* more than one was named, or a list */

/* Tells an error that ends all, and passes it on as told; OK as it is. */
err_t job_told(struct job *j, err_t e);

/* How output is written by a stream of so many bytes of plaintext (0: not known); it is written
 * back all the while, so that little is left to be synced. j->moved is the plaintext that went
 * through. */
void job_stream(struct job *j, struct output *output, uint64_t total, struct stream_options *out);

/* output (taken over, also on failure) is complete but not yet finished. */
struct finished {
  const char *key; /* its id, or NULL */
  uint64_t bytes, sealed, began_us;
  const struct stat *source; /* as it was, of a file that was sealed; else NULL */
  bool remove;               /* it goes when all is durable */
};
err_t job_finish(struct job *j, const char *path, struct output *output, const struct finished *f);

/* What may be done about an error; NULL where its text says it all. */
const char *job_advice(err_t e);

#define JOB_OPTIONS \
  { "data", OPT_VALUE, "DIR", NULL, "take address and credentials from DIR/env" }, { \
    "json", OPT_FLAG, NULL, NULL, "events on stderr as JSON, one a line" \
  }
#define THREADS_OPTION \
  { "threads", OPT_VALUE, "N", NULL, "threads for large files (default: the cores, at most 8)" }

#endif
