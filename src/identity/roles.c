/* The roles of a vault as a whole: made, loaded from the records of its part in whatever order they
 * come, and made ready. */
#include "identity/internal.h"

#include <stdio.h>

/* An assignment that was read; what it points to may come later. */
struct pending {
  struct pending *next;
  struct assignment *assignment;
  struct assignment_ids ids;
};

static void pending_free(struct pending *p) {
  while (p) {
    struct pending *next = p->next;
    mem_free(p->assignment);
    mem_free(p);
    p = next;
  }
}

err_t roles_new(struct identity *id, struct partition *part, const char *vault,
                struct roles **out) {
  struct roles *r = mem_zalloc(sizeof *r);
  if (!r)
    return ERR_NOMEM;
  r->id = id;
  r->part = part;
  snprintf(r->vault, sizeof r->vault, "%s", vault);
  *out = r;
  return OK;
}

static struct assignment *any_assignment(const struct roles *r) {
  size_t at = 0;
  return guid_map_next(&r->assignments, &at);
}

void roles_free(struct roles *r) {
  MUTEX_LOCKED(&r->id->changing);
  WRITE_LOCKED(r->id);
  for (struct assignment *a; (a = any_assignment(r));) {
    assignment_detach(a);
    mem_free(a);
  }
  size_t at = 0;
  for (struct role *role; (role = guid_map_next(&r->custom, &at));)
    role_free(role);
  guid_map_free(&r->custom);
  guid_map_free(&r->assignments);
  guid_map_free(&r->holders);
  pending_free(r->pending);
  mem_free(r);
}

void roles_retire(struct roles *r) {
  MUTEX_LOCKED(&r->id->changing);
  r->retired = true;
}

err_t roles_each_place(struct roles *r, roles_place *each, void *ctx) {
  char place[STORE_PLACE_MAX + 1];
  size_t at = 0;
  READ_LOCKED(r->id);
  for (struct assignment *a; (a = guid_map_next(&r->assignments, &at));) {
    directory_place("assignment", a->guid, place);
    TRY(each(ctx, place));
  }
  at = 0;
  for (struct role *role; (role = guid_map_next(&r->custom, &at));) {
    directory_place("role", role->guid, place);
    TRY(each(ctx, place));
  }
  return OK;
}

err_t roles_commit(struct roles *r, const char *kind, const char *name, const struct buf *body) {
  char place[STORE_PLACE_MAX + 1];
  directory_place(kind, name, place);
  if (body)
    TRY(buf_ok(body));
  struct store_write w = { place, body ? buf_bytes(body) : (struct bytes){ 0 } };
  return partition_commit(r->part, &w, 1);
}

void assignment_attach(struct roles *r, struct assignment *a, struct holder **fresh) {
  if (!a->holder) {
    struct holder *h = TAKE(*fresh);
    h->roles = r;
    h->next = h->app->holders;
    h->app->holders = h;
    guid_map_put(&r->holders, h->app->oid, h);
    a->holder = h;
  }
  a->next = a->holder->assignments;
  a->holder->assignments = a;
  guid_map_put(&r->assignments, a->guid, a);
}

static void holder_remove(struct holder *h) {
  struct holder **p = &h->app->holders;
  while (*p != h)
    p = &(*p)->next;
  *p = h->next;
  guid_map_remove(&h->roles->holders, h->app->oid);
  mem_free(h);
}

void assignment_detach(struct assignment *a) {
  struct holder *h = a->holder;
  struct assignment **p = &h->assignments;
  while (*p != a)
    p = &(*p)->next;
  *p = a->next;
  guid_map_remove(&h->roles->assignments, a->guid);
  if (!h->assignments)
    holder_remove(h);
}

static err_t load_role(struct roles *r, const char *name, struct bytes body) {
  AUTO(role) struct role *role = NULL;
  TRY(role_unpack(name, body, &role));
  if (guid_map_get(&r->id->builtin, role->guid) || guid_map_get(&r->custom, role->guid))
    FAIL(ERR_CORRUPT, "a role definition is stored twice");
  TRY(guid_map_reserve(&r->custom));
  guid_map_put(&r->custom, role->guid, role);
  (void)TAKE(role);
  return OK;
}

static err_t load_assignment(struct roles *r, const char *name, struct bytes body) {
  struct pending *p = mem_zalloc(sizeof *p);
  if (!p)
    return ERR_NOMEM;
  p->next = r->pending;
  r->pending = p;
  p->assignment = mem_zalloc(sizeof *p->assignment);
  if (!p->assignment)
    return ERR_NOMEM;
  if (!guid_fold(name, p->assignment->guid))
    FAIL(ERR_CORRUPT, "an assignment record is at a place that cannot be");
  return assignment_unpack(body, p->assignment, &p->ids);
}

static const struct kind {
  const char *place; /* up to the name */
  err_t (*load)(struct roles *r, const char *name, struct bytes body);
} kinds[] = {
  { "role/", load_role },
  { "assignment/", load_assignment },
};

static const struct kind *kind_of(struct bytes place) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (bytes_starts(place, kinds[i].place))
      return &kinds[i];
  return NULL;
}

bool roles_owns(struct bytes place) {
  return kind_of(place) != NULL;
}

err_t roles_load(struct roles *r, struct bytes place, struct bytes body) {
  const struct kind *k = kind_of(place);
  char text[STORE_PLACE_MAX + 1];
  if (!k || bytes_to_cstr(place, text, sizeof text) != OK)
    FAIL(ERR_CORRUPT, "a record at a place that cannot be");
  return k->load(r, text + strlen(k->place), body);
}

static err_t attach_loaded(struct roles *r, struct pending *p) {
  struct app *app = guid_map_get(&r->id->apps_by_oid, p->ids.oid);
  AUTO_FREE struct holder *fresh = NULL;
  if (!app || role_lookup(r, p->ids.role, &p->assignment->role) != OK ||
      guid_map_get(&r->assignments, p->assignment->guid))
    FAIL(ERR_CORRUPT, "a role assignment points to nothing");
  TRY(guid_map_reserve(&r->assignments));
  p->assignment->holder = guid_map_get(&r->holders, app->oid);
  if (!p->assignment->holder) {
    TRY(guid_map_reserve(&r->holders));
    fresh = mem_zalloc(sizeof *fresh);
    if (!fresh)
      return ERR_NOMEM;
    fresh->app = app;
  }
  assignment_attach(r, TAKE(p->assignment), &fresh);
  return OK;
}

err_t roles_ready(struct roles *r) {
  for (struct pending *p = r->pending; p; p = p->next)
    TRY(attach_loaded(r, p));
  pending_free(TAKE(r->pending));
  return OK;
}
