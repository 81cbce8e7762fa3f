/*
 * What authorised applications do with the vault's objects: wrap, unwrap, sign, verify, read a
 * secret, read and renew a certificate. Any thread, any number at a time on one client; errors as
 * in client.h.
 *
 * key, here and below, is "NAME", "NAME/VERSION" or a key id ("https://host/keys/NAME/VERSION").
 * Without a version the newest one is used. Of an id only name and version count: requests, and
 * tokens, go where the client's settings say and nowhere else, whatever a file's header says.
 */
#ifndef CLIENT_USE_H
#define CLIENT_USE_H

#include "client/client.h"
#include "crypto/crypto.h"

#define KEY_ID_MAX 480  /* bytes with the NUL */
#define WRAPPED_MAX 512 /* an RSA-4096 key's */

/* A data key as only the vault can read it. */
struct wrapped {
  char key_id[KEY_ID_MAX]; /* of the KEK, with its version */
  char alg[16];            /* "A256KW", "RSA-OAEP-256": the API's name */
  uint8_t data[WRAPPED_MAX];
  size_t size;
};

/* Splits what key is. ERR_BAD_PARAMETER when it is none of the three. version is "" without one. */
#define KEY_NAME_MAX 128
struct key_name {
  char name[KEY_NAME_MAX], version[33];
};
err_t key_name_parse(const char *key, struct key_name *out);

/* Wraps with the algorithm that fits the key's type (A256KW, A192KW, A128KW, RSA-OAEP-256). */
err_t client_wrap(struct client *c, const char *key, struct bytes plain, struct wrapped *out);
err_t client_unwrap(struct client *c, const struct wrapped *w, struct secret *out);

/* alg as in the API ("ES256", "PS256", ..); appends the signature. */
err_t client_sign(struct client *c, const char *key, const char *alg, struct bytes digest,
                  struct buf *signature);
err_t client_verify(struct client *c, const char *key, const char *alg, struct bytes digest,
                    struct bytes signature, bool *valid);

/* version NULL: the newest. */
err_t client_get_secret(struct client *c, const char *name, const char *version,
                        struct secret *out);

/* A certificate with what a server needs of it. key_pem is empty when the key is not exportable or
 * when the secret behind it may not be read (ERR_FORBIDDEN is no error then). */
struct client_certificate {
  char version[33];
  int64_t not_before, not_after; /* Unix seconds */
  struct buf cert_pem, chain_pem;
  struct secret key_pem;
};
void client_certificate_free(struct client_certificate *c);
#define AUTO_CLIENT_CERTIFICATE \
  __attribute__((cleanup(client_certificate_free))) struct client_certificate
err_t client_get_certificate(struct client *c, const char *name, const char *version,
                             struct client_certificate *out);
/* Makes the next version under the policy that the certificate has, and waits for it at most so
 * long: ERR_TIMEOUT. */
err_t client_renew_certificate(struct client *c, const char *name, unsigned timeout_s,
                               struct client_certificate *out);

#endif
