#include "client/settings.h"

#include "base/file.h"
#include "base/log.h"

#include <stdio.h>
#include <sys/stat.h>

#define ENV_FILE_MAX 65536

static const char *const names[SET_COUNT] = {
#define X(name, variable) [name] = variable,
  SETTING_TABLE(X)
#undef X
};
static const struct {
  const char *name;
  size_t offset;
} secrets[] = {
  { "AZURE_CLIENT_SECRET", offsetof(struct settings, secret) },
  { "IDENTITY_HEADER", offsetof(struct settings, identity_header) },
};
#define SECRETS (sizeof secrets / sizeof *secrets)

static struct secret *secret_at(struct settings *s, size_t i) {
  return (struct secret *)((char *)s + secrets[i].offset);
}

void settings_free(struct settings *s) {
  for (size_t i = 0; i < SET_COUNT; i++)
    mem_free(s->text[i]);
  for (size_t i = 0; i < SECRETS; i++)
    secret_free(secret_at(s, i));
  *s = (struct settings){ 0 };
}

static err_t set_text(char **slot, struct bytes value) {
  char *copy = NULL;
  if (value.size) {
    if (!(copy = mem_alloc(value.size + 1)))
      return ERR_NOMEM;
    memcpy(copy, value.data, value.size);
    copy[value.size] = '\0';
  }
  mem_free(*slot);
  *slot = copy;
  return OK;
}

static err_t set_secret(struct secret *slot, struct bytes value) {
  struct secret copy = { 0 };
  if (value.size)
    TRY(secret_copy(value, &copy));
  secret_free(slot);
  *slot = copy;
  return OK;
}

err_t settings_set(struct settings *s, const char *name, struct bytes value) {
  if (value.size && memchr(value.data, '\0', value.size))
    FAIL(ERR_CONFIG, "%s holds a NUL", name);
  for (size_t i = 0; i < SECRETS; i++)
    if (strcmp(name, secrets[i].name) == 0)
      return set_secret(secret_at(s, i), value);
  for (size_t i = 0; i < SET_COUNT; i++)
    if (strcmp(name, names[i]) == 0)
      return set_text(&s->text[i], value);
  return OK;
}

/* An empty value is one that was not given. */
static err_t set(struct settings *s, struct bytes name, struct bytes value) {
  char text[64];
  if (value.size == 0 || bytes_to_cstr(name, text, sizeof text) != OK)
    return OK;
  return settings_set(s, text, value);
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

err_t settings_parse(struct bytes text, const char *origin, struct settings *s) {
  int number = 0;
  while (text.data) {
    struct bytes line;
    text = bytes_split(text, '\n', &line);
    TRY(parse_line(line, origin, ++number, s));
  }
  return OK;
}

err_t settings_read_file(const char *path, struct settings *s) {
  AUTO_BUF text = BUF_EMPTY;
  TRY(file_read(path, ENV_FILE_MAX, &text));
  return settings_parse(buf_bytes(&text), path, s);
}

/* For programs alone: a library says nothing on stderr. */
static err_t read_own(const char *path, struct settings *s) {
  struct stat st;
  bool had = false, has = false;
  for (size_t i = 0; i < SECRETS; i++)
    had |= secret_at(s, i)->size > 0;
  TRY(settings_read_file(path, s));
  for (size_t i = 0; i < SECRETS; i++)
    has |= secret_at(s, i)->size > 0;
  if (has && !had && stat(path, &st) == 0 && st.st_mode & (S_IRWXG | S_IRWXO))
    log_warn("client", "%s has a secret in it, and its mode is %04o: chmod 600", path,
             (unsigned)st.st_mode & 07777);
  return OK;
}

static err_t from_directory(const char *data_dir, struct settings *s) {
  char path[4096];
  struct stat st;
  if (stat(data_dir, &st) == 0 && S_ISREG(st.st_mode))
    return read_own(data_dir, s);
  if ((size_t)snprintf(path, sizeof path, "%s/env", data_dir) >= sizeof path)
    FAIL(ERR_CONFIG, "the path of the data directory is too long");
  return read_own(path, s);
}

static err_t from_variable(const char *name, struct settings *s) {
  const char *value = getenv(name);
  return value ? set(s, bytes_str(name), bytes_str(value)) : OK;
}

static err_t from_environment(struct settings *s) {
  for (size_t i = 0; i < SECRETS; i++)
    TRY(from_variable(secrets[i].name, s));
  for (size_t i = 0; i < SET_COUNT; i++)
    TRY(from_variable(names[i], s));
  return OK;
}

err_t settings_read(const char *data_dir, struct settings *s) {
  return data_dir ? from_directory(data_dir, s) : from_environment(s);
}
