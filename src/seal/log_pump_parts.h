/* Inside of the pump (log_pump.h): its two threads, and what they share with the caller's. */
#ifndef SEAL_LOG_PUMP_PARTS_H
#define SEAL_LOG_PUMP_PARTS_H

#include "seal/log_format.h"
#include "seal/log_pump.h"

#include <pthread.h>

/* --- log_pump_read.c: the input --- */

struct pump_reader {
  int in;
  int wake;             /* an eventfd: told when there is something to write, and at the end */
  int quit;             /* an eventfd: tells the reader to stop */
  size_t queue, enough; /* no more is read; the writer is told, in any case */
  pthread_t thread;
  bool running;
  pthread_mutex_t lock;
  pthread_cond_t room;
  /* Under the lock: */
  struct log_batch batch;
  uint64_t since_us; /* when the oldest entry came; monotonic */
  bool hold, stop, ended;
  err_t error; /* of reading */
  char why[128];
  struct log_framer framer; /* the thread's alone */
  uint8_t *chunk;
};
#define PUMP_READER_IDLE \
  ((struct pump_reader){ \
    .quit = -1, .lock = PTHREAD_MUTEX_INITIALIZER, .room = PTHREAD_COND_INITIALIZER })
/* Starts the thread. One that is idle or started is to be stopped. */
err_t pump_reader_start(struct pump_reader *r, const struct log_pump_options *o, int in, int wake);
void pump_reader_stop(struct pump_reader *r); /* waits for it and frees */

/* Takes what was collected if it is time: in exchange for out, which is empty. *due: monotonic time
 * at which it will be, UINT64_MAX: when there is more. *ended: that was all. */
bool pump_reader_take(struct pump_reader *r, uint64_t flush_us, struct log_batch *out,
                      uint64_t *due, bool *ended);
void pump_reader_hold(struct pump_reader *r, bool hold); /* reads no more for the moment */
void pump_reader_finish(struct pump_reader *r); /* what is in the pipe now, and then no more */
err_t pump_reader_error(struct pump_reader *r);

/* --- log_pump_key.c: keys for the next segment --- */

struct pump_keys {
  struct key_cache *keys;
  const char *key;
  int wake; /* told of every answer */
  pthread_t thread;
  bool running;
  pthread_mutex_t lock;
  pthread_cond_t change;
  /* Under the lock: */
  bool wanted, quit;
  struct data_key *got;
  err_t error; /* of the last try; the words beside it */
  struct err_last last;
};
#define PUMP_KEYS_IDLE \
  ((struct pump_keys){ .lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER })
err_t pump_keys_start(struct pump_keys *k, struct key_cache *keys, const char *key, int wake);
void pump_keys_stop(struct pump_keys *k);
/* The key, or NULL while there is none: it is asked for, again and again, until the answer is a
 * refusal. *error: of the last try. */
struct data_key *pump_keys_take(struct pump_keys *k, err_t *error);

/* Makes err_last() what it was when that was kept. */
void pump_error_again(err_t e, const struct err_last *last);
/* 100 ms, 200 ms, .. 5 s. */
uint64_t pump_back_off_us(unsigned failures);

#endif
