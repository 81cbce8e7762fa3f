/*
 * The vault's certificates: made, requested, issued, read, imported and exported. DER inside, PEM
 * and PKCS#12 at the edges. Any thread; nothing keeps state between calls.
 *
 * Whatever came from outside is refused with ERR_BAD_PARAMETER and a text for the client
 * (REFUSE()). Results are set on success only; a buf that is appended to is as it was after an
 * error.
 */
#ifndef CRYPTO_CERT_H
#define CRYPTO_CERT_H

#include "crypto/key.h"

#define CERT_DER_MAX 65536           /* bytes of one certificate or request */
#define CERT_CHAIN_MAX 8             /* certificates that belong to one key, its own included */
#define CERT_TEXTS_MAX 128           /* names, or OIDs, of one kind */
#define CERT_SUBJECT_MAX 2048        /* bytes of a subject's text */
#define CERT_PEM_MAX (256 * 1024)    /* bytes of an import */
#define CERT_PKCS12_MAX (256 * 1024) /* bytes of an import */
#define CERT_PASSWORD_MAX 1024       /* bytes */
#define CERT_SERIAL_MAX 32           /* bytes; RFC 5280 allows 20 */

#define CERT_SERIAL_SIZE 16 /* of what is issued here */

#define EKU_SERVER_AUTH "1.3.6.1.5.5.7.3.1"
#define EKU_CLIENT_AUTH "1.3.6.1.5.5.7.3.2"

/* A list of texts: NUL-terminated UTF-8 without control characters. */
struct cert_texts {
  const char **items;
  size_t count;
};

/* Kinds of subject alternative names (RFC 5280, 4.2.1.6). A UPN is Microsoft's otherName
 * 1.3.6.1.4.1.311.20.2.3; an IP address is a text of either family. */
enum cert_san { SAN_DNS, SAN_EMAIL, SAN_UPN, SAN_URI, SAN_IP, SAN_KINDS };

/* Bits of the key usage, numbered as in RFC 5280, 4.2.1.3. */
enum cert_usage {
  USAGE_DIGITAL_SIGNATURE = 1 << 0,
  USAGE_NON_REPUDIATION = 1 << 1,
  USAGE_KEY_ENCIPHERMENT = 1 << 2,
  USAGE_DATA_ENCIPHERMENT = 1 << 3,
  USAGE_KEY_AGREEMENT = 1 << 4,
  USAGE_KEY_CERT_SIGN = 1 << 5,
  USAGE_CRL_SIGN = 1 << 6,
  USAGE_ENCIPHER_ONLY = 1 << 7,
  USAGE_DECIPHER_ONLY = 1 << 8,
};
#define USAGE_COUNT 9
/* "digitalSignature" and so on; i below USAGE_COUNT names the bit 1 << i. */
const char *cert_usage_name(unsigned i);
/* The bit of a name, any case; 0 when it is none. */
unsigned cert_usage_bit(struct bytes name);

/*
 * What a certificate is to say. The subject is an X.500 text as the service takes it, the last RDN
 * of the encoded name first (RFC 4514): "CN=example.com, O=\"Contoso, Ltd\", C=US"; ',' or ';'
 * between RDNs, '+' inside one; values quoted ("" for a quote) or with backslash escapes; types by
 * short name (CN, O, OU, C, L, S or ST, STREET, DC, E, G, SN, T, UID, SERIALNUMBER, ..) or OID.
 * NULL or "" is the empty name, which needs a subject alternative name.
 */
struct cert_profile {
  const char *subject;
  struct cert_texts sans[SAN_KINDS];
  struct cert_texts ekus; /* dotted OIDs */
  unsigned usage;         /* bits of enum cert_usage; 0: no such extension */
  bool ca;
  int64_t not_before, not_after; /* Unix seconds; both ends belong to it */
  /* What only issuers say; it is written, but not read. */
  const uint8_t *serial;                       /* CERT_SERIAL_SIZE bytes; NULL: random ones */
  bool ca_last;                                /* an authority without others under it */
  bool ocsp_nocheck;                           /* nobody asks whether it is revoked (RFC 6960) */
  const char *crl_url, *ocsp_url, *issuer_url; /* NULL: none */
  struct cert_texts permitted;                 /* what an authority may issue for: see below */
};

/*
 * A permitted subtree (RFC 5280, 4.2.1.10): "dns:example.com" (itself and all below it),
 * "ip:10.0.0.0/8", "uri:example.com" (that host) or "uri:.example.com" (those below it),
 * "email:example.com" (mailboxes of that host), "email:.example.com" or "email:a@example.com". Of
 * what no subtree is permitted, nothing is.
 */
struct cert_subtree {
  enum cert_san kind;
  struct bytes base; /* what stands behind the colon; of the text that was parsed */
};
/* REFUSEs what is none. */
err_t cert_subtree_parse(struct bytes text, struct cert_subtree *out);

/* The attributes of a subject's text as "CN=example.com", by the types' usual names or OIDs, in the
 * order of the encoded name. The list is the caller's. */
err_t cert_subject_attributes(const char *subject, struct cert_texts *out);
/* Whether an attribute is written as it writes them: "OU=billing", not "ou=billing" or "OU=". */
bool cert_attribute_valid(struct bytes text);
void cert_texts_free(struct cert_texts *list); /* of a list that owns its texts */
/* A copy of a text. */
err_t cert_texts_add(struct cert_texts *list, struct bytes text);

/* A serial to issue with: random, positive, never short. */
err_t cert_serial_random(uint8_t out[static CERT_SERIAL_SIZE]);

/* OK if cert_self_sign() would take the profile, but for what depends on the key. */
err_t cert_profile_check(const struct cert_profile *p);

/*
 * X.509 v3 with a random positive serial of 16 bytes, basicConstraints (critical), keyUsage
 * (critical), extKeyUsage, subjectAltName, SKI and AKI. Signed with RSA PKCS#1 v1.5 and SHA-256, or
 * ECDSA and the hash of the curve's size. The DER is appended to der. Keys are RSA or EC.
 */
err_t cert_self_sign(const struct key *key, const struct cert_profile *p, struct buf *der);
/* A PKCS#10 request (RFC 2986) that asks for the same extensions, but SKI and AKI. Times are not
 * looked at. */
err_t cert_request(const struct key *key, const struct cert_profile *p, struct buf *der);
/* The certificate of subject_key (public is enough), issued by the authority whose certificate
 * ca_der is. Refused if ca_key is not its key or it may not sign certificates. */
err_t cert_issue(const struct key *ca_key, struct bytes ca_der, const struct key *subject_key,
                 const struct cert_profile *p, struct buf *der);

/* The same for an authority that issues again and again: its certificate is read and checked once.
 * The key is borrowed. Constant, any thread. */
struct cert_issuer;
err_t cert_issuer_new(const struct key *ca_key, struct bytes ca_der, struct cert_issuer **out);
void cert_issuer_free(struct cert_issuer *i);
CLEANUP(cert_issuer, struct cert_issuer *, cert_issuer_free)
err_t cert_issue_by(const struct cert_issuer *issuer, const struct key *subject_key,
                    const struct cert_profile *p, struct buf *der);

/* What a certificate or a request says. A request has no issuer, times, serial and thumbprints. */
struct cert_info {
  struct cert_profile is;          /* owned here; may be given to cert_self_sign() */
  const char *issuer;              /* owned; the issuer's name, as subjects are written */
  struct key *public_key;          /* key_spec() has type, size and curve */
  uint8_t serial[CERT_SERIAL_MAX]; /* big-endian, without leading zeros */
  size_t serial_size;
  uint8_t sha1[SHA1_SIZE], sha256[SHA256_SIZE]; /* of the DER: x5t, x5t#S256 */
};
void cert_info_free(struct cert_info *info); /* a zeroed struct is fine */
#define AUTO_CERT_INFO __attribute__((cleanup(cert_info_free))) struct cert_info

/* Refuses what is malformed, has trailing bytes, names with control characters, or a key that is
 * not offered (key.h). Signatures and times are not checked. */
err_t cert_read(struct bytes der, struct cert_info *info);
/* The same for a PKCS#10 request; refuses it if it is not signed with its own key, and hashes other
 * than SHA-2. */
err_t cert_request_read(struct bytes der, struct cert_info *info);
/* OK if the certificate's key is this one (private or public), else refused with the API's text. */
err_t cert_matches_key(struct bytes der, const struct key *key);

/* Certificates of one key: its own, then that one's issuer and so on. */
struct cert_chain {
  struct buf ders[CERT_CHAIN_MAX];
  size_t count;
  size_t leaf;     /* the key's own one; 0 but where the given order was kept */
  bool keep_order; /* of what is merged or imported; set before */
};
void cert_chain_free(struct cert_chain *chain); /* a zeroed struct is fine */
#define AUTO_CERT_CHAIN __attribute__((cleanup(cert_chain_free))) struct cert_chain

/*
 * Certificates in any order, as a chain: the key's own one first, then issuer after issuer (names
 * and signatures), then the rest in the order given; or, if chain->keep_order was set, all as
 * given. Copies are dropped. Refuses none, too many, malformed ones, none that is the key's, and a
 * certificate of the key whose size is not offered, or that is signed with MD5 or SHA-1.
 */
err_t cert_merge_chain(const struct bytes *ders, size_t count, const struct key *key,
                       struct cert_chain *chain);

/*
 * OK if the first certificate leads to a trusted one, by way of the others, and all were good then
 * (Unix seconds): names, signatures, times, what authorities may do. anchors_pem: the trusted ones,
 * which are taken as they are; what else is in it is passed over. What a certificate is for is not
 * looked at, nor whether it was revoked. ERR_BAD_PARAMETER (FAILed, with the reason) else.
 */
err_t cert_verify(const struct bytes *chain, size_t count, struct bytes anchors_pem, int64_t when);

/* A PEM text: one private key (PKCS#8, PKCS#1 or SEC1, not encrypted) and certificates, in any
 * order; what else is in it is passed over. */
err_t cert_import_pem(struct bytes text, struct key **key, struct cert_chain *chain);
/*
 * PKCS#12 (RFC 7292) with one private key and certificates, BER or DER. A wrong password is
 * refused as such. Encrypted with PBES2 (PBKDF2; AES or 3DES) or PKCS#12's 3DES; RC2, RC4 and DES
 * are refused by name. At most 1,000,000 iterations in one place and 3,000,000 in all: that takes
 * seconds and is for a worker thread.
 */
err_t cert_import_pkcs12(struct bytes pkcs12, struct bytes password, struct key **key,
                         struct cert_chain *chain);

/* Under the empty password: AES-256-CBC, PBKDF2 and the MAC with SHA-256, 2048 iterations. The key
 * and the first certificate carry the same localKeyId. */
err_t cert_export_pkcs12(const struct key *key, const struct cert_chain *chain, struct secret *out);
/* "PRIVATE KEY" (PKCS#8), then a "CERTIFICATE" each, in the chain's order. Without a key (NULL)
 * both are certificates only. */
err_t cert_export_pem(const struct key *key, const struct cert_chain *chain, struct secret *out);

#endif
