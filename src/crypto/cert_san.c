/* Lists of texts, and subject alternative names in both directions. */
#include "crypto/cert_evp.h"

#include <arpa/inet.h>
#include <ctype.h>

#define LABEL_MAX 63
#define DNS_MAX 253
#define NAME_MAX_SIZE 2048

void cert_texts_free(struct cert_texts *list) {
  for (size_t i = 0; i < list->count; i++)
    mem_free((void *)list->items[i]);
  mem_free(list->items);
  *list = (struct cert_texts){ 0 };
}

err_t cert_texts_add(struct cert_texts *list, struct bytes text) {
  if (list->count == CERT_TEXTS_MAX)
    REFUSE(ERR_BAD_PARAMETER, "The certificate has more than %d names or usages of one kind.",
           CERT_TEXTS_MAX);
  if (text.size > NAME_MAX_SIZE || !text_is_plain(text))
    REFUSE(ERR_BAD_PARAMETER,
           "The certificate has a name that is too long or has control characters.");
  char *copy AUTO_FREE = mem_zalloc(text.size + 1);
  const char **items = mem_realloc(list->items, (list->count + 1) * sizeof *items);
  if (items)
    list->items = items;
  if (!copy || !items)
    return ERR_NOMEM;
  if (text.size)
    memcpy(copy, text.data, text.size);
  list->items[list->count++] = TAKE(copy);
  return OK;
}

static bool is_label(struct bytes label) {
  if (label.size == 0 || label.size > LABEL_MAX || label.data[0] == '-' ||
      label.data[label.size - 1] == '-')
    return false;
  for (size_t i = 0; i < label.size; i++)
    if (label.data[i] >= 0x80 ||
        !(isalnum(label.data[i]) || label.data[i] == '-' || label.data[i] == '_'))
      return false;
  return true;
}

/* Labels between dots; the first may be "*" where a wildcard is taken and something follows. */
static bool is_host(struct bytes name, bool wildcard) {
  struct bytes label;
  if (name.size == 0 || name.size > DNS_MAX || name.data[name.size - 1] == '.')
    return false;
  if (wildcard && bytes_starts(name, "*."))
    name = bytes_of(name.data + 2, name.size - 2);
  while (name.data) {
    name = bytes_split(name, '.', &label);
    if (!is_label(label))
      return false;
  }
  return true;
}

bool text_is_host(struct bytes text) {
  return is_host(text, false);
}

/* What a URI (RFC 3986) or an address (RFC 5321, unquoted) is made of. */
static bool is_printable(struct bytes text, const char *but_not) {
  for (size_t i = 0; i < text.size; i++)
    if (text.data[i] <= ' ' || text.data[i] >= 0x7f || strchr(but_not, text.data[i]))
      return false;
  return text.size > 0 && text.size <= NAME_MAX_SIZE;
}

static bool is_email(struct bytes text) {
  struct bytes local, domain = bytes_split(text, '@', &local);
  return local.size <= 64 && is_printable(local, "()<>[]:;,\\\"") && domain.data &&
         is_host(domain, false);
}

static bool is_uri(struct bytes text) {
  struct bytes scheme, rest = bytes_split(text, ':', &scheme);
  if (scheme.size == 0 || !isalpha(scheme.data[0]) || rest.size == 0)
    return false;
  for (size_t i = 0; i < scheme.size; i++)
    if (!isalnum(scheme.data[i]) && !strchr("+-.", scheme.data[i]))
      return false;
  return is_printable(text, "\"<>\\^`{|}");
}

static bool is_upn(struct bytes text) {
  return text.size > 0 && text.size <= NAME_MAX_SIZE && text_is_plain(text);
}

static int read_address(const char *text, uint8_t out[static sizeof(struct in6_addr)]) {
  return inet_pton(AF_INET, text, out) == 1    ? (int)sizeof(struct in_addr)
         : inet_pton(AF_INET6, text, out) == 1 ? (int)sizeof(struct in6_addr)
                                               : 0;
}

static const struct kind {
  const char *what;
  int general; /* GENERAL_NAME's type */
} kinds[SAN_KINDS] = {
  [SAN_DNS] = { "a DNS name", GEN_DNS },     [SAN_EMAIL] = { "an e-mail address", GEN_EMAIL },
  [SAN_UPN] = { "a UPN", GEN_OTHERNAME },    [SAN_URI] = { "a URI", GEN_URI },
  [SAN_IP] = { "an IP address", GEN_IPADD },
};

static bool is_valid(enum cert_san kind, const char *text) {
  uint8_t address[sizeof(struct in6_addr)];
  struct bytes t = bytes_str(text);
  switch (kind) {
  case SAN_DNS:
    return is_host(t, true);
  case SAN_EMAIL:
    return is_email(t);
  case SAN_UPN:
    return is_upn(t);
  case SAN_URI:
    return is_uri(t);
  default:
    return read_address(text, address) > 0;
  }
}

/* Takes *value over. */
static err_t set_value(GENERAL_NAME *name, enum cert_san kind, ASN1_STRING **value) {
  if (kind != SAN_UPN) {
    GENERAL_NAME_set0_value(name, kinds[kind].general, TAKE(*value));
    return OK;
  }
  ASN1_TYPE *type = ASN1_TYPE_new();
  if (!type)
    EVP_FAIL(ERR_NOMEM, "UPN");
  ASN1_TYPE_set(type, V_ASN1_UTF8STRING, TAKE(*value));
  if (!GENERAL_NAME_set0_othername(name, OBJ_nid2obj(NID_ms_upn), type)) {
    ASN1_TYPE_free(type);
    EVP_FAIL(ERR_NOMEM, "UPN");
  }
  return OK;
}

static err_t add_name(enum cert_san kind, const char *text, GENERAL_NAMES *names) {
  uint8_t address[sizeof(struct in6_addr)];
  if (!is_valid(kind, text))
    REFUSE(ERR_BAD_PARAMETER, "Property sans has invalid value: '%.256s' is not %s\r\n",
           text_is_plain(bytes_str(text)) ? text : "", kinds[kind].what);
  int size = kind == SAN_IP ? read_address(text, address) : -1;
  GENERAL_NAME *name AUTO(general_name) = GENERAL_NAME_new();
  ASN1_STRING *value AUTO(asn1_string) = ASN1_STRING_type_new(kind == SAN_IP ? V_ASN1_OCTET_STRING
                                                              : kind == SAN_UPN ? V_ASN1_UTF8STRING
                                                                                : V_ASN1_IA5STRING);
  if (!name || !value ||
      !ASN1_STRING_set(value, kind == SAN_IP ? (const void *)address : text, size))
    EVP_FAIL(ERR_NOMEM, "subjectAltName");
  TRY(set_value(name, kind, &value));
  if (!sk_GENERAL_NAME_push(names, name))
    EVP_FAIL(ERR_NOMEM, "subjectAltName");
  name = NULL;
  return OK;
}

err_t sans_make(const struct cert_profile *p, GENERAL_NAMES **out) {
  GENERAL_NAMES *names AUTO(general_names) = GENERAL_NAMES_new();
  if (!names)
    EVP_FAIL(ERR_NOMEM, "subjectAltName");
  for (unsigned kind = 0; kind < SAN_KINDS; kind++) {
    const struct cert_texts *list = &p->sans[kind];
    if (list->count > CERT_TEXTS_MAX)
      REFUSE(ERR_BAD_PARAMETER, "Property sans has invalid value: at most %d names of one kind\r\n",
             CERT_TEXTS_MAX);
    for (size_t i = 0; i < list->count; i++)
      TRY(add_name((enum cert_san)kind, list->items[i], names));
  }
  if (sk_GENERAL_NAME_num(names) > 0)
    *out = TAKE(names);
  return OK;
}

static err_t read_ip(struct bytes address, struct cert_texts *list) {
  char text[INET6_ADDRSTRLEN];
  int family = address.size == sizeof(struct in_addr) ? AF_INET : AF_INET6;
  if (family == AF_INET6 && address.size != sizeof(struct in6_addr))
    REFUSE(ERR_BAD_PARAMETER, "The certificate has an IP address of %zu bytes.", address.size);
  if (!inet_ntop(family, address.data, text, sizeof text))
    FAIL(ERR_INTERNAL, "an address as text");
  return cert_texts_add(list, bytes_str(text));
}

static struct bytes string_bytes(const ASN1_STRING *s) {
  return bytes_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static err_t read_name(const GENERAL_NAME *name, struct cert_profile *p) {
  int general = 0;
  const void *value = GENERAL_NAME_get0_value(name, &general);
  if (general == GEN_OTHERNAME) {
    const OTHERNAME *other = value;
    if (OBJ_obj2nid(other->type_id) != NID_ms_upn ||
        ASN1_TYPE_get(other->value) != V_ASN1_UTF8STRING)
      return OK;
    return cert_texts_add(&p->sans[SAN_UPN], string_bytes(other->value->value.utf8string));
  }
  if (general == GEN_IPADD)
    return read_ip(string_bytes(value), &p->sans[SAN_IP]);
  for (unsigned kind = 0; kind < SAN_KINDS; kind++)
    if (kinds[kind].general == general)
      return cert_texts_add(&p->sans[kind], string_bytes(value));
  return OK;
}

err_t sans_read(const GENERAL_NAMES *names, struct cert_profile *p) {
  for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
    TRY(read_name(sk_GENERAL_NAME_value(names, i), p));
  return OK;
}
