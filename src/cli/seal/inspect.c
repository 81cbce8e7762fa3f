/* strongroom inspect FILE... */
#include "base/write.h"
#include "cli/out.h"
#include "cli/progress.h"
#include "cli/seal/format.h"
#include "cli/seal/input.h"
#include "cli/verbs.h"
#include "seal/age_header.h"
#include "seal/age_source.h"

#include <inttypes.h>
#include <stdio.h>

#define AGE_CHUNK 65536u
#define AGE_TAG 16u
#define AGE_STEP 4096u

struct inspection {
  const struct input *in;
  struct bytes start; /* what was read already */
  struct buf *json;   /* an open object; NULL: for people */
};

static void text_field(const struct inspection *i, const char *label, const char *name,
                       struct bytes value) {
  if (i->json)
    write_text(i->json, name, value);
  else
    out_field(label, value);
}

static void number_field(const struct inspection *i, const char *label, const char *name,
                         uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%" PRIu64, value);
  if (i->json)
    write_i64(i->json, name, (int64_t)value);
  else
    out_field_str(label, text);
}

static void size_field(const struct inspection *i, const char *label, const char *name,
                       uint64_t value) {
  char amount[24], text[64];
  amount_format(value, amount, sizeof amount);
  snprintf(text, sizeof text, "%" PRIu64 " bytes (%s)", value, amount);
  if (i->json)
    write_i64(i->json, name, (int64_t)value);
  else
    out_field_str(label, text);
}

/* --- sealed files --- */

static const char *kind_text(const struct inspection *i, enum header_kind kind) {
  if (i->json)
    return kind == HEADER_LOG ? "sealed-log-1" : "sealed-stream-1";
  return kind == HEADER_LOG ? "segment of a sealed log, version 1" : "sealed stream, version 1";
}

static err_t inspect_sealed(const struct inspection *i) {
  struct header h;
  TRY(header_read(i->start, &h));
  text_field(i, "Format", "format", bytes_str(kind_text(i, h.kind)));
  text_field(i, "Key", "key", bytes_str(h.wrapped.key_id));
  text_field(i, "Algorithm", "algorithm", bytes_str(h.wrapped.alg));
  number_field(i, "Generation", "generation", h.generation);
  if (h.kind != HEADER_STREAM || !i->in->size)
    return OK;
  uint64_t plain;
  err_t e = format_plain_size(i->in->size, &plain);
  if (e == OK)
    size_field(i, "Plaintext", "plaintextBytes", plain);
  size_field(i, "Sealed", "sealedBytes", i->in->size);
  return e;
}

/* --- files of age --- */

/* "X25519", "scrypt (2^18)", or a key of the vault; other types by their name. */
static void recipient_field(const struct inspection *i, const struct stanza *s, bool first) {
  struct bytes type = stanza_arg(s, 0), one = stanza_arg(s, 1), two = stanza_arg(s, 2);
  AUTO_BUF text = BUF_EMPTY;
  if (stanza_is(s, "strongroom"))
    buf_printf(&text, BYTES_FMT " (" BYTES_FMT ")", BYTES_ARG(one), BYTES_ARG(two));
  else if (stanza_is(s, "scrypt"))
    buf_printf(&text, "a passphrase (scrypt, 2^" BYTES_FMT ")", BYTES_ARG(two));
  else if (stanza_is(s, "X25519"))
    buf_put_str(&text, "age1.. (X25519; the file does not tell which)");
  else if (stanza_is(s, "mlkem768x25519"))
    buf_put_str(&text, "age1pq1.. (ML-KEM-768 and X25519; the file does not tell which)");
  else
    buf_put_bytes(&text, type);
  if (!i->json) {
    out_field(first ? "Recipients" : NULL, buf_bytes(&text));
    return;
  }
  write_open(i->json, NULL, '{');
  write_text(i->json, "type", type);
  if (stanza_is(s, "strongroom")) {
    write_text(i->json, "key", one);
    write_text(i->json, "algorithm", two);
  }
  write_close(i->json, '}');
}

static err_t recipients(const struct inspection *i, struct bytes stanzas) {
  struct stanza s;
  if (i->json)
    write_open(i->json, "recipients", '[');
  for (bool first = true; stanzas.size; first = false) {
    TRY(stanza_read(&stanzas, &s));
    recipient_field(i, &s, first);
  }
  if (i->json)
    write_close(i->json, ']');
  return OK;
}

static err_t age_plain_size(uint64_t payload, uint64_t *out) {
  uint64_t chunks = payload / (AGE_CHUNK + AGE_TAG) + (payload % (AGE_CHUNK + AGE_TAG) != 0);
  uint64_t rest = payload % (AGE_CHUNK + AGE_TAG);
  if (payload < AGE_TAG || (rest && rest < AGE_TAG))
    FAIL(ERR_TRUNCATED, "it ends within a chunk");
  *out = payload - chunks * AGE_TAG;
  return OK;
}

/* All of the header, and up to AGE_STEP bytes more. */
static err_t read_age_header(struct age_source *s, struct buf *text, struct age_header *out) {
  for (;;) {
    size_t before = text->size;
    TRY(age_source_read(s, AGE_STEP, text));
    err_t e = age_header_read(buf_bytes(text), out);
    if (e != ERR_TRUNCATED || text->size == before || text->size > AGE_HEADER_MAX)
      return e;
  }
}

static err_t inspect_age(const struct inspection *i) {
  AUTO(age_source) struct age_source *s = NULL;
  AUTO_BUF text = BUF_EMPTY;
  struct age_header h = { 0 };
  uint64_t plain;
  TRY(age_source_new(i->start, i->in->fd, &s));
  TRY(age_source_end(s, read_age_header(s, &text, &h)));
  bool armored = !bytes_starts(i->start, "age-encryption.org/");
  text_field(i, "Format", "format",
             bytes_str(i->json   ? "age-1"
                       : armored ? "age, version 1, armored"
                                 : "age, version 1"));
  if (i->json)
    write_bool(i->json, "armored", armored);
  TRY(recipients(i, h.stanzas));
  if (armored || !i->in->size)
    return OK;
  uint64_t head = h.size + AGE_NONCE;
  err_t e = age_plain_size(i->in->size > head ? i->in->size - head : 0, &plain);
  if (e == OK)
    size_field(i, "Plaintext", "plaintextBytes", plain);
  size_field(i, "Sealed", "sealedBytes", i->in->size);
  return e;
}

/* --- the verb --- */

static err_t inspect_fields(struct inspection *i) {
  enum format format;
  TRY(format_find(i->start, &format));
  return format == FORMAT_AGE ? inspect_age(i) : inspect_sealed(i);
}

/* What can be told of a damaged file is told before the error. */
static err_t inspect(const struct args *a, const char *path, bool named) {
  AUTO_INPUT in = INPUT_CLOSED;
  AUTO_BUF start = BUF_EMPTY, json = BUF_EMPTY;
  TRY(input_open(path, &in));
  TRY(input_read(&in, FORMAT_LOOK, &start));
  struct inspection i = { .in = &in, .start = buf_bytes(&start) };
  if (args_flag(a, "json")) {
    i.json = &json;
    write_open(&json, NULL, '{');
    write_text(&json, "file", bytes_str(in.name));
  } else if (named)
    out_field_str("File", in.name);
  err_t e = inspect_fields(&i);
  if (i.json) {
    write_close(&json, '}');
    const char *text = buf_cstr(&json);
    if (!text)
      return ERR_NOMEM;
    out_line("%s", text);
  }
  return e;
}

static err_t run(const struct args *a) {
  AUTO_NAMES names = NAMES_CLOSED;
  err_t first = OK;
  bool many = args_word(a, 1) || args_flag(a, "files-from");
  bool from_stdin = !args_word(a, 0) && !args_flag(a, "files-from");
  TRY(names_open(a, &names));
  for (const char *path;;) {
    TRY(names_next(&names, &path));
    if (!path && !from_stdin)
      return first == OK ? OK : out_told(first);
    err_t e = inspect(a, path && strcmp(path, "-") == 0 ? NULL : path, many);
    if (e != OK)
      out_error_about(path ? path : "stdin", e, NULL);
    first = first == OK ? e : first;
    if (many && !args_flag(a, "json"))
      out_line("%s", "");
    if (!path)
      return first == OK ? OK : out_told(first);
  }
}

static const struct opt options[] = {
  FILES_FROM_OPTION,
  { "json", OPT_FLAG, NULL, NULL, "a JSON object a file, one a line" },
  OPT_END,
};

const struct verb verb_inspect = {
  .noun = "",
  .name = "inspect",
  .words = "[FILE...]",
  .max_words = WORDS_ANY,
  .summary = "Tell what a sealed file is: its format, key, size and recipients",
  .details =
    "Needs no vault. What a header says proves nothing until the file is opened; the size\n"
    "is what its length tells.",
  .options = options,
  .examples = "strongroom inspect shop.sealed\n"
              "strongroom inspect --json wiki.tar.age | jq -r .recipients[].type",
  .run = run,
};
