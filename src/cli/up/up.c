/*
 * strongroom up: the hub on one machine. Its services are children of this process, which hands its
 * options on to them, says where they are, and keeps them running.
 */
#include "base/file.h"
#include "cli/out.h"
#include "cli/passphrase.h"
#include "cli/serve_options.h"
#include "cli/up/print.h"
#include "cli/up/prove.h"
#include "cli/up/supervise.h"
#include "cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const vault_words[] = { "vault", "serve", NULL };

/* The words of the command line, sorted: what is ours, what only the first start may read, and what
 * every start is given. */
struct words {
  char **all, **passed_on;
  size_t all_count, passed_on_count;
  bool json;
};
static void words_free(struct words *w) {
  mem_free(w->all);
  mem_free(w->passed_on);
}

static err_t sort_words(int argc, char **argv, struct words *out) {
  size_t room = (size_t)argc * sizeof(char *);
  if (!(out->all = mem_zalloc(room)) || !(out->passed_on = mem_zalloc(room)))
    return ERR_NOMEM;
  for (int i = 0; i < argc; i++) {
    if (strcmp(argv[i], "--json") == 0) {
      out->json = true;
      continue;
    }
    out->all[out->all_count++] = argv[i];
    if (strcmp(argv[i], "--passphrase-stdin") == 0)
      continue;
    if (strcmp(argv[i], "--passphrase-fd") == 0 && i + 1 < argc) {
      out->all[out->all_count++] = argv[++i];
      continue;
    }
    out->passed_on[out->passed_on_count++] = argv[i];
  }
  return OK;
}

/* A vault under a passphrase is unsealed at once if there is a terminal to ask at; a new one needs
 * its passphrase now. */
static err_t ask_passphrase(struct serve_options *o) {
  char provider[16];
  const char *dir = conf_str(o->conf, "data");
  bool is_new = hub_root_provider(dir, provider) != OK;
  if (is_new)
    snprintf(provider, sizeof provider, "%s", conf_str(o->conf, "root"));
  if (strcmp(provider, "passphrase") != 0 || o->passphrase.size || !isatty(STDIN_FILENO))
    return OK;
  return passphrase_ask(is_new ? "Passphrase for the new vault: " : "Passphrase: ", is_new,
                        &o->passphrase);
}

/* A pipe that holds the passphrase: its reading end. */
static err_t pipe_passphrase(struct secret *passphrase, int *out) {
  int fds[2];
  if (passphrase->size == 0)
    return OK;
  if (pipe2(fds, O_CLOEXEC) != 0)
    FAIL(ERR_IO, "cannot make a pipe: %s", strerror(errno));
  bool written = write(fds[1], passphrase->data, passphrase->size) == (ssize_t)passphrase->size;
  close(fds[1]);
  secret_free(passphrase);
  *out = fds[0];
  if (!written)
    FAIL(ERR_IO, "cannot hand the passphrase over");
  return OK;
}

static err_t bring_up(struct supervisor *s, const struct words *w, const struct conf *conf) {
  const char *dir = conf_str(conf, "data");
  AUTO_BUF proof = BUF_EMPTY;
  TRY(supervisor_bring_up(s));
  if (s->stopping)
    return OK;
  TRY(up_prove(s->services, s->count, dir, conf_str(conf, "tls.certificate"), &proof));
  TRY(w->json ? up_print_json(s->services, s->count, dir, buf_bytes(&proof))
              : up_print(s->services, s->count, dir, buf_bytes(&proof)));
  fflush(stdout);
  return OK;
}

static err_t run_hub(const struct words *w, int *exit_code) {
  __attribute__((cleanup(serve_options_free))) struct serve_options o = { .ready_fd = -1 };
  AUTO_FD passphrase = -1;
  struct service services[] = {
    { .name = "vault", .words = vault_words, .ready_fd = -1 },
  };
  TRY(serve_options_read((int)w->all_count, w->all, &o));
  TRY(ask_passphrase(&o));
  TRY(pipe_passphrase(&o.passphrase, &passphrase));
  __attribute__((cleanup(supervisor_free))) struct supervisor s = {
    .services = services,
    .count = sizeof services / sizeof *services,
    .launch = { w->passed_on, w->passed_on_count, passphrase },
    .signals = -1,
  };
  TRY(supervisor_init(&s));
  TRY(bring_up(&s, w, o.conf));
  TRY(supervisor_watch(&s));
  *exit_code = s.exit_code;
  return OK;
}

static int run(int argc, char **argv) {
  __attribute__((cleanup(words_free))) struct words w = { 0 };
  int exit_code = 0;
  err_t e = sort_words(argc, argv, &w);
  if (e == OK)
    e = run_hub(&w, &exit_code);
  if (e == OK)
    return exit_code;
  out_error(e);
  return exit_code_of(e);
}

static const struct opt options[] = {
  SERVE_OPTIONS,
  { "json", OPT_FLAG, NULL, NULL, "print what runs as one line of JSON" },
  OPT_END,
};

const struct verb verb_up = {
  .noun = "",
  .name = "up",
  .words = "",
  .summary = "Start the hub on this machine and keep it running",
  .details =
    "The first start makes the data directory, the root key, the hub's authority and\n"
    "certificate, and its owner. What a client needs is written to DIR/env (mode 0600).\n"
    "Ctrl-C or SIGTERM stops everything cleanly, a second Ctrl-C at once; SIGHUP reloads the\n"
    "certificate. A service that ends unexpectedly is started again; a vault under a\n"
    "passphrase is sealed then. Before it says that it serves, every address is tried: one that\n"
    "answers in plain text, or with a certificate that is not the hub's, ends the start.",
  .settings = verb_settings,
  .options = options,
  .examples = "strongroom up\n"
              "strongroom up --data /srv/hub --listen 0.0.0.0:8443 --host vault.corp.example\n"
              "strongroom up --root passphrase",
  .run_argv = run,
};
