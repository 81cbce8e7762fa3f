/* The bodies of requests to the authority. */
#include "vault/api/ca_read.h"

#include "base/cidr.h"
#include "crypto/x509.h"

#define NAME_TEXT_MAX 512

static err_t read_text(const json_t *item, const char *what, char out[static NAME_TEXT_MAX + 1]) {
  struct bytes text = { 0 };
  if (json_is_string(item))
    text = bytes_of(json_string_value(item), json_string_length(item));
  if (text.size == 0 || bytes_to_cstr(text, out, NAME_TEXT_MAX + 1) != OK)
    REFUSE(ERR_BAD_PARAMETER, "Property %s has invalid value: texts of 1 to %d bytes\r\n", what,
           NAME_TEXT_MAX);
  return OK;
}

err_t ca_read_texts(json_t *body, const char *field, struct cert_texts *out) {
  json_t *list = NULL, *item;
  size_t i;
  char text[NAME_TEXT_MAX + 1];
  TRY(json_get_array(body, field, &list));
  json_array_foreach(list, i, item) {
    TRY(read_text(item, field, text));
    TRY(cert_texts_add(out, bytes_str(text)));
  }
  return OK;
}

static enum cert_san kind_of_name(const char *name) {
  struct cidr unused;
  if (strstr(name, "://"))
    return SAN_URI;
  if (strchr(name, '@'))
    return SAN_EMAIL;
  return cidr_parse(bytes_str(name), &unused) ? SAN_IP : SAN_DNS;
}

/* Names in the body replace those of the request. */
static err_t read_names(json_t *body, struct cert_profile *says) {
  struct cert_texts names __attribute__((cleanup(cert_texts_free))) = { 0 };
  TRY(ca_read_texts(body, "names", &names));
  if (names.count == 0)
    return OK;
  for (unsigned kind = 0; kind < SAN_KINDS; kind++)
    cert_texts_free(&says->sans[kind]);
  for (size_t i = 0; i < names.count; i++)
    TRY(cert_texts_add(&says->sans[kind_of_name(names.items[i])], bytes_str(names.items[i])));
  return OK;
}

static err_t read_csr(json_t *body, struct cert_info *info) {
  struct bytes text = { 0 };
  AUTO_BUF der = BUF_EMPTY;
  TRY(json_get_str(body, "csr", &text, NULL));
  if (text.size == 0)
    REFUSE(ERR_BAD_PARAMETER, "Property csr is required: a PKCS#10 request, PEM or base64\r\n");
  if (bytes_starts(text, "-----")) {
    TRY(x509_request_from_pem(text, &der));
    return cert_request_read(buf_bytes(&der), info);
  }
  if (!buf_reserve(&der, text.size))
    return ERR_NOMEM;
  if (b64_decode(text, der.data, text.size, &der.size) != OK)
    REFUSE(ERR_BAD_PARAMETER, "Property csr has invalid value: PEM or base64 expected\r\n");
  return cert_request_read(buf_bytes(&der), info);
}

static err_t read_subject(json_t *body, struct cert_profile *says) {
  struct bytes text = { 0 };
  bool found = false;
  TRY(json_get_str(body, "subject", &text, &found));
  if (!found)
    return OK;
  char *copy AUTO_FREE = mem_alloc(text.size + 1);
  if (!copy)
    return ERR_NOMEM;
  if (bytes_to_cstr(text, copy, text.size + 1) != OK)
    REFUSE(ERR_BAD_PARAMETER, "Property subject has invalid value\r\n");
  mem_free((char *)says->subject);
  says->subject = TAKE(copy);
  return OK;
}

static err_t read_profile(json_t *body, enum ca_profile *out) {
  struct bytes text = { 0 };
  TRY(json_get_str(body, "profile", &text, NULL));
  if (!ca_profile_parse(text, out))
    REFUSE(ERR_BAD_PARAMETER,
           "Property profile has invalid value: server, client, workload or vpn expected\r\n");
  return OK;
}

err_t ca_read_request(json_t *body, struct cert_info *info, struct ca_request *rq) {
  int64_t lifetime = 0;
  TRY(read_profile(body, &rq->profile));
  TRY(json_get_i64(body, "lifetime", &lifetime, NULL));
  if (lifetime < 0 || lifetime > UINT32_MAX)
    REFUSE(ERR_BAD_PARAMETER, "Property lifetime must be a number of seconds\r\n");
  TRY(read_csr(body, info));
  if (info->is.ca)
    REFUSE(ERR_BAD_PARAMETER, "The hub's authority issues no authorities.");
  TRY(read_names(body, &info->is));
  TRY(read_subject(body, &info->is));
  rq->says = info->is;
  rq->says.usage = 0; /* the profile's */
  rq->says.ekus = (struct cert_texts){ 0 };
  rq->says.not_before = rq->says.not_after = 0;
  rq->lifetime = lifetime;
  rq->key = info->public_key;
  return OK;
}

err_t ca_read_profiles(json_t *body, unsigned *out) {
  struct cert_texts names __attribute__((cleanup(cert_texts_free))) = { 0 };
  TRY(ca_read_texts(body, "profiles", &names));
  *out = 0;
  for (size_t i = 0; i < names.count; i++) {
    enum ca_profile p;
    if (!ca_profile_parse(bytes_str(names.items[i]), &p))
      REFUSE(ERR_BAD_PARAMETER,
             "Property profiles has invalid value: server, client, workload or vpn expected\r\n");
    *out |= 1u << p;
  }
  return OK;
}
