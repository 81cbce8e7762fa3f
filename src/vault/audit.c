#include "vault/audit.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/pack.h"
#include "vault/audit_file.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#define QUEUE_RECORDS 65536
#define QUEUE_BYTES (32U << 20)
#define FIRST_ROOM (256U << 10)
#define RETRY_US 1000000
#define FAILURES_KEPT 8

/* A batch with more records than this was load: the next one may gather. */
#define FEW 4
/* But no more than this much. */
#define GATHER_BYTES (256U << 10)

/* wake_at when the log's thread is not waiting for records. */
#define NEVER SIZE_MAX

struct range {
  uint64_t from, to;
};

enum phase {
  PHASE_OPEN,
  PHASE_REFUSING, /* until a write succeeds */
  PHASE_DEAD,
};

struct audit {
  struct audit_conf conf;
  pthread_t thread;

  /* The log's thread's own. */
  struct audit_writer writer;
  struct audit_batch taken;
  uint64_t taken_to; /* last ticket in it */
  bool busy;         /* the last batch was more than a few */
  uint64_t retry_at;

  pthread_mutex_t lock; /* over all below */
  pthread_cond_t work, settled;
  enum phase phase;
  bool closing;
  struct audit_batch pending;
  size_t wake_at;              /* size of pending at which the log's thread wants to be woken */
  uint64_t ticket, settled_to; /* last one given out; last one settled */
  uint64_t last;               /* number of the last durable record */
  struct range failures[FAILURES_KEPT]; /* the newest ones, in a ring */
  uint64_t failure_count;
};

/* Called with the lock held. */
static void missed(struct audit *a, uint64_t count, int64_t since_us) {
  if (a->pending.gap.missed == 0)
    a->pending.gap.since_us = since_us;
  a->pending.gap.missed += count;
}

/* Called with the lock held. */
static err_t check_open(const struct audit *a) {
  if (a->phase != PHASE_OPEN)
    FAIL(ERR_AUDIT, "the audit log has failed");
  if (a->ticket - a->settled_to >= QUEUE_RECORDS || a->pending.records.size >= QUEUE_BYTES)
    FAIL(ERR_AUDIT, "too many records wait for the audit log");
  return OK;
}

err_t audit_check(struct audit *a) {
  pthread_mutex_lock(&a->lock);
  err_t err = check_open(a);
  pthread_mutex_unlock(&a->lock);
  return err;
}

static err_t room_for_one(struct audit *a) {
  TRY(check_open(a));
  if (!buf_reserve(&a->pending.records, sizeof(uint32_t) + AUDIT_EVENT_MAX)) {
    a->pending.records.failed = false; /* what is in it is whole */
    return ERR_NOMEM;
  }
  return OK;
}

static void put_event(struct buf *b, const struct audit_event *e) {
  size_t at = b->size;
  pack_u32(b, 0);
  audit_event_put(e, b);
  size_t end = b->size;
  b->size = at;
  pack_u32(b, (uint32_t)(end - at - sizeof(uint32_t)));
  b->size = end;
}

/* Called with the lock held. */
static err_t enqueue(struct audit *a, const struct audit_event *e, uint64_t *ticket) {
  err_t err = room_for_one(a);
  if (err != OK) {
    missed(a, 1, e->time_us);
    return err;
  }
  put_event(&a->pending.records, e);
  *ticket = ++a->ticket;
  if (a->pending.records.size >= a->wake_at) {
    a->wake_at = NEVER;
    pthread_cond_signal(&a->work);
  }
  return OK;
}

err_t audit_append(struct audit *a, const struct audit_event *e, uint64_t *ticket) {
  pthread_mutex_lock(&a->lock);
  err_t err = enqueue(a, e, ticket);
  pthread_mutex_unlock(&a->lock);
  return err;
}

/* Called with the lock held. */
static bool has_failed(const struct audit *a, uint64_t ticket) {
  uint64_t oldest = a->failure_count > FAILURES_KEPT ? a->failure_count - FAILURES_KEPT : 0;
  if (oldest > 0 && ticket < a->failures[oldest % FAILURES_KEPT].from)
    return true; /* not remembered */
  for (uint64_t i = oldest; i < a->failure_count; i++) {
    const struct range *r = &a->failures[i % FAILURES_KEPT];
    if (ticket >= r->from && ticket <= r->to)
      return true;
  }
  return false;
}

err_t audit_wait(struct audit *a, uint64_t ticket) {
  pthread_mutex_lock(&a->lock);
  bool known = ticket > 0 && ticket <= a->ticket;
  while (known && a->settled_to < ticket)
    pthread_cond_wait(&a->settled, &a->lock);
  bool failed = !known || has_failed(a, ticket);
  pthread_mutex_unlock(&a->lock);
  if (failed)
    FAIL(ERR_AUDIT, "audit ticket %" PRIu64 " was not recorded", ticket);
  return OK;
}

uint64_t audit_last(struct audit *a) {
  pthread_mutex_lock(&a->lock);
  uint64_t last = a->last;
  pthread_mutex_unlock(&a->lock);
  return last;
}

/* --- the log's thread --- */

static void wait_until(struct audit *a, uint64_t us, size_t wake_at) {
  struct timespec t = { .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000 };
  a->wake_at = wake_at;
  if (us == UINT64_MAX)
    pthread_cond_wait(&a->work, &a->lock);
  else
    pthread_cond_timedwait(&a->work, &a->lock, &t);
  a->wake_at = NEVER;
}

/* Under load a write is worth waiting for: it costs the same for one record and for a hundred. */
static void gather(struct audit *a) {
  uint64_t until = clock_mono_us() + a->conf.window_us;
  while (!a->closing && a->pending.records.size < GATHER_BYTES && clock_mono_us() < until)
    wait_until(a, until, GATHER_BYTES);
}

static bool nothing_to_do(const struct audit *a) {
  uint64_t due = a->phase == PHASE_REFUSING ? a->retry_at : audit_writer_due(&a->writer);
  return !a->closing && a->pending.records.size == 0 && clock_mono_us() < due;
}

/* Takes what is pending. True when it is the last. */
static bool take(struct audit *a) {
  pthread_mutex_lock(&a->lock);
  if (a->busy)
    gather(a);
  while (nothing_to_do(a))
    wait_until(a, a->phase == PHASE_REFUSING ? a->retry_at : audit_writer_due(&a->writer), 1);
  struct audit_batch empty = { .records = a->taken.records };
  a->taken = a->pending;
  a->pending = empty;
  a->taken_to = a->ticket;
  a->busy = a->taken_to - a->settled_to > FEW;
  bool last = a->closing;
  pthread_mutex_unlock(&a->lock);
  a->taken.gap.until_us = clock_now_us();
  return last;
}

/* Everything taken is on disk. */
static void settle(struct audit *a) {
  pthread_mutex_lock(&a->lock);
  bool some = a->taken_to > a->settled_to;
  a->settled_to = a->taken_to;
  a->last = a->writer.state.tip.last;
  a->phase = PHASE_OPEN;
  pthread_cond_broadcast(&a->settled);
  pthread_mutex_unlock(&a->lock);
  if (some && a->conf.durable)
    a->conf.durable(a->conf.ctx, a->taken_to);
  buf_clear(&a->taken.records);
}

/* Nothing taken is, and nothing that came since will be. */
static void give_up(struct audit *a, err_t e) {
  if (a->phase == PHASE_OPEN)
    log_err("audit", e, "nothing can be recorded, operations are refused");
  int64_t now_us = clock_now_us();
  pthread_mutex_lock(&a->lock);
  struct range r = { a->settled_to + 1, a->ticket };
  bool some = r.from <= r.to;
  if (some)
    a->failures[a->failure_count++ % FAILURES_KEPT] = r;
  missed(a, a->ticket - a->settled_to, now_us);
  if (a->taken.gap.missed) {
    a->pending.gap.missed += a->taken.gap.missed;
    a->pending.gap.since_us = a->taken.gap.since_us;
  }
  buf_clear(&a->pending.records);
  a->settled_to = a->ticket;
  a->phase = e == ERR_IO ? PHASE_DEAD : PHASE_REFUSING;
  pthread_cond_broadcast(&a->settled);
  pthread_mutex_unlock(&a->lock);
  if (some && a->conf.failed)
    a->conf.failed(a->conf.ctx, r.from, r.to);
  buf_clear(&a->taken.records);
  a->taken.gap = (struct audit_gap){ 0 };
  a->busy = false;
  a->retry_at = clock_mono_us() + RETRY_US;
}

/* While refusing, nobody waits and all must succeed before the log is open again. Otherwise those
 * who wait are told before the head file is written. */
static err_t record(struct audit *a, bool last) {
  bool refusing = a->phase == PHASE_REFUSING;
  TRY(audit_writer_commit(&a->writer, &a->taken));
  uint64_t count = a->taken.gap.missed;
  a->taken.gap = (struct audit_gap){ 0 };
  if (!refusing)
    settle(a);
  TRY(audit_writer_heads(&a->writer, last));
  if (refusing) {
    settle(a);
    log_warn("audit", "the log goes on; %" PRIu64 " operations were not recorded", count);
  }
  return OK;
}

static void *run(void *arg) {
  struct audit *a = arg;
  bool last = false;
  while (!last && a->phase != PHASE_DEAD) {
    last = take(a);
    err_t e = record(a, last);
    if (e != OK)
      give_up(a, e);
  }
  return NULL;
}

/* --- open and close --- */

static void release(struct audit *a) {
  audit_writer_close(&a->writer);
  buf_free(&a->pending.records);
  buf_free(&a->taken.records);
  pthread_cond_destroy(&a->settled);
  pthread_cond_destroy(&a->work);
  pthread_mutex_destroy(&a->lock);
  mem_free(a);
}
CLEANUP(audit, struct audit *, release)

static struct audit *make(const struct audit_conf *conf) {
  struct audit *a = mem_zalloc(sizeof *a);
  if (!a)
    return NULL;
  a->conf = *conf;
  a->wake_at = NEVER;
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_mutex_init(&a->lock, NULL);
  pthread_cond_init(&a->work, &monotonic);
  pthread_cond_init(&a->settled, NULL);
  pthread_condattr_destroy(&monotonic);
  return a;
}

/* Signals are for the program's other threads. (SIGXFSZ would kill; blocked, write() says EFBIG.)
 */
static err_t start(struct audit *a) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int failed = pthread_create(&a->thread, NULL, run, a);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (failed)
    FAIL(ERR_NOMEM, "audit log: no thread: %s", strerror(failed));
  pthread_setname_np(a->thread, "audit");
  return OK;
}

/* The first record of a log that goes on without some that it had. */
static err_t record_loss(struct audit *a) {
  char object[64];
  uint64_t ticket;
  snprintf(object, sizeof object, "hub/audit?reached=%" PRIu64, a->conf.reached);
  struct audit_event e = { .time_us = clock_now_us(),
                           .operation = "AuditLost",
                           .status = err_info(ERR_CORRUPT)->status,
                           .code = err_info(ERR_CORRUPT)->code,
                           .object = bytes_str(object) };
  log_warn("audit", "records up to %" PRIu64 " were lost; the log goes on", a->conf.reached);
  return enqueue(a, &e, &ticket);
}

err_t audit_open(const struct audit_conf *conf, struct bytes seal_key, struct key *signer,
                 struct audit **out) {
  struct audit *a AUTO(audit) = make(conf);
  if (!a)
    return ERR_NOMEM;
  TRY(audit_writer_open(&a->writer, &a->conf, seal_key, signer));
  if (!buf_reserve(&a->pending.records, FIRST_ROOM) ||
      !buf_reserve(&a->taken.records, FIRST_ROOM) || !buf_reserve(&a->writer.out, FIRST_ROOM))
    return ERR_NOMEM;
  a->last = a->writer.state.tip.last;
  if (a->writer.state.lost)
    TRY(record_loss(a));
  TRY(start(a));
  *out = TAKE(a);
  return OK;
}

void audit_close(struct audit *a) {
  pthread_mutex_lock(&a->lock);
  a->closing = true;
  pthread_cond_signal(&a->work);
  pthread_mutex_unlock(&a->lock);
  pthread_join(a->thread, NULL);
  release(a);
}
