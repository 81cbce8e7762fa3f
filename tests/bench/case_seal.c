/*
 * Sealing and opening large files out of the page cache, against OpenSSL alone in the same minute;
 * small files; memory. Speeds of one thread are by processor time, what two make of it by the
 * clock.
 *
 * BENCH_SEAL_MIB is the size of the large file; without it 4 GiB, or as much as fits in a quarter
 * of the memory that is free.
 */
#include "seal_child.h"
#include "server.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MIB (1u << 20)
#define USUAL_MIB 4096
#define PIECE (4 * MIB)
#define REPEATS 5
#define REPEATS_SMALL 3
#define GAIN 1.5
#define NOWHERE "/dev/null"

struct files {
  uint64_t mib;
  char plain[512], sealed[512], aged[512];
  const char *folder; /* on tmpfs; NULL: there is none */
  char memory[512];   /* a large file in it; "" when there is no room */
};

static uint64_t mem_available_mib(void) {
  char line[128];
  unsigned long long kib = 0;
  FILE *f = fopen("/proc/meminfo", "re");
  while (f && fgets(line, sizeof line, f))
    if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
      break;
  if (f)
    fclose(f);
  return kib / 1024;
}

static uint64_t size_mib(void) {
  const char *wanted = getenv("BENCH_SEAL_MIB");
  if (wanted && atoll(wanted) > 0)
    return (uint64_t)atoll(wanted);
  uint64_t most = mem_available_mib() / 4;
  return most < USUAL_MIB ? most : USUAL_MIB;
}

static err_t write_plain(const char *path, uint64_t mib) {
  AUTO_FREE uint8_t *piece = mem_alloc(PIECE);
  AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (!piece)
    return ERR_NOMEM;
  if (fd < 0)
    FAIL(ERR_IO, "%s: %s", path, strerror(errno));
  TRY(crypto_random(piece, PIECE));
  for (uint64_t done = 0; done < mib; done += PIECE / MIB)
    TRY(file_write_fd(fd, path, bytes_of(piece, PIECE)));
  return fsync(fd) == 0 ? OK : ERR_IO; /* else its writing would go on beside the measuring */
}

static err_t sync_file(const char *path) {
  AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
  return fd >= 0 && fsync(fd) == 0 ? OK : ERR_IO;
}

static err_t prepare(const struct bench *b, struct files *f) {
  struct sealing s;
  struct statvfs room;
  f->mib = size_mib();
  snprintf(f->plain, sizeof f->plain, "%s/plain", b->dir);
  snprintf(f->sealed, sizeof f->sealed, "%s/plain.sealed", b->dir);
  snprintf(f->aged, sizeof f->aged, "%s/plain.age", b->dir);
  TRY(write_plain(f->plain, f->mib));
  TRY(seal_measure(&(struct seal_job){ SEAL_SEAL, 0, f->plain, f->sealed }, &s));
  TRY(seal_measure(&(struct seal_job){ SEAL_AGE_SEAL, 0, f->plain, f->aged }, &s));
  TRY(sync_file(f->sealed));
  TRY(sync_file(f->aged));
  f->folder = getenv("BENCH_MEMORY");
  if (f->folder && statvfs(f->folder, &room) == 0 &&
      (uint64_t)room.f_bavail * room.f_frsize / MIB > f->mib + f->mib / 100 + 16)
    snprintf(f->memory, sizeof f->memory, "%s/large", f->folder);
  return OK;
}

/* --- large files --- */

static double peak; /* resident, of all that was measured */

static err_t add(const struct seal_job *j, struct series *cpu, struct series *wall) {
  struct sealing s;
  if (j->out && strcmp(j->out, NOWHERE) != 0)
    unlink(j->out); /* what it takes to empty it is not measured */
  TRY(seal_measure(j, &s));
  if (cpu)
    series_add(cpu, s.bytes / s.cpu_s / 1e6);
  if (wall)
    series_add(wall, s.bytes / s.wall_s / 1e6);
  if (s.peak_mib > peak && j->threads <= 2)
    peak = s.peak_mib;
  return OK;
}

struct large {
  const char *name, *in, *out;
  enum seal_what what;
  enum seal_what raw;      /* what one thread is compared with, by processor time */
  enum seal_what raw_both; /* and by the clock, with one thread and two */
  double limit;            /* of one thread; 0: none */
  bool gains;              /* whether there is a limit for two threads */
};

/* Two threads by the clock, against one. */
struct gain {
  struct figure ours;
  struct series raw_one, raw_two;
};

static err_t add_gain(const struct large *l, struct gain *g) {
  struct seal_job raw = { l->raw_both, 1, NULL, NULL }, job = { l->what, 2, l->in, l->out };
  TRY(add(&raw, NULL, &g->raw_one));
  raw.threads = 2;
  TRY(add(&raw, NULL, &g->raw_two));
  return add(&job, NULL, &g->ours.value);
}

/* What OpenSSL gains, with nothing shared, says how much of a second core there is. */
static void report_gain(const struct large *l, struct gain *g) {
  g->ours.limit = l->gains ? GAIN : 0;
  report(&g->ours);
  report_note("  OpenSSL alone gains %.2f x by a second thread",
              series_median(&g->raw_two) / series_median(&g->raw_one));
}

static err_t measure_large(const struct large *l, bool two) {
  char name[64];
  snprintf(name, sizeof name, "%s, one thread", l->name);
  struct figure one = { .name = name, .unit = "MB/s", .limit = l->limit, .at_least = true };
  struct gain gain = {
    .ours = { .name = "  two threads, by the clock", .unit = "MB/s", .at_least = true }
  };
  const struct seal_job job = { l->what, 1, l->in, l->out }, raw = { l->raw, 1, l->in, l->out };
  one.judge = gain.ours.judge = JUDGE_RATIO;
  for (int i = 0; i < REPEATS; i++) {
    TRY(add(&raw, &one.base, NULL));
    TRY(add(&job, &one.value, &gain.ours.base));
    if (two)
      TRY(add_gain(l, &gain));
  }
  report(&one);
  if (two)
    report_gain(l, &gain);
  return OK;
}

static err_t run_large(const struct files *f, bool two) {
  const enum seal_what gcm = SEAL_RAW, chacha = SEAL_AGE_RAW;
  const struct large all[] = {
    { "seal to " NOWHERE, f->plain, NOWHERE, SEAL_SEAL, gcm, gcm, 0.8, true },
    { "open to " NOWHERE, f->sealed, NOWHERE, SEAL_OPEN, SEAL_RAW_READ, gcm, 0.8, true },
    { "seal to a file on tmpfs", f->plain, f->memory, SEAL_SEAL, gcm, gcm, 0, false },
    { "open to a file on tmpfs", f->sealed, f->memory, SEAL_OPEN, gcm, gcm, 0, false },
    { "seal for age", f->plain, NOWHERE, SEAL_AGE_SEAL, chacha, chacha, 0.8, true },
    { "open of age", f->aged, NOWHERE, SEAL_AGE_OPEN, chacha, chacha, 0, true },
  };
  const struct large open = {
    "  it against memory to memory", f->sealed, NOWHERE, SEAL_OPEN, gcm, gcm, 0, false
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (all[i].out[0])
      TRY(measure_large(&all[i], two));
    if (all[i].raw == SEAL_RAW_READ)
      TRY(measure_large(&open, false));
  }
  return OK;
}

/* --- small files --- */

/* A folder each, and none is emptied before the end: file systems without a journal are slow to use
 * again what was deleted lately. */
static err_t measure_small(const char *where, const char *name, enum seal_what what, double limit) {
  struct figure figure = { .name = name, .unit = "/s", .limit = limit, .at_least = true };
  figure.judge = JUDGE_VALUE;
  for (int i = 0; i < REPEATS_SMALL; i++) {
    struct sealing s;
    char dir[600];
    snprintf(dir, sizeof dir, "%s/small-%d-%d", where, (int)what, i);
    if (mkdir(dir, 0700) != 0)
      FAIL(ERR_IO, "%s: %s", dir, strerror(errno));
    TRY(seal_measure(&(struct seal_job){ what, 1, NULL, dir }, &s));
    series_add(&figure.value, s.count / s.wall_s);
  }
  report(&figure);
  return OK;
}

static err_t run_small(const struct bench *b, const struct files *f) {
  report_title("Files of 4 KiB under one data key, one thread");
  TRY(measure_small(b->dir, "sealed in memory", SEAL_PUT, 10000));
  if (f->folder)
    TRY(measure_small(f->folder, "and written, renamed: on tmpfs", SEAL_FILES, 10000));
  TRY(measure_small(b->dir, "  on the disk's file system", SEAL_FILES, 0));
  return measure_small(b->dir, "  the same unsealed", SEAL_PLAIN_FILES, 0);
}

/* --- memory --- */

/* The program's, as it ends. */
static err_t program_peak_mib(struct child *c, double *mib) {
  char path[64], line[128];
  snprintf(path, sizeof path, "/proc/%d/status", (int)c->pid);
  for (double kib = 0;; usleep(2000)) {
    bool there = false;
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
      there |= sscanf(line, "VmHWM: %lf", &kib) == 1;
    if (f)
      fclose(f);
    *mib = kib / 1024;
    if (!there)
      return child_stop(c, 0);
  }
}

static err_t run_memory(const struct bench *b, const struct files *f) {
  AUTO_SERVER s = { 0 };
  AUTO_BUF path = BUF_EMPTY;
  struct child c;
  struct figure parts = { .name = "sealing and opening", .unit = "MiB", .limit = 16 };
  struct figure program = { .name = "strongroom seal", .unit = "MiB", .limit = 16 };
  parts.judge = program.judge = JUDGE_VALUE;
  report_title("Most memory in RAM, two threads");
  series_add(&parts.value, peak);
  report(&parts);
  TRY(server_start(b, "seal", &s));
  TRY(server_make_key(&s, "bench", "{\"kty\":\"oct\",\"key_size\":256}", &path));
  const char *const argv[] = {
    "/bin/sh",
    "-c",
    "exec \"$0\" seal \"$1\" --key bench --threads 2 --data \"$2\" --out - "
    ">" NOWHERE,
    b->program,
    f->plain,
    s.dir,
    NULL
  };
  double mib = 0;
  TRY(child_start(argv, NULL, &c));
  TRY(program_peak_mib(&c, &mib));
  series_add(&program.value, mib);
  report(&program);
  return server_stop(&s);
}

static err_t run(const struct bench *b) {
  struct files f = { 0 };
  cpu_set_t set;
  bool two = sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 1;
  TRY(prepare(b, &f));
  report_title("Sealing out of the page cache, against OpenSSL alone");
  report_note(
    "%llu MiB; AES-256-GCM, messages of 16 KiB (age: ChaCha20-Poly1305, 64 KiB), in memory;",
    (unsigned long long)f.mib);
  report_note("what opens has to copy first what others could change: OpenSSL reads the file, too");
  TRY(run_large(&f, two));
  TRY(run_small(b, &f));
  return run_memory(b, &f);
}

const struct bench_case case_seal = { "seal", "sealing and opening: speed, small files, memory",
                                      run };
