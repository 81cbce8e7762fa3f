#include "crypto/cert_match.h"

#include "base/cidr.h"

#include <ctype.h>
#include <strings.h>

#define UPN "upn:"

/* --- hosts --- */

bool cert_looks_like_host(struct bytes text) {
  static const char marks[] = { '-', '_', '.', '*' };
  struct cidr unused;
  if (cidr_parse(text, &unused))
    return true;
  for (size_t i = 0; i < text.size; i++)
    if (text.data[i] >= 0x80 ||
        !(isalnum(text.data[i]) || memchr(marks, text.data[i], sizeof marks)))
      return false;
  return text.size > 0;
}

bool cert_host_same(struct bytes a, struct bytes b) {
  return a.size == b.size &&
         (a.size == 0 || strncasecmp((const char *)a.data, (const char *)b.data, a.size) == 0);
}

bool cert_host_is_below(struct bytes name, struct bytes base, bool itself) {
  if (base.size && base.data[0] == '.')
    base = bytes_of(base.data + 1, base.size - 1);
  if (name.size < base.size)
    return false;
  size_t above = name.size - base.size;
  if (above == 0)
    return itself && cert_host_same(name, base);
  return name.data[above - 1] == '.' &&
         cert_host_same(bytes_of(name.data + above, base.size), base);
}

/* --- what is a pattern --- */

static bool has(struct bytes text, char c) {
  return text.size && memchr(text.data, c, text.size);
}

static bool is_uri(struct bytes text) {
  struct bytes scheme, rest = bytes_split(text, ':', &scheme);
  return rest.data && bytes_starts(rest, "//");
}

static bool is_attribute(struct bytes text) {
  return !bytes_starts(text, UPN) && !is_uri(text) && has(text, '=');
}

static bool ends_with_star(struct bytes text) {
  return text.size && text.data[text.size - 1] == '*';
}

/* "a.example", ".example", "*.example" */
static bool is_host_pattern(struct bytes text) {
  bool dot = bytes_starts(text, "."), star = bytes_starts(text, "*.");
  struct bytes rest = bytes_of(text.data + dot + 2 * star, text.size - dot - 2u * star);
  return rest.size && rest.data[0] != '.' && cert_looks_like_host(rest) && !has(rest, '*');
}

/* A "*" may end the path and be nowhere else: what follows a scheme or a host is anybody's. */
static bool uri_pattern_valid(struct bytes text) {
  struct bytes scheme, host, rest = bytes_split(text, ':', &scheme);
  struct bytes path = bytes_split(bytes_of(rest.data + 2, rest.size - 2), '/', &host);
  return scheme.size && host.size && !has(scheme, '*') && !has(host, '*') &&
         (path.size < 2 || !has(bytes_of(path.data, path.size - 1), '*'));
}

bool cert_pattern_valid(struct bytes pattern) {
  struct cidr unused;
  struct bytes local, host;
  if (pattern.size == 0 || pattern.size > CERT_PATTERN_MAX)
    return false;
  if (bytes_starts(pattern, UPN))
    return pattern.size > sizeof UPN - 1;
  if (is_uri(pattern))
    return uri_pattern_valid(pattern);
  if (is_attribute(pattern))
    return cert_attribute_valid(pattern);
  host = bytes_split(pattern, '@', &local);
  if (host.data)
    return local.size && is_host_pattern(host) && host.data[0] != '.' && host.data[0] != '*';
  return cidr_parse(pattern, &unused) || is_host_pattern(pattern);
}

/* --- what it covers --- */

/* One label, and base behind it. */
static bool one_label_below(struct bytes name, struct bytes base) {
  struct bytes label, rest = bytes_split(name, '.', &label);
  return label.size && rest.data && cert_host_same(rest, base);
}

static bool covers_host(struct bytes pattern, struct bytes name) {
  bool wild = bytes_starts(name, "*.");
  if (bytes_starts(pattern, "*."))
    return cert_host_same(pattern, name) ||
           (!wild && one_label_below(name, bytes_of(pattern.data + 2, pattern.size - 2)));
  if (bytes_starts(pattern, "."))
    return !wild && cert_host_is_below(name, pattern, false);
  return !wild && cert_host_same(pattern, name);
}

static bool covers_address(struct bytes pattern, struct bytes name) {
  struct cidr block, address;
  return cidr_parse(pattern, &block) && cidr_parse(name, &address) && cidr_covers(&block, &address);
}

/* URIs compare byte by byte; one with dot segments or escapes could mean another. */
static bool covers_uri(struct bytes pattern, struct bytes name) {
  if (!is_uri(pattern))
    return false;
  if (!ends_with_star(pattern))
    return bytes_equal(pattern, name);
  size_t n = pattern.size - 1;
  return name.size > n && memcmp(name.data, pattern.data, n) == 0 && /* not secret */
         !has(name, '%') && !memmem(name.data, name.size, "/.", 2);
}

static bool covers_mailbox(struct bytes pattern, struct bytes name) {
  struct bytes local, host = bytes_split(name, '@', &local);
  struct bytes wanted, wanted_host = bytes_split(pattern, '@', &wanted);
  return host.data && wanted_host.data && cert_host_same(host, wanted_host) &&
         (bytes_equal_str(wanted, "*") || bytes_equal(local, wanted));
}

bool cert_pattern_covers(struct bytes pattern, enum cert_san kind, struct bytes name) {
  struct cidr unused;
  bool other = bytes_starts(pattern, UPN) || is_uri(pattern) || is_attribute(pattern);
  if (pattern.size == 0 || name.size == 0)
    return false;
  switch (kind) {
  case SAN_IP:
    return covers_address(pattern, name);
  case SAN_URI:
    return covers_uri(pattern, name);
  case SAN_EMAIL:
    return !other && covers_mailbox(pattern, name);
  case SAN_UPN:
    return bytes_starts(pattern, UPN) &&
           bytes_equal(bytes_of(pattern.data + 4, pattern.size - 4), name);
  default:
    return !other && !cidr_parse(pattern, &unused) && !has(pattern, '@') &&
           covers_host(pattern, name);
  }
}

/* --- certificates --- */

static const char *match_name(const struct cert_info *info, const char *const *patterns,
                              size_t count) {
  for (unsigned kind = 0; kind < SAN_KINDS; kind++)
    for (size_t i = 0; i < info->is.sans[kind].count; i++)
      for (size_t p = 0; p < count; p++)
        if (cert_pattern_covers(bytes_str(patterns[p]), (enum cert_san)kind,
                                bytes_str(info->is.sans[kind].items[i])))
          return info->is.sans[kind].items[i];
  return NULL;
}

static const char *match_attribute(const struct cert_texts *attributes, const char *const *patterns,
                                   size_t count) {
  for (size_t i = 0; i < attributes->count; i++)
    for (size_t p = 0; p < count; p++)
      if (is_attribute(bytes_str(patterns[p])) && strcmp(patterns[p], attributes->items[i]) == 0)
        return patterns[p];
  return NULL;
}

const char *cert_match(const struct cert_info *info, const char *const *patterns, size_t count) {
  struct cert_texts attributes __attribute__((cleanup(cert_texts_free))) = { 0 };
  const char *name = match_name(info, patterns, count);
  if (name || cert_subject_attributes(info->is.subject, &attributes) != OK)
    return name;
  return match_attribute(&attributes, patterns, count);
}
