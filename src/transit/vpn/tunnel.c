#include "transit/vpn/tunnel.h"

#include "transit/vpn/connection.h"

#include <stdio.h>

/* Parts of an algorithm's description, as they come. */
struct algs {
  struct bytes encr, keysize, integ, prf, dh;
};

static void write_algs(const struct algs *a, char out[static TUNNEL_ALGS]) {
  const struct bytes parts[] = { a->integ, a->prf, a->dh };
  int n = snprintf(out, TUNNEL_ALGS, BYTES_FMT "%s" BYTES_FMT, BYTES_ARG(a->encr),
                   a->keysize.size ? "-" : "", BYTES_ARG(a->keysize));
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (parts[i].size && n < TUNNEL_ALGS)
      n += snprintf(out + n, (size_t)(TUNNEL_ALGS - n), "/" BYTES_FMT, BYTES_ARG(parts[i]));
}

static bool take_alg(struct bytes name, struct bytes value, struct algs *a) {
  const struct {
    const char *name;
    struct bytes *to;
  } fields[] = { { "encr-alg", &a->encr },
                 { "encr-keysize", &a->keysize },
                 { "integ-alg", &a->integ },
                 { "prf-alg", &a->prf },
                 { "dh-group", &a->dh } };
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (bytes_equal_str(name, fields[i].name)) {
      *fields[i].to = value;
      return true;
    }
  return false;
}

static void take_number(struct bytes value, uint64_t *out) {
  uint64_t n;
  if (bytes_to_u64(value, UINT64_MAX, &n) == OK)
    *out = n;
}

static void add_number(struct bytes value, uint64_t *sum) {
  uint64_t n = 0;
  take_number(value, &n);
  *sum += n;
}

static bool is_one_of(struct bytes value, const char *const *words, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (bytes_equal_str(value, words[i]))
      return true;
  return false;
}

/* States: those of ike_sa_state_names and child_sa_state_names. */
static const char *const established[] = { "ESTABLISHED", "REKEYING", "REKEYED" };
static const char *const installed[] = { "INSTALLED", "REKEYING", "REKEYED", "UPDATING" };
#define IS(value, words) is_one_of(value, words, sizeof(words) / sizeof *(words))

static void take_ike(struct bytes name, struct bytes value, struct tunnel *t, struct algs *a) {
  if (take_alg(name, value, a))
    return;
  if (bytes_equal_str(name, "uniqueid"))
    take_number(value, &t->id);
  else if (bytes_equal_str(name, "established"))
    take_number(value, &t->since_s);
  else if (bytes_equal_str(name, "state")) {
    t->established = IS(value, established);
    t->dialling = bytes_equal_str(value, "CONNECTING") || bytes_equal_str(value, "CREATED");
  } else if (bytes_equal_str(name, "nat-any"))
    t->nat = bytes_equal_str(value, "yes");
  else if (bytes_equal_str(name, "remote-host"))
    IGNORE(bytes_to_cstr(value, t->address, sizeof t->address));
}

static void take_child(struct bytes name, struct bytes value, struct tunnel *t, struct algs *a) {
  if (take_alg(name, value, a))
    return;
  if (bytes_equal_str(name, "state"))
    t->up |= IS(value, installed);
  else if (bytes_equal_str(name, "bytes-in"))
    add_number(value, &t->in);
  else if (bytes_equal_str(name, "bytes-out"))
    add_number(value, &t->out);
}

err_t tunnel_parse(struct bytes message, const struct site *s, struct tunnels *out) {
  struct vici_reader r = vici_reader_of(message);
  struct tunnel t = { 0 };
  struct algs ike = { 0 }, esp = { 0 };
  struct bytes name, value, connection = { 0 };
  while (vici_read(&r, &name, &value)) {
    if (r.list.data || r.depth == 0)
      continue;
    connection = r.section[0];
    if (r.depth == 1)
      take_ike(name, value, &t, &ike);
    else if (r.depth == 3 && bytes_equal_str(r.section[1], "child-sas"))
      take_child(name, value, &t, &esp);
  }
  if (r.bad)
    FAIL(ERR_CORRUPT, "strongSwan's list of tunnels is malformed");
  t.up = t.up && t.established;
  t.peer = connection.data ? site_peer(s, connection) : NULL;
  write_algs(&ike, t.ike);
  write_algs(&esp, t.esp);
  if (t.peer && out->count < TUNNELS_MAX)
    out->items[out->count++] = t;
  return OK;
}

struct listing {
  const struct site *site;
  struct tunnels *out;
};

static err_t take_one(void *ctx, struct bytes message) {
  struct listing *l = ctx;
  return tunnel_parse(message, l->site, l->out);
}

err_t tunnels_list(struct vici *v, const struct site *s, struct tunnels *out) {
  struct listing l = { s, out };
  out->count = 0;
  return vici_list(v, "list-sas", "list-sa", NULL, take_one, &l);
}

static bool is_better(const struct tunnel *a, const struct tunnel *b) {
  uint64_t bytes = a->in + a->out, others = b->in + b->out;
  if (a->up != b->up)
    return a->up;
  if (a->established != b->established)
    return a->established;
  return bytes != others ? bytes > others : a->since_s < b->since_s;
}

const struct tunnel *tunnels_best(const struct tunnels *t, const struct site_peer *p) {
  const struct tunnel *best = NULL;
  for (size_t i = 0; i < t->count; i++)
    if (t->items[i].peer == p && (!best || is_better(&t->items[i], best)))
      best = &t->items[i];
  return best;
}

void tunnels_bytes(const struct tunnels *t, const struct site_peer *p, uint64_t *in,
                   uint64_t *out) {
  *in = *out = 0;
  for (size_t i = 0; i < t->count; i++)
    if (t->items[i].peer == p) {
      *in += t->items[i].in;
      *out += t->items[i].out;
    }
}

err_t tunnel_dial(struct vici *v, const struct site_peer *p) {
  AUTO_BUF request = BUF_EMPTY;
  vici_put_str(&request, "ike", p->name);
  vici_put_str(&request, "child", CONNECTION_CHILD);
  vici_put_str(&request, "timeout", "-1");
  return vici_call(v, "initiate", &request, NULL);
}

err_t tunnel_end(struct vici *v, uint64_t id) {
  AUTO_BUF request = BUF_EMPTY;
  vici_put_u64(&request, "ike-id", id);
  vici_put_str(&request, "force", "yes");
  vici_put_str(&request, "timeout", "-1");
  return vici_call(v, "terminate", &request, NULL);
}

err_t tunnel_renew(struct vici *v, uint64_t id) {
  AUTO_BUF request = BUF_EMPTY;
  vici_put_u64(&request, "ike-id", id);
  vici_put_str(&request, "reauth", "yes");
  return vici_call(v, "rekey", &request, NULL);
}
