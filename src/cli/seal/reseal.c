/* strongroom reseal FILE... */
#include "base/file.h"
#include "base/write.h"
#include "cli/out.h"
#include "cli/seal/format.h"
#include "cli/seal/job.h"
#include "cli/verbs.h"
#include "seal/age_reseal.h"
#include "seal/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define COPY_STEP (16u << 20)

struct outcome {
  bool changed;
  char was[KEY_ID_MAX], now[KEY_ID_MAX];
};

static err_t read_sealed_header(int fd, struct header *out) {
  uint8_t start[FORMAT_LOOK];
  ssize_t n = pread(fd, start, sizeof start, 0);
  if (n < 0)
    FAIL(ERR_INPUT, "reading failed: %s", strerror(errno));
  return header_read(bytes_of(start, (size_t)n), out);
}

/* In place: the payload is not touched. */
static err_t reseal_sealed(struct job *j, int fd, struct outcome *out) {
  struct header before, after;
  TRY(read_sealed_header(fd, &before));
  TRY(sealed_reseal(&j->vault.service, args_value(j->args, "key"), fd, &out->changed));
  TRY(read_sealed_header(fd, &after));
  memcpy(out->was, before.wrapped.key_id, sizeof out->was);
  memcpy(out->now, after.wrapped.key_id, sizeof out->now);
  return OK;
}

/* --- age --- */

static err_t copy(struct job *j, int from, uint64_t at, uint64_t end, int to) {
  off_t offset = (off_t)at;
  while ((uint64_t)offset < end) {
    uint64_t left = end - (uint64_t)offset;
    ssize_t n = sendfile(to, from, &offset, left < COPY_STEP ? (size_t)left : COPY_STEP);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      FAIL(ERR_OUTPUT, "copying it failed: %s", strerror(errno));
    if (n == 0)
      FAIL(ERR_INPUT, "it became shorter meanwhile");
    TRY(progress_step(&j->progress, &(struct stream_progress){ (uint64_t)offset, end }));
  }
  return OK;
}

static bool same_time(const struct timespec *a, const struct timespec *b) {
  return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool unchanged(const struct stat *was, const struct stat *now) {
  return was->st_dev == now->st_dev && was->st_ino == now->st_ino && was->st_size == now->st_size &&
         same_time(&was->st_mtim, &now->st_mtim) && same_time(&was->st_ctim, &now->st_ctim);
}

/* A new header and the old payload, in place of the file. Its group keeps its rights only if it is
 * still the same one. */
static err_t replace(struct job *j, const char *path, const struct input *in,
                     const struct age_resealed *r) {
  AUTO(output) struct output *o = NULL;
  struct stat now;
  struct output_options options = { .force = true, .mode = in->stat.st_mode & 0777 };
  if (in->stat.st_gid != getegid() && geteuid() != 0)
    options.mode &= 0707;
  TRY(output_open(path, &options, &o));
  IGNORE(fchown(output_fd(o), in->stat.st_uid, in->stat.st_gid) == 0 ? OK : ERR_IO);
  TRY(output_write(o, buf_bytes(&r->header)));
  TRY(copy(j, in->fd, r->payload_at, in->size, output_fd(o)));
  if (stat(path, &now) != 0 || !unchanged(&in->stat, &now))
    FAIL(ERR_CONFLICT, "it was changed meanwhile: it is left as it is");
  return output_finish(o);
}

static err_t reseal_age(struct job *j, const char *path, const struct input *in,
                        struct outcome *out) {
  struct age_resealed r;
  if (!in->is_file)
    FAIL(ERR_USAGE, "it is no file");
  err_t e = age_reseal(&j->vault.service, args_value(j->args, "key"), in->fd, &r);
  if (e == OK && r.changed)
    e = replace(j, path, in, &r);
  out->changed = r.changed;
  memcpy(out->was, r.was, sizeof out->was);
  memcpy(out->now, r.key_id, sizeof out->now);
  buf_free(&r.header);
  return e;
}

/* --- the verb --- */

static void tell(struct job *j, const char *path, const struct outcome *o) {
  AUTO_BUF b = BUF_EMPTY;
  progress_hide(&j->progress);
  if (!j->progress.json) {
    buf_printf(&b, o->changed ? "%s: now under %s" : "%s: already under %s", path, o->now);
    out_text(buf_bytes(&b));
    return;
  }
  write_open(&b, NULL, '{');
  write_text(&b, "file", bytes_str(path));
  write_bool(&b, "changed", o->changed);
  write_text(&b, "key", bytes_str(o->now));
  write_text(&b, "was", bytes_str(o->was));
  write_close(&b, '}');
  const char *text = buf_cstr(&b);
  out_line("%s", text ? text : "{}");
}

static err_t reseal_one(struct job *j, const char *path, void *ctx) {
  AUTO_INPUT in = INPUT_CLOSED;
  AUTO_BUF start = BUF_EMPTY;
  struct outcome o = { 0 };
  enum format format;
  if (!path)
    FAIL(ERR_USAGE, "reseal changes files: what comes on stdin is opened and sealed again");
  TRY(input_open(path, &in));
  TRY(input_read(&in, FORMAT_LOOK, &start));
  TRY(format_find(buf_bytes(&start), &format));
  if (format == FORMAT_AGE)
    TRY(reseal_age(j, path, &in, &o));
  else {
    AUTO_FD fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
      FAIL(ERR_OUTPUT, "cannot write it: %s", strerror(errno));
    TRY(reseal_sealed(j, fd, &o));
  }
  tell(j, path, &o);
  j->done++;
  return OK;
}

static err_t run(const struct args *a) {
  AUTO(job) struct job *j = NULL;
  if (!args_word(a, 0) && !args_flag(a, "files-from"))
    FAIL(ERR_USAGE, "FILE is missing");
  TRY(job_open(a, &j));
  return job_run(j, reseal_one, NULL);
}

static const struct opt options[] = {
  { "key", OPT_VALUE, "KEY", NULL,
    "the key to seal under (default: the newest version of the one it is under)" },
  FILES_FROM_OPTION,
  { "data", OPT_VALUE, "DIR", NULL, "take address and credentials from DIR/env" },
  { "json", OPT_FLAG, NULL, NULL, "what happened as JSON on stdout, one object a line" },
  OPT_END,
};

const struct verb verb_reseal = {
  .noun = "",
  .name = "reseal",
  .words = "FILE...",
  .max_words = WORDS_ANY,
  .summary = "Put sealed files under the newest version of their key, or under another key",
  .details =
    "Of a sealed file only the header is written: the data key is unwrapped, wrapped anew, and\n"
    "its new form put beside the old one, so that the file opens whenever it is cut off.\n"
    "Files of age have no room for that: they are copied, and replaced when complete. Their\n"
    "recipients outside the vault stay.\n"
    "Who has seen a data key can still open what it sealed: against that, open and seal again.",
  .options = options,
  .examples = "strongroom key rotate backups\n"
              "strongroom reseal *.sealed\n"
              "find /backup -name '*.sealed' -print0 | strongroom reseal --files-from -\n"
              "strongroom reseal disk.img.sealed --key archive",
  .run = run,
};
