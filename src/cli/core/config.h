/*
 * How cores are sealed on this machine: an INI file that 'core install' writes and 'core take',
 * which the kernel starts with no environment, reads. It names where credentials are and holds
 * none.
 */
#ifndef CLI_CORE_CONFIG_H
#define CLI_CORE_CONFIG_H

#include "base/conf.h"
#include "cli/args.h"

#define CORE_CONFIG_FILE "/etc/strongroom/core.conf"
#define CORE_DIR "/var/lib/strongroom-cores"

/* The keys:
 *   key           as in client/use.h
 *   dir           where sealed cores are
 *   max_size      bytes of one core that are kept
 *   keep_total    bytes of sealed cores that are kept; the oldest go first
 *   wait_seconds  for a vault that is away
 *   at_once       cores that are taken at the same time
 *   public_key    a file with the public part of an RSA key: the vault is not asked; "": none
 *   credentials   a file of "export NAME='value'" lines, or a directory with such a file "env"
 *   before.pattern, before.pipe_limit  what the kernel did before
 */
extern const struct conf_key core_keys[];
extern const size_t core_key_count;

/* Fallbacks only. */
err_t core_config_new(struct conf **out);
/* The file that --config names, or the usual one. */
const char *core_config_path(const struct args *a);
/* ERR_CONFIG (FAILed) unless the file is there, and nobody but its owner, who is root or us, can
 * write it: it says what root does. */
err_t core_config_read(const char *path, struct conf **out);
/* value as in the file. ERR_CONFIG (FAILed) when the key does not take it. */
err_t core_config_set(struct conf *c, const char *key, const char *value);
/* Sets what the verb's options of these names say; the option of max_size is "max-size". */
err_t core_config_take(struct conf *c, const struct args *a, const char *key);
err_t core_config_write(const struct conf *c, const char *path);

#define CORE_CONFIG_OPTION \
  { "config", OPT_VALUE, "FILE", NULL, "the settings (default: " CORE_CONFIG_FILE ")" }

#endif
