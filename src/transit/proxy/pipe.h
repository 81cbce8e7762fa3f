/*
 * Pipes: what moves from one socket into another without coming into the process (splice(2)), and a
 * stock of spare ones, so that a connection has one only while something waits in it. One thread at
 * a time on a stock and its pipes.
 */
#ifndef TRANSIT_PROXY_PIPE_H
#define TRANSIT_PROXY_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PIPE_CONTENT 65536 /* bytes; as much as a pipe has from the start */
#define PIPE_SPARES 16

/* Zeroed: there is none. */
struct pipe {
  bool open;
  int in, out;  /* owned */
  size_t waits; /* bytes */
};

struct pipes {
  struct pipe spare[PIPE_SPARES];
  unsigned count;
};

/* Takes one if there is none; false: there are no descriptors left. */
bool pipe_take(struct pipes *stock, struct pipe *p);
/* Gives it back if nothing waits in it. */
void pipe_give(struct pipes *stock, struct pipe *p);
/* What waits is lost. */
void pipe_drop(struct pipes *stock, struct pipe *p);
void pipes_free(struct pipes *stock);

/* Fills an empty one from a socket that does not block: how many bytes, 0 at the end, -1 and errno;
 * EAGAIN: nothing has come. */
ssize_t pipe_fill(struct pipe *p, int from);
/* Sends what waits as far as the socket takes it: 0, EAGAIN, or the errno of the failure. */
int pipe_send(struct pipe *p, int to);

#endif
