/* Options: texts go to the client's settings under the names of the environment, numbers stay here.
 */
#include "lib/options.h"

#include "base/file.h"

#define FILE_MAX 65536
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
  { SR_ASSERTION_FILE, "AZURE_FEDERATED_TOKEN_FILE" },
  { SR_CLIENT_CERTIFICATE, "AZURE_CLIENT_CERTIFICATE_PATH" },
  { SR_MANAGED_IDENTITY, "IDENTITY_ENDPOINT" },
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

CLEANUP(sr_options, struct sr_options *, sr_options_free)

void sr_options_free(struct sr_options *options) {
  if (!options)
    return;
  settings_free(&options->settings);
  mem_free(options);
}

err_t options_new(struct sr_options **out) {
  NEED(out);
  TRY(crypto_attach()); /* before there is a secret */
  *out = mem_zalloc(sizeof **out);
  return *out ? OK : ERR_NOMEM;
}

enum sr_status sr_options_new(struct sr_options **out, struct sr_error *error) {
  if (out)
    *out = NULL;
  return told(options_new(out), error);
}

static err_t set(struct sr_options *o, enum sr_option name, const char *value) {
  NEED(o);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (texts[i].option == name)
      return settings_set(&o->settings, texts[i].name, bytes_str(value ? value : ""));
  FAIL(ERR_USAGE, "option %d is not a text", (int)name);
}

enum sr_status sr_options_set(struct sr_options *options, enum sr_option name, const char *value,
                              struct sr_error *error) {
  return told(set(options, name, value), error);
}

static err_t set_number(struct sr_options *o, enum sr_option name, unsigned long value) {
  NEED(o);
  for (size_t i = 0; i < OPTION_NUMBERS; i++)
    if (numbers[i].option == name) {
      if (value > numbers[i].max)
        FAIL(ERR_USAGE, "option %d is at most %u", (int)name, numbers[i].max);
      o->number[i] = (unsigned)value;
      return OK;
    }
  FAIL(ERR_USAGE, "option %d is not a number", (int)name);
}

enum sr_status sr_options_set_number(struct sr_options *options, enum sr_option name,
                                     unsigned long value, struct sr_error *error) {
  return told(set_number(options, name, value), error);
}

err_t options_environment(struct sr_options *o) {
  NEED(o);
  return settings_read(NULL, &o->settings);
}

enum sr_status sr_options_environment(struct sr_options *options, struct sr_error *error) {
  return told(options_environment(options), error);
}

static err_t read_file(struct sr_options *o, const char *path) {
  AUTO_BUF text = BUF_EMPTY;
  NEED(o);
  NEED(path);
  TRY(file_read(path, FILE_MAX, &text));
  return settings_parse(buf_bytes(&text), path, &o->settings);
}

enum sr_status sr_options_file(struct sr_options *options, const char *path,
                               struct sr_error *error) {
  return told(read_file(options, path), error);
}

/* --- what is made of them --- */

unsigned options_number(const struct sr_options *o, enum sr_option name, unsigned usual) {
  for (size_t i = 0; i < OPTION_NUMBERS; i++)
    if (numbers[i].option == name && o->number[i])
      return o->number[i];
  return usual;
}
