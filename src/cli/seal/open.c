/* strongroom open [FILE...] */
#include "base/clock.h"
#include "base/file.h"
#include "cli/passphrase.h"
#include "cli/seal/format.h"
#include "cli/seal/job.h"
#include "cli/seal/target.h"
#include "cli/verbs.h"
#include "seal/age.h"
#include "seal/sealed.h"

#include <stdlib.h>
#include <unistd.h>

#define IDENTITY_FILE_MAX (1u << 20)

struct range {
  bool given;
  uint64_t offset, length;
};
struct opening {
  struct bytes context;
  struct range range;
  bool force;
  struct age_identities *identities;
};
static void opening_free(struct opening *o) {
  if (o->identities)
    age_identities_free(o->identities);
}
#define AUTO_OPENING __attribute__((cleanup(opening_free))) struct opening

/* One file, on its way. */
struct step {
  struct job *job;
  const struct opening *how;
  const char *path; /* NULL: stdin */
  const struct input *in;
  struct bytes start; /* what was read already */
  enum format format;
};

/* --- what the options say --- */

static err_t parse_range(const char *text, struct range *out) {
  struct bytes offset, length = bytes_split(bytes_str(text), ':', &offset);
  out->given = true;
  out->length = UINT64_MAX;
  if (!length.data || bytes_to_u64(offset, UINT64_MAX, &out->offset) != OK ||
      (length.size && bytes_to_u64(length, UINT64_MAX, &out->length) != OK))
    FAIL(ERR_USAGE, "--range takes OFFSET:LENGTH in bytes, or OFFSET: to the end, not '%s'", text);
  return OK;
}

static err_t read_options(const struct args *a, struct opening *o) {
  const char *context = args_value(a, "context"), *range = args_value(a, "range");
  o->context = bytes_str(context ? context : "");
  o->force = args_flag(a, "force");
  if (range)
    TRY(parse_range(range, &o->range));
  if (range && job_has_many(a))
    FAIL(ERR_USAGE, "--range is for one file");
  return target_check(a);
}

static err_t ask_passphrase(void *ctx, struct secret *out) {
  struct job *j = ctx;
  uint64_t fd = 0;
  progress_hide(&j->progress);
  if (!args_flag(j->args, "passphrase-fd"))
    return passphrase_ask("Passphrase: ", false, out);
  TRY(args_uint(j->args, "passphrase-fd", 0, 1 << 20, &fd));
  return passphrase_read((int)fd, out);
}

/* Whether there is a vault to ask: who names identities need have none. */
static bool has_vault(const struct args *a) {
  return !args_flag(a, "identity") || args_flag(a, "data") || getenv("KEY_VAULT_URL");
}

static err_t make_identities(struct job *j, struct opening *o) {
  const struct key_service *vault = has_vault(j->args) ? &j->vault.service : NULL;
  size_t at = 0;
  TRY(age_identities_new(&o->identities));
  for (const char *path; (path = args_next(j->args, "identity", &at));) {
    AUTO_BUF text = BUF_EMPTY;
    TRY(file_read(path, IDENTITY_FILE_MAX, &text));
    TRY(age_identities_add_file(o->identities, vault, buf_bytes(&text), path));
  }
  age_identities_on_passphrase(o->identities, ask_passphrase, j);
  return vault ? age_identities_add_vault(o->identities, vault) : OK;
}

/* --- one file --- */

static err_t finish(const struct step *s, struct output *o, uint64_t bytes, uint64_t began_us) {
  struct header h;
  bool native = s->format == FORMAT_SEALED && header_read(s->start, &h) == OK;
  return job_finish(s->job, s->path, o,
                    &(struct finished){ .key = native ? h.wrapped.key_id : NULL,
                                        .bytes = bytes,
                                        .sealed = s->in->size,
                                        .began_us = began_us });
}

static err_t open_range(const struct step *s, int out) {
  const struct range *r = &s->how->range;
  AUTO(sealed_file) struct sealed_file *f = NULL;
  if (lseek(s->in->fd, 0, SEEK_CUR) < 0)
    FAIL(ERR_USAGE, "--range takes a file, not a pipe");
  if (s->format == FORMAT_AGE)
    return age_open_range(s->how->identities, s->in->fd, r->offset, r->length, out);
  TRY(sealed_file_open(s->job->vault.keys, s->how->context, s->in->fd, &f));
  return sealed_file_range(f, r->offset, r->length, out);
}

static err_t open_stream(const struct step *s, struct output *o) {
  struct sealed_options how = { .context = s->how->context };
  bool native = s->format == FORMAT_SEALED;
  uint64_t total = s->in->size;
  if (native && format_plain_size(s->in->size, &total) != OK)
    total = 0;
  job_stream(s->job, o, total, &how.stream);
  how.stream.sparse_out = output_is_file(o);
  if (native)
    return sealed_open_rest(s->job->vault.keys, &how, s->start, s->in->fd, output_fd(o));
  return age_open(s->how->identities, &how.stream, s->start, s->in->fd, output_fd(o));
}

/* In memory: whole, or not written at all. */
static err_t open_small(const struct step *s, struct output *o) {
  struct buf *sealed = &s->job->sealed, *plain = &s->job->plain;
  buf_clear(plain);
  TRY(input_read(s->in, (size_t)s->in->size + 1 - sealed->size, sealed));
  TRY(sealed_get(s->job->vault.keys, s->how->context, buf_bytes(sealed), plain));
  s->job->moved = plain->size;
  TRY(output_write(o, buf_bytes(plain)));
  return OK;
}

static err_t open_to(const struct step *s, struct output *o) {
  if (s->how->range.given)
    return open_range(s, output_fd(o));
  bool small = s->format == FORMAT_SEALED && s->in->is_file && s->in->size <= SMALL_MAX;
  return small ? open_small(s, o) : open_stream(s, o);
}

static err_t open_one(struct job *j, const char *path, void *ctx) {
  struct opening *how = ctx;
  AUTO_INPUT in = INPUT_CLOSED;
  AUTO(output) struct output *o = NULL;
  AUTO_BUF target = BUF_EMPTY;
  uint64_t began_us = clock_mono_us();
  TRY(input_open(path, &in));
  buf_clear(&j->sealed);
  TRY(input_read(&in, FORMAT_LOOK, &j->sealed));
  struct step s = { .job = j, .how = how, .path = path, .in = &in, .start = buf_bytes(&j->sealed) };
  TRY(format_find(s.start, &s.format));
  if (s.format == FORMAT_AGE && how->context.size)
    FAIL(ERR_USAGE, "files of age have no --context");
  TRY(target_of_opening(j->args, path, &target));
  const struct output_options options = { .force = how->force, .mode = 0600 };
  TRY(output_open((const char *)target.data, &options, &o));
  j->moved = 0;
  TRY(open_to(&s, o));
  s.start = buf_bytes(&j->sealed); /* it may have grown */
  return finish(&s, TAKE(o), j->moved, began_us);
}

static err_t run(const struct args *a) {
  AUTO_OPENING o = { 0 };
  AUTO(job) struct job *j = NULL;
  TRY(read_options(a, &o));
  TRY(job_open(a, &j));
  TRY(job_threads(j));
  TRY(make_identities(j, &o));
  return job_run(j, open_one, &o);
}

static const struct opt options[] = {
  { "out", OPT_VALUE, "FILE", NULL,
    "write to FILE (0600), into a directory, or to stdout (-, the default for one file)" },
  { "context", OPT_VALUE, "TEXT", NULL, "what it was sealed as" },
  { "range", OPT_VALUE, "OFFSET:LENGTH", NULL, "only so many bytes of the plaintext, from there" },
  { "force", OPT_FLAG, NULL, NULL, "replace what is there" },
  { "identity", OPT_LIST, "FILE", NULL,
    "of age: keys that may open it, before the vault is asked" },
  { "passphrase-fd", OPT_VALUE, "N", NULL,
    "of age: the passphrase is a line on descriptor N (default: the terminal)" },
  FILES_FROM_OPTION,
  THREADS_OPTION,
  JOB_OPTIONS,
  OPT_END,
};

const struct verb verb_open = {
  .noun = "",
  .name = "open",
  .words = "[FILE...]",
  .max_words = WORDS_ANY,
  .summary = "Open sealed files, or what comes on stdin: strongroom's own and those of age",
  .details =
    "One file goes to stdout or --out, several each to its name without .sealed or .age.\n"
    "A file is there only when all of it was verified. On stdout comes what was verified so\n"
    "far: a script looks at the exit code before it uses it (set -o pipefail).\n"
    "What --identity opens needs no vault. --range gives less where the plaintext ends. A run\n"
    "that is killed with SIGKILL may leave what it had opened in .NAME.strongroom-tmp (mode "
    "0600);\n"
    "the next run for that name takes it away.",
  .options = options,
  .examples = "strongroom open disk.img.sealed --out disk.img\n"
              "strongroom open shop.sealed --context shop | psql shop\n"
              "strongroom open disk.img.sealed --range 1048576:512 | xxd\n"
              "strongroom open --identity break-glass.txt wiki.tar.age | tar -t",
  .run = run,
};
