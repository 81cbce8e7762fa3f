/* strongroom core take PID THREAD UID GID SIGNAL TIME LIMIT NAME: started by the kernel */
#include "base/file.h"
#include "base/process.h"
#include "cli/core/config.h"
#include "cli/core/crash.h"
#include "cli/core/dir.h"
#include "cli/core/sealer.h"
#include "cli/core/system_log.h"
#include "cli/out.h"
#include "cli/verbs.h"
#include "seal/sealed.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

struct take {
  struct crash crash;
  struct conf *conf;
  struct core_dir *dir;
  struct core_sealer sealer;
  uint64_t number;
  size_t removed; /* older cores that made room */
};
static void take_end(struct take *t) {
  core_sealer_close(&t->sealer);
  if (t->dir)
    core_dir_close(t->dir);
  if (t->conf)
    conf_free(t->conf);
}

/* What root can do beyond its own files is not needed any more; without the vault, nothing but the
 * directory is. */
static err_t drop_privileges(const struct take *t) {
  struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
  const struct process_dir dirs[] = {
    { conf_str(t->conf, "dir"), PROCESS_WRITE },
    { "/proc/self/fd", PROCESS_READ },
  };
  bool landlock;
  if (syscall(SYS_capset, &head, none) != 0)
    FAIL(ERR_CONFIG, "cannot drop capabilities: %s", strerror(errno));
  return t->sealer.client
           ? OK
           : process_sandbox(dirs, sizeof dirs / sizeof *dirs, PROCESS_LISTENS, &landlock);
}

/* At most what the settings, and the process's own limit, allow. */
static uint64_t size_limit(const struct take *t) {
  uint64_t limit = t->crash.limit, max = conf_uint(t->conf, "max_size"),
           total = conf_uint(t->conf, "keep_total");
  limit = limit < max ? limit : max;
  return limit < total ? limit : total;
}

static err_t count(void *ctx, const struct stream_progress *p) {
  struct crash *c = ctx;
  c->size = p->done;
  return OK;
}

static err_t seal_core(struct take *t, int *out) {
  AUTO_BUF context = BUF_EMPTY;
  uint8_t more;
  core_context(t->number, CORE_PART_CORE, &context);
  TRY(buf_ok(&context));
  const struct sealed_options o = {
    .context = buf_bytes(&context),
    .stream = { .progress = count, .ctx = &t->crash, .limit = size_limit(t) },
  };
  TRY(core_dir_file(t->dir, out));
  TRY(sealed_seal(t->sealer.cache, t->sealer.key, &o, STDIN_FILENO, *out));
  /* What is left is not read: when this process ends the kernel stops writing, and lets the crashed
   * one go. */
  t->crash.truncated = read(STDIN_FILENO, &more, 1) == 1;
  return OK;
}

static err_t seal_info(struct take *t, int *out) {
  AUTO_BUF context = BUF_EMPTY, record = BUF_EMPTY, sealed = BUF_EMPTY;
  core_context(t->number, CORE_PART_INFO, &context);
  crash_write(&t->crash, &record);
  TRY(buf_ok(&context));
  TRY(buf_ok(&record));
  TRY(sealed_put(t->sealer.cache, t->sealer.key, buf_bytes(&context), buf_bytes(&record), &sealed));
  TRY(core_dir_file(t->dir, out));
  return file_write_fd(*out, "the record", buf_bytes(&sealed));
}

static err_t take(const struct args *a, struct take *t) {
  AUTO_FD core = -1, info = -1;
  TRY(crash_parse((const char *const *)a->words, &t->crash));
  if (t->crash.limit == 0)
    FAIL(ERR_CONFLICT, "its RLIMIT_CORE is 0");
  crash_find_program(&t->crash);
  TRY(core_config_read(core_config_path(a), &t->conf));
  TRY(core_dir_open(conf_str(t->conf, "dir"), &t->dir));
  unsigned seconds = (unsigned)conf_uint(t->conf, "wait_seconds");
  TRY(core_dir_enter(t->dir, (unsigned)conf_uint(t->conf, "at_once"), seconds));
  TRY(core_sealer_open(t->conf, &t->sealer));
  TRY(drop_privileges(t));
  TRY(core_sealer_wait(&t->sealer, seconds));
  TRY(core_dir_reserve(t->dir, &t->number));
  TRY(seal_core(t, &core));
  TRY(seal_info(t, &info));
  return core_dir_add(t->dir, t->number, core, info, conf_uint(t->conf, "keep_total"), &t->removed);
}

static void report(const struct take *t, err_t e) {
  const struct crash *c = &t->crash;
  char signal[24];
  crash_signal(c, signal);
  unsigned long long pid = c->pid, uid = c->uid, number = t->number, size = c->size;
  if (e != OK)
    system_log(e == ERR_CONFLICT ? LOG_INFO : LOG_ERR,
               "the core of %s (pid %llu, user %llu, %s) was dropped: %s", c->name, pid, uid,
               signal, out_error_text(e));
  else
    system_log(LOG_NOTICE, "core %llu: %s (pid %llu, user %llu, %s), %llu bytes sealed%s", number,
               c->name, pid, uid, signal, size, c->truncated ? ", the rest was cut off" : "");
  if (t->removed)
    system_log(LOG_NOTICE, "%zu older cores were removed to make room", t->removed);
}

static err_t run(const struct args *a) {
  __attribute__((cleanup(take_end))) struct take t = { 0 };
  system_log_open();
  err_t e = take(a, &t);
  report(&t, e);
  if (e != OK)
    _exit(exit_code_of(e)); /* the vault may still be asked by another thread */
  return OK;
}

static const struct opt options[] = {
  CORE_CONFIG_OPTION,
  OPT_END,
};

const struct verb verb_core_take = {
  .noun = "core",
  .name = "take",
  .words = "PID THREAD UID GID SIGNAL TIME LIMIT NAME",
  .min_words = CRASH_WORDS,
  .max_words = CRASH_WORDS,
  .summary = "Seal the core that comes on stdin: for the kernel, which starts this",
  .details =
    "'strongroom core install' tells the kernel to. Nothing of a core is on a disk that is not\n"
    "sealed. While the vault is away the kernel keeps the process; if it stays away, the core\n"
    "is dropped, and the system's log says so. A process whose RLIMIT_CORE is 0 leaves none.",
  .options = options,
  .examples = "strongroom core take 4242 4242 1000 1000 11 1795680827 1073741824 my-service < core",
  .run = run,
};
