/*
 * Revocation lists: which there are, and what of the hub's is taken. Which authorities the hub has
 * is not told to everybody, but each one's certificate is: they are looked for by their numbers
 * when the one that issues now is another one.
 */
#include "base/clock.h"
#include "base/log.h"
#include "crypto/crl.h"
#include "crypto/x509.h"
#include "transit/enrol_internal.h"

#include <stdio.h>

#define NUMBERS_MAX 1000
#define PATH_SIZE 64

void lists_free(struct lists *l) {
  while (l->count)
    lists_drop(l, &l->items[l->count - 1]);
  buf_free(&l->issuing);
}

struct listed *lists_find(struct lists *l, unsigned number) {
  for (size_t i = 0; i < l->count; i++)
    if (l->items[i].number == number)
      return &l->items[i];
  return NULL;
}

err_t lists_add(struct lists *l, unsigned number, struct bytes ca, struct listed **out) {
  if (l->count == LISTED_MAX)
    FAIL(ERR_BAD_PARAMETER, "more than %d authorities", LISTED_MAX);
  struct listed *item = &l->items[l->count++];
  *item = (struct listed){ .number = number };
  buf_put_bytes(&item->ca, ca);
  if (buf_ok(&item->ca) != OK) {
    lists_drop(l, item);
    return ERR_NOMEM;
  }
  *out = item;
  return OK;
}

void lists_drop(struct lists *l, struct listed *item) {
  buf_free(&item->ca);
  buf_free(&item->crl);
  *item = l->items[--l->count];
  l->items[l->count] = (struct listed){ 0 };
}

err_t listed_take(struct listed *item, struct buf *der, int64_t now, bool *changed) {
  AUTO_CRL crl = { 0 };
  TRY(crl_read(buf_bytes(der), buf_bytes(&item->ca), &crl));
  if (item->crl.size && crl.number < item->crl_number)
    FAIL(ERR_BAD_PARAMETER, "a revocation list that is older than the one in hand");
  if (crl.this_update > now)
    FAIL(ERR_BAD_PARAMETER,
         "a revocation list that begins in the future: is this machine's clock right?");
  if (bytes_equal(buf_bytes(der), buf_bytes(&item->crl)))
    return OK;
  buf_free(&item->crl);
  item->crl = *der;
  *der = BUF_EMPTY;
  item->crl_number = crl.number;
  item->next_update = crl.next_update;
  item->saved = false;
  *changed = true;
  return OK;
}

static err_t look_for(const struct listed *item, struct bytes serial, bool *revoked) {
  AUTO_CRL crl = { 0 };
  *revoked = false;
  if (!item || item->crl.size == 0)
    return OK;
  TRY(crl_read(buf_bytes(&item->crl), buf_bytes(&item->ca), &crl));
  *revoked = crl_has(&crl, serial);
  return OK;
}

err_t lists_check_authority(struct lists *l, struct bytes root, struct bytes ca, int64_t now) {
  AUTO_CERT_INFO info = { 0 };
  AUTO_BUF pem = BUF_EMPTY;
  bool revoked;
  TRY(cert_read(ca, &info));
  TRY(x509_to_pem(root, &pem));
  TRY(cert_verify(&ca, 1, buf_bytes(&pem), held_when(now, info.is.not_before)));
  TRY(look_for(lists_find(l, 0), bytes_of(info.serial, info.serial_size), &revoked));
  if (revoked)
    FAIL(ERR_BAD_PARAMETER, "an issuing authority that was revoked");
  return OK;
}

/* --- our own certificate's --- */

static struct listed *issuer_of(struct lists *l, const struct held *id) {
  for (size_t i = 0; i < l->count; i++)
    if (bytes_equal(buf_bytes(&l->items[i].ca), held_issuer(id)))
      return &l->items[i];
  return NULL;
}

bool lists_serve(struct lists *l, const struct held *id) {
  const struct listed *root = lists_find(l, 0), *issuer = issuer_of(l, id);
  return root && root->crl.size && issuer && issuer->crl.size;
}

bool lists_revoke(struct lists *l, const struct held *id) {
  AUTO_CERT_INFO info = { 0 };
  bool own = false, above = false;
  IGNORE(look_for(issuer_of(l, id), bytes_of(id->serial, id->serial_size), &own));
  if (cert_read(held_issuer(id), &info) == OK)
    IGNORE(look_for(lists_find(l, 0), bytes_of(info.serial, info.serial_size), &above));
  return own || above;
}

/* --- from the hub --- */

/* What makes asking for more useless for now. */
static bool ends_look(err_t e) {
  return e == ERR_AWAY || e == ERR_BUSY || e == ERR_SEALED || e == ERR_INTERRUPTED ||
         e == ERR_NOMEM;
}

struct looking {
  const struct enrol_asking *ask;
  const char *dir;
  const struct held *id;
  struct lists *lists;
  bool *changed;
};

static void name_list(const struct listed *item, const char *ending, char out[static PATH_SIZE]) {
  if (item->number == 0)
    snprintf(out, PATH_SIZE, "/pki/root.%s", ending);
  else
    snprintf(out, PATH_SIZE, "/pki/issuing-%u.%s", item->number, ending);
}

static err_t refresh(const struct looking *k, struct listed *item) {
  char path[PATH_SIZE];
  bool changed = false;
  AUTO_BUF der = BUF_EMPTY;
  name_list(item, "crl", path);
  TRY(asking_get(k->ask, path, &der));
  TRY(listed_take(item, &der, clock_now(), &changed));
  *k->changed |= changed;
  if (item->saved)
    return OK;
  TRY(lists_save(k->dir, item));
  item->saved = true;
  return OK;
}

static err_t refresh_root(const struct looking *k) {
  struct listed *root = lists_find(k->lists, 0);
  if (root && !bytes_equal(buf_bytes(&root->ca), held_root(k->id))) {
    lists_free(k->lists); /* a new root: nothing that was under the old one counts */
    root = NULL;
  }
  if (!root)
    TRY(lists_add(k->lists, 0, held_root(k->id), &root));
  return refresh(k, root);
}

static void drop(const struct looking *k, struct listed *item) {
  log_info("enrol", "the issuing authority %u is no longer looked at: %s", item->number,
           err_reason(ERR_BAD_PARAMETER));
  lists_remove(k->dir, item->number);
  *k->changed |= item->crl.size > 0;
  lists_drop(k->lists, item);
}

static err_t drop_ended(const struct looking *k) {
  for (size_t i = k->lists->count; i-- > 0;) {
    struct listed *item = &k->lists->items[i];
    if (item->number == 0)
      continue;
    err_t e = lists_check_authority(k->lists, held_root(k->id), buf_bytes(&item->ca), clock_now());
    if (e == ERR_BAD_PARAMETER)
      drop(k, item);
    else
      TRY(e);
  }
  return OK;
}

/* *found: it is the one that issues now. */
static err_t try_number(const struct looking *k, unsigned number, struct bytes issuing,
                        bool *found) {
  char path[PATH_SIZE];
  AUTO_BUF ca = BUF_EMPTY;
  struct listed *known = lists_find(k->lists, number), *added;
  name_list(&(struct listed){ .number = number }, "cer", path);
  err_t e = asking_get(k->ask, path, &ca);
  if (e == ERR_NOT_FOUND) /* it ended long ago */
    return OK;
  TRY(e);
  *found = bytes_equal(buf_bytes(&ca), issuing);
  if (known && bytes_equal(buf_bytes(&ca), buf_bytes(&known->ca)))
    return OK;
  e = lists_check_authority(k->lists, held_root(k->id), buf_bytes(&ca), clock_now());
  if (e == ERR_BAD_PARAMETER && !*found)
    return OK;
  TRY(e);
  if (known)
    lists_drop(k->lists, known);
  return lists_add(k->lists, number, buf_bytes(&ca), &added);
}

static err_t find_authorities(const struct looking *k) {
  AUTO_BUF issuing = BUF_EMPTY;
  bool found = false;
  TRY(asking_get(k->ask, "/pki/issuing.cer", &issuing));
  if (bytes_equal(buf_bytes(&issuing), buf_bytes(&k->lists->issuing)))
    return OK;
  for (unsigned number = 1; number <= NUMBERS_MAX && !found; number++)
    TRY(try_number(k, number, buf_bytes(&issuing), &found));
  if (!found)
    FAIL(ERR_INTERNAL, "the hub does not say which number its issuing authority has");
  buf_free(&k->lists->issuing);
  k->lists->issuing = issuing;
  issuing = BUF_EMPTY;
  return OK;
}

static void keep_first(err_t *first, struct err_last *why, err_t e) {
  if (*first != OK || e == OK)
    return;
  *first = e;
  *why = *err_last();
}

/* A list that does not fit its authority may be of another one that has the number now. */
static err_t refresh_issuing(const struct looking *k) {
  err_t first = OK;
  struct err_last why = { 0 };
  for (size_t i = 0; i < k->lists->count; i++) {
    struct listed *item = &k->lists->items[i];
    if (item->number == 0)
      continue;
    err_t e = refresh(k, item);
    if (ends_look(e))
      return e;
    if (e != OK)
      buf_free(&k->lists->issuing);
    keep_first(&first, &why, e);
  }
  if (first != OK)
    err_restore(&why);
  return first;
}

/* Of a look, in their order. */
static err_t (*const parts[])(const struct looking *k) = {
  refresh_root,
  find_authorities,
  drop_ended,
  refresh_issuing,
};

err_t lists_ask(const struct enrol_asking *ask, const char *dir, const struct held *id,
                struct lists *l, bool *changed) {
  const struct looking k = { ask, dir, id, l, changed };
  err_t first = OK;
  struct err_last why = { 0 };
  *changed = false;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    err_t e = parts[i](&k);
    keep_first(&first, &why, e);
    if (ends_look(e))
      break;
  }
  if (first != OK)
    err_restore(&why);
  return first;
}
