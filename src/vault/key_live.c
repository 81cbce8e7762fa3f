/*
 * Opened keys. Materials are sealed at rest and in memory; what is used is opened onto the secure
 * heap and kept in a fixed number of slots. The clock hand gives each one that was used since its
 * last pass a second chance. A deleted key is closed at once and, while requests that began earlier
 * finish, opened for each of them alone.
 */
#include "vault/key_internal.h"

err_t live_init(struct live *l, unsigned room) {
  l->slots = mem_zalloc(room * sizeof *l->slots);
  if (!l->slots)
    return ERR_NOMEM;
  l->room = room;
  pthread_mutex_init(&l->lock, NULL);
  return OK;
}

static struct key *material_take_live(struct key_material *m, bool dead) {
  pthread_mutex_lock(&m->lock);
  struct key *k = TAKE(m->live);
  m->dead = m->dead || dead;
  pthread_mutex_unlock(&m->lock);
  return k;
}

static void close_material(struct key_material *m) {
  struct key *k = material_take_live(m, false);
  if (k)
    key_free(k);
  material_free(m);
}

void live_fini(struct live *l) {
  for (size_t i = 0; i < l->room; i++)
    if (l->slots[i])
      close_material(l->slots[i]);
  mem_free(l->slots);
  pthread_mutex_destroy(&l->lock);
}

/* Keeps m open in a slot and returns what had to make room (NULL: nothing). */
static struct key_material *live_keep(struct live *l, struct key_material *m) {
  pthread_mutex_lock(&l->lock);
  while (l->slots[l->hand] && atomic_exchange(&l->slots[l->hand]->recent, false))
    l->hand = (l->hand + 1) % l->room;
  struct key_material *old = l->slots[l->hand];
  l->slots[l->hand] = material_ref(m);
  l->hand = (l->hand + 1) % l->room;
  pthread_mutex_unlock(&l->lock);
  return old;
}

err_t live_key(struct vault *v, struct key_material *m, struct key **out) {
  pthread_mutex_lock(&m->lock);
  err_t e = OK;
  bool opened = false;
  if (m->live) {
    *out = key_ref(m->live);
  } else if ((e = material_open(v, m, out)) == OK && !m->dead) {
    m->live = key_ref(*out);
    opened = true;
  }
  pthread_mutex_unlock(&m->lock);
  if (e != OK)
    return e;
  atomic_store_explicit(&m->recent, true, memory_order_relaxed);
  struct key_material *old = opened ? live_keep(v->live, m) : NULL;
  if (old)
    close_material(old);
  return OK;
}

void live_drop(struct vault *v, struct key_material *m) {
  struct key *k = material_take_live(m, true);
  if (k)
    key_free(k);
  struct live *l = v->live;
  bool kept = false;
  pthread_mutex_lock(&l->lock);
  for (size_t i = 0; k && i < l->room && !kept; i++)
    if (l->slots[i] == m) {
      l->slots[i] = NULL;
      kept = true;
    }
  pthread_mutex_unlock(&l->lock);
  if (kept)
    material_free(m);
}

void live_revive(struct key_material *m) {
  pthread_mutex_lock(&m->lock);
  m->dead = false;
  pthread_mutex_unlock(&m->lock);
}
