#include "cli/core/kernel.h"

#include "base/file.h"
#include "cli/core/crash.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATTERN_PATH "/proc/sys/kernel/core_pattern"
#define LIMIT_PATH "/proc/sys/kernel/core_pipe_limit"
#define TAKE_WORDS " core take "

static err_t get(const char *path, char *out, size_t size) {
  AUTO_BUF text = BUF_EMPTY;
  struct bytes line;
  TRY(file_read(path, 4096, &text));
  bytes_split(buf_bytes(&text), '\n', &line);
  if (bytes_to_cstr(line, out, size) != OK)
    FAIL(ERR_CONFIG, "%s is longer than it can be", path);
  return OK;
}

static err_t set(const char *path, const char *value) {
  AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC);
  size_t n = strlen(value);
  ssize_t written = fd < 0 ? -1 : write(fd, value, n);
  if (written != (ssize_t)n)
    FAIL(errno == EACCES || errno == EPERM || errno == EROFS ? ERR_FORBIDDEN : ERR_CONFIG,
         "cannot write %s: %s%s", path, strerror(errno), geteuid() ? "; this takes root" : "");
  return OK;
}

err_t kernel_cores_get(struct kernel_cores *out) {
  char limit[24];
  TRY(get(PATTERN_PATH, out->pattern, sizeof out->pattern));
  TRY(get(LIMIT_PATH, limit, sizeof limit));
  if (bytes_to_u64(bytes_str(limit), INT32_MAX, &out->pipe_limit) != OK)
    FAIL(ERR_CONFIG, "%s is no number", LIMIT_PATH);
  return OK;
}

err_t kernel_cores_set(const struct kernel_cores *c) {
  char limit[24], pattern[KERNEL_PATTERN_MAX + 1];
  snprintf(limit, sizeof limit, "%llu\n", (unsigned long long)c->pipe_limit);
  snprintf(pattern, sizeof pattern, "%s\n", c->pattern);
  TRY(set(LIMIT_PATH, limit));
  return set(PATTERN_PATH, pattern);
}

/* The kernel starts it as root: whoever can change it, or what leads to it, is root. */
static err_t check_safe(const char *path) {
  char at[PATH_MAX];
  struct stat s;
  snprintf(at, sizeof at, "%s", path);
  for (const char *p = at;; p = dirname(at)) {
    if (stat(p, &s) != 0)
      FAIL(ERR_CONFIG, "cannot look at %s: %s", p, strerror(errno));
    /* What is in a directory with the sticky bit only its owner can replace. */
    bool loose = (s.st_mode & (S_IWGRP | S_IWOTH)) && !(S_ISDIR(s.st_mode) && s.st_mode & S_ISVTX);
    if (s.st_uid != 0 || loose)
      FAIL(ERR_CONFIG,
           "others than root may change %s, and the kernel starts this program as root: install it "
           "first, 'make install'",
           p);
    if (strcmp(p, "/") == 0)
      return OK;
  }
}

err_t kernel_pattern(const char *config, char out[static KERNEL_PATTERN_MAX]) {
  char program[PATH_MAX], absolute[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
  if (n <= 0)
    FAIL(ERR_CONFIG, "cannot find this program: %s", strerror(errno));
  program[n] = '\0';
  TRY(check_safe(program));
  if (config && !realpath(config, absolute))
    FAIL(ERR_CONFIG, "cannot find %s: %s", config, strerror(errno));
  if (strpbrk(program, " \t\n%") || (config && strpbrk(absolute, " \t\n%")))
    FAIL(ERR_CONFIG, "the kernel takes no blanks and no '%%' in these paths: %s %s", program,
         config ? absolute : "");
  int size =
    snprintf(out, KERNEL_PATTERN_MAX, "|%s" TAKE_WORDS "%s%s%s-- %s", program,
             config ? "--config " : "", config ? absolute : "", config ? " " : "", CRASH_PATTERN);
  if (size >= KERNEL_PATTERN_MAX)
    FAIL(ERR_CONFIG, "the path %s is too long: the kernel takes a command of at most %d bytes",
         program, KERNEL_PATTERN_MAX - 1);
  return OK;
}

bool kernel_pattern_is_ours(const char *pattern) {
  return pattern[0] == '|' && strstr(pattern, TAKE_WORDS);
}
