/*
 * What front ends are made of. front.c looks after states and memory; a kind of front end is a
 * table of steps, each of which looks at one piece of what came.
 */
#ifndef TRANSIT_PROXY_FRONT_KIND_H
#define TRANSIT_PROXY_FRONT_KIND_H

#include "transit/proxy/front.h"

/* Where what is to be sent goes. */
struct front_out {
  struct buf *client, *server;
};

/* Looks at what came, at least a byte; returns how much of it is done with, 0 when there is more to
 * wait for. It is called again while it uses something and the state stays the same. */
typedef size_t front_step(struct front *f, struct bytes in, struct front_out out);

enum front_fault {
  FRONT_WANTS_TLS, /* the client would go on in plain text */
  FRONT_FAULT      /* anything else */
};

struct front_calls {
  front_step *from_client[2], *from_server[2]; /* by enum front_side */
  enum front_state secured;                    /* the state after the handshake */
  /* A message of the protocol that says why; nothing where it would not be understood. */
  void (*tell)(const struct front *f, enum front_fault fault, const char *why, struct buf *out);
};

/* A packet on its way, of which the header was looked at. */
struct front_mysql_flow {
  size_t left;    /* of the packet, to be passed on */
  bool continued; /* the next packet is the rest of the one before */
  bool commands;  /* authentication is over in this direction */
};

struct front_mysql {
  bool greeted;  /* the client has the server's greeting */
  bool answered; /* the client's answer to it is on its way to the server */
  uint8_t next;  /* number of the next packet to the client */
  struct front_mysql_flow from_client, from_server;
};

struct front_postgres {
  unsigned refusals; /* of encryption, to the client */
  bool asked;        /* the server for TLS */
};

struct front {
  const struct front_kind *kind;
  enum front_side side;
  enum front_state state;
  char why[160];
  union {
    struct front_mysql mysql;
    struct front_postgres postgres;
  };
};

extern const struct front_kind front_mysql, front_postgres;

/* Ends it, and tells the client if to_client is not NULL. Returns 0, for a step. */
size_t front_end(struct front *f, enum front_fault fault, const char *why, struct buf *to_client);

#endif
