/* strongroom core debug ID|- [-- GDB'S ARGUMENT...] */
#include "base/file.h"
#include "cli/core/config.h"
#include "cli/core/reader.h"
#include "cli/environment.h"
#include "cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEBUGGER "gdb"

/* A file in memory, without a name: gdb has to seek in what it reads. */
static err_t memory_file(int *out) {
  int fd = memfd_create("core", 0); /* stays open in gdb */
  if (fd < 0)
    FAIL(ERR_OUTPUT, "cannot make a file in memory: %s", strerror(errno));
  *out = fd;
  return OK;
}

/* From stdin, which is then a terminal again, for gdb. */
static err_t read_stdin(int out) {
  enum { PIECE = 65536 };
  AUTO_BUF piece = BUF_EMPTY;
  ssize_t n;
  if (isatty(STDIN_FILENO))
    FAIL(ERR_USAGE, "'-' is a core that comes on stdin, which is a terminal");
  if (!buf_reserve(&piece, PIECE))
    return ERR_NOMEM;
  while ((n = read(STDIN_FILENO, piece.data, PIECE)) != 0) {
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      FAIL(ERR_INPUT, "cannot read stdin: %s", strerror(errno));
    piece.size = (size_t)n; /* is wiped */
    if (file_write_fd(out, "a file in memory", buf_bytes(&piece)) != OK)
      return ERR_OUTPUT;
  }
  AUTO_FD fd = open("/dev/tty", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
    FAIL(ERR_INPUT, "cannot give gdb a terminal: %s", strerror(errno));
  return OK;
}

/* Not to be swapped out while gdb runs, if so much may be locked. */
static void lock_in_memory(int fd) {
  struct stat s;
  void *p = MAP_FAILED;
  if (fstat(fd, &s) == 0 && s.st_size > 0)
    p = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_SHARED, fd, 0);
  if (p == MAP_FAILED || mlock2(p, (size_t)s.st_size, MLOCK_ONFAULT) != 0)
    out_note("The core may be swapped out: it is more than may be locked in memory.");
}

#define GDB_WORDS 64

/* gdb's arguments: what the person gave, the core, the program. */
struct gdb {
  char core[48];
  char *argv[GDB_WORDS + 4];
  char **envp; /* without our credentials */
};
static void gdb_free(struct gdb *g) {
  mem_free(g->envp);
}

static void gdb_arguments(const struct args *a, int fd, const struct crash *c, struct gdb *g) {
  const char *program = args_value(a, "program");
  size_t n = 0;
  snprintf(g->core, sizeof g->core, "--core=/proc/self/fd/%d", fd);
  g->argv[n++] = (char *)DEBUGGER;
  for (size_t i = 1; i < a->word_count; i++)
    g->argv[n++] = (char *)args_word(a, i);
  g->argv[n++] = g->core;
  if (program || *c->program)
    g->argv[n++] = (char *)(program ? program : c->program);
}

static void run_gdb(struct gdb *g) {
  signal(SIGINT, SIG_DFL);
  signal(SIGPIPE, SIG_DFL);
  execvpe(DEBUGGER, g->argv, g->envp);
  _exit(errno == ENOENT ? 127 : 126);
}

static err_t wait_for(pid_t pid) {
  int status;
  while (waitpid(pid, &status, 0) != pid)
    if (errno != EINTR)
      FAIL(ERR_INTERNAL, DEBUGGER " was lost: %s", strerror(errno));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    FAIL(ERR_CONFIG, "there is no " DEBUGGER " on this machine");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    FAIL(ERR_INTERNAL, DEBUGGER " ended with an error");
  return OK;
}

static err_t fetch(const struct args *a, int out, struct crash *c) {
  AUTO_READER r = { 0 };
  uint64_t number;
  if (strcmp(args_word(a, 0), "-") == 0)
    return read_stdin(out);
  TRY(core_number_parse(args_word(a, 0), &number));
  TRY(core_reader_open(a, &r));
  TRY(core_reader_info(&r, number, c));
  return core_reader_core(&r, number, true, out);
}

static err_t run(const struct args *a) {
  AUTO_FREE struct crash *c = mem_zalloc(sizeof *c);
  AUTO_FD fd = -1;
  __attribute__((cleanup(gdb_free))) struct gdb g = { 0 };
  if (!c)
    return ERR_NOMEM;
  TRY(memory_file(&fd));
  TRY(fetch(a, fd, c));
  lock_in_memory(fd);
  gdb_arguments(a, fd, c, &g);
  TRY(environment_copy(0, &g.envp, NULL));
  signal(SIGINT, SIG_IGN); /* Ctrl-C is gdb's */
  pid_t pid = fork();
  if (pid < 0)
    FAIL(ERR_INTERNAL, "cannot start " DEBUGGER ": %s", strerror(errno));
  if (pid == 0)
    run_gdb(&g);
  return wait_for(pid);
}

static const struct opt options[] = {
  { "program", OPT_VALUE, "FILE", NULL, "with symbols from FILE, not from the path that crashed" },
  CORE_DIR_OPTIONS,
  OPT_END,
};

const struct verb verb_core_debug = {
  .noun = "core",
  .name = "debug",
  .words = "ID|- [-- ARGUMENT...]",
  .min_words = 1,
  .max_words = GDB_WORDS,
  .client = true,
  .summary = "Open a sealed core in gdb, without a file",
  .details =
    "The core is in memory alone, locked there where the system allows it, until gdb ends.\n"
    "'-' takes one from stdin that 'strongroom core open' opened, maybe on another machine.\n"
    "What follows '--' is gdb's.",
  .options = options,
  .examples = "strongroom core debug 3\n"
              "strongroom core debug 3 --program ./my-service -- -batch -ex 'thread apply all bt'\n"
              "ssh web1 strongroom core open 3 | strongroom core debug - --program ./my-service",
  .run = run,
};
