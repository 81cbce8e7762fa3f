/* Profiles: one table. What a holder of a certificate needs, and for how long it may have it. */
#include "vault/ca/ca_internal.h"

#include <ctype.h>

#define EKU_IKE "1.3.6.1.5.5.7.3.17"
#define EKU_IKE_INTERMEDIATE "1.3.6.1.5.5.8.2.2" /* what Windows and macOS look for */

static const struct ca_profile_row rows[CA_PROFILES] = {
  [CA_SERVER] = { "server",
                  USAGE_DIGITAL_SIGNATURE,
                  USAGE_KEY_ENCIPHERMENT,
                  { EKU_SERVER_AUTH },
                  1,
                  90 * DAY,
                  398 * DAY },
  [CA_CLIENT] = { "client",
                  USAGE_DIGITAL_SIGNATURE,
                  0,
                  { EKU_CLIENT_AUTH },
                  1,
                  90 * DAY,
                  398 * DAY },
  [CA_WORKLOAD] = { "workload",
                    USAGE_DIGITAL_SIGNATURE,
                    USAGE_KEY_ENCIPHERMENT,
                    { EKU_SERVER_AUTH, EKU_CLIENT_AUTH },
                    2,
                    DAY,
                    7 * DAY },
  [CA_VPN] = { "vpn",
               USAGE_DIGITAL_SIGNATURE,
               USAGE_KEY_ENCIPHERMENT,
               { EKU_SERVER_AUTH, EKU_CLIENT_AUTH, EKU_IKE, EKU_IKE_INTERMEDIATE },
               4,
               90 * DAY,
               398 * DAY },
};

const struct ca_profile_row *profile_row(enum ca_profile p) {
  return &rows[p];
}

const char *ca_profile_name(enum ca_profile p) {
  return rows[p].name;
}

bool ca_profile_parse(struct bytes text, enum ca_profile *out) {
  for (unsigned i = 0; i < CA_PROFILES; i++)
    if (bytes_equal_nocase(text, rows[i].name)) {
      *out = (enum ca_profile)i;
      return true;
    }
  return false;
}

bool ca_profile_has_eku(enum ca_profile p, const char *eku) {
  for (size_t i = 0; i < rows[p].eku_count; i++)
    if (strcmp(rows[p].ekus[i], eku) == 0)
      return true;
  return false;
}

static bool is_made_of(struct bytes text, const char *others, bool upper) {
  for (size_t i = 0; i < text.size; i++) {
    uint8_t c = text.data[i];
    if (c >= 0x80 || !(islower(c) || isdigit(c) || (upper && isupper(c)) || strchr(others, c)))
      return false;
  }
  return text.size > 0;
}

/* spiffe://trust-domain/path (the SPIFFE-ID standard, 2). */
static bool is_spiffe(struct bytes uri) {
  static const char scheme[] = "spiffe://";
  struct bytes domain, segment;
  if (!bytes_starts(uri, scheme))
    return false;
  size_t n = sizeof scheme - 1;
  struct bytes path = bytes_split(bytes_of(uri.data + n, uri.size - n), '/', &domain);
  if (!is_made_of(domain, ".-_", false) || domain.size > 255 || !path.data)
    return false;
  while (path.data) {
    path = bytes_split(path, '/', &segment);
    if (!is_made_of(segment, ".-_", true) || bytes_equal_str(segment, ".") ||
        bytes_equal_str(segment, ".."))
      return false;
  }
  return true;
}

err_t profile_check_names(enum ca_profile p, const struct cert_profile *says) {
  const struct cert_texts *uris = &says->sans[SAN_URI];
  if (p != CA_WORKLOAD)
    return OK;
  if (uris->count != 1 || !is_spiffe(bytes_str(uris->items[0])))
    REFUSE(ERR_BAD_PARAMETER, "A workload has exactly one URI, its SPIFFE ID: "
                              "spiffe://trust-domain/path.");
  return OK;
}
