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
#define NOWHERE "/dev/null"
#define MEMORY_DIR "/dev/shm"

struct files {
  uint64_t mib;
  char plain[512], sealed[512], aged[512], small[512];
  char memory[64]; /* on tmpfs; "" when there is no room */
};

static void files_free(struct files *f) {
  if (f->memory[0])
    unlink(f->memory);
}
#define AUTO_FILES __attribute__((cleanup(files_free))) struct files

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
  snprintf(f->small, sizeof f->small, "%s/small", b->dir);
  TRY(write_plain(f->plain, f->mib));
  TRY(seal_measure(&(struct seal_job){ SEAL_SEAL, 0, f->plain, f->sealed }, &s));
  TRY(seal_measure(&(struct seal_job){ SEAL_AGE_SEAL, 0, f->plain, f->aged }, &s));
  TRY(sync_file(f->sealed));
  TRY(sync_file(f->aged));
  if (statvfs(MEMORY_DIR, &room) == 0 &&
      (uint64_t)room.f_bavail * room.f_frsize / MIB > f->mib + f->mib / 100 + 16)
    snprintf(f->memory, sizeof f->memory, MEMORY_DIR "/strongroom-bench.%d", (int)getpid());
  return OK;
}

/* --- large files --- */

static double peak; /* resident, of all that was measured */

static err_t add(const struct seal_job *j, struct series *cpu, struct series *wall) {
  struct sealing s;
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
  enum seal_what what, raw;
  double limit; /* of one thread against raw; 0: none */
  double gain;  /* of two threads; 0: no limit */
};

/* Against what OpenSSL does alone, before and after. */
static err_t measure_large(const struct large *l, bool two) {
  char one_name[64], two_name[64];
  snprintf(one_name, sizeof one_name, "%s, one thread", l->name);
  snprintf(two_name, sizeof two_name, "  two threads, by the clock");
  struct figure one = { .name = one_name, .unit = "MB/s", .limit = l->limit, .at_least = true };
  struct figure both = { .name = two_name, .unit = "MB/s", .limit = l->gain, .at_least = true };
  struct seal_job job = { l->what, 1, l->in, l->out }, raw = { l->raw, 1, l->in, l->out };
  one.judge = JUDGE_RATIO;
  both.judge = JUDGE_RATIO;
  for (int i = 0; i < REPEATS; i++) {
    TRY(add(&raw, &one.base, NULL));
    job.threads = 1;
    TRY(add(&job, &one.value, &both.base));
    job.threads = 2;
    if (two)
      TRY(add(&job, NULL, &both.value));
  }
  report(&one);
  if (two)
    report(&both);
  return OK;
}

static err_t run_large(const struct files *f, bool two) {
  const struct large all[] = {
    { "seal to " NOWHERE, f->plain, NOWHERE, SEAL_SEAL, SEAL_RAW, 0.8, 1.5 },
    { "open to " NOWHERE, f->sealed, NOWHERE, SEAL_OPEN, SEAL_RAW_READ, 0.8, 1.5 },
    { "  the same", f->sealed, NOWHERE, SEAL_OPEN, SEAL_RAW, 0, 0 },
    { "seal to a file on tmpfs", f->plain, f->memory, SEAL_SEAL, SEAL_RAW, 0, 0 },
    { "open to a file on tmpfs", f->sealed, f->memory, SEAL_OPEN, SEAL_RAW, 0, 0 },
    { "seal for age", f->plain, NOWHERE, SEAL_AGE_SEAL, SEAL_AGE_RAW, 0.8, 1.5 },
    { "open of age", f->aged, NOWHERE, SEAL_AGE_OPEN, SEAL_AGE_RAW, 0, 1.5 },
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i].out[0])
      TRY(measure_large(&all[i], two));
  return OK;
}

/* --- small files --- */

/* A folder each, and none is emptied before the end: file systems without a journal are slow to use
 * again what was deleted lately. */
static err_t measure_small(const struct files *f, const char *name, enum seal_what what,
                           double limit) {
  struct figure figure = { .name = name, .unit = "/s", .limit = limit, .at_least = true };
  figure.judge = JUDGE_VALUE;
  for (int i = 0; i < REPEATS_SMALL; i++) {
    struct sealing s;
    char dir[600];
    snprintf(dir, sizeof dir, "%s-%d-%d", f->small, (int)what, i);
    if (mkdir(dir, 0700) != 0)
      FAIL(ERR_IO, "%s: %s", dir, strerror(errno));
    TRY(seal_measure(&(struct seal_job){ what, 1, NULL, dir }, &s));
    series_add(&figure.value, s.count / s.wall_s);
  }
  report(&figure);
  return OK;
}

static err_t run_small(const struct files *f) {
  report_title("Files of 4 KiB under one data key, one thread");
  TRY(measure_small(f, "sealed in memory", SEAL_PUT, 10000));
  TRY(measure_small(f, "and written, renamed", SEAL_FILES, 10000));
  return measure_small(f, "  written and renamed unsealed", SEAL_PLAIN_FILES, 0);
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
  AUTO_FILES f = { 0 };
  cpu_set_t set;
  bool two = sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 1;
  TRY(prepare(b, &f));
  report_title("Sealing out of the page cache, against OpenSSL alone");
  report_note(
    "%llu MiB; AES-256-GCM, messages of 16 KiB (age: ChaCha20-Poly1305, 64 KiB), in memory;",
    (unsigned long long)f.mib);
  report_note("what opens has to copy first what others could change: OpenSSL reads the file, too");
  TRY(run_large(&f, two));
  TRY(run_small(&f));
  return run_memory(b, &f);
}

const struct bench_case case_seal = { "seal", "sealing and opening: speed, small files, memory",
                                      run };
