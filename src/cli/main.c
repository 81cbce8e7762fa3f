/* strongroom: finds the verb in the table and runs it; age-plugin-strongroom. */
#include "cli/age/plugin.h"
#include "cli/args.h"
#include "cli/help.h"
#include "cli/out.h"
#include "cli/verbs.h"

#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CLIENT_HEAP (1u << 20)
#define SERVER_HEAP (1u << 25) /* some 4,000 opened RSA keys; a key for each TLS handshake */
#define LEAST_HEAP (1u << 16)

/* Locked memory for secrets: as much as is wanted, or as may be locked. Only a server is told when
 * there is none: a client holds its secrets for a moment. */
static err_t start(bool server) {
  bool locked;
  TRY(process_harden());
  mem_install_json();
  size_t limit = process_lock_limit(), heap = server ? SERVER_HEAP : CLIENT_HEAP;
  while (heap > LEAST_HEAP && heap > limit)
    heap /= 2;
  TRY(crypto_init(heap, &locked));
  if (server && !locked)
    log_warn("memory", "secrets may be swapped out: only %zu bytes may be locked", limit);
  return OK;
}

static bool is_server(const struct verb *v) {
  return v == &verb_vault_serve || v == &verb_proxy_serve;
}

static err_t run(const struct verb *v, int argc, char **argv) {
  struct args a;
  err_t e = args_parse(v, argc, argv, &a);
  if (e != OK) {
    out_error(e);
    fprintf(stderr, "Usage: strongroom %s%s%s %s\n", v->noun, *v->noun ? " " : "", v->name,
            v->words);
    return e;
  }
  if (a.help) {
    help_verb(v);
    return OK;
  }
  e = start(is_server(v));
  if (e == OK)
    e = v->run(&a);
  if (e != OK)
    out_error(e);
  return e;
}

/* Verbs that sort their words themselves print their errors themselves. */
static int run_argv(const struct verb *v, int argc, char **argv) {
  for (int i = 0; i < argc; i++)
    if (v != &verb_complete && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
      help_verb(v);
      return 0;
    }
  err_t e = start(is_server(v));
  if (e == OK)
    return v->run_argv(argc, argv);
  out_error(e);
  return exit_code_of(e);
}

static int dispatch(int argc, char **argv) {
  static const char *const spellings[] = { "--help", "help", "-h", "help", "--version", "version" };
  const char *first = argc > 1 ? argv[1] : "help", *second = argc > 2 ? argv[2] : NULL;
  for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i += 2)
    if (strcmp(first, spellings[i]) == 0)
      first = spellings[i + 1];
  const struct verb *v = verb_find("", first);
  int used = argc > 1 ? 2 : 1;
  const struct noun *noun = v ? NULL : noun_find(first);
  if (noun && (!second || strcmp(second, "--help") == 0 || strcmp(second, "-h") == 0)) {
    help_noun(noun);
    return 0;
  }
  if (noun && (v = verb_find(first, second)))
    used = 3;
  if (!v) {
    err_t e = verb_unknown(first, second);
    out_error(e);
    return exit_code_of(e);
  }
  return v->run ? exit_code_of(run(v, argc - used, argv + used))
                : run_argv(v, argc - used, argv + used);
}

/* The same program by another name, which age looks for. */
static int plugin(int argc, char **argv) {
  err_t e = start(false);
  if (e == OK)
    e = age_plugin_run(argc, argv);
  if (e != OK)
    out_error(e);
  return exit_code_of(e);
}

int main(int argc, char **argv) {
  int code = argc && age_plugin_is(argv[0]) ? plugin(argc, argv) : dispatch(argc, argv);
  bool unread;
  err_t e = out_finish(&unread);
  if (e == OK)
    return code;
  if (!unread)
    out_error_about(NULL, e, NULL);
  return code > 1 ? code : exit_code_of(e); /* 1 may mean that nothing was found */
}
