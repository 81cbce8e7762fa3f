/*
 * Where the hub is and who we are to it. Names are those that Azure's SDKs read from the
 * environment; a file "env" holds the same ones. One thread while it is put together.
 */
#ifndef CLIENT_SETTINGS_H
#define CLIENT_SETTINGS_H

#include "crypto/crypto.h"

/* Texts, and the variables they come from. */
#define SETTING_TABLE(X) \
  X(SET_URL, "KEY_VAULT_URL") \
  X(SET_AUTHORITY, "AZURE_AUTHORITY_HOST") /* absent: the vault's address */ \
  X(SET_TENANT, "AZURE_TENANT_ID") \
  X(SET_CLIENT_ID, "AZURE_CLIENT_ID") \
  X(SET_SECRET_FILE, "AZURE_CLIENT_SECRET_FILE")        /* a file that holds the secret */ \
  X(SET_ASSERTION_FILE, "AZURE_FEDERATED_TOKEN_FILE")   /* of a JWT that somebody else signs */ \
  X(SET_CERTIFICATE, "AZURE_CLIENT_CERTIFICATE_PATH")   /* PEM with key and certificate */ \
  X(SET_IDENTITY_ENDPOINT, "IDENTITY_ENDPOINT")         /* of a service that gives tokens .. */ \
  X(SET_IMDS_HOST, "AZURE_POD_IDENTITY_AUTHORITY_HOST") /* .. and of the other kind of them */ \
  X(SET_CA, "SSL_CERT_FILE") /* PEM with the trusted roots; absent: the system's */

enum setting {
#define X(name, variable) name,
  SETTING_TABLE(X)
#undef X
    SET_COUNT
};

struct settings {
  char *text[SET_COUNT];         /* NULL when absent */
  struct secret secret;          /* AZURE_CLIENT_SECRET; empty when absent */
  struct secret identity_header; /* IDENTITY_HEADER: what IDENTITY_ENDPOINT wants to see */
};

/* data_dir NULL: from the environment; else from the file "env" in it, or from it if it is a file.
 * What was set stays where there is nothing new. */
err_t settings_read(const char *data_dir, struct settings *s);
/* From a file of that form: "export NAME='value'" lines; blank lines, comments and names that are
 * not ours are passed over. */
err_t settings_read_file(const char *path, struct settings *s);
/* The text of one. origin is for reasons. */
err_t settings_parse(struct bytes text, const char *origin, struct settings *s);
/* One of them by its variable's name; what is not ours is passed over. An empty value unsets. */
err_t settings_set(struct settings *s, const char *name, struct bytes value);
void settings_free(struct settings *s);
#define AUTO_SETTINGS __attribute__((cleanup(settings_free))) struct settings

/* What a client was set up with; NULL where it was not set. The client's own. */
struct client;
const char *client_setting(const struct client *c, enum setting which);

#endif
