/* Whether a certificate is the one that is wanted, and whom we trust. */
#include "base/cidr.h"
#include "base/codec.h"
#include "base/file.h"
#include "client/settings.h"
#include "crypto/cert_match.h"
#include "crypto/x509.h"
#include "transit/enrol_internal.h"

#include <stdio.h>

#define ANCHORS_MAX (1024u * 1024)

/* --- what is wanted, and what there is --- */

static err_t copy_text(const char *text, char **out) {
  return !text || (*out = mem_strdup(text)) ? OK : ERR_NOMEM;
}

err_t wanted_copy(const struct enrol_options *o, struct wanted *out) {
  if (o->name_count == 0)
    FAIL(ERR_CONFIG, "a certificate needs a name at least");
  TRY(copy_text(o->profile, &out->profile));
  TRY(copy_text(o->subject, &out->subject));
  TRY(copy_text(o->state, &out->state));
  for (size_t i = 0; i < o->name_count; i++)
    TRY(cert_texts_add(&out->names, bytes_str(o->names[i])));
  out->lifetime_s = o->lifetime_s;
  out->lists = o->lists;
  return OK;
}

void wanted_free(struct wanted *w) {
  mem_free(w->profile);
  mem_free(w->subject);
  mem_free(w->state);
  cert_texts_free(&w->names);
  *w = (struct wanted){ 0 };
}

void held_free(struct held *id) {
  key_free(id->key);
  cert_chain_free(&id->chain);
  *id = (struct held){ 0 };
}

void held_move(struct held *from, struct held *to) {
  held_free(to);
  *to = *from;
  *from = (struct held){ 0 };
}

struct bytes held_issuer(const struct held *id) {
  return buf_bytes(&id->chain.ders[1]);
}

struct bytes held_root(const struct held *id) {
  return buf_bytes(&id->chain.ders[id->chain.count - 1]);
}

int64_t held_when(int64_t now, int64_t not_before) {
  return now < not_before ? not_before : now;
}

/* --- names --- */

/* As the hub tells what a name is. */
static enum cert_san kind_of(struct bytes name) {
  struct cidr unused;
  if (memmem(name.data, name.size, "://", 3))
    return SAN_URI;
  if (memchr(name.data, '@', name.size))
    return SAN_EMAIL;
  return cidr_parse(name, &unused) ? SAN_IP : SAN_DNS;
}

static bool same_address(struct bytes a, struct bytes b) {
  struct cidr x, y;
  return cidr_parse(a, &x) && cidr_parse(b, &y) && cidr_covers(&x, &y) && cidr_covers(&y, &x);
}

static bool same_name(enum cert_san kind, struct bytes a, struct bytes b) {
  if (kind == SAN_IP)
    return same_address(a, b);
  return kind == SAN_DNS ? cert_host_same(a, b) : bytes_equal(a, b);
}

static bool has_name(const struct cert_info *info, struct bytes name) {
  enum cert_san kind = kind_of(name);
  for (size_t i = 0; i < info->is.sans[kind].count; i++)
    if (same_name(kind, bytes_str(info->is.sans[kind].items[i]), name))
      return true;
  return false;
}

static err_t check_names(const struct wanted *w, const struct cert_info *info) {
  for (size_t i = 0; i < w->names.count; i++)
    if (!has_name(info, bytes_str(w->names.items[i])))
      FAIL(ERR_BAD_PARAMETER, "the certificate is not for '%.128s'", w->names.items[i]);
  return OK;
}

/* --- the chain --- */

static err_t verify(const struct held *id, int64_t when) {
  struct bytes ders[CERT_CHAIN_MAX];
  AUTO_BUF root = BUF_EMPTY;
  TRY(x509_to_pem(held_root(id), &root));
  for (size_t i = 0; i < id->chain.count; i++)
    ders[i] = buf_bytes(&id->chain.ders[i]);
  return cert_verify(ders, id->chain.count - 1, buf_bytes(&root), when);
}

err_t held_check(const struct wanted *w, int64_t now, struct held *id) {
  AUTO_CERT_INFO info = { 0 };
  if (id->chain.count < 2)
    FAIL(ERR_BAD_PARAMETER, "the certificate comes without its authority's");
  TRY(cert_matches_key(buf_bytes(&id->chain.ders[0]), id->key));
  TRY(cert_read(buf_bytes(&id->chain.ders[0]), &info));
  TRY(check_names(w, &info));
  if (info.is.not_after <= now)
    FAIL(ERR_BAD_PARAMETER, "the certificate has ended (if it is a new one: is this machine's "
                            "clock right?)");
  TRY(verify(id, held_when(now, info.is.not_before)));
  id->not_before = info.is.not_before;
  id->not_after = info.is.not_after;
  id->serial_size = info.serial_size;
  memcpy(id->serial, info.serial, sizeof id->serial);
  return OK;
}

/* --- trust --- */

err_t enrol_read_anchors(const struct client *c, struct buf *pem) {
  const char *path = client_setting(c, SET_CA);
  if (!path)
    REFUSE(ERR_CONFIG, "SSL_CERT_FILE is not set: it names a file with the hub's root certificate "
                       "(the hub's own file is ca.pem in its data directory)");
  return file_read(path, ANCHORS_MAX, pem);
}

err_t enrol_check_root(const struct client *c, struct bytes anchors_pem, struct bytes root,
                       int64_t now) {
  AUTO_CERT_INFO info = { 0 };
  char sha256[2 * SHA256_SIZE + 1], why[160];
  TRY(cert_read(root, &info));
  err_t e = cert_verify(&root, 1, anchors_pem, held_when(now, info.is.not_before));
  if (e != ERR_BAD_PARAMETER)
    return e;
  snprintf(why, sizeof why, "%s", err_reason(e));
  hex_encode(bytes_of(info.sha256, SHA256_SIZE), sha256);
  REFUSE(ERR_CONFIG,
         "the hub's root certificate (SHA-256 %s) is not among those of %s (SSL_CERT_FILE), nor "
         "issued by one: compare it with ca.pem in the hub's data directory and add it there (%s)",
         sha256, client_setting(c, SET_CA), why);
}
