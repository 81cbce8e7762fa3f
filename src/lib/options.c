/* Options: texts go to the client's settings under the names of the environment, numbers stay here.
 */
#include "lib/options.h"

#define LIFETIME_MAX_S 86400u
#define WAIT_MAX_MS 86400000u

static const struct {
  enum sr_option option;
  const char *name;
} texts[] = {
  { SR_VAULT_URL, "KEY_VAULT_URL" },
  { SR_AUTHORITY, "AZURE_AUTHORITY_HOST" },
  { SR_TENANT, "AZURE_TENANT_ID" },
  { SR_CLIENT_ID, "AZURE_CLIENT_ID" },
  { SR_CLIENT_SECRET, "AZURE_CLIENT_SECRET" },
  { SR_CLIENT_SECRET_FILE, "AZURE_CLIENT_SECRET_FILE" },
  { SR_ASSERTION_FILE, "AZURE_FEDERATED_TOKEN_FILE" },
  { SR_CLIENT_CERTIFICATE, "AZURE_CLIENT_CERTIFICATE_PATH" },
  { SR_IDENTITY_ENDPOINT, "IDENTITY_ENDPOINT" },
  { SR_IDENTITY_HEADER, "IDENTITY_HEADER" },
  { SR_IMDS_HOST, "AZURE_POD_IDENTITY_AUTHORITY_HOST" },
  { SR_CA_FILE, "SSL_CERT_FILE" },
};

static const struct {
  enum sr_option option;
  unsigned max;
} numbers[OPTION_NUMBERS] = {
  { SR_TIMEOUT_MS, WAIT_MAX_MS },
  { SR_RETRY_MS, WAIT_MAX_MS },
  { SR_DATA_KEY_LIFETIME_S, LIFETIME_MAX_S },
  { SR_DATA_KEYS, 1000000 },
};

void sr_options_free(struct sr_options *options) {
  if (!options)
    return;
  settings_free(&options->settings);
  mem_free(options);
}

err_t options_new(struct sr_options **out) {
  NEED(out);
  TRY(crypto_attach(NULL)); /* before there is a secret */
  *out = mem_zalloc(sizeof **out);
  return *out ? OK : ERR_NOMEM;
}

enum sr_status sr_options_new(struct sr_options **out, struct sr_error *error) {
  if (out)
    *out = NULL;
  return told(options_new(out), error);
}

static err_t set(struct sr_options *options, enum sr_option name, const char *value) {
  NEED(options);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (texts[i].option == name)
      return settings_set(&options->settings, texts[i].name, bytes_str(value ? value : ""));
  FAIL(ERR_USAGE, "option %d is not a text", (int)name);
}

enum sr_status sr_options_set(struct sr_options *options, enum sr_option name, const char *value,
                              struct sr_error *error) {
  return told(set(options, name, value), error);
}

static err_t set_number(struct sr_options *options, enum sr_option name, unsigned long value) {
  NEED(options);
  for (size_t i = 0; i < OPTION_NUMBERS; i++)
    if (numbers[i].option == name) {
      if (value > numbers[i].max)
        FAIL(ERR_USAGE, "option %d is at most %u", (int)name, numbers[i].max);
      options->number[i] = (unsigned)value;
      return OK;
    }
  FAIL(ERR_USAGE, "option %d is not a number", (int)name);
}

enum sr_status sr_options_set_number(struct sr_options *options, enum sr_option name,
                                     unsigned long value, struct sr_error *error) {
  return told(set_number(options, name, value), error);
}

err_t options_environment(struct sr_options *options) {
  NEED(options);
  return settings_read(NULL, &options->settings);
}

enum sr_status sr_options_environment(struct sr_options *options, struct sr_error *error) {
  return told(options_environment(options), error);
}

static err_t read_file(struct sr_options *options, const char *path) {
  NEED(options);
  NEED(path);
  return settings_read_file(path, &options->settings);
}

enum sr_status sr_options_file(struct sr_options *options, const char *path,
                               struct sr_error *error) {
  return told(read_file(options, path), error);
}

/* --- what is made of them --- */

static err_t copy_secret(const struct secret *from, struct secret *to) {
  return from->size ? secret_copy(secret_bytes(from), to) : OK;
}

err_t options_settings(const struct sr_options *o, struct settings *out) {
  AUTO_SETTINGS copy = { 0 };
  for (size_t i = 0; i < SET_COUNT; i++)
    if (o->settings.text[i] && !(copy.text[i] = mem_strdup(o->settings.text[i])))
      return ERR_NOMEM;
  TRY(copy_secret(&o->settings.secret, &copy.secret));
  TRY(copy_secret(&o->settings.identity_header, &copy.identity_header));
  *out = copy;
  copy = (struct settings){ 0 };
  return OK;
}

unsigned options_number(const struct sr_options *o, enum sr_option name, unsigned usual) {
  for (size_t i = 0; i < OPTION_NUMBERS; i++)
    if (numbers[i].option == name && o->number[i])
      return o->number[i];
  return usual;
}
