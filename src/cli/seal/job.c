#include "cli/seal/job.h"

#include "base/clock.h"
#include "cli/out.h"
#include "cli/seal/interrupt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define THREADS_MAX 64
#define WRITE_BACK (UINT64_C(16) << 20) /* bytes at a time */

err_t job_threads(struct job *j) {
  uint64_t threads = 0;
  TRY(args_uint(j->args, "threads", 1, THREADS_MAX, &threads));
  j->threads = (unsigned)threads;
  return OK;
}

void job_close(struct job *j) {
  batch_free(&j->batch);
  seal_vault_close(&j->vault);
  buf_free(&j->plain);
  buf_free(&j->sealed);
  mem_free(j);
}

static err_t on_progress(void *ctx, const struct stream_progress *p) {
  struct job *j = ctx;
  j->moved = p->done;
  if (p->done - j->synced >= WRITE_BACK) {
    output_write_back(j->output);
    j->synced = p->done;
  }
  return progress_step(&j->progress, p);
}

void job_stream(struct job *j, struct output *output, uint64_t total, struct stream_options *out) {
  j->output = output;
  j->moved = j->synced = 0;
  *out = (struct stream_options){
    .threads = j->threads, .progress = on_progress, .ctx = j, .total = total
  };
}

static void fail(void *ctx, const char *file, err_t e) {
  struct job *j = ctx;
  if (j->first == OK)
    j->first = e;
  j->failed++;
  /* The same advice for a thousand files is one too often. */
  const char *advice = e == j->advised && !j->progress.json ? NULL : job_advice(e);
  j->advised = e;
  progress_error(&j->progress, file ? file : "stdin", e, advice);
}

/* --- what is done --- */

static bool same_time(const struct timespec *a, const struct timespec *b) {
  return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_the_same(const struct stat *s, const struct stat *was) {
  return s->st_dev == was->st_dev && s->st_ino == was->st_ino && s->st_size == was->st_size &&
         same_time(&s->st_mtim, &was->st_mtim);
}

/* As tar does: what was sealed may be neither the old nor the new one. */
static void look_at_source(struct job *j, const struct batch_item *i) {
  struct stat s;
  if (stat(i->file, &s) == 0 && !is_the_same(&s, &i->source))
    progress_note(&j->progress, "%s was changed while it was sealed: seal it again.", i->file);
}

/* Only what was sealed: not what has its name, or its content, by now. */
static void remove_source(struct job *j, const struct batch_item *i) {
  struct stat s;
  if (lstat(i->file, &s) != 0 || !is_the_same(&s, &i->source))
    progress_note(&j->progress, "%s was changed meanwhile, or is a link: it is left.", i->file);
  else if (unlink(i->file) != 0)
    progress_note(&j->progress, "%s cannot be removed: %s", i->file, strerror(errno));
}

static void tell(void *ctx, const struct batch_item *i) {
  struct job *j = ctx;
  j->done++;
  if (i->remove)
    remove_source(j, i);
  else if (i->has_source)
    look_at_source(j, i);
  progress_done(&j->progress, &(struct done){ .file = i->file ? i->file : "stdin",
                                              .out = output_name(i->output),
                                              .key = i->key[0] ? i->key : NULL,
                                              .bytes = i->bytes,
                                              .sealed = i->sealed,
                                              .began_us = i->began_us });
}

err_t job_finish(struct job *j, const char *path, struct output *output, const struct finished *f) {
  struct batch_item *i;
  TRY(batch_add(&j->batch, output, path, &i));
  i->bytes = f->bytes;
  i->sealed = f->sealed;
  i->began_us = f->began_us;
  i->has_source = f->source && path;
  i->remove = f->remove && i->has_source;
  if (i->has_source)
    i->source = *f->source;
  if (f->key)
    snprintf(i->key, sizeof i->key, "%s", f->key);
  batch_added(&j->batch);
  return OK;
}

err_t job_open(const struct args *a, struct job **out) {
  AUTO(job) struct job *j = mem_zalloc(sizeof *j);
  if (!j)
    return ERR_NOMEM;
  j->args = a;
  progress_start(&j->progress, args_flag(a, "json"));
  batch_init(&j->batch);
  j->batch.done = tell;
  j->batch.failed = fail;
  j->batch.ctx = j;
  TRY(seal_vault_open(a, &j->vault));
  TRY(interrupt_catch(&j->progress));
  *out = TAKE(j);
  return OK;
}

/* --- the files --- */

bool job_has_many(const struct args *a) {
  return args_word(a, 1) || args_flag(a, "files-from");
}

static err_t run_each(struct job *j, job_each *each, void *ctx) {
  AUTO_NAMES names = NAMES_CLOSED;
  const char *path;
  TRY(names_open(j->args, &names));
  bool from_stdin = !args_word(j->args, 0) && !args_flag(j->args, "files-from");
  for (;;) {
    if (names_wait(&names)) /* what is done does not wait for it */
      batch_flush(&j->batch);
    TRY(names_next(&names, &path));
    if (!path && !from_stdin)
      return OK;
    if (path && strcmp(path, "-") == 0)
      path = NULL;
    progress_file(&j->progress, path ? path : "stdin");
    err_t e = each(j, path, ctx);
    if (e != OK)
      fail(j, path, e);
    if (from_stdin)
      return OK;
  }
}

err_t job_run(struct job *j, job_each *each, void *ctx) {
  err_t e = run_each(j, each, ctx);
  batch_flush(&j->batch);
  if (e != OK)
    fail(j, args_value(j->args, "files-from"), e);
  progress_summary(&j->progress);
  if (j->failed && j->failed + j->done > 1)
    progress_note(&j->progress, "%" PRIu64 " of %" PRIu64 " failed.", j->failed,
                  j->failed + j->done);
  return j->first == OK ? OK : out_told(j->first);
}

err_t job_told(struct job *j, err_t e) {
  if (e == OK)
    return OK;
  progress_error(&j->progress, NULL, e, job_advice(e));
  return out_told(e);
}

const char *job_advice(err_t e) {
  switch (e) {
  case ERR_NOT_FOUND:
    return "'strongroom key list --deleted' shows what can be recovered.";
  case ERR_FORBIDDEN:
    return "It takes a key that is enabled, and a role that may wrap (seal) and unwrap (open) with "
           "it: crypto-service-encryption-user.";
  case ERR_AWAY:
  case ERR_BUSY:
    return "Nothing was written. Try again when the vault answers: 'strongroom status'.";
  case ERR_SEALED:
    return "Nothing was written. Try again when the vault was unsealed.";
  case ERR_NOT_SEALED:
    return "Was it sealed at all? 'strongroom inspect' tells what it is.";
  case ERR_TRUNCATED:
    return "The rest is missing: copy or download it again from where it is whole.";
  case ERR_DAMAGED:
    return "It is not what was sealed: take another copy.";
  case ERR_WRONG_KEY:
    return "Is it the right --context, passphrase or identity? 'strongroom inspect' tells which "
           "keys "
           "open it.";
  default:
    return NULL;
  }
}
