/*
 * Certificates as OpenSSL's objects, for the files of crypto/ only.
 */
#ifndef CRYPTO_CERT_EVP_H
#define CRYPTO_CERT_EVP_H

#include "crypto/cert.h"
#include "crypto/evp.h"

#include <openssl/x509v3.h>

CLEANUP(x509, X509 *, X509_free)
CLEANUP(x509_req, X509_REQ *, X509_REQ_free)
CLEANUP(x509_name, X509_NAME *, X509_NAME_free)
CLEANUP(asn1_object, ASN1_OBJECT *, ASN1_OBJECT_free)
CLEANUP(asn1_string, ASN1_STRING *, ASN1_STRING_free)
CLEANUP(general_name, GENERAL_NAME *, GENERAL_NAME_free)
CLEANUP(general_names, GENERAL_NAMES *, GENERAL_NAMES_free)
CLEANUP(akid, AUTHORITY_KEYID *, AUTHORITY_KEYID_free)
CLEANUP(eku, EXTENDED_KEY_USAGE *, EXTENDED_KEY_USAGE_free)

static inline void extensions_cleanup(STACK_OF(X509_EXTENSION) * *s) {
  sk_X509_EXTENSION_pop_free(*s, X509_EXTENSION_free);
}

/* One certificate and no byte more; at most CERT_DER_MAX bytes. */
err_t cert_parse(struct bytes der, X509 **out);
/* Appends the certificate's DER. */
err_t cert_put(const X509 *x, struct buf *out);

/* Its public key; refuses types and sizes that are not offered. */
err_t cert_public_key(const X509 *x, struct key **out);
err_t cert_validity(const X509 *x, int64_t *not_before, int64_t *not_after);
err_t cert_unix_seconds(const ASN1_TIME *t, int64_t *out);
/* Whether the certificate's key is this one. */
bool cert_is_of(const X509 *x, const struct key *key);

/* cert_make.c: what all that authorities sign has in common. */
const EVP_MD *cert_hash_for(const struct key *k);
/* After a signature: whether it can be handed out. */
err_t cert_signed_well(const struct key *k, bool done, bool valid);
err_t cert_authority_id(X509 *issuer, AUTHORITY_KEYID **out);
err_t serial_make(struct bytes serial, ASN1_INTEGER **out);

/* REFUSEs with the API's text for a certificate that is not the key's. */
err_t cert_refuse_mismatch(void);

/* What an import brought, before it is looked at as a whole. */
#define BUNDLE_MAX (2 * CERT_CHAIN_MAX)
struct bundle {
  struct key *key;
  struct buf ders[BUNDLE_MAX];
  size_t count;
};
void bundle_free(struct bundle *b);
#define AUTO_BUNDLE __attribute__((cleanup(bundle_free))) struct bundle
/* A private key as PKCS#8, PKCS#1 or SEC1; refuses a second one. */
err_t bundle_add_key(struct bundle *b, struct bytes der);
err_t bundle_add_certificate(struct bundle *b, struct bytes der);
/* Hands key and chain out; refuses what cert_merge_chain() does, and a bundle without a key. */
err_t bundle_take(struct bundle *b, struct key **key, struct cert_chain *chain);

/* The text of a name in the form of struct cert_profile and back; *out is a new name. */
err_t name_from_text(const char *text, X509_NAME **out);
err_t name_to_text(const X509_NAME *name, struct buf *out);

/* Dotted decimal; ERR_BAD_PARAMETER without a text for the client. */
err_t oid_from_text(struct bytes text, ASN1_OBJECT **out);
err_t oid_to_text(const ASN1_OBJECT *oid, struct buf *out);
/* UTF-8 without control characters. */
bool text_is_plain(struct bytes text);

/* Subject alternative names of a profile; *out stays NULL when there are none. */
err_t sans_make(const struct cert_profile *p, GENERAL_NAMES **out);
/* Appends a read name to the list of its kind; names of other kinds are passed over. */
err_t sans_read(const GENERAL_NAMES *names, struct cert_profile *p);

/* cert_constraint.c: extensions that only issuers add. */
err_t extensions_of_issuer(const struct cert_profile *p, STACK_OF(X509_EXTENSION) * *out);
/* "example.com", without wildcard. */
bool text_is_host(struct bytes text);
err_t extension_add(STACK_OF(X509_EXTENSION) * *list, int nid, void *value, bool critical);

/* Extensions that both certificates and requests have: appended to *out, which may be NULL. */
err_t extensions_make(const struct cert_profile *p, STACK_OF(X509_EXTENSION) * *out);
err_t extensions_read(const STACK_OF(X509_EXTENSION) * extensions, struct cert_profile *p);

#endif
