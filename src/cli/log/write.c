/* strongroom log write DIR */
#include "cli/log/cursor.h"
#include "cli/log/log.h"
#include "cli/seal/vault.h"
#include "cli/verbs.h"
#include "seal/log_pump.h"

#include <signal.h>

#define MIB (UINT64_C(1) << 20)
#define SIZE_LEAST (64u << 10)
#define SIZE_MOST (UINT64_C(1) << 40)
#define AGE_MOST (366 * INT64_C(86400))

static struct log_control control = { .wake = -1 };

static void on_signal(int number) {
  if (number == SIGHUP)
    atomic_store(&control.rotate, true);
  else
    atomic_store(&control.stop, true);
  log_control_wake(&control);
}

/* What it was started with ignored stays so: `trap "" TERM` lets it go on to the end of stdin when
 * all of a service's processes are told to end. */
static void catch_signal(int number) {
  struct sigaction act = { .sa_handler = on_signal, .sa_flags = SA_RESTART }, before;
  sigemptyset(&act.sa_mask);
  if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
    sigaction(number, &act, NULL);
}

static err_t catch_signals(void) {
  TRY(log_control_new(&control));
  catch_signal(SIGTERM);
  catch_signal(SIGINT);
  catch_signal(SIGHUP);
  return OK;
}

static void on_trouble(void *ctx, err_t e) {
  (void)ctx;
  out_note("log write: %s", e == OK ? "all is well again" : out_error_text(e));
}

static void on_begin(void *ctx, const struct log_before *before) {
  (void)ctx;
  if (before->unchecked)
    out_note("log write: segment %llu may not be opened: how it ended was not checked",
             (unsigned long long)before->number);
  else if (before->present && before->end == LOG_OPEN)
    out_note("log write: segment %llu was not closed: it ends with record %llu",
             (unsigned long long)before->number, (unsigned long long)before->last);
}

static void on_durable(void *ctx, const struct log_batch *b) {
  log_cursor_move(ctx, b);
}

/* "65536", "64K", "64M", "2G". */
static err_t parse_size(const struct args *a, uint64_t *out) {
  const char *text = args_value(a, "segment-size");
  struct bytes digits = bytes_str(text ? text : "");
  static const char units[] = "KMG";
  if (!text)
    return OK;
  const char *unit = digits.size ? strchr(units, digits.data[digits.size - 1]) : NULL;
  unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
  digits.size -= unit != NULL;
  if (bytes_to_u64(digits, SIZE_MOST >> shift, out) != OK || *out << shift < SIZE_LEAST)
    FAIL(ERR_USAGE, "--segment-size takes bytes, or a number and K, M or G, from 64K on, not '%s'",
         text);
  *out <<= shift;
  return OK;
}

static err_t parse_age(const struct args *a, uint64_t *out) {
  const char *text = args_value(a, "segment-age");
  int64_t seconds;
  if (!text)
    return OK;
  TRY(when_parse_span("segment-age", text, &seconds));
  if (seconds > AGE_MOST)
    FAIL(ERR_USAGE, "--segment-age takes a year at most");
  *out = (uint64_t)seconds;
  return OK;
}

static enum log_format format_of(const struct args *a) {
  const char *text = args_value(a, "format");
  return !text || strcmp(text, "lines") == 0 ? LOG_LINES
         : strcmp(text, "journal") == 0      ? LOG_JOURNAL
                                             : LOG_SYSLOG;
}

static err_t read_options(const struct args *a, struct log_pump_options *o) {
  uint64_t flush_ms = 500, wait_s = 300;
  *o = (struct log_pump_options){ .format = format_of(a),
                                  .segment_size = 64 * MIB,
                                  .segment_age_s = 3600,
                                  .trouble = on_trouble,
                                  .begun = on_begin };
  if (!seal_vault_key(a))
    FAIL(ERR_USAGE, "--key NAME is missing: the key of the vault that seals the log");
  if (args_flag(a, "cursor-file") && o->format != LOG_JOURNAL)
    FAIL(ERR_USAGE, "--cursor-file is for --format journal");
  TRY(args_uint(a, "flush-ms", 1, 1000, &flush_ms));
  TRY(args_uint(a, "wait", 0, 30 * 86400, &wait_s));
  TRY(parse_size(a, &o->segment_size));
  TRY(parse_age(a, &o->segment_age_s));
  o->flush_ms = (unsigned)flush_ms;
  o->wait_s = (unsigned)wait_s;
  return OK;
}

static err_t run(const struct args *a) {
  /* It is the pump that tries again. */
  static const struct client_patience once = { .attempts = 1,
                                               .budget_ms = 10000,
                                               .timeout_ms = 10000 };
  struct log_pump_options o;
  struct log_writer *w AUTO(log_writer) = NULL;
  struct log_cursor cursor = { .path = args_value(a, "cursor-file") };
  AUTO_LOG_KEYS keys = { 0 };
  TRY(read_options(a, &o));
  TRY(log_keys_open(a, &keys));
  client_set_patience(keys.client, &once);
  TRY(catch_signals());
  TRY(log_writer_open(args_word(a, 0), o.format, &w));
  o.durable = on_durable;
  o.ctx = &cursor;
  err_t e = log_pump(w, keys.cache, seal_vault_key(a), &o, &control, STDIN_FILENO);
  TRY(e);
  return log_cursor_keep(&cursor);
}

static const struct opt options[] = {
  { "key", OPT_VALUE, "NAME", NULL, "the key of the vault (default: $STRONGROOM_SEAL_KEY)" },
  { "format", OPT_VALUE, "FORMAT", "lines journal syslog",
    "what comes: lines (default), the journal's export format, octet-counted syslog" },
  { "flush-ms", OPT_VALUE, "MS", NULL, "an entry is on disk so soon (default: 500, at most 1000)" },
  { "segment-size", OPT_VALUE, "SIZE", NULL, "begin a new segment at this size (default: 64M)" },
  { "segment-age", OPT_VALUE, "SPAN", NULL, "and at this age: 90s, 1h, 7d (default: 1h)" },
  { "cursor-file", OPT_VALUE, "FILE", NULL,
    "keep the cursor of the journal's last entry that is on disk in FILE" },
  { "wait", OPT_VALUE, "SECONDS", NULL,
    "for a vault that is away, and a disk that is full (default: 300)" },
  OPT_END,
};

const struct verb verb_log_write = {
  .noun = "log",
  .name = "write",
  .words = "DIR",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Seal what comes on stdin into a log, line by line",
  .details =
    "DIR gets segment files (mode 0600), each sealed under a data key that only the vault can\n"
    "unwrap. A line is on disk within a second. What was read is never lost while the process\n"
    "lives: with the disk full, or the vault away when a segment is full, stdin waits. A segment\n"
    "then grows up to eight times --segment-size before it does. After --wait seconds the exit\n"
    "code is 9 (disk) or 6 (vault). When the key is deleted or the role revoked it ends with\n"
    "the next segment, 3 or 4. SIGHUP begins a new segment; SIGTERM and the end of stdin close\n"
    "the log properly (started with SIGTERM ignored, the end of stdin alone). One writer at a "
    "time; after a crash the next one begins a new segment.\n"
    "Old segments may be deleted, from the oldest on.",
  .options = options,
  .examples =
    "my-service 2>&1 | strongroom log write /var/log/my-service --key logs\n"
    "journalctl -o export -f | strongroom log write /var/log/journal-sealed --key logs \\\n"
    "  --format journal --segment-age 1d",
  .run = run,
};
