#include "transit/vpn/site.h"

#include "base/conf.h"
#include "base/file.h"
#include "transit/enrol.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>

#define FILE_MAX (256u * 1024)
#define LABEL_MAX 63
#define SECONDS_MAX (7u * 86400)

static const struct conf_key site_keys[] = {
  { "name", CONF_STR, "", 0, 0, "", "NAME", NULL },
  { "address", CONF_STR, SITE_ANY, 0, 0, "", "ADDRESS", NULL },
  { "subnets", CONF_LIST, "", 0, 0, "", "SUBNET", NULL },
  { "policy", CONF_STR, "strict", 0, 0, "", "POLICY", VPN_POLICIES },
  { "esp", CONF_STR, "auto", 0, 0, "", "WHERE", "auto kernel user" },
  { "nat", CONF_STR, "auto", 0, 0, "", "WHEN", "auto always" },
  { "dpd_seconds", CONF_UINT, "30", 1, 3600, "", "N", NULL },
  { "revocation_seconds", CONF_UINT, "300", 1, 86400, "", "N", NULL },
  { "certificate_seconds", CONF_UINT, "0", 0, 400ull * 86400, "", "N", NULL },
  { "log_level", CONF_UINT, "0", 0, 2, "", "N", NULL },
  { "state", CONF_STR, SITE_STATE, 0, 0, "", "DIR", NULL },
};
static const struct conf_key peer_keys[] = {
  { "address", CONF_STR, SITE_ANY, 0, 0, "", "ADDRESS", NULL },
  { "subnets", CONF_LIST, "", 0, 0, "", "SUBNET", NULL },
  { "local", CONF_LIST, "", 0, 0, "", "SUBNET", NULL },
  { "policy", CONF_STR, "site", 0, 0, "", "POLICY", "site " VPN_POLICIES },
  { "ike_seconds", CONF_UINT, "0", 0, SECONDS_MAX, "", "N", NULL },
  { "reauth_seconds", CONF_UINT, "0", 0, SECONDS_MAX, "", "N", NULL },
  { "esp_seconds", CONF_UINT, "0", 0, SECONDS_MAX, "", "N", NULL },
};
#define COUNT(a) (sizeof(a) / sizeof *(a))

/* --- names and addresses --- */

bool site_name_valid(const char *name) {
  size_t label = 0;
  bool letter = false;
  for (const char *p = name; *p; p++) {
    unsigned char c = (unsigned char)*p;
    bool dot = c == '.', edge = label == 0 || p[1] == '.' || p[1] == '\0';
    if (dot ? label == 0 || p[1] == '\0' : c >= 0x80 || !(isalnum(c) || (c == '-' && !edge)))
      return false;
    letter |= isalpha(c) != 0;
    label = dot ? 0 : label + 1;
    if (label > LABEL_MAX)
      return false;
  }
  return letter && strlen(name) < SITE_NAME_SIZE;
}

static bool is_ip(const char *text) {
  uint8_t unused[16];
  return inet_pton(AF_INET, text, unused) == 1 || inet_pton(AF_INET6, text, unused) == 1;
}

bool site_overlap(const struct cidr *a, const struct cidr *b) {
  return cidr_covers(a, b) || cidr_covers(b, a);
}

/* No place of a host that others reach. */
static bool is_special(const struct cidr *net) {
  static const char *const specials[] = {
    "0.0.0.0", "127.0.0.0/8", "224.0.0.0/4", "255.255.255.255", "::1", "::", "ff00::/8"
  };
  struct cidr special;
  for (size_t i = 0; i < COUNT(specials); i++)
    if (cidr_parse(bytes_str(specials[i]), &special) && cidr_covers(&special, net))
      return true;
  return false;
}

/* The first pair that overlaps; false where there is none. */
static bool nets_overlap(const struct site_nets *a, const struct site_nets *b,
                         const struct site_net **left, const struct site_net **right) {
  for (size_t i = 0; i < a->count; i++)
    for (size_t k = 0; k < b->count; k++)
      if (site_overlap(&a->items[i].is, &b->items[k].is)) {
        *left = &a->items[i];
        *right = &b->items[k];
        return true;
      }
  return false;
}

/* --- sections --- */

/* One part of the file, with empty lines in the place of the others, so that lines keep their
 * numbers. */
struct part {
  struct buf text;
  char name[SITE_NAME_SIZE]; /* of a peer; "" for the site's own */
};
struct parts {
  struct part items[SITE_PEERS_MAX + 1];
  size_t count;
};
static void parts_free(struct parts *p) {
  for (size_t i = 0; i < p->count; i++)
    buf_free(&p->items[i].text);
  mem_free(p);
}
CLEANUP(parts, struct parts *, parts_free)

/* "[peer NAME]": true, with the name, which may be empty. */
static bool is_peer_section(struct bytes line, struct bytes *name) {
  struct bytes word, inside = bytes_trim(line);
  if (inside.size < 2 || inside.data[0] != '[' || inside.data[inside.size - 1] != ']')
    return false;
  inside = bytes_trim(bytes_of(inside.data + 1, inside.size - 2));
  *name = bytes_trim(bytes_split(inside, ' ', &word));
  return bytes_equal_str(word, "peer");
}

static err_t begin_peer(struct parts *p, struct bytes name, int line, const char *origin) {
  if (p->count > SITE_PEERS_MAX)
    FAIL(ERR_CONFIG, "%s line %d: more than %d peers", origin, line, SITE_PEERS_MAX);
  struct part *peer = &p->items[p->count++];
  *peer = (struct part){ .text = BUF_EMPTY };
  if (bytes_to_cstr(name, peer->name, sizeof peer->name) != OK || !site_name_valid(peer->name))
    FAIL(ERR_CONFIG,
         "%s line %d: a peer's section is written [peer NAME], with the DNS name in its "
         "certificate, not '" BYTES_FMT "'",
         origin, line, BYTES_ARG(name));
  for (size_t i = 1; i + 1 < p->count; i++)
    if (bytes_equal_nocase(name, p->items[i].name))
      FAIL(ERR_CONFIG, "%s line %d: the peer %s is there already", origin, line, peer->name);
  for (int i = 0; i < line; i++)
    buf_put_char(&peer->text, '\n');
  return OK;
}

static err_t split(struct bytes text, const char *origin, struct parts *p) {
  struct bytes line, name;
  size_t at = 0;
  *p = (struct parts){ .count = 1 };
  for (int number = 1; text.data; number++) {
    text = bytes_split(text, '\n', &line);
    if (line.size && line.data[line.size - 1] == '\r')
      line.size--;
    bool begins = bytes_trim(line).size && bytes_trim(line).data[0] == '[';
    if (is_peer_section(line, &name)) {
      at = p->count;
      TRY(begin_peer(p, name, number, origin));
      line.size = 0;
    } else {
      at = begins ? 0 : at;
      buf_put_bytes(&p->items[at].text, line);
      buf_put_char(&p->items[at].text, '\n');
    }
    if (at)
      buf_put_char(&p->items[0].text, '\n');
  }
  for (size_t i = 0; i < p->count; i++)
    TRY(buf_ok(&p->items[i].text));
  return OK;
}

/* --- values --- */

static err_t read_nets(const struct conf *c, const char *key, const char *whose,
                       struct site_nets *out) {
  const char *const *items;
  size_t count = conf_list(c, key, &items);
  if (count > SITE_NETS_MAX)
    FAIL(ERR_CONFIG, "%s: %s has more than %d networks", whose, key, SITE_NETS_MAX);
  for (size_t i = 0; i < count; i++) {
    struct site_net *n = &out->items[out->count++];
    if (!cidr_parse(bytes_str(items[i]), &n->is) || strlen(items[i]) >= sizeof n->text)
      FAIL(ERR_CONFIG,
           "%s: '%s' is no network: it is written 10.1.0.0/24, with no bits behind the prefix",
           whose, items[i]);
    snprintf(n->text, sizeof n->text, "%s", items[i]);
    if (is_special(&n->is))
      FAIL(ERR_CONFIG, "%s: %s is no network that another site could reach", whose, n->text);
    for (size_t k = 0; k + 1 < out->count; k++)
      if (site_overlap(&out->items[k].is, &n->is))
        FAIL(ERR_CONFIG, "%s: %s and %s overlap", whose, out->items[k].text, n->text);
  }
  return OK;
}

static err_t read_address(const struct conf *c, const char *whose, bool names,
                          char out[static SITE_NAME_SIZE]) {
  const char *text = conf_str(c, "address");
  struct cidr one;
  if (strcmp(text, SITE_ANY) != 0 && !is_ip(text) && !(names && site_name_valid(text)))
    FAIL(ERR_CONFIG, "%s: address = %s is no IP address%s, nor %s", whose, text,
         names ? " or DNS name" : "", SITE_ANY);
  if (cidr_parse(bytes_str(text), &one) && is_special(&one))
    FAIL(ERR_CONFIG, "%s: address = %s is none of a gateway; %s stands for any", whose, text,
         SITE_ANY);
  snprintf(out, SITE_NAME_SIZE, "%s", text);
  return OK;
}

static err_t read_site(const struct conf *c, const char *origin, struct site *s) {
  static const char *const places[] = { "auto", "kernel", "user" };
  const char *name = conf_str(c, "name"), *state = conf_str(c, "state");
  if (!site_name_valid(name))
    FAIL(ERR_CONFIG, "%s: name = %s is no DNS name: it is what our certificate is for", origin,
         name);
  snprintf(s->name, sizeof s->name, "%s", name);
  TRY(read_address(c, origin, false, s->address));
  TRY(read_nets(c, "subnets", origin, &s->nets));
  if (s->nets.count == 0)
    FAIL(ERR_CONFIG, "%s: subnets is missing: the networks of this site", origin);
  if (state[0] != '/' || strlen(state) >= sizeof s->state)
    FAIL(ERR_CONFIG, "%s: state takes an absolute path of at most %zu bytes, not %s", origin,
         sizeof s->state - 1, state);
  snprintf(s->state, sizeof s->state, "%s", state);
  for (size_t i = 0; i < COUNT(places); i++)
    if (strcmp(conf_str(c, "esp"), places[i]) == 0)
      s->esp = (enum site_esp)i;
  s->encap = strcmp(conf_str(c, "nat"), "always") == 0;
  s->dpd_s = (unsigned)conf_uint(c, "dpd_seconds");
  s->lists_s = (unsigned)conf_uint(c, "revocation_seconds");
  s->lifetime_s = conf_uint(c, "certificate_seconds");
  if (s->lifetime_s && s->lifetime_s < ENROL_LIFETIME_MIN_S)
    FAIL(ERR_CONFIG,
         "%s: certificate_seconds takes %d at least: a shorter life can't be renewed in time",
         origin, ENROL_LIFETIME_MIN_S);
  s->log_level = (unsigned)conf_uint(c, "log_level");
  return OK;
}

static unsigned seconds_of(const struct conf *c, const char *key, unsigned fallback) {
  unsigned given = (unsigned)conf_uint(c, key);
  return given ? given : fallback;
}

static err_t read_peer(const struct conf *c, const struct site *s, const char *site_policy,
                       struct site_peer *p) {
  const char *policy = conf_str(c, "policy");
  TRY(read_address(c, p->name, true, p->address));
  TRY(read_nets(c, "subnets", p->name, &p->nets));
  TRY(read_nets(c, "local", p->name, &p->local));
  if (p->nets.count == 0)
    FAIL(ERR_CONFIG, "%s: subnets is missing: the networks behind the peer", p->name);
  if (p->local.count == 0)
    p->local = s->nets;
  p->policy = vpn_policy_find(strcmp(policy, "site") == 0 ? site_policy : policy);
  p->ike_s = seconds_of(c, "ike_seconds", p->policy->ike_s);
  p->reauth_s = seconds_of(c, "reauth_seconds", p->policy->reauth_s);
  p->esp_s = seconds_of(c, "esp_seconds", p->policy->esp_s);
  return OK;
}

/* --- all together --- */

static bool has_family(const struct site_nets *nets, uint8_t size) {
  for (size_t i = 0; i < nets->count; i++)
    if (nets->items[i].is.size == size)
      return true;
  return false;
}

/* Both ends of a tunnel, and what is in it, are IPv4 or IPv6. */
static err_t check_families(const struct site *s, const struct site_peer *p) {
  struct cidr ours, theirs;
  bool v4 = has_family(&p->local, 4) && has_family(&p->nets, 4);
  bool v6 = has_family(&p->local, 16) && has_family(&p->nets, 16);
  if (!v4 && !v6)
    FAIL(ERR_CONFIG, "%s: one side's networks are IPv4, the other's IPv6: there is nothing to join",
         p->name);
  if (cidr_parse(bytes_str(s->address), &ours) && cidr_parse(bytes_str(p->address), &theirs) &&
      ours.size != theirs.size)
    FAIL(ERR_CONFIG, "%s: its address %s and this site's own, %s, are not both IPv4 or IPv6",
         p->name, p->address, s->address);
  return OK;
}

/* No gateway is in a tunnel. */
static err_t check_outside(const struct site *s, const struct site_peer *p) {
  struct cidr outside;
  for (size_t k = 0; k < p->nets.count; k++) {
    const struct site_net *net = &p->nets.items[k];
    if (cidr_parse(bytes_str(s->address), &outside) && cidr_covers(&net->is, &outside))
      FAIL(ERR_CONFIG, "%s of %s holds this site's own address %s: a tunnel can't run in a tunnel",
           net->text, p->name, s->address);
    for (size_t i = 0; i < s->peer_count; i++)
      if (cidr_parse(bytes_str(s->peers[i].address), &outside) && cidr_covers(&net->is, &outside))
        FAIL(ERR_CONFIG,
             "%s of %s holds the address of the peer %s: a tunnel can't run in a tunnel", net->text,
             p->name, s->peers[i].name);
  }
  return OK;
}

static err_t check_peer(const struct site *s, size_t at) {
  const struct site_peer *p = &s->peers[at];
  const struct site_net *left, *right;
  if (bytes_equal_nocase(bytes_str(p->name), s->name))
    FAIL(ERR_CONFIG, "the peer %s has this site's own name", p->name);
  if (nets_overlap(&s->nets, &p->nets, &left, &right))
    FAIL(ERR_CONFIG, "%s of this site and %s of %s overlap: no network can be at both ends",
         left->text, right->text, p->name);
  if (nets_overlap(&p->local, &p->nets, &left, &right))
    FAIL(ERR_CONFIG, "%s: local has %s, which overlaps its own %s", p->name, left->text,
         right->text);
  for (size_t i = 0; i < at; i++)
    if (nets_overlap(&s->peers[i].nets, &p->nets, &left, &right))
      FAIL(ERR_CONFIG, "%s of %s and %s of %s overlap", left->text, s->peers[i].name, right->text,
           p->name);
  TRY(check_families(s, p));
  return check_outside(s, p);
}

static err_t parse_part(const struct conf_key *keys, size_t count, struct part *part,
                        const char *origin, struct conf **out) {
  AUTO(conf) struct conf *c = NULL;
  TRY(conf_new(keys, count, &c));
  TRY(conf_parse(c, buf_bytes(&part->text), origin));
  *out = TAKE(c);
  return OK;
}

static err_t parse_peers(struct parts *parts, const char *origin, const char *policy,
                         struct site *s) {
  if (parts->count == 1)
    FAIL(ERR_CONFIG, "%s: there is no [peer NAME] section", origin);
  if (!(s->peers = mem_zalloc((parts->count - 1) * sizeof *s->peers)))
    return ERR_NOMEM;
  for (size_t i = 1; i < parts->count; i++) {
    AUTO(conf) struct conf *c = NULL;
    struct site_peer *p = &s->peers[s->peer_count++];
    memcpy(p->name, parts->items[i].name, sizeof p->name);
    TRY(parse_part(peer_keys, COUNT(peer_keys), &parts->items[i], origin, &c));
    TRY(read_peer(c, s, policy, p));
  }
  for (size_t i = 0; i < s->peer_count; i++)
    TRY(check_peer(s, i));
  return OK;
}

err_t site_parse(struct bytes text, const char *origin, struct site **out) {
  AUTO(parts) struct parts *parts = mem_zalloc(sizeof *parts);
  AUTO(site) struct site *s = mem_zalloc(sizeof *s);
  AUTO(conf) struct conf *c = NULL;
  if (!parts || !s)
    return ERR_NOMEM;
  TRY(split(text, origin, parts));
  TRY(parse_part(site_keys, COUNT(site_keys), &parts->items[0], origin, &c));
  TRY(read_site(c, origin, s));
  TRY(parse_peers(parts, origin, conf_str(c, "policy"), s));
  *out = TAKE(s);
  return OK;
}

err_t site_read(const char *path, struct site **out) {
  AUTO_BUF text = BUF_EMPTY;
  TRY(file_read(path, FILE_MAX, &text));
  return site_parse(buf_bytes(&text), path, out);
}

void site_free(struct site *s) {
  mem_free(s->peers);
  mem_free(s);
}

const struct site_peer *site_peer(const struct site *s, struct bytes name) {
  for (size_t i = 0; i < s->peer_count; i++)
    if (bytes_equal_nocase(name, s->peers[i].name))
      return &s->peers[i];
  return NULL;
}
