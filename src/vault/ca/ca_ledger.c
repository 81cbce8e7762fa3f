/* What was issued: records of the store, found by serial and by name. */
#include "base/pack.h"
#include "vault/ca/ca_internal.h"

#include <stdio.h>
#include <strings.h>

#define FORMAT 1
#define SLOTS_LEAST 256

void issued_free(struct issued *i) {
  for (size_t k = 0; k < i->name_count; k++)
    mem_free(i->names[k].text);
  mem_free(i->names);
  mem_free(i->subject);
  mem_free(i);
}

static err_t reserve_names(struct issued *i, size_t count) {
  i->names = mem_zalloc((count ? count : 1) * sizeof *i->names);
  return i->names ? OK : ERR_NOMEM;
}

static err_t add_name(struct issued *i, const char *text) {
  for (size_t k = 0; k < i->name_count; k++)
    if (strcasecmp(i->names[k].text, text) == 0)
      return OK;
  char *copy = mem_strdup(text);
  if (!copy)
    return ERR_NOMEM;
  i->names[i->name_count++] = (struct issued_name){ .of = i, .text = copy };
  return OK;
}

/* Alternative names, and common names. */
static err_t add_names(struct issued *i, const struct cert_profile *says) {
  struct cert_texts attributes __attribute__((cleanup(cert_texts_free))) = { 0 };
  TRY(cert_subject_attributes(says->subject, &attributes));
  size_t count = attributes.count;
  for (unsigned kind = 0; kind < SAN_KINDS; kind++)
    count += says->sans[kind].count;
  TRY(reserve_names(i, count));
  for (unsigned kind = 0; kind < SAN_KINDS; kind++)
    for (size_t k = 0; k < says->sans[kind].count; k++)
      TRY(add_name(i, says->sans[kind].items[k]));
  for (size_t k = 0; k < attributes.count; k++)
    if (bytes_starts(bytes_str(attributes.items[k]), "CN="))
      TRY(add_name(i, attributes.items[k] + 3));
  return OK;
}

err_t issued_new(const struct ca_request *rq, const struct cert_profile *says,
                 struct issued **out) {
  AUTO(issued) struct issued *i = mem_zalloc(sizeof *i);
  if (!i || !(i->subject = mem_strdup(says->subject ? says->subject : "")))
    return ERR_NOMEM;
  hex_encode(bytes_of(says->serial, CERT_SERIAL_SIZE), i->serial);
  i->profile = rq->profile;
  i->not_before = says->not_before;
  i->not_after = says->not_after;
  snprintf(i->oid, sizeof i->oid, "%s", rq->oid ? rq->oid : "");
  snprintf(i->via, sizeof i->via, "%s", rq->via);
  TRY(add_names(i, says));
  *out = TAKE(i);
  return OK;
}

void issued_place(const struct issued *i, char out[static STORE_PLACE_MAX + 1]) {
  snprintf(out, STORE_PLACE_MAX + 1, "ca/cert/%s", i->serial);
}

void issued_pack(const struct issued *i, struct buf *record) {
  pack_u8(record, FORMAT);
  pack_str(record, i->serial);
  pack_u8(record, (uint8_t)i->profile);
  pack_u32(record, i->authority);
  pack_i64(record, i->at);
  pack_i64(record, i->not_before);
  pack_i64(record, i->not_after);
  pack_i64(record, i->revoked_at);
  pack_u8(record, (uint8_t)i->reason);
  pack_str(record, i->oid);
  pack_str(record, i->via);
  pack_str(record, i->subject);
  pack_u32(record, (uint32_t)i->name_count);
  for (size_t k = 0; k < i->name_count; k++)
    pack_str(record, i->names[k].text);
}

static err_t unpack_text(struct unpack *u, char **out) {
  struct bytes text = unpack_bytes(u);
  char *copy = mem_alloc(text.size + 1);
  if (!copy)
    return ERR_NOMEM;
  if (bytes_to_cstr(text, copy, text.size + 1) != OK) {
    u->bad = true;
    copy[0] = '\0';
  }
  *out = copy;
  return OK;
}

static err_t unpack_names(struct unpack *u, struct issued *i) {
  uint32_t count = unpack_u32(u);
  if (count > (SAN_KINDS + 1) * CERT_TEXTS_MAX)
    FAIL(ERR_CORRUPT, "a record of a certificate has %u names", count);
  TRY(reserve_names(i, count));
  for (; i->name_count < count && !u->bad; i->name_count++) {
    i->names[i->name_count].of = i;
    TRY(unpack_text(u, &i->names[i->name_count].text));
  }
  return OK;
}

err_t issued_unpack(struct bytes record, struct issued **out) {
  AUTO(issued) struct issued *i = mem_zalloc(sizeof *i);
  struct unpack u = unpack_of(record);
  if (!i)
    return ERR_NOMEM;
  if (unpack_u8(&u) != FORMAT)
    FAIL(ERR_CORRUPT, "a record of a certificate has a format that this version does not know");
  unpack_str(&u, i->serial, sizeof i->serial);
  unsigned profile = unpack_u8(&u);
  i->profile = (enum ca_profile)(profile < CA_PROFILES ? profile : 0);
  i->authority = unpack_u32(&u);
  i->at = unpack_i64(&u);
  i->not_before = unpack_i64(&u);
  i->not_after = unpack_i64(&u);
  i->revoked_at = unpack_i64(&u);
  i->reason = unpack_u8(&u);
  unpack_str(&u, i->oid, sizeof i->oid);
  unpack_str(&u, i->via, sizeof i->via);
  TRY(unpack_text(&u, &i->subject));
  TRY(unpack_names(&u, i));
  TRY(unpack_end(&u));
  if (profile >= CA_PROFILES)
    FAIL(ERR_CORRUPT, "a record of a certificate has an unknown profile");
  *out = TAKE(i);
  return OK;
}

/* FNV-1a, without case. Serials and names are not chosen by those who could gain from long slots:
 * names are granted. */
static size_t hash(const char *text) {
  uint64_t h = 0xcbf29ce484222325;
  for (; *text; text++) {
    h ^= (uint8_t)(*text >= 'A' && *text <= 'Z' ? *text + 32 : *text);
    h *= 0x100000001b3;
  }
  return (size_t)(h ^ h >> 32);
}

static void link_in(struct ledger *x, struct issued *i) {
  struct issued **slot = &x->serials[hash(i->serial) & (x->slots - 1)];
  i->next_serial = *slot;
  *slot = i;
  for (size_t k = 0; k < i->name_count; k++) {
    struct issued_name **name = &x->names[hash(i->names[k].text) & (x->slots - 1)];
    i->names[k].next = *name;
    *name = &i->names[k];
  }
}

/* The newest of a slot is met first. */
static void link_all(struct ledger *x) {
  for (struct issued *i = x->oldest; i; i = i->newer)
    link_in(x, i);
}

static bool grow(struct ledger *x) {
  size_t slots = x->slots ? 2 * x->slots : SLOTS_LEAST;
  struct issued **serials = mem_zalloc(slots * sizeof *serials);
  struct issued_name **names = mem_zalloc(slots * sizeof *names);
  if (!serials || !names) {
    mem_free(serials);
    mem_free(names);
    return false;
  }
  mem_free(x->serials);
  mem_free(x->names);
  x->serials = serials;
  x->names = names;
  x->slots = slots;
  link_all(x);
  return true;
}

err_t ledger_init(struct ledger *x) {
  return grow(x) ? OK : ERR_NOMEM;
}

void ledger_put_revoked(struct ledger *x, struct issued *i) {
  i->next_revoked = x->revoked;
  x->revoked = i;
  x->revoked_count++;
}

void ledger_put(struct ledger *x, struct issued *i) {
  if (x->count >= x->slots)
    (void)grow(x);
  link_in(x, i);
  i->older = x->newest;
  i->newer = NULL;
  if (x->newest)
    x->newest->newer = i;
  else
    x->oldest = i;
  x->newest = i;
  x->count++;
  if (i->revoked_at)
    ledger_put_revoked(x, i);
}

static void unlink_name(struct ledger *x, struct issued_name *n) {
  struct issued_name **at = &x->names[hash(n->text) & (x->slots - 1)];
  while (*at != n)
    at = &(*at)->next;
  *at = n->next;
}

static void unlink_revoked(struct ledger *x, const struct issued *i) {
  struct issued **at = &x->revoked;
  while (*at != i)
    at = &(*at)->next_revoked;
  *at = i->next_revoked;
  x->revoked_count--;
}

void ledger_remove(struct ledger *x, struct issued *i) {
  struct issued **at = &x->serials[hash(i->serial) & (x->slots - 1)];
  while (*at != i)
    at = &(*at)->next_serial;
  *at = i->next_serial;
  for (size_t k = 0; k < i->name_count; k++)
    unlink_name(x, &i->names[k]);
  if (i->revoked_at)
    unlink_revoked(x, i);
  *(i->newer ? &i->newer->older : &x->newest) = i->older;
  *(i->older ? &i->older->newer : &x->oldest) = i->newer;
  x->count--;
}

struct issued *ledger_serial(const struct ledger *x, const char *serial) {
  struct issued *i = x->serials[hash(serial) & (x->slots - 1)];
  while (i && strcasecmp(i->serial, serial) != 0)
    i = i->next_serial;
  return i;
}

struct issued *ledger_name(const struct ledger *x, const char *name,
                           const struct issued_name **at) {
  const struct issued_name *n = *at ? (*at)->next : x->names[hash(name) & (x->slots - 1)];
  while (n && strcasecmp(n->text, name) != 0)
    n = n->next;
  *at = n;
  return n ? n->of : NULL;
}

static int by_time(const void *a, const void *b) {
  const struct issued *const *l = a, *const *r = b;
  if ((*l)->at != (*r)->at)
    return (*l)->at < (*r)->at ? -1 : 1;
  return strcmp((*l)->serial, (*r)->serial);
}

err_t ledger_sort(struct ledger *x) {
  struct issued **all AUTO_FREE = mem_alloc((x->count ? x->count : 1) * sizeof(struct issued *));
  size_t n = 0;
  if (!all)
    return ERR_NOMEM;
  for (struct issued *i = x->newest; i; i = i->older)
    all[n++] = i;
  qsort(all, n, sizeof *all, by_time);
  for (size_t k = 0; k < n; k++) {
    all[k]->older = k ? all[k - 1] : NULL;
    all[k]->newer = k + 1 < n ? all[k + 1] : NULL;
  }
  x->oldest = n ? all[0] : NULL;
  x->newest = n ? all[n - 1] : NULL;
  memset(x->serials, 0, x->slots * sizeof *x->serials);
  memset(x->names, 0, x->slots * sizeof *x->names);
  link_all(x);
  return OK;
}

void ledger_free(struct ledger *x) {
  for (struct issued *i = x->newest, *older; i; i = older) {
    older = i->older;
    issued_free(i);
  }
  mem_free(x->serials);
  mem_free(x->names);
  *x = (struct ledger){ 0 };
}
