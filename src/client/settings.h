/* Where the hub is and who we are to it. The secret is the only member that is one. */
#ifndef CLIENT_SETTINGS_H
#define CLIENT_SETTINGS_H

#include "crypto/crypto.h"

enum setting {
  SET_URL,
  SET_AUTHORITY,
  SET_TENANT,
  SET_CLIENT_ID,
  SET_CERTIFICATE, /* path of a PEM file with key and certificate */
  SET_CA,          /* path of a PEM file with the trusted roots; absent: the system's */
  SET_COUNT
};

struct settings {
  char *text[SET_COUNT]; /* NULL when absent */
  struct secret secret;  /* empty when absent */
};
/* data_dir NULL: from the environment; else from the file "env" in it. ERR_CONFIG naming what is
 * missing. */
err_t settings_read(const char *data_dir, struct settings *out);
/* The text of an "env" file: "export NAME='value'" lines; blank lines, comments and names that are
 * not ours are passed over. origin is for reasons. */
err_t settings_parse(struct bytes text, const char *origin, struct settings *out);
void settings_free(struct settings *s);
#define AUTO_SETTINGS __attribute__((cleanup(settings_free))) struct settings

#endif
