#include "seal/log_pump_parts.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>

#define FLUSH_BYTES (256u * 1024)
#define QUEUE (4u * 1024 * 1024)
#define SECOND UINT64_C(1000000)

err_t log_control_new(struct log_control *out) {
  *out = (struct log_control){ .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
  if (out->wake < 0)
    FAIL(ERR_INTERNAL, "eventfd: %s", strerror(errno));
  return OK;
}

void log_control_close(struct log_control *c) {
  file_close(&c->wake);
}

void log_control_wake(const struct log_control *c) {
  int before = errno;
  uint64_t one = 1;
  ssize_t n = write(c->wake, &one, sizeof one);
  (void)n; /* full: it is awake */
  errno = before;
}

/* Something that fails again and again: since when, and when it is tried again. */
struct retry {
  unsigned failures;
  uint64_t since_us, next_us;
};
static void retry_later(struct retry *r) {
  uint64_t now = clock_mono_us();
  if (r->failures++ == 0)
    r->since_us = now;
  r->next_us = now + pump_back_off_us(r->failures);
}
static bool retry_over(const struct retry *r, unsigned wait_s) {
  return r->failures && clock_mono_us() - r->since_us >= wait_s * SECOND;
}

struct pump {
  struct log_writer *w;
  struct log_pump_options o;
  struct log_control *control;
  struct pump_reader reader;
  struct pump_keys keys;
  struct log_batch out;   /* being written */
  bool stopping, ended;   /* no more is read; all is read, what is left is in out */
  bool holding, held_out; /* held_out: for as long as it may */
  uint64_t held_us;
  struct retry disk;
  err_t vault_told, disk_told; /* the troubles that were told */
  err_t result;                /* why it ends */
  struct err_last why;
  uint64_t due_us; /* when to look again */
};
static void pump_free(struct pump *p) {
  pump_reader_stop(&p->reader);
  pump_keys_stop(&p->keys);
  log_batch_free(&p->out);
}

static void tell(struct pump *p, err_t *told, err_t e) {
  if (e == *told)
    return;
  *told = e;
  if (p->o.trouble)
    p->o.trouble(p->o.ctx, e);
}

static void look_again(struct pump *p, uint64_t us) {
  if (us < p->due_us)
    p->due_us = us;
}

static void sleep_until(struct pump *p) {
  struct pollfd fd = { p->control->wake, POLLIN, 0 };
  uint64_t now = clock_mono_us(), count;
  int ms = -1;
  if (p->due_us != UINT64_MAX)
    ms = p->due_us <= now ? 0 : (int)((p->due_us - now) / 1000 + 1);
  if (poll(&fd, 1, ms) > 0) {
    ssize_t n = read(fd.fd, &count, sizeof count);
    (void)n; /* it is awake */
  }
  p->due_us = UINT64_MAX;
}

/* No more is read. What was read is written first; then e is the result. */
static void end_with(struct pump *p, err_t e) {
  if (e != OK && p->result == OK) {
    p->result = e;
    p->why = *err_last();
  }
  if (p->stopping)
    return;
  p->stopping = true;
  p->disk = (struct retry){ 0 }; /* it gets one more chance */
  pump_reader_finish(&p->reader);
}

/* --- segments --- */

static bool rotation_due(struct pump *p) {
  struct log_extent x = log_writer_extent(p->w);
  if (!log_writer_has_segment(p->w))
    return true;
  bool asked = atomic_load(&p->control->rotate);
  if (x.entries == 0) {
    atomic_store(&p->control->rotate, false);
    return false;
  }
  int64_t age = (int64_t)p->o.segment_age_s;
  if (x.age_s < age)
    look_again(p, clock_mono_us() + (uint64_t)(age - x.age_s) * SECOND);
  return !p->stopping && (asked || x.size >= p->o.segment_size || x.age_s >= age);
}

/* The present segment is as large as it may be without the vault's answer: the producer waits. */
static void hold(struct pump *p, bool yes, err_t e) {
  if (yes != p->holding)
    pump_reader_hold(&p->reader, yes);
  if (yes && !p->holding)
    p->held_us = clock_mono_us();
  p->holding = yes;
  if (!yes)
    return;
  look_again(p, p->held_us + p->o.wait_s * SECOND);
  if (clock_mono_us() - p->held_us < p->o.wait_s * SECOND)
    return;
  p->held_out = true;
  end_with(p, e);
}

/* Nothing more is to be written without the vault's answer. */
static bool no_room(const struct pump *p) {
  return !log_writer_has_segment(p->w) ||
         log_writer_extent(p->w).size >= LOG_PUMP_STRETCH * p->o.segment_size;
}

static void begin_with(struct pump *p, const struct data_key *key) {
  err_t e = log_writer_begin(p->w, key);
  tell(p, &p->disk_told, e);
  if (e == OK) {
    atomic_store(&p->control->rotate, false);
    p->disk = (struct retry){ 0 };
  } else {
    retry_later(&p->disk);
  }
}

static void rotate(struct pump *p) {
  err_t e = OK;
  if (!rotation_due(p)) {
    hold(p, false, OK);
    return;
  }
  look_again(p, p->disk.next_us);
  if (p->disk.failures && clock_mono_us() < p->disk.next_us)
    return;
  struct data_key *key AUTO(data_key) = pump_keys_take(&p->keys, &e);
  if (key) {
    tell(p, &p->vault_told, OK);
    hold(p, false, OK);
    begin_with(p, key);
    return;
  }
  if (e == OK)
    return; /* asked, not answered yet */
  tell(p, &p->vault_told, e);
  if (!log_may_pass(e))
    end_with(p, e);
  else
    hold(p, no_room(p), e);
}

/* --- entries --- */

static bool out_full(const struct pump *p) {
  return p->out.entries.size > 0;
}

static void write_out(struct pump *p) {
  if (!out_full(p) || !log_writer_has_segment(p->w))
    return;
  if (p->disk.failures && clock_mono_us() < p->disk.next_us) {
    look_again(p, p->disk.next_us);
    return;
  }
  err_t e = log_writer_append(p->w, &p->out);
  if (e == OK) {
    if (p->o.durable)
      p->o.durable(p->o.ctx, &p->out);
    log_batch_clear(&p->out);
    p->disk = (struct retry){ 0 };
    tell(p, &p->disk_told, OK);
    look_again(p, 0); /* what came meanwhile was not looked at */
    return;
  }
  tell(p, &p->disk_told, e);
  retry_later(&p->disk);
  look_again(p, p->disk.next_us);
}

/* Whether what is in hand is to be given up: the disk has failed for too long, or it does when
 * there is no time any more; or there is no segment, and for too long no key for one. */
static bool give_up(const struct pump *p) {
  if (p->held_out && !log_writer_has_segment(p->w))
    return true;
  return p->disk.failures && (p->stopping || retry_over(&p->disk, p->o.wait_s));
}

static err_t lose(const struct pump *p) {
  struct err_last last = *err_last();
  err_t e = p->disk_told == OK ? ERR_OUTPUT : p->disk_told;
  FAIL(e, "entries that were read could not be written: %s",
       last.code == e && *last.why ? last.why : err_info(e)->text);
}

static void take_out(struct pump *p) {
  uint64_t due = UINT64_MAX;
  if (out_full(p))
    return;
  pump_reader_take(&p->reader, p->o.flush_ms * UINT64_C(1000), &p->out, &due, &p->ended);
  look_again(p, due);
}

static void notice_stop(struct pump *p) {
  if (!p->stopping && atomic_load(&p->control->stop))
    end_with(p, OK);
  if (!p->stopping && pump_reader_error(&p->reader) != OK)
    end_with(p, pump_reader_error(&p->reader));
}

static err_t run(struct pump *p) {
  for (;;) {
    p->due_us = UINT64_MAX;
    notice_stop(p);
    rotate(p);
    take_out(p);
    write_out(p);
    if (p->ended && !out_full(p))
      return OK;
    if (give_up(p))
      return lose(p);
    sleep_until(p);
  }
}

/* --- the whole --- */

static err_t begin_first(struct pump *p, struct key_cache *keys, const char *key) {
  struct data_key *k AUTO(data_key) = NULL;
  TRY(log_writer_recover(p->w, keys));
  TRY(key_cache_for_sealing(keys, key, &k));
  struct log_before before = *log_writer_before(p->w);
  TRY(log_writer_begin(p->w, k));
  if (p->o.begun)
    p->o.begun(p->o.ctx, &before);
  return OK;
}

/* Nothing is read before there is a segment to write to. *begun false: it was told to stop. */
static err_t begin_some_time(struct pump *p, struct key_cache *keys, const char *key, bool *begun) {
  struct retry vault = { 0 };
  *begun = false;
  while (!atomic_load(&p->control->stop)) {
    err_t e = begin_first(p, keys, key);
    *begun = e == OK;
    if (e != OK && e != ERR_OUTPUT && !log_may_pass(e))
      return e;
    tell(p, e == ERR_OUTPUT ? &p->disk_told : &p->vault_told, e);
    if (e == OK)
      tell(p, &p->disk_told, OK);
    if (e == OK)
      return OK;
    retry_later(&vault);
    if (retry_over(&vault, p->o.wait_s))
      return e;
    p->due_us = vault.next_us;
    sleep_until(p);
  }
  return OK;
}

static err_t start_threads(struct pump *p, struct key_cache *keys, const char *key, int in) {
  if (!buf_reserve(&p->out.entries, p->o.queue))
    return ERR_NOMEM;
  TRY(pump_keys_start(&p->keys, keys, key, p->control->wake));
  return pump_reader_start(&p->reader, &p->o, in, p->control->wake);
}

err_t log_pump(struct log_writer *w, struct key_cache *keys, const char *key,
               const struct log_pump_options *o, struct log_control *control, int in) {
  struct pump p __attribute__((cleanup(pump_free))) = { .w = w, .o = *o, .control = control };
  bool begun;
  p.reader = PUMP_READER_IDLE;
  p.keys = PUMP_KEYS_IDLE;
  if (!p.o.flush_bytes)
    p.o.flush_bytes = FLUSH_BYTES;
  if (!p.o.queue)
    p.o.queue = QUEUE;
  TRY(begin_some_time(&p, keys, key, &begun));
  if (!begun)
    return OK;
  TRY(start_threads(&p, keys, key, in));
  TRY(run(&p));
  TRY(log_writer_close(w));
  pump_error_again(p.result, &p.why);
  return p.result;
}
