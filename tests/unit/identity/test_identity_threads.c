/* Readers decide and check while a writer changes everything. What is checked here is that a change
 * is seen by the writer's own next question; the rest is for the thread sanitizer. */
#include "hub.h"

#include <stdio.h>

#define READERS 3
#define ROUNDS 60

struct shared {
  struct hub *h;
  struct client reader, changed;
  struct buf reader_bearer, changed_bearer;
  _Atomic bool over;
  _Atomic unsigned failures, asked;
};

static void *read_on(void *arg) {
  struct shared *s = arg;
  while (!atomic_load(&s->over)) {
    struct caller who;
    AUTO_BUF json = BUF_EMPTY;
    /* Nothing changes for this one. */
    if (hub_check(s->h, &s->reader_bearer, &who) != OK ||
        !hub_allows(s->h, &s->reader, ACT_KEY_WRAP, "/keys/a") ||
        hub_allows(s->h, &s->reader, ACT_KEY_DELETE, "/keys/a"))
      atomic_fetch_add(&s->failures, 1);
    /* For this one it does. */
    IGNORE(hub_check(s->h, &s->changed_bearer, &who));
    hub_allows(s->h, &s->changed, ACT_KEY_SIGN, "/keys/a");
    if (identity_write_all(s->h->id, &json) != OK ||
        role_write_assignments(s->h->roles, "/", "", &json) != OK)
      atomic_fetch_add(&s->failures, 1);
    struct buf fresh = hub_bearer(s->h, &s->reader);
    if (hub_check(s->h, &fresh, &who) != OK)
      atomic_fetch_add(&s->failures, 1);
    buf_free(&fresh);
    atomic_fetch_add(&s->asked, 1);
  }
  return NULL;
}

static void write_on(struct shared *s) {
  struct hub *h = s->h;
  struct caller who;
  char guid[GUID_SIZE + 1], name[32];
  for (int i = 0; i < ROUNDS; i++) {
    hub_assign(h, "crypto-user", &s->changed, "/keys", guid);
    assert_true(hub_allows(h, &s->changed, ACT_KEY_SIGN, "/keys/a"));
    assert_ok(role_unassign(h->roles, NULL, guid, "/keys"));
    assert_false(hub_allows(h, &s->changed, ACT_KEY_SIGN, "/keys/a"));
    assert_ok(identity_set_enabled(h->id, s->changed.app_id, false));
    assert_err(hub_check(h, &s->changed_bearer, &who), ERR_UNAUTHORIZED);
    assert_ok(identity_set_enabled(h->id, s->changed.app_id, true));
    assert_ok(hub_check(h, &s->changed_bearer, &who));
    struct client passing;
    snprintf(name, sizeof name, "passing %d", i);
    hub_client(h, name, &passing);
    if (i % 2)
      assert_ok(identity_delete(h->id, passing.app_id));
    if (i % 10 == 0)
      assert_ok(token_rollover(h->id));
  }
}

static void changes_among_readers(void **state) {
  struct shared s = { .h = *state };
  pthread_t threads[READERS];
  hub_client(s.h, "reader", &s.reader);
  hub_client(s.h, "changed", &s.changed);
  hub_assign(s.h, "crypto-service-encryption-user", &s.reader, "/keys", NULL);
  s.reader_bearer = hub_bearer(s.h, &s.reader);
  s.changed_bearer = hub_bearer(s.h, &s.changed);
  for (int i = 0; i < READERS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, read_on, &s), 0);
  write_on(&s);
  atomic_store(&s.over, true);
  for (int i = 0; i < READERS; i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(s.failures, 0);
  assert_true(s.asked > 0);
  buf_free(&s.reader_bearer);
  buf_free(&s.changed_bearer);
}

struct race {
  struct hub *h;
  const struct client *c;
  pthread_barrier_t *barrier;
  _Atomic unsigned *won;
};

static void *claim(void *arg) {
  struct race *r = arg;
  char guid[GUID_SIZE + 1];
  if (guid_random(guid) == OK) {
    pthread_barrier_wait(r->barrier);
    if (role_assign(r->h->roles, NULL, guid, "reader", r->c->oid, "/") == OK)
      atomic_fetch_add(r->won, 1);
  }
  return NULL;
}

static void of_equal_assignments_at_once_one_is_made(void **state) {
  pthread_t threads[READERS];
  pthread_barrier_t barrier;
  _Atomic unsigned won = 0;
  struct client c;
  struct race r = { *state, &c, &barrier, &won };
  hub_client(r.h, "app", &c);
  pthread_barrier_init(&barrier, NULL, READERS);
  for (int i = 0; i < READERS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, claim, &r), 0);
  for (int i = 0; i < READERS; i++)
    pthread_join(threads[i], NULL);
  pthread_barrier_destroy(&barrier);
  assert_int_equal(won, 1);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, hub_start, hub_stop)
  const struct CMUnitTest tests[] = {
    T(changes_among_readers),
    T(of_equal_assignments_at_once_one_is_made),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
