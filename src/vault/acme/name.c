/* Identifiers: DNS names, wildcards and addresses, and certificates' names made of them. */
#include "base/write.h"
#include "vault/acme/state.h"

#include <arpa/inet.h>
#include <stdio.h>

#define COMMON_NAME_MAX 64 /* RFC 5280, A.1 */

static bool is_ldh(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* Letters, digits and hyphens, as certificates have them; the last label is no number, which would
 * be taken for an address. */
static bool dns_name_valid(struct bytes name) {
  struct bytes label = { 0 };
  bool digits = true;
  if (name.size == 0 || name.size > 253)
    return false;
  while (name.data) {
    name = bytes_split(name, '.', &label);
    if (label.size == 0 || label.size > 63 || label.data[0] == '-' ||
        label.data[label.size - 1] == '-')
      return false;
    digits = true;
    for (size_t i = 0; i < label.size; i++) {
      if (!is_ldh(label.data[i]))
        return false;
      digits &= label.data[i] >= '0' && label.data[i] <= '9';
    }
  }
  return !digits;
}

static err_t read_dns(struct acme_request *r, struct bytes value, struct acme_authz *z) {
  struct bytes base = value;
  z->wildcard = bytes_starts(value, "*.");
  if (z->wildcard)
    base = bytes_of(value.data + 2, value.size - 2);
  if (bytes_to_cstr(base, z->name, sizeof z->name) != OK)
    PROBLEM(r, ERR_BAD_PARAMETER, "malformed", "A DNS identifier is too long.");
  for (char *c = z->name; *c; c++)
    if (*c >= 'A' && *c <= 'Z')
      *c = (char)(*c | 0x20);
  if (!dns_name_valid(bytes_str(z->name)))
    PROBLEM(r, ERR_BAD_PARAMETER, "malformed",
            "A DNS identifier is no host name: letters, digits and hyphens between dots, with *. "
            "in front for a wildcard.");
  return OK;
}

/* RFC 8738: as RFC 5952 writes it. */
static err_t read_address(struct acme_request *r, struct bytes value, struct acme_authz *z) {
  uint8_t raw[sizeof(struct in6_addr)];
  char text[INET6_ADDRSTRLEN] = "";
  z->address = true;
  if (bytes_to_cstr(value, z->name, sizeof z->name) == OK) {
    int family = strchr(z->name, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(family, z->name, raw) == 1)
      inet_ntop(family, raw, text, sizeof text);
  }
  if (text[0] == '\0' || strcmp(text, z->name) != 0)
    PROBLEM(r, ERR_BAD_PARAMETER, "malformed",
            "An IP identifier is no address in its usual form (RFC 5952).");
  return OK;
}

static err_t read_identifier(struct acme_request *r, json_t *item, struct acme_authz *z) {
  struct bytes type = { 0 }, value = { 0 };
  if (!json_is_object(item))
    PROBLEM(r, ERR_BAD_PARAMETER, "malformed", "An identifier is not an object.");
  TRY(json_get_str(item, "type", &type, NULL));
  TRY(json_get_str(item, "value", &value, NULL));
  if (bytes_equal_str(type, "dns"))
    return read_dns(r, value, z);
  if (bytes_equal_str(type, "ip"))
    return read_address(r, value, z);
  PROBLEM(r, ERR_BAD_PARAMETER, "unsupportedIdentifier", "Identifiers are of type dns or ip.");
}

static bool same(const struct acme_authz *a, const struct acme_authz *b) {
  return a->address == b->address && a->wildcard == b->wildcard && strcmp(a->name, b->name) == 0;
}

err_t acme_read_identifiers(struct acme_request *r, json_t *list, struct acme_order *o) {
  size_t given = json_array_size(list);
  if (given == 0 || given > ACME_NAMES_MAX)
    PROBLEM(r, ERR_BAD_PARAMETER, "malformed", "An order has 1 to %d identifiers.", ACME_NAMES_MAX);
  if (!(o->authzs = mem_zalloc(given * sizeof *o->authzs)))
    return ERR_NOMEM;
  for (size_t i = 0; i < given; i++) {
    struct acme_authz *z = &o->authzs[o->count];
    *z = (struct acme_authz){ 0 };
    TRY(read_identifier(r, json_array_get(list, i), z));
    bool again = false;
    for (size_t k = 0; k < o->count; k++)
      again |= same(&o->authzs[k], z);
    o->count += !again;
  }
  return OK;
}

void acme_full_name(const struct acme_authz *z, char out[static ACME_NAME_SIZE + 3]) {
  snprintf(out, ACME_NAME_SIZE + 3, "%s%s", z->wildcard ? "*." : "", z->name);
}

void acme_profile(const struct acme_order *o, struct acme_names *room, struct cert_profile *out) {
  *out = (struct cert_profile){ .not_before = o->not_before, .not_after = o->not_after };
  struct cert_texts *dns = &out->sans[SAN_DNS], *addresses = &out->sans[SAN_IP];
  dns->items = room->dns;
  addresses->items = room->address;
  room->subject[0] = '\0';
  for (size_t i = 0; i < o->count; i++) {
    struct cert_texts *list = o->authzs[i].address ? addresses : dns;
    acme_full_name(&o->authzs[i], room->text[i]);
    list->items[list->count++] = room->text[i];
    if (!o->authzs[i].address && !room->subject[0] && strlen(room->text[i]) <= COMMON_NAME_MAX)
      snprintf(room->subject, sizeof room->subject, "CN=%.64s", room->text[i]);
  }
  out->subject = room->subject;
}

static void put_subproblem(struct acme_request *r, const struct acme_authz *z, const char *name) {
  struct buf *b = &r->more;
  buf_put_str(b, b->size ? "," : ",\"subproblems\":[");
  buf_put_char(b, '{');
  write_str(b, "type", "urn:ietf:params:acme:error:rejectedIdentifier");
  write_str(b, "detail", err_text(ERR_ACCESS_DENIED));
  write_open(b, "identifier", '{');
  write_str(b, "type", z->address ? "ip" : "dns");
  write_str(b, "value", name);
  write_close(b, '}');
  write_close(b, '}');
}

err_t acme_check_names(struct acme_request *r, const struct acme_order *o) {
  const struct acme_authority *ca = &r->acme->conf.authority;
  char first[ACME_NAME_SIZE + 3] = "";
  AUTO_FREE struct acme_names *room = mem_alloc(sizeof *room);
  if (!room)
    return ERR_NOMEM;
  if (!r->acme->conf.may_request(r->acme->conf.ctx, r->oid))
    PROBLEM(r, ERR_FORBIDDEN, "unauthorized",
            "The account's identity may not have certificates: it lacks a role with the action "
            "'Strongroom/ca/issue/action'.");
  for (size_t i = 0; i < o->count; i++) {
    struct acme_order one = { .authzs = &o->authzs[i], .count = 1 };
    struct cert_profile says;
    acme_profile(&one, room, &says);
    err_t e = ca->check(ca->ca, r->oid, CA_SERVER, &says);
    if (e == OK)
      continue;
    if (e != ERR_ACCESS_DENIED)
      return e;
    if (!first[0])
      memcpy(first, room->text[0], sizeof first);
    put_subproblem(r, &o->authzs[i], room->text[0]);
  }
  if (!first[0])
    return OK;
  buf_put_char(&r->more, ']');
  PROBLEM(r, ERR_FORBIDDEN, "rejectedIdentifier",
          "The account's identity may not have a certificate for %s.", first);
}
