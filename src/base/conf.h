/*
 * Configuration: flags over environment (STRONGROOM_*) over one INI file, from one table of keys. A
 * key that the table does not know, a value that its type does not take, or a key given twice in
 * the file is an error that names file and line. Secrets are never configuration. A program that
 * has a table of its own has a prefix of its own, such as STRONGROOM_PROXY_.
 *
 * A key "audit.rotate_hours" is the flag --audit-rotate-hours, the variable
 * STRONGROOM_AUDIT_ROTATE_HOURS and, in the file, "rotate_hours" (or "rotate-hours") under
 * "[audit]".
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include "base/bytes.h"

enum conf_type {
  CONF_STR,
  CONF_UINT,
  CONF_BOOL,
  CONF_LIST
}; /* a list may be given again and again; commas separate */

struct conf_key {
  const char *name; /* "section.key" */
  enum conf_type type;
  const char *fallback; /* as it would be written in the file */
  uint64_t min, max;    /* CONF_UINT */
  const char *help;
  const char *value;   /* what help calls its value: "FILE"; NULL for CONF_BOOL */
  const char *choices; /* the values it takes, separated by blanks; NULL: any */
};
/* The flag of a key, without the dashes: "audit-rotate-hours". */
void conf_flag_name(const struct conf_key *k, char *out, size_t size);

struct conf;
err_t conf_new(const struct conf_key *keys, size_t count, struct conf **out);
void conf_free(struct conf *c);
CLEANUP(conf, struct conf *, conf_free)

/* Later calls win over earlier ones: file, then environment, then flags. A list given by a later
 * source replaces the earlier. */
err_t conf_read_file(struct conf *c, const char *path);
err_t conf_parse(struct conf *c, struct bytes text, const char *origin); /* the text of a file */
err_t conf_read_env(struct conf *c, const char *prefix);
/* Warns of each variable that begins so and is no key's: for a prefix that is the program's own. */
void conf_warn_env(const struct conf *c, const char *prefix, const char *area);
/* True and consumed (1 or 2 of argv) when argv[0] is a flag of the table; *used is how many words.
 */
err_t conf_flag(struct conf *c, int argc, char **argv, int *used);

const char *conf_str(const struct conf *c, const char *name);
uint64_t conf_uint(const struct conf *c, const char *name);
bool conf_bool(const struct conf *c, const char *name);
size_t conf_list(const struct conf *c, const char *name, const char *const **items);

#endif
