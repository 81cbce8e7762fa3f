/* The route table and its matching. Literal segments compare without case (clients write wrapKey
 * and wrapkey). */
#include "vault/api/api.h"

#include <pthread.h>
#include <stdio.h>
#include <strings.h>

static const struct route routes[] = {
#define X(...) { __VA_ARGS__ },
  ROUTE_TABLE(X)
#undef X
};

err_t route_split(struct call *c) {
  struct bytes rest = c->x->req.path, segment;
  size_t used = 0;
  if (rest.size == 0)
    return ERR_BAD_PARAMETER;
  rest = bytes_of(rest.data + 1, rest.size - 1);
  while (rest.data) {
    rest = bytes_split(rest, '/', &segment);
    if (segment.size == 0 && c->segment_count == 0 && rest.data)
      continue; /* "///providers/..": role scopes are written with a leading slash of their own */
    if (c->segment_count == API_SEGMENTS || used >= sizeof c->text)
      REFUSE(ERR_BAD_PARAMETER, "The request URI has too many or too long segments.");
    char *to = c->text + used;
    TRY(http_unescape(segment, to, sizeof c->text - used));
    used += strlen(to) + 1;
    c->segments[c->segment_count++] = to;
  }
  return OK;
}

struct match {
  const char *name, *version, *id;
  char scope[SCOPE_MAX];
};

/* The segments that {scope} stands for: those before "providers". */
static bool match_scope(const struct call *c, size_t *next, char scope[static SCOPE_MAX]) {
  size_t n = 0;
  scope[0] = '\0';
  for (size_t i = 0; i < c->segment_count; i++) {
    if (strcasecmp(c->segments[i], "providers") == 0) {
      if (n == 0)
        snprintf(scope, SCOPE_MAX, "/");
      *next = i;
      return true;
    }
    int w = snprintf(scope + n, SCOPE_MAX - n, "/%s", c->segments[i]);
    if (w < 0 || (n += (size_t)w) >= SCOPE_MAX)
      return false;
  }
  return false;
}

static bool match_segment(struct bytes pattern, const char *text, struct match *m) {
  if (pattern.data[0] != '{')
    return bytes_equal_nocase(pattern, text);
  if (bytes_equal_str(pattern, "{name}"))
    m->name = text;
  else if (bytes_equal_str(pattern, "{version}"))
    m->version = text;
  else
    m->id = text;
  return true;
}

/* The rows' paths taken apart, once: nearly all rows are then told apart by a number. */
static struct shape {
  struct bytes segments[API_SEGMENTS];
  size_t count, scope, version; /* scope, version: how many there are of these */
} shapes[sizeof routes / sizeof *routes];

static void shape_all(void) {
  for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
    struct shape *s = &shapes[i];
    struct bytes rest = bytes_str(routes[i].path);
    while (rest.data) {
      struct bytes *segment = &s->segments[s->count++];
      rest = bytes_split(rest, '/', segment);
      s->scope += bytes_equal_str(*segment, "{scope}");
      s->version += bytes_equal_str(*segment, "{version}");
    }
  }
}

/* A trailing {version} or one before an operation may be left out altogether. */
static bool match_path(const struct call *c, const struct shape *s, bool skip_version,
                       struct match *m) {
  size_t i = 0;
  if (s->scope == 0 && c->segment_count != s->count - (skip_version ? s->version : 0))
    return false;
  m->name = m->version = m->id = "";
  m->scope[0] = '\0';
  if (s->scope && !match_scope(c, &i, m->scope))
    return false;
  for (size_t k = s->scope; k < s->count; k++) {
    if (skip_version && bytes_equal_str(s->segments[k], "{version}"))
      continue;
    if (i == c->segment_count || !match_segment(s->segments[k], c->segments[i], m))
      return false;
    i++;
  }
  return i == c->segment_count;
}

/* By the first segment: "secrets" or "deletedsecrets". */
static enum kind_id kind_of_path(const struct call *c) {
  const char *first = c->segments[0];
  if (strncasecmp(first, "deleted", 7) == 0)
    first += 7;
  for (int k = 0; k < KINDS; k++)
    if (strcasecmp(first, object_collection((enum kind_id)k)) == 0)
      return (enum kind_id)k;
  return KIND_KEY;
}

static void set_scope(struct call *c, const struct route *r, const struct match *m) {
  if (r->scope == SCOPE_PATH)
    memcpy(c->scope, m->scope, sizeof c->scope);
  else if (r->scope == SCOPE_OBJECT)
    snprintf(c->scope, sizeof c->scope, "/%s/%.*s", object_collection(c->kind), OBJECT_NAME_MAX,
             m->name);
  else if (r->scope == SCOPE_COLLECTION)
    snprintf(c->scope, sizeof c->scope, "/%s", object_collection(c->kind));
  else
    snprintf(c->scope, sizeof c->scope, "/");
}

const struct route *route_find(struct call *c, enum http_method method, bool *other_method) {
  static pthread_once_t shaped = PTHREAD_ONCE_INIT;
  struct match m;
  pthread_once(&shaped, shape_all);
  *other_method = false;
  for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
    const struct route *r = &routes[i];
    bool fits = match_path(c, &shapes[i], false, &m) ||
                (r->scope == SCOPE_OBJECT && match_path(c, &shapes[i], true, &m) && m.name[0]);
    if (!fits)
      continue;
    if (r->method != method) {
      *other_method = true;
      continue;
    }
    c->name = m.name;
    c->version = m.version;
    c->id = m.id;
    c->kind = kind_of_path(c);
    set_scope(c, r, &m);
    return r;
  }
  return NULL;
}
