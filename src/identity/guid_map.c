#include "identity/guid_map.h"

#include "crypto/crypto.h"

#define ROOM_MIN 16

/* Spreads; the keys are random or chosen by administrators, so nothing more is asked of it. */
static size_t hash_of(const char *guid) {
  uint64_t h = 0, word;
  for (size_t i = 0; i + sizeof word <= GUID_SIZE; i += sizeof word) {
    memcpy(&word, guid + i, sizeof word);
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
  }
  return (size_t)h;
}

/* Where the key is, or the free slot where it would be. room > 0. */
static size_t slot_of(const struct guid_map *m, const char *guid) {
  size_t i = hash_of(guid) & (m->room - 1);
  while (m->slots[i].key && memcmp(m->slots[i].key, guid, GUID_SIZE) != 0) /* not secret */
    i = (i + 1) & (m->room - 1);
  return i;
}

void *guid_map_get(const struct guid_map *m, const char *guid) {
  if (m->count == 0 || strnlen(guid, GUID_SIZE) != GUID_SIZE)
    return NULL;
  return m->slots[slot_of(m, guid)].item;
}

err_t guid_map_reserve(struct guid_map *m) {
  if ((m->count + 1) * 2 <= m->room)
    return OK;
  struct guid_map bigger = { .room = m->room ? m->room * 2 : ROOM_MIN };
  bigger.slots = mem_zalloc(bigger.room * sizeof *bigger.slots);
  if (!bigger.slots)
    return ERR_NOMEM;
  for (size_t i = 0; i < m->room; i++)
    if (m->slots[i].key)
      guid_map_put(&bigger, m->slots[i].key, m->slots[i].item);
  mem_free(m->slots);
  *m = bigger;
  return OK;
}

void guid_map_put(struct guid_map *m, const char *guid, void *item) {
  m->slots[slot_of(m, guid)] = (struct guid_slot){ guid, item };
  m->count++;
}

void guid_map_remove(struct guid_map *m, const char *guid) {
  if (!guid_map_get(m, guid))
    return;
  size_t mask = m->room - 1, hole = slot_of(m, guid);
  m->slots[hole] = (struct guid_slot){ 0 };
  m->count--;
  /* What stands behind may have been pushed there by what is gone: put each back in its place. */
  for (size_t i = (hole + 1) & mask; m->slots[i].key; i = (i + 1) & mask) {
    struct guid_slot moved = m->slots[i];
    m->slots[i] = (struct guid_slot){ 0 };
    m->slots[slot_of(m, moved.key)] = moved;
  }
}

void *guid_map_next(const struct guid_map *m, size_t *at) {
  while (*at < m->room) {
    const struct guid_slot *s = &m->slots[(*at)++];
    if (s->key)
      return s->item;
  }
  return NULL;
}

err_t guid_map_sorted(const struct guid_map *m, int (*compare)(const void *, const void *),
                      void ***out) {
  void **items = mem_alloc(m->count * sizeof *items);
  if (!items)
    return ERR_NOMEM;
  size_t at = 0, n = 0;
  for (void *item; (item = guid_map_next(m, &at));)
    items[n++] = item;
  qsort(items, n, sizeof *items, compare);
  *out = items;
  return OK;
}

void guid_map_free(struct guid_map *m) {
  mem_free(m->slots);
  *m = (struct guid_map){ 0 };
}

bool guid_fold(const char *text, char out[static GUID_SIZE + 1]) {
  if (!guid_valid(bytes_str(text)))
    return false;
  for (size_t i = 0; i < GUID_SIZE; i++)
    out[i] = (char)(text[i] >= 'A' && text[i] <= 'F' ? text[i] + 32 : text[i]);
  out[GUID_SIZE] = '\0';
  return true;
}

err_t guid_random(char out[static GUID_SIZE + 1]) {
  uint8_t id[16];
  TRY(crypto_random(id, sizeof id));
  id[6] = (uint8_t)((id[6] & 0x0f) | 0x40); /* RFC 9562: version 4, */
  id[8] = (uint8_t)((id[8] & 0x3f) | 0x80); /* variant 10 */
  guid_format(id, out);
  return OK;
}
