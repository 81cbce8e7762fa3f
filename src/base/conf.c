#include "base/conf.h"

#include "base/file.h"
#include "base/log.h"

#include <ctype.h>
#include <stdio.h>

#define CONF_FILE_MAX (256u * 1024)
#define CONF_LIST_MAX 64

enum source { FROM_NOWHERE, FROM_FALLBACK, FROM_FILE, FROM_ENV, FROM_FLAG };

struct value {
  enum source source;
  int line;
  char *text;
  uint64_t number;
  char *items[CONF_LIST_MAX + 1];
  size_t count;
};

struct conf {
  const struct conf_key *keys;
  size_t count;
  struct value *values;
};

static void value_clear(struct value *v) {
  mem_free(TAKE(v->text));
  for (size_t i = 0; i < v->count; i++)
    mem_free(TAKE(v->items[i]));
  v->count = 0;
}

static err_t list_add(const struct conf_key *k, struct value *v, const char *text) {
  struct bytes rest = bytes_str(text), item;
  while (rest.data) {
    rest = bytes_split(rest, ',', &item);
    item = bytes_trim(item);
    if (item.size == 0)
      continue;
    if (v->count == CONF_LIST_MAX)
      FAIL(ERR_CONFIG, "%s takes at most %d values", k->name, CONF_LIST_MAX);
    char *s = mem_alloc(item.size + 1);
    if (!s)
      return ERR_NOMEM;
    memcpy(s, item.data, item.size);
    s[item.size] = '\0';
    v->items[v->count++] = s;
  }
  return OK;
}

static err_t parse_uint(const struct conf_key *k, const char *text, uint64_t *out) {
  struct bytes t = bytes_str(text);
  uint64_t unit = 1;
  if (t.size && strchr("kKmMgG", t.data[t.size - 1])) {
    char u = (char)(t.data[t.size - 1] | 32);
    unit = u == 'k' ? 1024 : u == 'm' ? 1024 * 1024 : 1024 * 1024 * 1024;
    t.size--;
  }
  if (bytes_to_u64(t, UINT64_MAX / unit, out) != OK || *out * unit < k->min || *out * unit > k->max)
    FAIL(ERR_CONFIG, "%s takes a whole number from %llu to %llu, not '%s'", k->name,
         (unsigned long long)k->min, (unsigned long long)k->max, text);
  *out *= unit;
  return OK;
}

static err_t parse_bool(const struct conf_key *k, const char *text, uint64_t *out) {
  static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(text, words[i]) == 0) {
      *out = i % 2;
      return OK;
    }
  FAIL(ERR_CONFIG, "%s takes yes or no, not '%s'", k->name, text);
}

static err_t check_choice(const struct conf_key *k, const char *text) {
  struct bytes rest = bytes_str(k->choices), word;
  while (rest.data) {
    rest = bytes_split(rest, ' ', &word);
    if (bytes_equal_str(word, text))
      return OK;
  }
  FAIL(ERR_CONFIG, "%s takes one of %s, not '%s'", k->name, k->choices, text);
}

static err_t assign(struct conf *c, size_t i, const char *text, enum source source, int line) {
  const struct conf_key *k = &c->keys[i];
  struct value *v = &c->values[i];
  bool more = k->type == CONF_LIST && v->source == source;
  if (source == FROM_FILE && v->source == FROM_FILE && !more)
    FAIL(ERR_CONFIG, "%s was given on line %d already", k->name, v->line);
  uint64_t number = 0;
  if (k->type == CONF_UINT)
    TRY(parse_uint(k, text, &number));
  if (k->type == CONF_BOOL)
    TRY(parse_bool(k, text, &number));
  if (k->choices)
    TRY(check_choice(k, text));
  if (!more)
    value_clear(v);
  v->source = source;
  v->line = line;
  v->number = number;
  if (k->type == CONF_LIST)
    return list_add(k, v, text);
  v->text = mem_strdup(text);
  return v->text ? OK : ERR_NOMEM;
}

err_t conf_new(const struct conf_key *keys, size_t count, struct conf **out) {
  AUTO(conf) struct conf *c = mem_zalloc(sizeof *c);
  if (!c || !(c->values = mem_zalloc(count * sizeof *c->values)))
    return ERR_NOMEM;
  c->keys = keys;
  c->count = count;
  for (size_t i = 0; i < count; i++)
    TRY(assign(c, i, keys[i].fallback, FROM_FALLBACK, 0));
  *out = TAKE(c);
  return OK;
}

void conf_free(struct conf *c) {
  for (size_t i = 0; c->values && i < c->count; i++)
    value_clear(&c->values[i]);
  mem_free(c->values);
  mem_free(c);
}

static bool find(const struct conf *c, const char *name, size_t *out) {
  for (size_t i = 0; i < c->count; i++)
    if (strcmp(c->keys[i].name, name) == 0) {
      *out = i;
      return true;
    }
  return false;
}

static err_t no_key(const char *word, const char *section, const char *origin, int number) {
  if (!*section)
    FAIL(ERR_CONFIG, "%s line %d: there is no key '%s'", origin, number, word);
  FAIL(ERR_CONFIG, "%s line %d: there is no key '%s' in section [%s]", origin, number, word,
       section);
}

/* One line of a file, which may end in CR: blank, comment, [section] or key = value. section[64] is
 * carried from line to line. */
static err_t parse_line(struct conf *c, struct bytes line, int number, const char *origin,
                        char section[static 64]) {
  if (line.size && line.data[line.size - 1] == '\r')
    line.size--;
  line = bytes_trim(line);
  if (line.size == 0 || line.data[0] == '#' || line.data[0] == ';')
    return OK;
  if (line.data[0] == '[') {
    if (line.data[line.size - 1] != ']' ||
        bytes_to_cstr(bytes_of(line.data + 1, line.size - 2), section, 64) != OK)
      FAIL(ERR_CONFIG, "%s line %d: a section is written [name]", origin, number);
    return OK;
  }
  struct bytes key, value = bytes_split(line, '=', &key);
  char name[160], word[64], text[1024];
  size_t i;
  if (!value.data || bytes_to_cstr(bytes_trim(key), word, sizeof word) != OK)
    FAIL(ERR_CONFIG, "%s line %d: expected key = value", origin, number);
  if (bytes_to_cstr(bytes_trim(value), text, sizeof text) != OK)
    FAIL(ERR_CONFIG, "%s line %d: the value is too long or holds a NUL", origin, number);
  int n = snprintf(name, sizeof name, "%s%s", section, section[0] ? "." : "");
  for (char *dash; (dash = strchr(word, '-'));) /* as flags are written, too */
    *dash = '_';
  snprintf(name + n, sizeof name - (size_t)n, "%s", word);
  if (!find(c, name, &i))
    return no_key(word, section, origin, number);
  err_t e = assign(c, i, text, FROM_FILE, number);
  if (e == ERR_CONFIG) {
    char why[sizeof err_last()->why];
    memcpy(why, err_last()->why, sizeof why);
    FAIL(ERR_CONFIG, "%s line %d: %.200s", origin, number, why);
  }
  return e;
}

err_t conf_parse(struct conf *c, struct bytes text, const char *origin) {
  char section[64] = "";
  int number = 0;
  while (text.data) {
    struct bytes line;
    text = bytes_split(text, '\n', &line);
    TRY(parse_line(c, line, ++number, origin, section));
  }
  return OK;
}

err_t conf_read_file(struct conf *c, const char *path) {
  AUTO_BUF b = BUF_EMPTY;
  TRY(file_read(path, CONF_FILE_MAX, &b));
  return conf_parse(c, buf_bytes(&b), path);
}

/* "audit.rotate_hours" as "STRONGROOM_AUDIT_ROTATE_HOURS" or "--audit-rotate-hours". */
static void spell(const char *name, const char *prefix, bool upper, char *out, size_t size) {
  size_t n = (size_t)snprintf(out, size, "%s%s", prefix, name);
  for (size_t i = strlen(prefix); i < n && i < size; i++) {
    if (out[i] == '.' || out[i] == '_')
      out[i] = upper ? '_' : '-';
    else if (upper)
      out[i] = (char)toupper((unsigned char)out[i]);
  }
}

void conf_flag_name(const struct conf_key *k, char *out, size_t size) {
  spell(k->name, "", false, out, size);
}

err_t conf_read_env(struct conf *c, const char *prefix) {
  for (size_t i = 0; i < c->count; i++) {
    char name[128];
    spell(c->keys[i].name, prefix, true, name, sizeof name);
    const char *v = getenv(name);
    if (v)
      TRY(assign(c, i, v, FROM_ENV, 0));
  }
  return OK;
}

static bool has_variable(const struct conf *c, const char *prefix, struct bytes variable) {
  char name[128];
  for (size_t i = 0; i < c->count; i++) {
    spell(c->keys[i].name, prefix, true, name, sizeof name);
    if (bytes_equal_str(variable, name))
      return true;
  }
  return false;
}

/* Not more than a warning: who starts programs may put variables there for each service. */
void conf_warn_env(const struct conf *c, const char *prefix, const char *area) {
  struct bytes name;
  for (char **e = environ; *e; e++) {
    bytes_split(bytes_str(*e), '=', &name);
    if (bytes_starts(name, prefix) && !has_variable(c, prefix, name))
      log_warn(area, "there is no setting " BYTES_FMT ": it is passed over", BYTES_ARG(name));
  }
}

err_t conf_flag(struct conf *c, int argc, char **argv, int *used) {
  *used = 0;
  for (size_t i = 0; i < c->count; i++) {
    char flag[128];
    spell(c->keys[i].name, "--", false, flag, sizeof flag);
    size_t n = strlen(flag);
    if (strncmp(argv[0], flag, n) != 0 || (argv[0][n] != '\0' && argv[0][n] != '='))
      continue;
    const char *v = argv[0][n] == '=' ? argv[0] + n + 1 : NULL;
    *used = 1;
    if (!v && c->keys[i].type == CONF_BOOL)
      v = "yes";
    else if (!v && argc < 2)
      FAIL(ERR_USAGE, "%s needs a value", flag);
    else if (!v) {
      v = argv[1];
      *used = 2;
    }
    if (c->keys[i].type == CONF_LIST && v[strspn(v, ", \t")] == '\0')
      FAIL(ERR_USAGE, "%s needs a value", flag);
    return assign(c, i, v, FROM_FLAG, 0);
  }
  return OK;
}

static const struct value *value_of(const struct conf *c, const char *name) {
  size_t i;
  if (!find(c, name, &i))
    abort(); /* a name that the table does not have is a defect of the caller */
  return &c->values[i];
}

const char *conf_str(const struct conf *c, const char *name) {
  return value_of(c, name)->text;
}

uint64_t conf_uint(const struct conf *c, const char *name) {
  return value_of(c, name)->number;
}

bool conf_bool(const struct conf *c, const char *name) {
  return value_of(c, name)->number != 0;
}

size_t conf_list(const struct conf *c, const char *name, const char *const **items) {
  const struct value *v = value_of(c, name);
  *items = (const char *const *)v->items;
  return v->count;
}
