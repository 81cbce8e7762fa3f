/*
 * The named issuers of a vault's certificate policies, and its certificate contacts. They are kept
 * and shown; the hub calls no other authority and sends no mail. A password of an issuer's
 * credentials is not kept.
 *
 * Any thread, after vault_ready(). What changes something belongs to the slow lane.
 */
#ifndef VAULT_ISSUERS_H
#define VAULT_ISSUERS_H

#include "base/json.h"
#include "vault/object.h"

#define ISSUERS_MAX 1000
#define ISSUER_TEXT_MAX 16384 /* bytes of one as JSON, and of the contacts */

struct issuer {
  char name[OBJECT_NAME_MAX + 1];
  char provider[64];
  struct buf
    text; /* JSON members after id, in the service's order: "provider":..,"attributes":{..} */
};
void issuer_free(struct issuer *i);
#define AUTO_ISSUER __attribute__((cleanup(issuer_free))) struct issuer

/* given: the request's body. set replaces or makes, update changes what is given. Copies go out. */
err_t issuers_set(struct vault *v, const char *name, json_t *given, struct issuer *out);
err_t issuers_update(struct vault *v, const char *name, json_t *given, struct issuer *out);
err_t issuers_get(struct vault *v, const char *name, struct issuer *out);
err_t issuers_delete(struct vault *v, const char *name, struct issuer *out);
err_t issuers_list(struct vault *v, const char *marker, struct issuer *page, size_t room,
                   size_t *count, bool *more);

/* JSON array text. ERR_CONTACTS_NOT_FOUND when none were set. */
err_t contacts_set(struct vault *v, json_t *given, struct buf *out);
err_t contacts_get(struct vault *v, struct buf *out);
err_t contacts_delete(struct vault *v, struct buf *out);

/* OK, and the provider, for "Self", "Unknown", "Hub" (any case) and named issuers;
 * ERR_ISSUER_NOT_FOUND. */
err_t issuers_provider(struct vault *v, const char *name, char provider[static 64]);

#endif
