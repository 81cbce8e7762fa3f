/* Issuers and contacts are few: a sorted array under the vault's lock, changed one at a time. */
#include "vault/issuers.h"

#include "vault/cert_policy.h"
#include "vault/issuers_internal.h"
#include "vault/kind.h"

#include <stdio.h>
#include <strings.h>

#define ISSUER_PLACE "certissuer/"
#define CONTACTS_PLACE "certcontacts/all"
#define RECORD_VERSION 1

struct issuers {
  struct issuer *list; /* by name without case */
  size_t count, room;
  bool has_contacts;
  struct buf contacts;
  pthread_mutex_t change; /* held while a change is decided, committed and made visible */
};

static void change_unlock(pthread_mutex_t **m) {
  pthread_mutex_unlock(*m);
}
#define CHANGING(v) \
  __attribute__((cleanup(change_unlock), unused)) pthread_mutex_t *changing_ = \
    &(v)->issuers->change; \
  pthread_mutex_lock(changing_)

void issuer_free(struct issuer *i) {
  buf_free(&i->text);
  *i = (struct issuer){ 0 };
}

err_t issuers_new(struct issuers **out) {
  *out = mem_zalloc(sizeof **out);
  if (!*out)
    return ERR_NOMEM;
  pthread_mutex_init(&(*out)->change, NULL);
  return OK;
}

void issuers_free(struct issuers *all) {
  for (size_t i = 0; i < all->count; i++)
    issuer_free(&all->list[i]);
  mem_free(all->list);
  buf_free(&all->contacts);
  pthread_mutex_destroy(&all->change);
  mem_free(all);
}

static err_t copy(const struct issuer *from, struct issuer *to) {
  AUTO_ISSUER c = *from;
  c.text = BUF_EMPTY;
  buf_put_bytes(&c.text, buf_bytes(&from->text));
  TRY(buf_ok(&c.text));
  *to = c;
  c.text = BUF_EMPTY;
  return OK;
}

/* pos is where it is or would be. */
static bool find(const struct issuers *all, const char *name, size_t *pos) {
  size_t low = 0, high = all->count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    int c = strcasecmp(all->list[middle].name, name);
    if (c == 0) {
      *pos = middle;
      return true;
    }
    if (c < 0)
      low = middle + 1;
    else
      high = middle;
  }
  *pos = low;
  return false;
}

static bool reserve(struct issuers *all) {
  if (all->count < all->room)
    return true;
  size_t more = all->room ? 2 * all->room : 8;
  struct issuer *list = mem_realloc(all->list, more * sizeof *list);
  if (!list)
    return false;
  all->list = list;
  all->room = more;
  return true;
}

/* Takes the issuer; there is room. */
static void put(struct issuers *all, struct issuer *issuer) {
  size_t pos;
  if (find(all, issuer->name, &pos)) {
    issuer_free(&all->list[pos]);
  } else {
    memmove(&all->list[pos + 1], &all->list[pos], (all->count - pos) * sizeof *all->list);
    all->count++;
  }
  all->list[pos] = *issuer;
  *issuer = (struct issuer){ 0 };
}

/* --- in the store --- */

static void place_of(const char *name, char place[static STORE_PLACE_MAX + 1]) {
  char folded[OBJECT_NAME_MAX + 1];
  name_fold(name, folded);
  snprintf(place, STORE_PLACE_MAX + 1, ISSUER_PLACE "%s", folded);
}

bool issuers_own(struct bytes place) {
  return bytes_starts(place, ISSUER_PLACE) || bytes_equal_str(place, CONTACTS_PLACE);
}

static err_t load_issuer(struct issuers *all, struct bytes place, struct unpack *u) {
  AUTO_ISSUER i = { 0 };
  char expected[STORE_PLACE_MAX + 1];
  unpack_str(u, i.name, sizeof i.name);
  unpack_str(u, i.provider, sizeof i.provider);
  buf_put_bytes(&i.text, unpack_bytes(u));
  TRY(buf_ok(&i.text));
  place_of(i.name, expected);
  if (!bytes_equal_str(place, expected))
    FAIL(ERR_CORRUPT, "an issuer's record is at another one's place");
  if (!reserve(all))
    return ERR_NOMEM;
  put(all, &i);
  return OK;
}

err_t issuers_load(struct vault *v, struct bytes place, struct bytes body) {
  struct issuers *all = v->issuers;
  struct unpack u = unpack_of(body);
  if (unpack_u8(&u) != RECORD_VERSION)
    FAIL(ERR_CORRUPT, "an issuer's record of an unknown form");
  if (bytes_starts(place, ISSUER_PLACE)) {
    TRY(load_issuer(all, place, &u));
  } else {
    buf_put_bytes(&all->contacts, unpack_bytes(&u));
    TRY(buf_ok(&all->contacts));
    all->has_contacts = true;
  }
  return unpack_end(&u);
}

err_t issuers_each_place(struct vault *v, vault_place *each, void *ctx) {
  const struct issuers *all = v->issuers;
  char place[STORE_PLACE_MAX + 1];
  for (size_t i = 0; i < all->count; i++) {
    place_of(all->list[i].name, place);
    TRY(each(ctx, place));
  }
  return all->has_contacts ? each(ctx, CONTACTS_PLACE) : OK;
}

/* issuer NULL: there is none of that name any more. */
static err_t commit(struct vault *v, const char *name, const struct issuer *issuer) {
  char place[STORE_PLACE_MAX + 1];
  AUTO_BUF body = BUF_EMPTY;
  place_of(name, place);
  if (issuer) {
    pack_u8(&body, RECORD_VERSION);
    pack_str(&body, issuer->name);
    pack_str(&body, issuer->provider);
    pack_bytes(&body, buf_bytes(&issuer->text));
    TRY(buf_ok(&body));
  }
  return vault_commit(v, &(struct store_write){ place, buf_bytes(&body) }, 1);
}

static err_t read_text(const struct issuer *i, json_t **out) {
  AUTO_BUF text = BUF_EMPTY;
  buf_put_char(&text, '{');
  buf_put_bytes(&text, buf_bytes(&i->text));
  buf_put_char(&text, '}');
  TRY(buf_ok(&text));
  return json_read(buf_bytes(&text), out);
}

/* --- issuers --- */

static bool is_built_in(const char *name) {
  return strcasecmp(name, ISSUER_SELF) == 0 || strcasecmp(name, ISSUER_UNKNOWN) == 0 ||
         strcasecmp(name, ISSUER_HUB) == 0;
}

static err_t check_name(const struct issuers *all, const char *name, bool is_new) {
  if (!object_name_valid(bytes_str(name)))
    REFUSE(ERR_BAD_PARAMETER, "The request URI contains an invalid name: %.128s", name);
  if (is_built_in(name))
    REFUSE(ERR_BAD_PARAMETER, "The issuer %s is built in and can't be changed.", name);
  if (is_new && all->count >= ISSUERS_MAX)
    REFUSE(ERR_BAD_PARAMETER, "The vault has %d issuers, which is the most that it may have.",
           ISSUERS_MAX);
  return OK;
}

/* Commits and shows what was made of it. */
static err_t publish(struct vault *v, struct issuer *made, struct issuer *out) {
  AUTO_ISSUER shown = { 0 };
  TRY(copy(made, &shown));
  pthread_rwlock_wrlock(&v->lock);
  bool room = reserve(v->issuers);
  pthread_rwlock_unlock(&v->lock);
  if (!room)
    return ERR_NOMEM;
  TRY(commit(v, made->name, made));
  pthread_rwlock_wrlock(&v->lock);
  put(v->issuers, made);
  pthread_rwlock_unlock(&v->lock);
  *out = shown;
  shown = (struct issuer){ 0 };
  return OK;
}

err_t issuers_set(struct vault *v, const char *name, json_t *given, struct issuer *out) {
  AUTO_ISSUER made = { 0 };
  size_t pos;
  CHANGING(v);
  struct issuers *all = v->issuers;
  bool found = find(all, name, &pos);
  TRY(check_name(all, name, !found));
  snprintf(made.name, sizeof made.name, "%s", found ? all->list[pos].name : name);
  TRY(issuer_put(given, NULL, &made));
  return publish(v, &made, out);
}

err_t issuers_update(struct vault *v, const char *name, json_t *given, struct issuer *out) {
  AUTO_ISSUER made = { 0 };
  AUTO_JSON *was = NULL;
  size_t pos;
  CHANGING(v);
  struct issuers *all = v->issuers;
  if (!find(all, name, &pos))
    return ERR_ISSUER_NOT_FOUND;
  memcpy(made.name, all->list[pos].name, sizeof made.name);
  TRY(read_text(&all->list[pos], &was));
  TRY(issuer_put(given, was, &made));
  return publish(v, &made, out);
}

err_t issuers_get(struct vault *v, const char *name, struct issuer *out) {
  size_t pos;
  READ_LOCKED(v);
  return find(v->issuers, name, &pos) ? copy(&v->issuers->list[pos], out) : ERR_ISSUER_NOT_FOUND;
}

err_t issuers_delete(struct vault *v, const char *name, struct issuer *out) {
  size_t pos;
  CHANGING(v);
  struct issuers *all = v->issuers;
  if (!find(all, name, &pos))
    return ERR_ISSUER_NOT_FOUND;
  TRY(commit(v, name, NULL));
  pthread_rwlock_wrlock(&v->lock);
  *out = all->list[pos];
  all->count--;
  memmove(&all->list[pos], &all->list[pos + 1], (all->count - pos) * sizeof *all->list);
  pthread_rwlock_unlock(&v->lock);
  return OK;
}

err_t issuers_list(struct vault *v, const char *marker, struct issuer *page, size_t room,
                   size_t *count, bool *more) {
  size_t pos;
  *count = 0;
  READ_LOCKED(v);
  const struct issuers *all = v->issuers;
  if (find(all, marker, &pos))
    pos++;
  for (; *count < room && pos < all->count; pos++) {
    err_t e = copy(&all->list[pos], &page[*count]);
    if (e != OK) {
      while (*count)
        issuer_free(&page[--*count]);
      return e;
    }
    ++*count;
  }
  *more = pos < all->count;
  return OK;
}

err_t issuers_provider(struct vault *v, const char *name, char provider[static 64]) {
  static const char *const built_in[] = { ISSUER_SELF, ISSUER_UNKNOWN, ISSUER_HUB };
  size_t pos;
  for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++)
    if (strcasecmp(name, built_in[i]) == 0) {
      snprintf(provider, 64, "%s", built_in[i]);
      return OK;
    }
  READ_LOCKED(v);
  if (!find(v->issuers, name, &pos))
    return ERR_ISSUER_NOT_FOUND;
  memcpy(provider, v->issuers->list[pos].provider, 64);
  return OK;
}

/* --- contacts --- */

static err_t commit_contacts(struct vault *v, const struct buf *text) {
  AUTO_BUF body = BUF_EMPTY;
  if (text) {
    pack_u8(&body, RECORD_VERSION);
    pack_bytes(&body, buf_bytes(text));
    TRY(buf_ok(&body));
  }
  return vault_commit(v, &(struct store_write){ CONTACTS_PLACE, buf_bytes(&body) }, 1);
}

static err_t show_contacts(const struct issuers *all, struct buf *out) {
  if (!all->has_contacts)
    return ERR_CONTACTS_NOT_FOUND;
  buf_put_bytes(out, buf_bytes(&all->contacts));
  return buf_ok(out);
}

err_t contacts_set(struct vault *v, json_t *given, struct buf *out) {
  AUTO_BUF text = BUF_EMPTY;
  TRY(contacts_put(given, &text));
  buf_put_bytes(out, buf_bytes(&text));
  TRY(buf_ok(out));
  CHANGING(v);
  TRY(commit_contacts(v, &text));
  pthread_rwlock_wrlock(&v->lock);
  struct buf old = v->issuers->contacts;
  v->issuers->contacts = text;
  v->issuers->has_contacts = true;
  pthread_rwlock_unlock(&v->lock);
  text = old;
  return OK;
}

err_t contacts_get(struct vault *v, struct buf *out) {
  READ_LOCKED(v);
  return show_contacts(v->issuers, out);
}

err_t contacts_delete(struct vault *v, struct buf *out) {
  CHANGING(v);
  TRY(show_contacts(v->issuers, out));
  TRY(commit_contacts(v, NULL));
  pthread_rwlock_wrlock(&v->lock);
  buf_clear(&v->issuers->contacts);
  v->issuers->has_contacts = false;
  pthread_rwlock_unlock(&v->lock);
  return OK;
}
