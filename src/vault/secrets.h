/*
 * Secrets: what the API's secret operations do beyond what all objects do (object.h). A value is
 * any text; it stays sealed in memory, bound to its name and version, and is opened for each
 * answer. nbf and exp only inform, as in the service.
 */
#ifndef VAULT_SECRETS_H
#define VAULT_SECRETS_H

#include "vault/object.h"

#define SECRET_VALUE_MAX 25600 /* bytes */
#define SECRET_TYPE_MAX 255    /* bytes of the content type */
#define SECRET_BACKUP_MAX \
  (OBJECT_VERSIONS_MAX * (SECRET_VALUE_MAX + OBJECT_TAGS_SIZE_MAX + 2048) + 4096)

struct secret_version {
  struct version base;
  bool has_type;
  struct buf type;   /* content type */
  struct buf sealed; /* the value */
};
static inline struct secret_version *secret_version_of(const struct version *v) {
  return (struct secret_version *)v;
}

struct secret_request {
  struct object_request base;
  bool has_type;
  struct bytes type, value; /* value: set */
};

/* A new version. */
err_t secrets_set(struct vault *v, const char *name, const struct secret_request *rq,
                  struct version **out);
err_t secrets_update(struct vault *v, const char *name, const char *version,
                     const struct secret_request *rq, struct version **out);
/* Seals a value for the version's name and id, which are there. */
err_t secrets_seal(struct vault *v, struct bytes value, struct version *version);
/* Appends the value to out, which is wiped when released. */
err_t secrets_value(struct vault *v, const struct version *version, struct buf *out);

#endif
