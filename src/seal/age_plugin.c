/*
 * The plugin's side of age's plugin protocol: stanzas over two pipes. In the first phase age says
 * what it has, in the second one the plugin sends commands, each of which is answered. Commands
 * that are not known are passed over: age sends some on purpose.
 */
#include "base/codec.h"
#include "seal/age_key.h"
#include "seal/bech32.h"
#include "seal/io.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define PIECE 4096
#define STANZA_MAX (1u << 20) /* bytes of one, and of a whole phase */

struct plugin {
  const struct key_service *vault;
  int in, out;
  struct buf read; /* not used yet */
  struct buf said; /* the first phase, stanza after stanza: has file keys */
  bool failed;     /* an error was told */
};

static void plugin_free(struct plugin *p) {
  buf_free(&p->read);
  buf_free(&p->said);
}

static err_t read_more(struct plugin *p) {
  ssize_t n;
  if (p->read.size > STANZA_MAX)
    FAIL(ERR_TOO_LARGE, "age said too much at a time");
  if (!buf_reserve(&p->read, PIECE))
    return ERR_NOMEM;
  do
    n = read(p->in, p->read.data + p->read.size, PIECE);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    FAIL(ERR_INPUT, "cannot read what age says: %s", strerror(errno));
  if (n == 0)
    FAIL(ERR_CLOSED, "age ended before it had said all");
  p->read.size += (size_t)n;
  return OK;
}

/* The next stanza's text is at the front of p->read, so many bytes; the stanza borrows it. */
static err_t hear(struct plugin *p, struct stanza *s, size_t *size) {
  for (;;) {
    struct bytes rest = buf_bytes(&p->read);
    err_t e = rest.size ? stanza_read(&rest, s) : ERR_TRUNCATED;
    if (e == OK) {
      *size = p->read.size - rest.size;
      return OK;
    }
    if (e != ERR_TRUNCATED)
      return e;
    TRY(read_more(p));
  }
}

static err_t hear_phase(struct plugin *p) {
  for (;;) {
    struct stanza s;
    size_t size;
    TRY(hear(p, &s, &size));
    bool done = stanza_is(&s, "done");
    if (!done)
      buf_put(&p->said, p->read.data, size);
    TRY(buf_ok(&p->said));
    if (p->said.size > STANZA_MAX)
      FAIL(ERR_TOO_LARGE, "age said too much");
    buf_drop(&p->read, size);
    if (done)
      return OK;
  }
}

/* What is answered is of no account: nothing is asked for. */
static err_t say_and_hear(struct plugin *p, struct bytes text) {
  struct stanza s;
  size_t size;
  TRY(io_write(p->out, text));
  TRY(hear(p, &s, &size));
  buf_drop(&p->read, size);
  return OK;
}

static err_t say_stanza(struct plugin *p, const char *args, struct bytes body) {
  AUTO_BUF text = BUF_EMPTY;
  stanza_write(bytes_str(args), body, &text);
  TRY(buf_ok(&text));
  return say_and_hear(p, buf_bytes(&text));
}

/* Tells people why; where says what it is about. Out of memory there is nothing to be told with. */
static err_t say_error(struct plugin *p, err_t e, const char *where) {
  char args[96], why[1200];
  if (e == ERR_NOMEM)
    return e;
  (void)snprintf(why, sizeof why, "%s", err_reason(e));
  (void)snprintf(args, sizeof args, "error %s", where);
  p->failed = true;
  return say_stanza(p, args, bytes_str(why));
}

static err_t say_error_at(struct plugin *p, err_t e, const char *what, size_t index) {
  char where[48];
  (void)snprintf(where, sizeof where, "%s %zu", what, index);
  return say_error(p, e, where);
}

static err_t decode(struct bytes text, const char *prefix, struct buf *data) {
  char found[BECH32_PREFIX_MAX + 1];
  TRY(bech32_decode(text, found, data, NULL));
  if (strcmp(found, prefix) != 0)
    FAIL(ERR_BAD_PARAMETER, "this is not for age-plugin-strongroom");
  return OK;
}

static err_t read_recipient(const struct plugin *p, const struct stanza *s,
                            char key[static KEY_ID_MAX]) {
  AUTO_BUF data = BUF_EMPTY;
  TRY(decode(stanza_arg(s, 1), AGE_VAULT_PREFIX, &data));
  return age_vault_recipient(p->vault, buf_bytes(&data), key);
}

static err_t read_identity(const struct plugin *p, const struct stanza *s) {
  AUTO_BUF data = BUF_EMPTY;
  TRY(decode(stanza_arg(s, 1), AGE_VAULT_IDENTITY_PREFIX, &data));
  return age_vault_identity(p->vault, buf_bytes(&data));
}

static err_t refuse_identity(void) {
  FAIL(ERR_BAD_PARAMETER, "this identity is a vault, not a key: seal to what 'strongroom age "
                          "recipient KEY' prints");
}

/* Wraps one file key for each recipient and appends what is to be said of it. */
static err_t wrap_one(struct plugin *p, struct bytes file_key, size_t file, struct buf *out) {
  struct bytes rest = buf_bytes(&p->said);
  struct stanza s, made;
  size_t recipient = 0;
  while (rest.size && !p->failed) {
    char key[KEY_ID_MAX];
    AUTO_BUF text = BUF_EMPTY, args = BUF_EMPTY, body = BUF_EMPTY;
    TRY(stanza_read(&rest, &s));
    if (!stanza_is(&s, "add-recipient"))
      continue;
    err_t e = read_recipient(p, &s, key);
    if (e == OK)
      e = age_vault_wrap(p->vault, key, file_key, &text);
    if (e != OK)
      return say_error_at(p, e, "recipient", recipient);
    struct bytes view = buf_bytes(&text);
    TRY(stanza_read(&view, &made));
    stanza_body(&made, &body);
    buf_printf(&args, "recipient-stanza %zu " BYTES_FMT, file, BYTES_ARG(made.args));
    TRY(buf_ok(&args));
    TRY(buf_ok(&body));
    stanza_write(buf_bytes(&args), buf_bytes(&body), out);
    recipient++;
  }
  return buf_ok(out);
}

/* Whatever can't be wrapped to is told, all of it, before anything is wrapped. */
static err_t check_recipients(struct plugin *p) {
  struct bytes rest = buf_bytes(&p->said);
  struct stanza s;
  size_t recipients = 0, identities = 0;
  while (rest.size) {
    char key[KEY_ID_MAX];
    TRY(stanza_read(&rest, &s));
    if (stanza_is(&s, "add-recipient")) {
      err_t e = read_recipient(p, &s, key);
      if (e != OK)
        TRY(say_error_at(p, e, "recipient", recipients));
      recipients++;
    } else if (stanza_is(&s, "add-identity")) {
      TRY(say_error_at(p, refuse_identity(), "identity", identities++));
    }
  }
  return OK;
}

static err_t wrap_all(struct plugin *p, struct buf *out) {
  struct bytes rest = buf_bytes(&p->said);
  struct stanza s;
  size_t file = 0;
  while (rest.size && !p->failed) {
    AUTO_BUF file_key = BUF_EMPTY;
    TRY(stanza_read(&rest, &s));
    if (!stanza_is(&s, "wrap-file-key"))
      continue;
    stanza_body(&s, &file_key);
    TRY(buf_ok(&file_key));
    if (file_key.size != AGE_FILE_KEY) {
      err_t e =
        err_fail(ERR_BAD_PARAMETER, __FILE__, __LINE__, "a file key of %zu bytes", file_key.size);
      return say_error(p, e, "internal");
    }
    TRY(wrap_one(p, buf_bytes(&file_key), file++, out));
  }
  return OK;
}

/* recipient-v1. Where anything failed no stanza is sent. */
static err_t wrap(struct plugin *p) {
  AUTO_BUF out = BUF_EMPTY;
  TRY(check_recipients(p));
  if (!p->failed)
    TRY(wrap_all(p, &out));
  struct bytes rest = p->failed ? bytes_str("") : buf_bytes(&out);
  while (rest.size) {
    struct stanza s;
    const uint8_t *from = rest.data;
    TRY(stanza_read(&rest, &s));
    TRY(say_and_hear(p, bytes_of(from, (size_t)(rest.data - from))));
  }
  return OK;
}

static err_t check_identities(struct plugin *p, size_t *count) {
  struct bytes rest = buf_bytes(&p->said);
  struct stanza s;
  *count = 0;
  while (rest.size) {
    TRY(stanza_read(&rest, &s));
    if (!stanza_is(&s, "add-identity"))
      continue;
    err_t e = read_identity(p, &s);
    if (e != OK)
      TRY(say_error_at(p, e, "identity", *count));
    ++*count;
  }
  return OK;
}

/* The next "recipient-stanza FILE ..": the stanza it holds, and its FILE. */
static bool next_stanza(struct bytes *rest, struct bytes *file, struct stanza *out) {
  struct stanza s;
  while (rest->size && stanza_read(rest, &s) == OK)
    if (stanza_is(&s, "recipient-stanza") && stanza_arg_count(&s) > 2) {
      *file = stanza_arg(&s, 1);
      *out = stanza_shift(&s, 2);
      return true;
    }
  return false;
}

static err_t say_stanza_error(struct plugin *p, err_t e, struct bytes file, size_t index) {
  char where[80];
  (void)snprintf(where, sizeof where, "stanza %.*s %zu", (int)(file.size < 20 ? file.size : 20),
                 (const char *)file.data, index);
  return say_error(p, e, where);
}

/* All stanzas of one file, from the first of them on: whether each of ours is well formed. */
static err_t check_file(struct plugin *p, struct bytes from, struct bytes file, bool *good) {
  struct bytes of;
  struct stanza s;
  *good = true;
  for (size_t i = 0; next_stanza(&from, &of, &s) && bytes_equal(of, file); i++) {
    err_t e = stanza_is(&s, AGE_VAULT) ? age_vault_check(&s) : OK;
    if (e == OK)
      continue;
    *good = false;
    TRY(say_stanza_error(p, e, file, i));
  }
  return OK;
}

static err_t say_file_key(struct plugin *p, struct bytes file, const struct secret *file_key) {
  char args[48];
  (void)snprintf(args, sizeof args, "file-key %.*s", (int)(file.size < 20 ? file.size : 20),
                 (const char *)file.data);
  return say_stanza(p, args, secret_bytes(file_key));
}

/* One stanza that opens is enough; if none does, the last refusal is told. */
static err_t unwrap_file(struct plugin *p, struct bytes from, struct bytes file) {
  struct bytes of;
  struct stanza s;
  err_t e = OK;
  size_t last = 0;
  unsigned asked = 0;
  for (size_t i = 0; next_stanza(&from, &of, &s) && bytes_equal(of, file); i++) {
    AUTO_SECRET file_key = { 0 };
    if (!stanza_is(&s, AGE_VAULT))
      continue;
    e = age_vault_unwrap(p->vault, &s, &file_key);
    last = i;
    if (e == OK)
      return say_file_key(p, file, &file_key);
    if (e == ERR_AWAY || e == ERR_CONFIG || e == ERR_NOMEM || ++asked == AGE_VAULT_STANZAS_MAX)
      break;
  }
  return e == OK ? OK : say_stanza_error(p, e, file, last);
}

/* identity-v1 */
static err_t unwrap(struct plugin *p) {
  struct bytes rest = buf_bytes(&p->said), file, done = { 0 };
  struct stanza s;
  size_t identities;
  TRY(check_identities(p, &identities));
  if (p->failed || !identities)
    return OK;
  for (struct bytes from = rest; next_stanza(&rest, &file, &s); from = rest) {
    bool good;
    if (done.data && bytes_equal(file, done))
      continue;
    done = file;
    TRY(check_file(p, from, file, &good));
    if (good)
      TRY(unwrap_file(p, from, file));
  }
  return OK;
}

err_t age_plugin(const struct key_service *vault, const char *state_machine, int in, int out) {
  __attribute__((cleanup(plugin_free))) struct plugin p = { .vault = vault, .in = in, .out = out };
  err_t (*const run)(struct plugin *) = strcmp(state_machine, "recipient-v1") == 0  ? wrap
                                        : strcmp(state_machine, "identity-v1") == 0 ? unwrap
                                                                                    : NULL;
  if (!run)
    FAIL(ERR_USAGE, "age asks for '%.40s', which is not known: recipient-v1 and identity-v1 are",
         state_machine);
  TRY(hear_phase(&p));
  TRY(run(&p));
  return io_write(p.out, bytes_str("-> done\n\n"));
}
