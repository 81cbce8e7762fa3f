/* strongroom seal [FILE...] */
#include "base/clock.h"
#include "cli/out.h"
#include "cli/passphrase.h"
#include "cli/seal/job.h"
#include "cli/seal/resume.h"
#include "cli/seal/target.h"
#include "cli/verbs.h"
#include "seal/age.h"
#include "seal/map.h"
#include "seal/sealed.h"

#include <stdio.h>
#include <unistd.h>

#define LOOK 64 /* bytes that tell what a file is */

struct sealing {
  const char *key; /* NULL: age, for others alone */
  struct bytes context;
  bool force, resume, remove;
  struct age_recipients *recipients; /* NULL: not age */
};
static void sealing_free(struct sealing *s) {
  if (s->recipients)
    age_recipients_free(s->recipients);
}
#define AUTO_SEALING __attribute__((cleanup(sealing_free))) struct sealing

/* One file, on its way. */
struct step {
  struct job *job;
  const struct sealing *how;
  const char *path; /* NULL: stdin */
  struct input in;
  const char *target;
  uint64_t began_us;
};

/* --- what the options say --- */

static err_t check_options(const struct args *a, const struct sealing *s) {
  bool others =
    args_flag(a, "recipient") || args_flag(a, "passphrase") || args_flag(a, "passphrase-fd");
  if (!args_flag(a, "age") && others)
    FAIL(ERR_USAGE, "recipients and passphrases need --age: add it");
  if (!s->key && !others)
    FAIL(ERR_USAGE, "--key says which key of the vault seals (or set %s)", SEAL_KEY_VARIABLE);
  if (args_flag(a, "age") && args_flag(a, "context"))
    FAIL(ERR_USAGE, "files of age have no --context");
  if (args_flag(a, "age") && s->resume)
    FAIL(ERR_USAGE, "files of age cannot be resumed");
  if (s->resume && !args_word(a, 0) && !args_flag(a, "files-from"))
    FAIL(ERR_USAGE, "what comes from stdin cannot be resumed");
  if (s->remove && s->force && args_value(a, "out") && job_has_many(a))
    FAIL(ERR_USAGE, "--remove with --force and a directory: of two files of one name the second "
                    "would replace the first, and both would be gone");
  return OK;
}

static err_t read_options(const struct args *a, struct sealing *s) {
  const char *context = args_value(a, "context");
  bool for_others =
    args_flag(a, "recipient") || args_flag(a, "passphrase") || args_flag(a, "passphrase-fd");
  s->key = for_others ? args_value(a, "key") : seal_vault_key(a);
  s->context = bytes_str(context ? context : "");
  s->force = args_flag(a, "force");
  s->resume = args_flag(a, "resume");
  s->remove = args_flag(a, "remove");
  TRY(check_options(a, s));
  return target_check(a);
}

static err_t add_passphrase(const struct args *a, struct age_recipients *r) {
  AUTO_SECRET text = { 0 };
  uint64_t fd = 0;
  if (args_flag(a, "passphrase-fd")) {
    TRY(args_uint(a, "passphrase-fd", 0, 1 << 20, &fd));
    TRY(passphrase_read((int)fd, &text));
  } else
    TRY(passphrase_ask("Passphrase: ", true, &text));
  return age_recipients_add_passphrase(r, secret_bytes(&text));
}

static err_t add_recipient(struct age_recipients *r, const struct key_service *vault,
                           const char *text) {
  err_t e = age_recipients_add(r, vault, text);
  if (e == ERR_BAD_PARAMETER) {
    char why[256];
    snprintf(why, sizeof why, "%s", out_error_text(e));
    FAIL(ERR_USAGE, "--recipient %.100s: %s", text, why);
  }
  return e;
}

static err_t make_recipients(const struct args *a, const struct key_service *vault,
                             struct sealing *s) {
  size_t at = 0;
  TRY(age_recipients_new(&s->recipients));
  if (s->key)
    TRY(age_recipients_add_key(s->recipients, vault, s->key));
  for (const char *r; (r = args_next(a, "recipient", &at));)
    TRY(add_recipient(s->recipients, vault, r));
  if (args_flag(a, "passphrase") || args_flag(a, "passphrase-fd"))
    TRY(add_passphrase(a, s->recipients));
  return OK;
}

/* --- one file --- */

/* What is readable as before, sealed, may be read by the same people. */
static mode_t mode_for(const struct input *in) {
  return in->is_file ? in->stat.st_mode & 0666 : 0600;
}

static err_t open_output(const struct step *s, const char *tag, struct output **out) {
  AUTO(output) struct output *o = NULL;
  const struct output_options options = { .force = s->how->force,
                                          .mode = mode_for(&s->in),
                                          .part = tag };
  TRY(output_open(s->target, &options, &o));
  if (!output_is_file(o) && isatty(output_fd(o)))
    FAIL(ERR_USAGE, "sealed data is not for a terminal: --out FILE, or a pipe");
  if (s->how->remove && !output_is_file(o))
    FAIL(ERR_USAGE, "--remove needs a file to write to: who knows what becomes of the rest");
  *out = TAKE(o);
  return OK;
}

static void note_sealed(const struct step *s, struct bytes start) {
  if ((start.size >= 8 && header_looks_like(start)) || (start.size && age_looks_like(start)))
    progress_note(&s->job->progress, "%s is sealed already: now it is twice.", s->in.name);
}

/* The key's id out of the header at the start of what was written; "" without one. */
static void key_of(struct bytes start, char key[static KEY_ID_MAX]) {
  struct header h;
  key[0] = '\0';
  if (header_read(start, &h) == OK)
    memcpy(key, h.wrapped.key_id, KEY_ID_MAX);
}

static err_t finish(const struct step *s, struct output *o, uint64_t bytes) {
  uint8_t start[HEADER_SIZE];
  char key[KEY_ID_MAX] = "";
  struct finished f = { .bytes = bytes, .began_us = s->began_us, .remove = s->how->remove };
  if (s->in.is_file)
    f.source = &s->in.stat;
  if (output_is_file(o)) {
    off_t size = lseek(output_fd(o), 0, SEEK_CUR);
    f.sealed = size > 0 ? (uint64_t)size : 0;
    ssize_t n = s->job->progress.json ? pread(output_fd(o), start, sizeof start, 0) : 0;
    key_of(bytes_of(start, n > 0 ? (size_t)n : 0), key);
  }
  f.key = key[0] ? key : NULL;
  return job_finish(s->job, s->path, o, &f);
}

static err_t seal_stream(const struct step *s) {
  AUTO(output) struct output *o = NULL;
  struct sealed_options how = { .context = s->how->context };
  TRY(open_output(s, NULL, &o));
  job_stream(s->job, o, s->in.size, &how.stream);
  how.stream.sparse_in = s->in.is_file;
  how.stream.views = &map_views;
  if (s->how->recipients)
    TRY(age_seal(s->how->recipients, &how.stream, s->in.fd, output_fd(o)));
  else
    TRY(sealed_seal(s->job->vault.keys, s->how->key, &how, s->in.fd, output_fd(o)));
  return finish(s, TAKE(o), s->job->moved);
}

/* In memory. *fits false: it is larger than it was, and nothing was done yet. */
static err_t seal_small(const struct step *s, bool *fits) {
  AUTO(output) struct output *o = NULL;
  struct buf *plain = &s->job->plain, *sealed = &s->job->sealed;
  buf_clear(plain);
  buf_clear(sealed);
  TRY(input_read(&s->in, SMALL_MAX + 1, plain));
  *fits = plain->size <= SMALL_MAX;
  if (!*fits) {
    if (lseek(s->in.fd, 0, SEEK_SET) != 0)
      FAIL(ERR_INPUT, "it cannot be read from its start again");
    return OK;
  }
  note_sealed(s, buf_bytes(plain));
  TRY(sealed_put(s->job->vault.keys, s->how->key, s->how->context, buf_bytes(plain), sealed));
  TRY(open_output(s, NULL, &o));
  TRY(output_write(o, buf_bytes(sealed)));
  return finish(s, TAKE(o), plain->size);
}

static err_t seal_chunks(const struct step *s, const struct stream_options *o,
                         const struct resumed *r, struct output *out) {
  struct sealed_options how = { .context = s->how->context, .stream = *o };
  if (!r->payload)
    return sealed_seal(s->job->vault.keys, s->how->key, &how, s->in.fd, output_fd(out));
  char kept[24];
  amount_format(r->chunks * payload_shape(r->payload)->chunk, kept, sizeof kept);
  progress_note(&s->job->progress, "%s: going on behind %s.", s->in.name, kept);
  how.stream.skip = r->chunks;
  return stream_seal(r->payload, &how.stream, s->in.fd, output_fd(out));
}

/* See resume.c for what it takes. */
static err_t seal_onto(const struct step *s, const struct resume_source *before, struct output *o) {
  AUTO_RESUMED resumed = { 0 };
  struct resume_source after;
  struct stream_options stream;
  job_stream(s->job, o, s->in.size, &stream);
  stream.sparse_in = true;
  stream.views = &map_views;
  const struct resume_job j = { s->job->vault.keys, s->how->key, s->how->context, &stream };
  TRY(resume_begin(&j, &s->in, o, &resumed));
  TRY(seal_chunks(s, &stream, &resumed, o));
  TRY(resume_look(&s->in, s->how->key, &after));
  if (resumed.payload && strcmp(before->tag, after.tag) != 0) {
    output_keep(o, false);
    FAIL(ERR_INPUT, "it was changed while it was sealed: begin anew");
  }
  return OK;
}

static err_t seal_resumable(const struct step *s) {
  AUTO(output) struct output *o = NULL;
  struct resume_source before;
  TRY(resume_look(&s->in, s->how->key, &before));
  output_forget_parts(s->target, before.tag);
  TRY(open_output(s, before.settled ? before.tag : NULL, &o));
  if (!output_is_file(o))
    FAIL(ERR_USAGE, "--resume needs a file to write to");
  output_keep(o, true);
  err_t e = seal_onto(s, &before, o);
  if (e == OK)
    return finish(s, TAKE(o), s->job->moved);
  if (output_is_kept(o))
    progress_note(&s->job->progress, "What was done is kept: the same command goes on with it.");
  return e;
}

static err_t seal_one(struct job *j, const char *path, void *ctx) {
  struct sealing *how = ctx;
  AUTO_INPUT in = INPUT_CLOSED;
  AUTO_BUF target = BUF_EMPTY;
  bool fits = false;
  uint64_t began_us = clock_mono_us();
  TRY(input_open(path, &in));
  TRY(target_of_sealing(j->args, &in, path, how->recipients ? AGE_SUFFIX : SEALED_SUFFIX, &target));
  const struct step s = { .job = j,
                          .how = how,
                          .path = path,
                          .in = in,
                          .target = (const char *)target.data,
                          .began_us = began_us };
  if (!how->recipients && in.is_file && in.size <= SMALL_MAX)
    TRY(seal_small(&s, &fits));
  if (fits)
    return OK;
  if (how->resume && !in.is_file)
    FAIL(ERR_USAGE, "only a file can be resumed");
  if (in.is_file) {
    uint8_t start[LOOK];
    ssize_t n = pread(in.fd, start, sizeof start, 0);
    note_sealed(&s, bytes_of(start, n > 0 ? (size_t)n : 0));
    if (how->resume)
      return seal_resumable(&s);
    output_forget_parts(s.target, NULL);
  }
  return seal_stream(&s);
}

/* One key for all: without it none can be sealed. */
static err_t check_key(struct job *j, const struct sealing *s) {
  AUTO(data_key) struct data_key *k = NULL;
  return s->recipients ? OK : key_cache_for_sealing(j->vault.keys, s->key, &k);
}

static err_t run(const struct args *a) {
  AUTO_SEALING s = { 0 };
  AUTO(job) struct job *j = NULL;
  TRY(read_options(a, &s));
  TRY(job_open(a, &j));
  TRY(job_threads(j));
  if (args_flag(a, "age"))
    TRY(make_recipients(a, &j->vault.service, &s));
  TRY(job_told(j, check_key(j, &s)));
  return job_run(j, seal_one, &s);
}

static const struct opt options[] = {
  { "key", OPT_VALUE, "KEY", NULL,
    "the key of the vault: NAME, NAME/VERSION or its id (default: $" SEAL_KEY_VARIABLE ")" },
  { "out", OPT_VALUE, "FILE", NULL,
    "write to FILE, into a directory, or to stdout (-); default: FILE.sealed, for stdin stdout" },
  { "context", OPT_VALUE, "TEXT", NULL, "what it is or where it belongs: opening needs the same" },
  { "force", OPT_FLAG, NULL, NULL, "replace what is there" },
  { "resume", OPT_FLAG, NULL, NULL,
    "keep what is done when interrupted, and go on with it if the file is unchanged" },
  { "remove", OPT_FLAG, NULL, NULL, "remove each file once it is sealed and on disk" },
  { "age", OPT_FLAG, NULL, NULL, "write the format of age (age-encryption.org): FILE.age" },
  { "recipient", OPT_LIST, "RECIPIENT", NULL, "with --age: may open it, too: age1.., age1pq1.." },
  { "passphrase", OPT_FLAG, NULL, NULL, "with --age: opened by a passphrase, which is asked for" },
  { "passphrase-fd", OPT_VALUE, "N", NULL, "with --age: the passphrase is a line on descriptor N" },
  FILES_FROM_OPTION,
  THREADS_OPTION,
  JOB_OPTIONS,
  OPT_END,
};

const struct verb verb_seal = {
  .noun = "",
  .name = "seal",
  .words = "[FILE...]",
  .max_words = WORDS_ANY,
  .summary = "Seal files, or what comes on stdin, under a key of the vault",
  .details =
    "A data key is made here and wrapped by the vault; what it seals, only who may unwrap\n"
    "with that key can open. FILE stays as it is; FILE.sealed is there complete or not at\n"
    "all, with the permissions of FILE (what comes on stdin: 0600).\n"
    "Several files are sealed one after the other: what fails is told, the others go on, and\n"
    "the exit code is that of the first failure.\n"
    "With --resume, what was done before an interruption is kept beside the output as\n"
    ".NAME.TAG.strongroom-part, and the same command goes on with it.",
  .options = options,
  .examples = "strongroom seal disk.img --key backups\n"
              "pg_dump shop | strongroom seal --key backups --context shop --out shop.sealed\n"
              "find /srv -name '*.pdf' -print0 | strongroom seal --key docs --files-from -\n"
              "tar -c /srv | strongroom seal --age --key backups --recipient age1.. --out srv.age",
  .run = run,
};
