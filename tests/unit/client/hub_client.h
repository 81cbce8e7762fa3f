/* A hub of one page and a client of it, for each test of a group. */
#ifndef TEST_HUB_CLIENT_H
#define TEST_HUB_CLIENT_H

#include "fake_hub.h"

#include "base/clock.h"

static struct fake_hub hub;
static struct client *client;

static inline int start(void **state) {
  (void)state;
  clock_shift(0);
  fake_hub_start(&hub);
  client = fake_hub_client(&hub);
  return 0;
}

static inline int end(void **state) {
  (void)state;
  clock_shift(0);
  client_free(TAKE(client));
  fake_hub_stop(&hub);
  return 0;
}

#endif
