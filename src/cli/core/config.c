#include "cli/core/config.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define CONFIG_MAX 65536

const struct conf_key core_keys[] = {
  { "key", CONF_STR, "", 0, 0, "", "NAME", NULL },
  { "dir", CONF_STR, CORE_DIR, 0, 0, "", "DIR", NULL },
  { "max_size", CONF_UINT, "2G", 4096, (uint64_t)1 << 50, "", "SIZE", NULL },
  { "keep_total", CONF_UINT, "10G", 4096, (uint64_t)1 << 50, "", "SIZE", NULL },
  { "wait_seconds", CONF_UINT, "30", 1, 600, "", "N", NULL },
  { "at_once", CONF_UINT, "4", 1, 64, "", "N", NULL },
  { "public_key", CONF_STR, "", 0, 0, "", "FILE", NULL },
  { "credentials", CONF_STR, "", 0, 0, "", "PATH", NULL },
  { "before.pattern", CONF_STR, "core", 0, 0, "", "PATTERN", NULL },
  { "before.pipe_limit", CONF_UINT, "0", 0, INT32_MAX, "", "N", NULL },
};
const size_t core_key_count = sizeof core_keys / sizeof *core_keys;

err_t core_config_new(struct conf **out) {
  return conf_new(core_keys, core_key_count, out);
}

const char *core_config_path(const struct args *a) {
  const char *path = args_value(a, "config");
  return path ? path : CORE_CONFIG_FILE;
}

err_t core_config_read(const char *path, struct conf **out) {
  AUTO(conf) struct conf *c = NULL;
  AUTO_BUF text = BUF_EMPTY;
  struct stat s;
  AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0 || fstat(fd, &s) != 0)
    FAIL(ERR_CONFIG, "cannot read %s: %s", path, strerror(errno));
  if ((s.st_uid != 0 && s.st_uid != geteuid()) || (s.st_mode & (S_IWGRP | S_IWOTH)))
    FAIL(ERR_CONFIG, "%s can be changed by others: it must be root's, mode 0600", path);
  TRY(file_read_fd(fd, path, CONFIG_MAX, &text));
  TRY(core_config_new(&c));
  TRY(conf_parse(c, buf_bytes(&text), path));
  *out = TAKE(c);
  return OK;
}

err_t core_config_set(struct conf *c, const char *key, const char *value) {
  char flag[48] = "--";
  int used = 0;
  conf_flag_name(&(struct conf_key){ .name = key }, flag + 2, sizeof flag - 2);
  char *argv[] = { flag, (char *)value };
  if (strpbrk(value, "\n") || strlen(value) > 1000)
    FAIL(ERR_CONFIG, "the value of %s is too long, or has more than one line", key);
  return conf_flag(c, 2, argv, &used);
}

err_t core_config_take(struct conf *c, const struct args *a, const char *key) {
  char name[48];
  conf_flag_name(&(struct conf_key){ .name = key }, name, sizeof name);
  const char *value = args_value(a, name);
  return value ? core_config_set(c, key, value) : OK;
}

err_t core_config_write(const struct conf *c, const char *path) {
  static const char head[] = "# How crashed programs' cores are sealed. 'strongroom core install' "
                             "writes this file,\n# 'strongroom core uninstall' undoes it.\n";
  AUTO_BUF text = BUF_EMPTY;
  const char *dot = NULL;
  buf_put_str(&text, head);
  for (size_t i = 0; i < core_key_count; i++) {
    const char *name = core_keys[i].name;
    if (!dot && (dot = strchr(name, '.'))) /* one section, at the end */
      buf_printf(&text, "\n[%.*s]\n", (int)(dot - name), name);
    buf_printf(&text, "%s = %s\n", dot ? strchr(name, '.') + 1 : name, conf_str(c, name));
  }
  TRY(buf_ok(&text));
  return file_write_private(path, buf_bytes(&text));
}
