#include "client/settings.h"

#include "base/file.h"

#include <stdio.h>

#define ENV_FILE_MAX 65536
#define SECRET_NAME "AZURE_CLIENT_SECRET"

static const char *const names[SET_COUNT] = {
  [SET_URL] = "KEY_VAULT_URL",
  [SET_AUTHORITY] = "AZURE_AUTHORITY_HOST",
  [SET_TENANT] = "AZURE_TENANT_ID",
  [SET_CLIENT_ID] = "AZURE_CLIENT_ID",
  [SET_CERTIFICATE] = "AZURE_CLIENT_CERTIFICATE_PATH",
  [SET_CA] = "SSL_CERT_FILE",
};

void settings_free(struct settings *s) {
  for (size_t i = 0; i < SET_COUNT; i++)
    mem_free(s->text[i]);
  secret_free(&s->secret);
  *s = (struct settings){ 0 };
}

static err_t set_text(char **slot, struct bytes value) {
  char *copy = mem_alloc(value.size + 1);
  if (!copy)
    return ERR_NOMEM;
  memcpy(copy, value.data, value.size);
  copy[value.size] = '\0';
  mem_free(*slot);
  *slot = copy;
  return OK;
}

static err_t set(struct settings *s, struct bytes name, struct bytes value) {
  if (value.size == 0)
    return OK;
  if (bytes_equal_str(name, SECRET_NAME)) {
    secret_free(&s->secret);
    return secret_copy(value, &s->secret);
  }
  for (size_t i = 0; i < SET_COUNT; i++)
    if (bytes_equal_str(name, names[i]))
      return set_text(&s->text[i], value);
  return OK;
}

static err_t parse_line(struct bytes line, const char *origin, int number, struct settings *out) {
  static const char export[] = "export ";
  line = bytes_trim(line);
  if (line.size == 0 || line.data[0] == '#')
    return OK;
  if (bytes_starts(line, export))
    line = bytes_of(line.data + sizeof export - 1, line.size - (sizeof export - 1));
  struct bytes name, value = bytes_split(line, '=', &name);
  if (!value.data || value.size < 2 || value.data[0] != '\'' ||
      memchr(value.data + 1, '\'', value.size - 1) != value.data + value.size - 1)
    FAIL(ERR_CONFIG, "%s line %d: expected export NAME='value'", origin, number);
  return set(out, name, bytes_of(value.data + 1, value.size - 2));
}

err_t settings_parse(struct bytes text, const char *origin, struct settings *out) {
  int number = 0;
  while (text.data) {
    struct bytes line;
    text = bytes_split(text, '\n', &line);
    TRY(parse_line(line, origin, ++number, out));
  }
  return OK;
}

static err_t from_file(const char *data_dir, struct settings *out) {
  char path[4096];
  AUTO_BUF text = BUF_EMPTY;
  if ((size_t)snprintf(path, sizeof path, "%s/env", data_dir) >= sizeof path)
    FAIL(ERR_CONFIG, "the path of the data directory is too long");
  TRY(file_read(path, ENV_FILE_MAX, &text));
  return settings_parse(buf_bytes(&text), path, out);
}

static err_t from_environment(struct settings *out) {
  const char *value = getenv(SECRET_NAME);
  if (value)
    TRY(set(out, bytes_str(SECRET_NAME), bytes_str(value)));
  for (size_t i = 0; i < SET_COUNT; i++)
    if ((value = getenv(names[i])))
      TRY(set(out, bytes_str(names[i]), bytes_str(value)));
  return OK;
}

err_t settings_read(const char *data_dir, struct settings *out) {
  return data_dir ? from_file(data_dir, out) : from_environment(out);
}
