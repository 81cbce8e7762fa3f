/* A hub's authority, and what its tests do again and again. */
#ifndef TESTS_CA_FIXTURE_H
#define TESTS_CA_FIXTURE_H

#include "../asserts.h"
#include "fixture.h"

#include "base/clock.h"
#include "vault/ca/ca_internal.h"

#include <stdio.h>

static struct fixture f;
static struct key *key;
static const char *const app = "11111111-2222-3333-4444-555555555555";

static inline int begin(void **state) {
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  fixture_open(&f, NULL);
  return key_generate(&spec, &key) != OK;
}

static inline int end(void **state) {
  key_free(key);
  fixture_close(&f);
  return 0;
}

static inline struct ca *ca(void) {
  return f.hub->ca;
}

static inline struct cert_profile saying(enum cert_san kind, const char *name, const char **room) {
  struct cert_profile p = { .subject = "" };
  *room = name;
  p.sans[kind] = (struct cert_texts){ room, 1 };
  return p;
}

static inline err_t issue_for(enum ca_profile profile, enum cert_san kind, const char *name,
                              char serial[static SERIAL_TEXT + 1]) {
  const char *room;
  AUTO_CERT_CHAIN chain = { 0 };
  AUTO_CERT_INFO info = { 0 };
  const struct ca_request rq = {
    .profile = profile, .says = saying(kind, name, &room), .key = key, .oid = app, .via = "test"
  };
  TRY(ca_issue(ca(), &rq, &chain));
  assert_int_equal(chain.count, 2);
  TRY(cert_read(buf_bytes(&chain.ders[0]), &info));
  assert_int_equal(info.serial_size, CERT_SERIAL_SIZE);
  hex_encode(bytes_of(info.serial, info.serial_size), serial);
  return OK;
}

#endif
