#include "transit/vpn/redial.h"

#define RETRY_US UINT64_C(2000000)
#define RETRY_MOST_US UINT64_C(60000000)
#define HELD_US UINT64_C(60000000)

static void put_off(struct redial *r, uint64_t now) {
  uint64_t pause = RETRY_US;
  for (unsigned i = 0; i < r->tries && pause < RETRY_MOST_US; i++)
    pause *= 2;
  r->tries++;
  r->at = now + (pause < RETRY_MOST_US ? pause : RETRY_MOST_US);
}

void redial_look(struct redial *r, bool up, uint64_t now) {
  if (!up)
    r->up_since = 0;
  else if (!r->up_since)
    r->up_since = now;
  else if (now - r->up_since >= HELD_US)
    *r = (struct redial){ .up_since = r->up_since };
}

bool redial_due(struct redial *r, uint64_t turn_us, uint64_t now) {
  if (!r->at)
    r->at = now + turn_us;
  if (now < r->at)
    return false;
  put_off(r, now);
  return true;
}

void redial_refused(struct redial *r, uint64_t now) {
  put_off(r, now);
}
