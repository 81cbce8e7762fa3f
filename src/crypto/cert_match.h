/*
 * Patterns of names, as grants and lists of peers have them, and what of a certificate they cover:
 *   "a.example"          that DNS name; ".svc.example" those below it, at any depth;
 *   "*.svc.example"      the wildcard itself and names of one more label, which it stands for
 *   "10.1.0.0/16"        addresses in the block
 *   "spiffe://x/a"       that URI; with "*" at its end all that begin so
 *   "a@example.com"      that mailbox; "*@example.com" all of that host
 *   "upn:a@example.com"  that UPN
 *   "O=Contoso"          that attribute in a subject, as cert_subject_attributes() writes it
 * Any thread; nothing is kept.
 */
#ifndef CRYPTO_CERT_MATCH_H
#define CRYPTO_CERT_MATCH_H

#include "crypto/cert.h"

#define CERT_PATTERN_MAX 512 /* bytes */

bool cert_pattern_valid(struct bytes pattern);
/* A name of that kind, as it stands in a certificate. Attributes are no names. */
bool cert_pattern_covers(struct bytes pattern, enum cert_san kind, struct bytes name);
/* The first of a certificate's names (alternative names, then attributes of its subject) that one
 * of the patterns covers; NULL when none is, or without memory. Common names are attributes and
 * nothing else: "CN=a". The text is info's or, where it is an attribute, the pattern, which is the
 * same. */
const char *cert_match(const struct cert_info *info, const char *const *patterns, size_t count);

/* What patterns are made of. Hosts: ASCII case does not count. */
bool cert_host_same(struct bytes a, struct bytes b);
/* Whether a host is base or below it; without itself: below it. A leading dot of base is passed
 * over. */
bool cert_host_is_below(struct bytes name, struct bytes base, bool itself);
/* A name that looks like a host's, as verifiers take a common name for one. */
bool cert_looks_like_host(struct bytes text);

#endif
