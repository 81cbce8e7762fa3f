#include "cli/seal/job.h"

#include "base/clock.h"
#include "base/process.h"
#include "cli/out.h"
#include "cli/seal/interrupt.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define WRITE_BACK (UINT64_C(16) << 20) /* bytes at a time */
#define FILES_BESIDE 32                 /* descriptors for all else */

err_t job_open(const struct args *a, struct job **out) {
  AUTO(job) struct job *j = mem_zalloc(sizeof *j);
  uint64_t threads = 0;
  if (!j)
    return ERR_NOMEM;
  j->args = a;
  TRY(args_uint(a, "threads", 1, 64, &threads));
  progress_start(&j->progress, args_flag(a, "json"));
  j->threads = (unsigned)threads;
  unsigned files = process_file_limit();
  j->batch_max = files > BATCH_MAX + FILES_BESIDE ? BATCH_MAX
                 : files > FILES_BESIDE           ? files - FILES_BESIDE
                                                  : 1;
  TRY(seal_vault_open(a, &j->vault));
  TRY(interrupt_catch(&j->progress));
  *out = TAKE(j);
  return OK;
}

static void item_free(struct batch_item *i) {
  if (i->output)
    output_close(i->output);
  mem_free(i->file);
  *i = (struct batch_item){ 0 };
}

void job_close(struct job *j) {
  for (size_t i = 0; i < j->batched; i++)
    item_free(&j->batch[i]);
  seal_vault_close(&j->vault);
  buf_free(&j->plain);
  buf_free(&j->sealed);
  mem_free(j);
}

static err_t on_progress(void *ctx, const struct stream_progress *p) {
  struct job *j = ctx;
  j->moved = p->done;
  if (p->done - j->synced >= WRITE_BACK) {
    output_start_sync(j->output);
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

static void fail(struct job *j, const char *file, err_t e) {
  if (j->first == OK)
    j->first = e;
  j->failed++;
  progress_error(&j->progress, file ? file : "stdin", e, job_advice(e));
}

/* --- batches --- */

static void item_failed(struct job *j, struct batch_item *i, err_t e) {
  fail(j, i->file, e);
  i->failed = true;
}

static void each_item(struct job *j, err_t (*step)(struct output *o)) {
  for (size_t i = 0; i < j->batched; i++) {
    struct batch_item *item = &j->batch[i];
    err_t e = item->failed ? OK : step(item->output);
    if (e != OK)
      item_failed(j, item, e);
  }
}

static bool same_dir(const struct batch_item *a, const char *dir) {
  const char *other = output_dir(a->output);
  return other && strcmp(other, dir) == 0;
}

/* Each directory once, though many of the files are in it. */
static void sync_dirs(struct job *j) {
  bool done[BATCH_MAX] = { false };
  for (size_t i = 0; i < j->batched; i++) {
    const char *dir = output_dir(j->batch[i].output);
    if (done[i] || j->batch[i].failed || !dir)
      continue;
    err_t e = output_sync_dir(dir);
    for (size_t k = i; k < j->batched; k++)
      if (same_dir(&j->batch[k], dir)) {
        done[k] = true;
        if (e != OK && !j->batch[k].failed)
          item_failed(j, &j->batch[k], e);
      }
  }
}

static bool same_time(const struct timespec *a, const struct timespec *b) {
  return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Only what was sealed: not what has its name, or its content, by now. */
static void remove_source(struct job *j, const struct batch_item *i) {
  const struct stat *was = &i->source;
  struct stat s;
  bool same = lstat(i->file, &s) == 0 && s.st_dev == was->st_dev && s.st_ino == was->st_ino &&
              s.st_size == was->st_size && same_time(&s.st_mtim, &was->st_mtim);
  if (!same)
    progress_note(&j->progress, "%s was changed meanwhile, or is a link: it is left.", i->file);
  else if (unlink(i->file) != 0)
    progress_note(&j->progress, "%s cannot be removed: %s", i->file, strerror(errno));
}

static void tell(struct job *j, const struct batch_item *i) {
  j->done++;
  if (i->remove)
    remove_source(j, i);
  progress_done(&j->progress, &(struct done){ .file = i->file,
                                              .out = output_name(i->output),
                                              .key = i->key[0] ? i->key : NULL,
                                              .bytes = i->bytes,
                                              .sealed = i->sealed,
                                              .began_us = i->began_us });
}

static void flush(struct job *j) {
  for (size_t i = 0; i < j->batched; i++)
    output_start_sync(j->batch[i].output);
  each_item(j, output_sync);
  each_item(j, output_publish);
  sync_dirs(j);
  for (size_t i = 0; i < j->batched; i++) {
    if (!j->batch[i].failed)
      tell(j, &j->batch[i]);
    item_free(&j->batch[i]);
  }
  j->batched = 0;
  j->batch_bytes = 0;
}

err_t job_finish(struct job *j, const char *path, struct output *output, const struct finished *f) {
  struct batch_item *i = &j->batch[j->batched];
  *i = (struct batch_item){ .output = output,
                            .file = mem_strdup(path ? path : "stdin"),
                            .bytes = f->bytes,
                            .sealed = f->sealed,
                            .began_us = f->began_us,
                            .remove = f->remove && path };
  if (i->remove)
    i->source = *f->remove;
  if (f->key)
    snprintf(i->key, sizeof i->key, "%s", f->key);
  if (!i->file) {
    item_free(i);
    return ERR_NOMEM;
  }
  j->batched++;
  j->batch_bytes += f->sealed > f->bytes ? f->sealed : f->bytes;
  if (j->batched == j->batch_max || j->batch_bytes >= BATCH_BYTES)
    flush(j);
  return OK;
}

/* --- the files --- */

bool job_has_many(const struct args *a) {
  return args_word(a, 1) || args_flag(a, "files-from");
}

static err_t run_each(struct job *j, job_each *each, void *ctx) {
  AUTO_NAMES names = { 0 };
  const char *path;
  TRY(names_open(j->args, &names));
  bool from_stdin = !args_word(j->args, 0) && !args_flag(j->args, "files-from");
  for (;;) {
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
  flush(j);
  if (e != OK)
    fail(j, args_value(j->args, "files-from"), e);
  progress_summary(&j->progress);
  if (j->failed && j->failed + j->done > 1)
    progress_note(&j->progress, "%llu of %llu failed.", (unsigned long long)j->failed,
                  (unsigned long long)(j->failed + j->done));
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
    return "Was the key deleted? 'strongroom key list --deleted' shows what can be recovered.";
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
    return "Is --context the one that it was sealed with? 'strongroom inspect' tells the key.";
  default:
    return NULL;
  }
}
