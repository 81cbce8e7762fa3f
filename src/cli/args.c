#include "cli/args.h"

#include "base/bytes.h"
#include "cli/nearest.h"

#include <stdlib.h>

static const struct opt *find(const struct verb *v, struct bytes name) {
  const struct opt *o;
  for (size_t i = 0; (o = verb_option(v, i)); i++)
    if (bytes_equal_str(name, o->name))
      return o;
  return NULL;
}

static err_t refuse_unknown(const struct verb *v, struct bytes name) {
  struct nearest n;
  char given[64];
  if (bytes_to_cstr(name, given, sizeof given) != OK)
    FAIL(ERR_USAGE, "there is no option of that length");
  nearest_to(given, &n);
  const struct opt *o;
  for (size_t i = 0; (o = verb_option(v, i)); i++)
    nearest_offer(&n, o->name);
  if (n.found)
    FAIL(ERR_USAGE, "there is no option --%s: did you mean --%s?", given, n.found);
  FAIL(ERR_USAGE, "there is no option --%s", given);
}

static err_t check_choice(const struct opt *o, const char *value) {
  struct bytes rest = bytes_str(o->choices), word;
  do {
    rest = bytes_split(rest, ' ', &word);
    if (bytes_equal_str(word, value))
      return OK;
  } while (rest.data);
  FAIL(ERR_USAGE, "--%s takes one of %s, not '%s'", o->name, o->choices, value);
}

/* argv[0] starts with "--"; *used is how many words it took. */
static err_t parse_option(struct args *a, int argc, char **argv, int *used) {
  struct bytes name, value = bytes_split(bytes_str(argv[0] + 2), '=', &name);
  const struct opt *o = find(a->verb, name);
  if (!o)
    return refuse_unknown(a->verb, name);
  const char *text = (const char *)value.data;
  *used = 1;
  if (o->type == OPT_FLAG && text)
    FAIL(ERR_USAGE, "--%s takes no value", o->name);
  if (o->type != OPT_FLAG && !text && argc < 2)
    FAIL(ERR_USAGE, "--%s needs a value", o->name);
  if (o->type != OPT_FLAG && !text) {
    text = argv[1];
    *used = 2;
  }
  if (o->type != OPT_LIST && args_flag(a, o->name))
    FAIL(ERR_USAGE, "--%s was given twice", o->name);
  if (o->choices)
    TRY(check_choice(o, text));
  if (a->given_count == ARGS_MAX)
    FAIL(ERR_USAGE, "more than %d options", ARGS_MAX);
  a->given[a->given_count++] = (struct given){ o, text };
  return OK;
}

static err_t parse_word(struct args *a, char *word) {
  if (a->word_count == a->verb->max_words)
    FAIL(ERR_USAGE, "'%s' is one argument too many", word);
  a->words[a->word_count++] = word;
  return OK;
}

err_t args_parse(const struct verb *v, int argc, char **argv, struct args *out) {
  *out = (struct args){ .verb = v, .words = argv };
  bool options = true;
  for (int i = 0, used; i < argc; i += used) {
    used = 1;
    if (options && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
      out->help = true;
      return OK;
    }
    if (options && strcmp(argv[i], "--") == 0)
      options = false;
    else if (options && strncmp(argv[i], "--", 2) == 0)
      TRY(parse_option(out, argc - i, argv + i, &used));
    else
      TRY(parse_word(out, argv[i]));
  }
  if (out->word_count < v->min_words)
    FAIL(ERR_USAGE, "%s is missing", v->words);
  return OK;
}

const char *args_word(const struct args *a, size_t i) {
  return i < a->word_count ? a->words[i] : NULL;
}

const char *args_next(const struct args *a, const char *name, size_t *at) {
  if (!find(a->verb, bytes_str(name)))
    abort();
  while (*at < a->given_count) {
    const struct given *g = &a->given[(*at)++];
    if (strcmp(g->opt->name, name) == 0)
      return g->value ? g->value : "";
  }
  return NULL;
}

const char *args_value(const struct args *a, const char *name) {
  size_t at = 0;
  return args_next(a, name, &at);
}

bool args_flag(const struct args *a, const char *name) {
  return args_value(a, name) != NULL;
}

err_t args_uint(const struct args *a, const char *name, uint64_t min, uint64_t max, uint64_t *out) {
  const char *text = args_value(a, name);
  uint64_t n = 0;
  if (!text)
    return OK;
  if (bytes_to_u64(bytes_str(text), max, &n) != OK || n < min)
    FAIL(ERR_USAGE, "--%s takes a whole number from %llu to %llu, not '%s'", name,
         (unsigned long long)min, (unsigned long long)max, text);
  *out = n;
  return OK;
}

err_t args_usage(err_t e) {
  char why[sizeof err_last()->why];
  if (e != ERR_CONFIG)
    return e;
  memcpy(why, err_last()->why, sizeof why);
  FAIL(ERR_USAGE, "%s", why);
}
