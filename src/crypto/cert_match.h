/*
 * Patterns of names, as grants and lists of peers have them, and what of a certificate they cover:
 *   "a.example"          that DNS name; ".svc.example" those below it, at any depth;
 *   "*.svc.example"      the wildcard itself and names of one more label, which it stands for
 *   "10.1.0.0/16"        addresses in the block
 *   "spiffe://x/a"       that URI; with "*" at its end all that begin so
 *   "a@example.com"      that mailbox; "*@example.com" all of that host
 *   "upn:a@example.com"  that UPN
 *   "O=Contoso"          that attribute in a subject
 * Any thread; nothing is kept.
 */
#ifndef CRYPTO_CERT_MATCH_H
#define CRYPTO_CERT_MATCH_H

#include "crypto/cert.h"

bool cert_pattern_valid(struct bytes pattern);
/* A name of that kind, as it stands in a certificate. */
bool cert_pattern_covers(struct bytes pattern, enum cert_san kind, struct bytes name);
/* The first of a certificate's names (alternative names, then attributes of its subject) that one
 * of the patterns covers; NULL when none is. Common names are attributes and nothing else: "CN=a".
 * The text is info's. */
const char *cert_match(const struct cert_info *info, const char *const *patterns, size_t count);

#endif
