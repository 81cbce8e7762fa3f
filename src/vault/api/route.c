/* The route table and its matching. Literal segments compare without case (clients write wrapKey
 * and wrapkey). */
#include "vault/api/api.h"

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
  if (bytes_equal_str(pattern, "{name}"))
    m->name = text;
  else if (bytes_equal_str(pattern, "{version}"))
    m->version = text;
  else if (bytes_equal_str(pattern, "{id}"))
    m->id = text;
  else
    return bytes_equal_nocase(pattern, text);
  return true;
}

/* A trailing {version} or one before an operation may be left out altogether. */
static bool match_path(const struct call *c, const struct route *r, bool skip_version,
                       struct match *m) {
  struct bytes rest = bytes_str(r->path), pattern;
  size_t i = 0;
  *m = (struct match){ "", "", "", "" };
  while (rest.data) {
    rest = bytes_split(rest, '/', &pattern);
    if (bytes_equal_str(pattern, "{scope}")) {
      if (!match_scope(c, &i, m->scope))
        return false;
      continue;
    }
    if (skip_version && bytes_equal_str(pattern, "{version}"))
      continue;
    if (i == c->segment_count || !match_segment(pattern, c->segments[i], m))
      return false;
    i++;
  }
  return i == c->segment_count;
}

static void set_scope(struct call *c, const struct route *r, const struct match *m) {
  if (r->scope == SCOPE_PATH)
    memcpy(c->scope, m->scope, sizeof c->scope);
  else if (r->scope == SCOPE_KEY)
    snprintf(c->scope, sizeof c->scope, "/keys/%.*s", KEY_NAME_MAX, m->name);
  else
    snprintf(c->scope, sizeof c->scope, r->scope == SCOPE_KEYS ? "/keys" : "/");
}

const struct route *route_find(struct call *c, enum http_method method, bool *other_method) {
  struct match m;
  *other_method = false;
  for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
    const struct route *r = &routes[i];
    bool fits = match_path(c, r, false, &m) ||
                (r->scope == SCOPE_KEY && match_path(c, r, true, &m) && m.name[0]);
    if (!fits)
      continue;
    if (r->method != method) {
      *other_method = true;
      continue;
    }
    c->name = m.name;
    c->version = m.version;
    c->id = m.id;
    set_scope(c, r, &m);
    return r;
  }
  return NULL;
}
