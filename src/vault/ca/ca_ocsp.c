/*
 * OCSP answers, signed by a delegated signer of the authority that issued what is asked about. Its
 * key is in memory only and lives for days.
 *
 * Answers without nonce are kept and given again until something is revoked or they are an hour
 * old. What has to be signed afresh, as a nonce demands, comes out of a budget: who floods the hub
 * with such requests gets answers that were signed before, or is told to come back later.
 */
#include "base/clock.h"
#include "base/log.h"
#include "vault/ca/ca_internal.h"

#include <stdlib.h>
#include <strings.h>

#define SLOTS 4096
#define ANSWER_SECONDS (4 * 3600)
#define KEPT_SECONDS 3600
#define HTTP_SECONDS 300 /* how long others may keep one */
#define BUDGET 500       /* signatures a second */
#define EKU_OCSP_SIGNING "1.3.6.1.5.5.7.3.9"

struct slot {
  char serial[SERIAL_TEXT + 1];
  enum ocsp_hash hash;
  unsigned authority;
  uint64_t revision;
  int64_t until;
  struct buf der;
};
struct ocsp_cache {
  pthread_mutex_t lock;
  struct slot slots[SLOTS];
  unsigned budget;
  uint64_t filled_us;
};

err_t ocsp_cache_new(struct ocsp_cache **out) {
  struct ocsp_cache *c = mem_zalloc(sizeof *c);
  if (!c)
    return ERR_NOMEM;
  pthread_mutex_init(&c->lock, NULL);
  *out = c;
  return OK;
}

void ocsp_cache_free(struct ocsp_cache *c) {
  for (size_t i = 0; i < SLOTS; i++)
    buf_free(&c->slots[i].der);
  pthread_mutex_destroy(&c->lock);
  mem_free(c);
}

err_t ocsp_renew(struct ca *ca, struct authority *a, int64_t now) {
  static const char *ekus[] = { EKU_OCSP_SIGNING };
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  AUTO(key) struct key *key = NULL;
  AUTO_BUF der = BUF_EMPTY;
  AUTO(ocsp_responder) struct ocsp_responder *fresh = NULL, *old = NULL;
  struct cert_profile p = { .subject = "CN=Strongroom OCSP",
                            .usage = USAGE_DIGITAL_SIGNATURE,
                            .ekus = { ekus, 1 },
                            .ocsp_nocheck = true,
                            .not_before = a->not_before > now - 300 ? a->not_before : now - 300,
                            .not_after = now + RESPONDER_SECONDS };
  if (p.not_after > a->not_after)
    p.not_after = a->not_after;
  TRY(key_generate(&spec, &key));
  TRY(cert_issue(a->key, buf_bytes(&a->der), key, &p, &der));
  TRY(ocsp_responder_new(key, buf_bytes(&der), &fresh));
  CA_WRITE_LOCKED(ca);
  old = a->responder;
  a->responder = TAKE(fresh);
  a->responder_until = p.not_after;
  atomic_fetch_add(&ca->revision, 1); /* what the old one signed ends with it */
  return OK;
}

/* One question about one certificate, as a slot is found by it. */
struct question {
  const struct ocsp_cert *cert;
  char serial[2 * CERT_SERIAL_MAX + 1];
  unsigned authority;
  uint64_t revision; /* from before its state was looked at */
};

static struct slot *slot_of(struct ocsp_cache *c, const struct question *q) {
  uint64_t h = q->authority * 2u + q->cert->hash;
  for (const char *s = q->serial; *s; s++)
    h = (h ^ (uint8_t)*s) * 0x100000001b3;
  return &c->slots[(h ^ h >> 32) % SLOTS];
}

static bool fits(const struct slot *s, const struct question *q, int64_t now) {
  return s->der.size && s->revision == q->revision && s->until > now &&
         s->authority == q->authority && s->hash == q->cert->hash &&
         strcmp(s->serial, q->serial) == 0;
}

static bool kept(struct ocsp_cache *c, const struct question *q, int64_t now, struct buf *der,
                 int64_t *fresh_until) {
  pthread_mutex_lock(&c->lock);
  const struct slot *s = slot_of(c, q);
  bool found = fits(s, q, now);
  if (found)
    buf_put_bytes(der, buf_bytes(&s->der));
  pthread_mutex_unlock(&c->lock);
  if (found)
    *fresh_until = now + HTTP_SECONDS;
  return found;
}

/* An answer that finds no memory is given, but not kept. */
static void keep(struct ocsp_cache *c, const struct question *q, int64_t now, struct bytes der) {
  AUTO_BUF copy = BUF_EMPTY;
  buf_put_bytes(&copy, der);
  if (buf_ok(&copy) != OK || strlen(q->serial) > SERIAL_TEXT)
    return;
  pthread_mutex_lock(&c->lock);
  struct slot *s = slot_of(c, q);
  struct buf old = s->der;
  *s = (struct slot){ .hash = q->cert->hash,
                      .authority = q->authority,
                      .revision = q->revision,
                      .until = now + KEPT_SECONDS,
                      .der = copy };
  memcpy(s->serial, q->serial, strlen(q->serial) + 1);
  copy = old;
  pthread_mutex_unlock(&c->lock);
}

static bool spend(struct ocsp_cache *c) {
  uint64_t now = clock_mono_us();
  pthread_mutex_lock(&c->lock);
  uint64_t more = (now - c->filled_us) * BUDGET / 1000000;
  if (c->filled_us == 0 || more >= BUDGET) {
    c->budget = BUDGET;
    c->filled_us = now;
  } else if (more) {
    c->budget = c->budget + more > BUDGET ? BUDGET : c->budget + (unsigned)more;
    c->filled_us += more * 1000000 / BUDGET;
  }
  bool may = c->budget > 0;
  c->budget -= may;
  pthread_mutex_unlock(&c->lock);
  return may;
}

/* Under lock. */
static struct ocsp_answer look_up(const struct ca *ca, const struct authority *a,
                                  const struct ocsp_cert *cert) {
  char serial[2 * CERT_SERIAL_MAX + 1];
  hex_encode(bytes_of(cert->serial, cert->serial_size), serial);
  const struct issued *i = ocsp_is_of(cert, &a->hashes) ? ledger_serial(&ca->ledger, serial) : NULL;
  if (!i || i->authority != a->number)
    return (struct ocsp_answer){ .status = OCSP_UNKNOWN };
  if (i->revoked_at == 0)
    return (struct ocsp_answer){ .status = OCSP_GOOD };
  return (struct ocsp_answer){ OCSP_REVOKED, i->revoked_at, i->reason };
}

/* The first one that issued something of the request; NULL: none did. Under lock. */
static const struct authority *responsible(const struct ca *ca, const struct ocsp_request *rq) {
  for (size_t k = 0; k < rq->count; k++)
    for (size_t i = 0; i < ca->authority_count; i++)
      if (ocsp_is_of(&rq->certs[k], &ca->authorities[i]->hashes))
        return ca->authorities[i];
  return NULL;
}

static err_t respond(struct ca *ca, const struct authority *a, const struct ocsp_request *rq,
                     int64_t now, bool *known, struct buf *der) {
  struct ocsp_answer answers[OCSP_CERTS_MAX];
  *known = true;
  for (size_t i = 0; i < rq->count; i++) {
    answers[i] = look_up(ca, a, &rq->certs[i]);
    *known = *known && answers[i].status != OCSP_UNKNOWN;
  }
  int64_t until =
    now + ANSWER_SECONDS < a->responder_until ? now + ANSWER_SECONDS : a->responder_until;
  return ocsp_respond(a->responder, rq, answers, now, until, der);
}

static err_t answer(struct ca *ca, const struct ocsp_request *rq, struct buf *der,
                    int64_t *fresh_until) {
  int64_t now = clock_real();
  CA_READ_LOCKED(ca);
  struct question q = { .cert = &rq->certs[0], .revision = atomic_load(&ca->revision) };
  const struct authority *a = responsible(ca, rq);
  if (!a)
    return ocsp_refuse(OCSP_UNAUTHORIZED, der);
  if (!a->responder || a->responder_until <= now)
    return ocsp_refuse(OCSP_TRY_LATER, der);
  q.authority = a->number;
  hex_encode(bytes_of(q.cert->serial, q.cert->serial_size), q.serial);
  bool plain = rq->count == 1 && rq->nonce_size == 0, known;
  if (plain && kept(ca->ocsp, &q, now, der, fresh_until))
    return OK;
  if (!spend(ca->ocsp)) {
    if (rq->count == 1 && kept(ca->ocsp, &q, now, der, fresh_until))
      return OK;
    return ocsp_refuse(OCSP_TRY_LATER, der);
  }
  TRY(respond(ca, a, rq, now, &known, der));
  if (plain && known) {
    keep(ca->ocsp, &q, now, buf_bytes(der));
    *fresh_until = now + HTTP_SECONDS;
  }
  return OK;
}

err_t ca_ocsp(struct ca *ca, struct bytes request, struct buf *der, int64_t *fresh_until) {
  struct ocsp_request rq;
  *fresh_until = 0;
  err_t e = ocsp_request_read(request, &rq);
  if (e == ERR_BAD_PARAMETER)
    return ocsp_refuse(OCSP_MALFORMED, der);
  TRY(e);
  return answer(ca, &rq, der, fresh_until);
}
