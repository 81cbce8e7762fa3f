/* age's format beside age itself: the same file out of the page cache, to an X25519 recipient and
 * back, to nowhere; the programs take turns. */
#include "base/file.h"
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define SIZE_MIB 1024
#define REPEATS 5
#define LIMIT (1 / 1.5) /* of age's time */
#define PATH_ROOM 512

struct work {
  const char *program; /* strongroom */
  char plain[PATH_ROOM], sealed[PATH_ROOM], key[PATH_ROOM], recipient[80];
};

/* Runs a program with its output to nowhere. */
static err_t run_once(const char *const *argv, double *seconds) {
  uint64_t from = now_ns();
  int status = 0;
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0 && dup2(null, STDOUT_FILENO) >= 0)
      execvp(argv[0], (char *const *)argv);
    _exit(127);
  }
  if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    FAIL(ERR_IO, "%s did not end as it should", argv[0]);
  if (seconds)
    *seconds = (double)(now_ns() - from) / 1e9;
  return OK;
}

static err_t make_file(const char *path) {
  static uint8_t piece[1 << 20];
  AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  for (size_t i = 0; i < sizeof piece; i++)
    piece[i] = (uint8_t)(i * 2654435761u >> 13);
  for (unsigned i = 0; i < SIZE_MIB; i++)
    if (fd < 0 || write(fd, piece, sizeof piece) != (ssize_t)sizeof piece)
      FAIL(ERR_IO, "%s: %s", path, strerror(errno));
  return OK;
}

static err_t read_recipient(struct work *w) {
  AUTO_BUF text = BUF_EMPTY;
  TRY(file_read(w->key, 4096, &text));
  const char *all = buf_cstr(&text), *at = all ? strstr(all, "public key: ") : NULL;
  if (!at || sscanf(at, "public key: %79[a-z0-9]", w->recipient) != 1)
    FAIL(ERR_IO, "age-keygen wrote something else");
  return OK;
}

static err_t prepare(const struct bench *b, struct work *w) {
  w->program = b->program;
  snprintf(w->plain, sizeof w->plain, "%s/age.plain", b->dir);
  snprintf(w->sealed, sizeof w->sealed, "%s/age.sealed", b->dir);
  snprintf(w->key, sizeof w->key, "%s/age.key", b->dir);
  TRY(run_once((const char *const[]){ "age-keygen", "-o", w->key, NULL }, NULL));
  TRY(read_recipient(w));
  TRY(make_file(w->plain));
  return run_once(
    (const char *const[]){ "age", "-r", w->recipient, "-o", w->sealed, w->plain, NULL }, NULL);
}

static err_t compare(const char *name, const char *const *ours, const char *const *theirs) {
  struct figure f = { .name = name, .unit = "s", .judge = JUDGE_RATIO, .limit = LIMIT };
  for (int i = 0; i < REPEATS; i++) {
    double a, b;
    TRY(run_once(ours, &a));
    TRY(run_once(theirs, &b));
    series_add(&f.value, a);
    series_add(&f.base, b);
  }
  report(&f);
  report_note("  %.0f MiB/s, %.0f by age: %.2f x its speed", SIZE_MIB / series_median(&f.value),
              SIZE_MIB / series_median(&f.base), series_median(&f.base) / series_median(&f.value));
  return OK;
}

static err_t run(const struct bench *b) {
  struct work w = { 0 };
  report_title("Files of age, beside age itself (base)");
  if (run_once((const char *const[]){ "age", "--version", NULL }, NULL) != OK) {
    report_note("not measured: there is no age");
    return OK;
  }
  report_note("%d MiB from the page cache to nowhere, an X25519 recipient", SIZE_MIB);
  TRY(prepare(b, &w));
  TRY(compare("seal",
              (const char *const[]){ w.program, "seal", "--age", "--recipient", w.recipient,
                                     "--out", "-", w.plain, NULL },
              (const char *const[]){ "age", "-r", w.recipient, w.plain, NULL }));
  TRY(compare("open",
              (const char *const[]){ w.program, "open", "--identity", w.key, w.sealed, NULL },
              (const char *const[]){ "age", "-d", "-i", w.key, w.sealed, NULL }));
  unlink(w.plain);
  unlink(w.sealed);
  return OK;
}

const struct bench_case case_age = { "age", "files of age, beside age itself", run };
