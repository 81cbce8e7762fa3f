/*
 * One loop reads, writes and, where nothing of that is to be done, seals or opens blocks itself;
 * the other threads do only that. The blocks are a ring: block n is in slot n % count, and
 *
 *   written <= taken <= read <= written + count
 *
 * block n being free before it is read, waiting up to taken, then with a thread until it is done,
 * then waiting to be written.
 */
#include "seal/stream.h"

#include "seal/block.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#define THREADS_MAX 64
#define THREADS_AUTO 8
#define STACK (256u << 10)

struct slot {
  struct block block;
  bool done;
};

struct stream {
  const struct payload *payload;
  const struct stream_options *options;
  bool seal;
  struct watch watch;
  struct source source;
  struct sink sink;
  struct payload_cipher *cipher; /* the caller's */
  struct slot *slots;
  unsigned count;
  uint64_t number; /* of the next chunk that is read */
  bool ended;      /* nothing more is read: the input's end, or an error */
  err_t failed;    /* the input's error; reported when all before it is written */
  struct err_last why;
  /* Guarded by lock, as is slot.done. */
  pthread_mutex_t lock;
  pthread_cond_t work, done;
  uint64_t read, taken, written;
  bool stop;
  pthread_t threads[THREADS_MAX];
  unsigned wanted, started;
};

static unsigned thread_count(unsigned wanted) {
  cpu_set_t set;
  if (wanted)
    return wanted < THREADS_MAX ? wanted : THREADS_MAX;
  int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  return cores < THREADS_AUTO ? (unsigned)cores : THREADS_AUTO;
}

static struct slot *slot_of(struct stream *s, uint64_t n) {
  return &s->slots[n % s->count];
}

/* Takes the oldest block that waits; lock is held. NULL: none does. */
static struct slot *take(struct stream *s) {
  return s->taken < s->read ? slot_of(s, s->taken++) : NULL;
}

static void finish(struct stream *s, struct slot *slot) {
  pthread_mutex_lock(&s->lock);
  slot->done = true;
  pthread_cond_signal(&s->done);
  pthread_mutex_unlock(&s->lock);
}

/* What another thread does. */
static struct slot *wait_for_work(struct stream *s) {
  struct slot *slot = NULL;
  pthread_mutex_lock(&s->lock);
  while (!s->stop && !(slot = take(s)))
    pthread_cond_wait(&s->work, &s->lock);
  pthread_mutex_unlock(&s->lock);
  return slot;
}

/* Without memory for a cipher of its own it leaves the work to the others. */
static void *work(void *p) {
  struct stream *s = p;
  AUTO(payload_cipher) struct payload_cipher *cipher = NULL;
  if (payload_cipher_new(s->payload, &cipher) != OK)
    return NULL;
  for (struct slot *slot; (slot = wait_for_work(s));) {
    block_work(&slot->block, cipher);
    finish(s, slot);
  }
  return NULL;
}

/* Signals from outside are the caller's. As many threads as there are will do. */
static void start_threads(struct stream *s) {
  sigset_t all, before;
  pthread_attr_t attr;
  if (pthread_attr_init(&attr) != 0)
    return;
  pthread_attr_setstacksize(&attr, STACK);
  sigfillset(&all);
  sigdelset(&all, SIGBUS); /* map.h */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (s->started + 1 < s->wanted && pthread_create(&s->threads[s->started], &attr, work, s) == 0)
    s->started++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attr);
  s->wanted = s->started + 1;
}

static void stop_threads(struct stream *s) {
  pthread_mutex_lock(&s->lock);
  s->stop = true;
  pthread_cond_broadcast(&s->work);
  pthread_mutex_unlock(&s->lock);
  while (s->started)
    pthread_join(s->threads[--s->started], NULL);
}

/* What was read before an error counts as far as it is whole chunks. */
static void input_failed(struct stream *s, struct block *b, size_t unit, err_t e) {
  s->failed = e;
  s->why = *err_last();
  s->ended = true;
  b->size -= b->size % unit;
}

static void fill(struct stream *s, struct block *b) {
  struct pieces p = block_input(b, source_alignment(&s->source));
  bool ended = false;
  err_t e = source_read(&s->source, &p, &b->size);
  if (e == OK && b->size == block_room(b) && !b->shape->short_last)
    e = source_ended(&s->source, &ended); /* the chunk in hand may be the last */
  if (e != OK)
    input_failed(s, b, p.size, e);
  else
    s->ended = b->last = ended || b->size < block_room(b);
}

static bool view(struct stream *s, struct block *b) {
  b->view = source_view(&s->source, block_room(b));
  b->size = block_room(b);
  b->place = s->source.at;
  return b->view != NULL;
}

static err_t read_block(struct stream *s) {
  struct slot *slot = slot_of(s, s->read);
  struct block *b = &slot->block;
  if (!b->data)
    TRY(block_new(payload_shape(s->payload), s->seal, b));
  b->number = s->number;
  b->last = slot->done = false;
  if (!view(s, b))
    fill(s, b);
  s->number += b->chunks;
  if (s->read == 1)
    start_threads(s); /* not for one block */
  pthread_mutex_lock(&s->lock);
  s->read++;
  pthread_cond_signal(&s->work);
  pthread_mutex_unlock(&s->lock);
  return OK;
}

static err_t write_block(struct stream *s) {
  const struct stream_options *o = s->options;
  const struct block *b = &slot_of(s, s->written)->block;
  struct pieces p = block_output(b);
  TRY(source_check(&s->source));
  TRY(sink_write(&s->sink, &p));
  if (b->view)
    source_passed(&s->source, b->place);
  s->watch.progress.done += b->plain;
  if (b->error != OK)
    return block_fail(b);
  pthread_mutex_lock(&s->lock);
  s->written++;
  pthread_mutex_unlock(&s->lock);
  return o->progress ? o->progress(o->ctx, &s->watch.progress) : OK;
}

static bool can_write(struct stream *s) {
  pthread_mutex_lock(&s->lock);
  bool can = s->written < s->taken && slot_of(s, s->written)->done;
  pthread_mutex_unlock(&s->lock);
  return can;
}

/* Not while blocks are under way and reading would wait: what is there goes out first. */
static bool can_read(const struct stream *s) {
  return !s->ended && s->read - s->written < s->count &&
         (s->read == s->written || !source_waits(&s->source));
}

/* Nothing to read or write: works on a block, or waits for the one that is written next. */
static void help(struct stream *s) {
  pthread_mutex_lock(&s->lock);
  struct slot *slot = take(s);
  while (!slot && !slot_of(s, s->written)->done)
    pthread_cond_wait(&s->done, &s->lock);
  pthread_mutex_unlock(&s->lock);
  if (!slot)
    return;
  block_work(&slot->block, s->cipher);
  finish(s, slot);
}

static err_t run(struct stream *s) {
  while (!s->ended || s->written < s->read) {
    if (can_write(s))
      TRY(write_block(s));
    else if (can_read(s))
      TRY(read_block(s));
    else
      help(s);
  }
  if (s->failed != OK)
    err_restore(&s->why);
  return s->failed;
}

static err_t run_all(struct stream *s) {
  TRY(payload_cipher_new(s->payload, &s->cipher));
  err_t e = run(s);
  struct err_last why = *err_last();
  source_done(&s->source);
  err_t ended = sink_done(&s->sink);
  if (e == OK)
    return ended;
  err_restore(&why);
  return e;
}

static void stream_end(struct stream *s) {
  stop_threads(s);
  source_end(&s->source);
  for (unsigned i = 0; s->slots && i < s->count; i++)
    if (s->slots[i].block.data)
      block_free(&s->slots[i].block);
  mem_free(s->slots);
  if (s->cipher)
    payload_cipher_free(s->cipher);
  pthread_cond_destroy(&s->done);
  pthread_cond_destroy(&s->work);
  pthread_mutex_destroy(&s->lock);
}

static err_t stream(const struct payload *p, const struct stream_options *o, bool seal, int in,
                    int out) {
  struct stream s = { .payload = p, .options = o, .seal = seal, .number = o->skip };
  s.wanted = thread_count(o->threads);
  s.count = s.wanted == 1 ? 1 : 2 * s.wanted + 1;
  s.watch = (struct watch){ o, { o->skip * payload_shape(p)->chunk, o->total } };
  source_init(&s.source, &s.watch, seal, in);
  sink_init(&s.sink, &s.watch, !seal && o->sparse_out, out);
  s.slots = mem_zalloc(s.count * sizeof *s.slots);
  if (!s.slots)
    return ERR_NOMEM;
  pthread_mutex_init(&s.lock, NULL);
  pthread_cond_init(&s.work, NULL);
  pthread_cond_init(&s.done, NULL);
  err_t e = run_all(&s);
  struct err_last why = *err_last();
  stream_end(&s);
  err_restore(&why);
  return e;
}

err_t stream_seal(const struct payload *p, const struct stream_options *o, int in, int out) {
  return stream(p, o, true, in, out);
}

err_t stream_open(const struct payload *p, const struct stream_options *o, int in, int out) {
  return stream(p, o, false, in, out);
}
