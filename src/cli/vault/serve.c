/* strongroom vault serve: the vault alone, for systemd and for `up`, which runs it as its child. */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "cli/serve_options.h"
#include "cli/verbs.h"
#include "vault/hub.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_SEALED 75 /* told to seal: whoever supervises starts it again (EX_TEMPFAIL) */

static err_t tell_ready(struct hub *h, int fd) {
  AUTO_BUF line = BUF_EMPTY;
  TRY(hub_write_ready(h, &line));
  log_info("hub", "ready: " BYTES_FMT, (int)line.size - 1, (const char *)line.data);
  if (fd < 0)
    return OK;
  TRY(file_write_fd(fd, "the ready descriptor", buf_bytes(&line)));
  close(fd);
  return OK;
}

/* The directory of a file that is configured, "" for none. */
static void dir_of(const char *path, char out[static 1024]) {
  const char *slash = strrchr(path, '/');
  snprintf(out, 1024, "%.*s", slash && slash != path ? (int)(slash - path) : 0, path);
  if (path[0] && !out[0])
    snprintf(out, 1024, slash ? "/" : ".");
}

/* Where the list of name servers really is: often it is a link to a file that is replaced. */
static void resolver_dir(const struct conf *conf, char out[static 1024]) {
  char path[PATH_MAX];
  bool needed = conf_bool(conf, "acme.enabled") && realpath("/etc/resolv.conf", path);
  dir_of(needed ? path : "", out);
}

/* Before any thread is there: Landlock holds for threads made later. */
static err_t enter_sandbox(const struct serve_options *o) {
  const char *data = conf_str(o->conf, "data");
  char root[1024], certificate[1024], key[1024], resolver[1024];
  bool landlock;
  if (o->init && mkdir(data, 0700) != 0 && errno != EEXIST)
    FAIL(ERR_CONFIG, "cannot make the data directory %s: %s", data, strerror(errno));
  dir_of(conf_str(o->conf, "root_file"), root);
  dir_of(conf_str(o->conf, "tls.certificate"), certificate);
  dir_of(conf_str(o->conf, "tls.key"), key);
  resolver_dir(o->conf, resolver);
  const struct process_dir dirs[] = {
    { data, PROCESS_WRITE },        { root, o->init ? PROCESS_WRITE : PROCESS_READ },
    { certificate, PROCESS_READ },  { key, PROCESS_READ },
    { resolver, PROCESS_READ },     { "/etc", PROCESS_READ },
    { "/dev/null", PROCESS_WRITE }, { "/usr/share/zoneinfo", PROCESS_READ },
  };
  TRY(process_sandbox(dirs, sizeof dirs / sizeof *dirs,
                      conf_bool(o->conf, "acme.enabled") ? PROCESS_DIALS : PROCESS_LISTENS,
                      &landlock));
  if (!landlock)
    log_warn("hub", "this kernel has no Landlock: file access is not limited");
  return OK;
}

static err_t serve(struct serve_options *o, enum hub_exit *why) {
  AUTO(hub) struct hub *h = NULL;
  struct hub_start start = { o->conf, o->init, o->audit_lost, secret_bytes(&o->passphrase) };
  enum log_level level;
  if (!log_level_parse(conf_str(o->conf, "log"), &level))
    FAIL(ERR_CONFIG, "log takes error, warn, info or debug");
  log_set_level(level);
  clock_shift((int64_t)conf_uint(o->conf, "test.clock_shift"));
  TRY(enter_sandbox(o));
  TRY(hub_open(&start, &h));
  secret_free(&o->passphrase);
  TRY(tell_ready(h, o->ready_fd));
  return hub_run(h, why);
}

static int run(int argc, char **argv) {
  enum hub_exit why = HUB_STOPPED;
  __attribute__((cleanup(serve_options_free))) struct serve_options o = { 0 };
  err_t e = serve_options_read(argc, argv, &o);
  if (e == OK)
    e = serve(&o, &why);
  if (e != OK) {
    log_err("hub", e, "cannot serve");
    return e == ERR_USAGE ? 2 : 1;
  }
  return why == HUB_SEALED ? EXIT_SEALED : 0;
}

static const struct opt options[] = {
  SERVE_OPTIONS,
  { "init", OPT_FLAG, NULL, NULL, "make what is not there yet" },
  { "ready-fd", OPT_VALUE, "N", NULL, "write a line of JSON to descriptor N when it serves" },
  OPT_END,
};

const struct verb verb_vault_serve = {
  .noun = "vault",
  .name = "serve",
  .words = "",
  .settings = verb_settings,
  .options = options,
  .summary = "Run the vault alone, in the foreground, as systemd would",
  .details =
    "'strongroom up' runs it as its child. Without --init, a data directory without a vault\n"
    "is an error.\n"
    "SIGTERM stops it cleanly, SIGHUP reloads the certificate. Exit status 75: it was told\n"
    "to seal itself and wants to be started again.",
  .examples = "strongroom vault serve --data /var/lib/strongroom --listen 0.0.0.0:8443",
  .run_argv = run,
};
