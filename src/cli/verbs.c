#include "cli/verbs.h"

#include "base/conf.h"
#include "cli/nearest.h"
#include "cli/proxy/config.h"
#include "vault/hub.h"

#include <stdio.h>
#include <string.h>

const struct verb *const verbs[] = {
#define X(name) &name,
  VERB_TABLE(X)
#undef X
};
const size_t verb_count = sizeof verbs / sizeof *verbs;

const struct noun nouns[] = {
  { "vault", "the vault's server, sealing, its root key, and further vaults" },
  { "key", "keys: made, used, rotated, deleted and recovered" },
  { "secret", "secrets: values of text, set, read, deleted and recovered" },
  { "cert", "certificates: made, imported, enrolled for and kept fresh" },
  { "ca", "the hub's certificate authority: issuing, revoking, who may have which names" },
  { "identity", "who may call: applications, their secrets and certificates" },
  { "role", "what they may do: roles and their assignments" },
  { "age", "keys of the vault for age: its recipients and identities" },
  { "acme", "who may get certificates by ACME: binding keys and accounts" },
  { "proxy", "mutual TLS for any TCP service: a proxy in front of it or beside its client" },
  { "log", "sealed logs: written line by line, read, followed, searched and verified" },
  { "vpn", "tunnels between sites: set up, run, watched and checked" },
  { "audit", "the log of every operation, and its verification" },
  { "core", "the cores of crashed programs: sealed, listed, opened for gdb" },
};
const size_t noun_count = sizeof nouns / sizeof *nouns;

const struct opt verb_client_options[] = {
  { "data", OPT_VALUE, "DIR", NULL, "take address and credentials from DIR/env" },
  { "json", OPT_FLAG, NULL, NULL, "print JSON" },
  OPT_END,
};

enum { KEYS_MAX = 64 };
struct described {
  struct opt options[KEYS_MAX];
  char names[KEYS_MAX][48], helps[KEYS_MAX][160];
};

static const struct opt *describe(const struct conf_key *keys, size_t count, struct described *s) {
  static const enum opt_type types[] = {
    [CONF_STR] = OPT_VALUE,
    [CONF_UINT] = OPT_VALUE,
    [CONF_BOOL] = OPT_FLAG,
    [CONF_LIST] = OPT_LIST,
  };
  for (size_t i = 0; i < count && i < KEYS_MAX - 1; i++) {
    const struct conf_key *k = &keys[i];
    conf_flag_name(k, s->names[i], sizeof s->names[i]);
    bool has_default = k->type != CONF_BOOL && *k->fallback;
    snprintf(s->helps[i], sizeof s->helps[i], has_default ? "%s (default: %s)" : "%s", k->help,
             k->fallback);
    s->options[i] = (struct opt){ s->names[i], types[k->type], k->value, k->choices, s->helps[i] };
  }
  return s->options;
}

const struct opt *verb_settings(void) {
  static struct described s;
  return describe(hub_keys, hub_key_count, &s);
}

const struct opt *verb_proxy_settings(void) {
  static struct described s;
  return describe(proxy_keys, proxy_key_count, &s);
}

const struct opt *verb_option(const struct verb *v, size_t i) {
  const struct opt *tables[] = { v->options, v->settings ? v->settings() : NULL,
                                 v->client ? verb_client_options : NULL };
  for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
    for (const struct opt *o = tables[t]; o && o->name; o++, i--)
      if (i == 0)
        return o;
  return NULL;
}

const struct exit_code exit_codes[] = {
  { 0, "done" },
  { 1, "failed" },
  { 2, "wrong usage" },
  { 3, "not found" },
  { 4, "not authorised" },
  { 5, "conflict with the present state" },
  { 6, "the vault is sealed, busy or not to be reached" },
  { 7, "sealed data is truncated, was changed, or is none" },
  { 8, "the key, or the context, is not the one that it was sealed with" },
  { 9, "reading the input or writing the output failed" },
  { 130, "interrupted" },
};
const size_t exit_code_count = sizeof exit_codes / sizeof *exit_codes;

int exit_code_of(err_t e) {
  switch (e) {
  case OK:
    return 0;
  case ERR_USAGE:
    return 2;
  case ERR_NOT_FOUND:
    return 3;
  case ERR_UNAUTHORIZED:
  case ERR_FORBIDDEN:
    return 4;
  case ERR_CONFLICT:
    return 5;
  case ERR_SEALED:
  case ERR_BUSY:
  case ERR_AWAY:
    return 6;
  case ERR_NOT_SEALED:
  case ERR_TRUNCATED:
  case ERR_DAMAGED:
    return 7;
  case ERR_WRONG_KEY:
    return 8;
  case ERR_INPUT:
  case ERR_OUTPUT:
    return 9;
  case ERR_INTERRUPTED:
    return 130;
  default:
    return 1;
  }
}

const struct verb *verb_find(const char *noun, const char *name) {
  for (size_t i = 0; i < verb_count; i++)
    if (strcmp(verbs[i]->noun, noun) == 0 && strcmp(verbs[i]->name, name) == 0)
      return verbs[i];
  return NULL;
}

const struct noun *noun_find(const char *name) {
  for (size_t i = 0; i < noun_count; i++)
    if (strcmp(nouns[i].name, name) == 0)
      return &nouns[i];
  return NULL;
}

err_t verb_unknown(const char *first, const char *second) {
  bool in_noun = noun_find(first) && second;
  const char *noun = in_noun ? first : "", *word = in_noun ? second : first;
  struct nearest n;
  nearest_to(word, &n);
  for (size_t i = 0; i < verb_count; i++)
    if (strcmp(verbs[i]->noun, noun) == 0)
      nearest_offer(&n, verbs[i]->name);
  for (size_t i = 0; !in_noun && i < noun_count; i++)
    nearest_offer(&n, nouns[i].name);
  const char *blank = in_noun ? " " : "";
  if (n.found)
    FAIL(ERR_USAGE, "there is no '%s%s%s': did you mean '%s%s%s'?", noun, blank, word, noun, blank,
         n.found);
  FAIL(ERR_USAGE, "there is no '%s%s%s': see 'strongroom help%s%s'", noun, blank, word, blank,
       noun);
}
