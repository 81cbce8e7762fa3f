/* What the authority knows of the hub that it belongs to: where it is reached, and its names. It is
 * kept, for whoever works on the files while the hub is stopped. */
#include "base/pack.h"
#include "vault/ca/ca_internal.h"

#include <stdio.h>

#define FORMAT 1
#define NAMES_MAX 128

err_t hub_facts_load(struct ca *ca, struct bytes body) {
  struct unpack u = unpack_of(body);
  if (unpack_u8(&u) != FORMAT)
    FAIL(ERR_CORRUPT, "what is kept of the hub has a format that this version does not know");
  unpack_str(&u, ca->kept_url, sizeof ca->kept_url);
  for (uint32_t n = unpack_u32(&u); n && !u.bad; n--)
    TRY(cert_texts_add(&ca->kept_names, unpack_bytes(&u)));
  return unpack_end(&u);
}

static bool same_names(const struct cert_texts *kept, const char *const *names, size_t count) {
  if (kept->count != count)
    return false;
  for (size_t i = 0; i < count; i++)
    if (strcmp(kept->items[i], names[i]) != 0)
      return false;
  return true;
}

err_t ca_keep_hub(struct ca *ca, const char *const *names, size_t count) {
  AUTO_BUF record = BUF_EMPTY;
  struct cert_texts fresh __attribute__((cleanup(cert_texts_free))) = { 0 };
  if (strcmp(ca->kept_url, ca->url) == 0 && same_names(&ca->kept_names, names, count))
    return OK;
  pack_u8(&record, FORMAT);
  pack_str(&record, ca->url);
  pack_u32(&record, (uint32_t)count);
  for (size_t i = 0; i < count; i++) {
    pack_str(&record, names[i]);
    TRY(cert_texts_add(&fresh, bytes_str(names[i])));
  }
  TRY(buf_ok(&record));
  TRY(store_commit(ca->store, &(struct store_write){ "ca/hub", buf_bytes(&record) }, 1));
  snprintf(ca->kept_url, sizeof ca->kept_url, "%s", ca->url);
  struct cert_texts old = ca->kept_names;
  ca->kept_names = fresh;
  fresh = old;
  return OK;
}

const struct cert_texts *ca_kept_names(const struct ca *ca) {
  return &ca->kept_names;
}

const char *ca_kept_url(const struct ca *ca) {
  return ca->kept_url;
}
