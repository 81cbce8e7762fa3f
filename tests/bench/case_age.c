/* age's format beside age itself: the same file out of the page cache, to an X25519 recipient and
 * back, to nowhere; the programs take turns. */
#include "base/file.h"
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define SIZE_MIB 1024
#define REPEATS 5
#define LIMIT (1 / 1.5) /* of age's time */
#define PATH_ROOM 512
/* The pair of the specification: all 0x42. */
#define IDENTITY "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\n"
#define RECIPIENT "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"

struct work {
  const char *program; /* strongroom */
  char plain[PATH_ROOM], sealed[PATH_ROOM], key[PATH_ROOM];
};

struct spent {
  double wall_s, cpu_s;
};

static double seconds_of(const struct timeval *t) {
  return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

/* Runs a program with its output to nowhere. */
static err_t run_once(const char *const *argv, struct spent *out) {
  uint64_t from = now_ns();
  int status = 0;
  struct rusage used;
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0 && dup2(null, STDOUT_FILENO) >= 0)
      execvp(argv[0], (char *const *)argv);
    _exit(127);
  }
  if (pid < 0 || wait4(pid, &status, 0, &used) != pid || !WIFEXITED(status) ||
      WEXITSTATUS(status) != 0)
    FAIL(ERR_IO, "%s did not end as it should", argv[0]);
  if (out)
    *out = (struct spent){ (double)(now_ns() - from) / 1e9,
                           seconds_of(&used.ru_utime) + seconds_of(&used.ru_stime) };
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

static err_t prepare(const struct bench *b, struct work *w) {
  w->program = b->program;
  snprintf(w->plain, sizeof w->plain, "%s/age.plain", b->dir);
  snprintf(w->sealed, sizeof w->sealed, "%s/age.sealed", b->dir);
  snprintf(w->key, sizeof w->key, "%s/age.key", b->dir);
  TRY(file_write_private(w->key, bytes_str(IDENTITY)));
  TRY(make_file(w->plain));
  return run_once((const char *const[]){ "age", "-r", RECIPIENT, "-o", w->sealed, w->plain, NULL },
                  NULL);
}

static err_t compare(const char *name, const char *const *ours, const char *const *theirs) {
  struct figure f = { .name = name, .unit = "s", .judge = JUDGE_RATIO, .limit = LIMIT };
  struct figure cpu = { .name = "  processor time", .unit = "s" };
  for (int i = 0; i < REPEATS; i++) {
    struct spent a, b;
    TRY(run_once(ours, &a));
    TRY(run_once(theirs, &b));
    series_add(&f.value, a.wall_s);
    series_add(&f.base, b.wall_s);
    series_add(&cpu.value, a.cpu_s);
    series_add(&cpu.base, b.cpu_s);
  }
  report(&f);
  report(&cpu);
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
              (const char *const[]){ w.program, "seal", "--age", "--recipient", RECIPIENT, "--out",
                                     "-", w.plain, NULL },
              (const char *const[]){ "age", "-r", RECIPIENT, w.plain, NULL }));
  TRY(compare("open",
              (const char *const[]){ w.program, "open", "--identity", w.key, w.sealed, NULL },
              (const char *const[]){ "age", "-d", "-i", w.key, w.sealed, NULL }));
  unlink(w.plain);
  unlink(w.sealed);
  return OK;
}

const struct bench_case case_age = { "age", "files of age, beside age itself", run };
