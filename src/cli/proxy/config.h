/*
 * The configuration of a proxy: one table of keys, which are flags over STRONGROOM_PROXY_* over
 * files, checked as a whole before anything is started, and the options of what runs that are made
 * of it. One thread.
 */
#ifndef CLI_PROXY_CONFIG_H
#define CLI_PROXY_CONFIG_H

#include "base/conf.h"
#include "transit/enrol.h"
#include "transit/proxy/proxy.h"

extern const struct conf_key proxy_keys[];
extern const size_t proxy_key_count;

#define CONFIG_ROUTES_MAX 65   /* those of --route, and that of --to */
#define CONFIG_BACKENDS_MAX 16 /* of one route */

struct config_route {
  char *name;
  const char *backends[CONFIG_BACKENDS_MAX];
};
struct proxy_config {
  struct conf *conf;
  char service[128], server_name[256];
  struct config_route named[CONFIG_ROUTES_MAX];
  struct proxy_route routes[CONFIG_ROUTES_MAX];
  int inherited[64];
  /* They borrow from all of the above. */
  struct proxy_options proxy; /* but for ended and ctx */
  struct enrol_options enrol;
};

/*
 * argv[0] is the first option. ERR_USAGE, saying what to do, for whatever is wrong. activated: how
 * many sockets the service manager has passed, from descriptor first on.
 */
struct config_sockets {
  int first;
  unsigned count;
};
err_t proxy_config_read(int argc, char **argv, const struct config_sockets *activated,
                        struct proxy_config *out);
void proxy_config_free(struct proxy_config *c); /* a zeroed struct is fine */
#define AUTO_PROXY_CONFIG __attribute__((cleanup(proxy_config_free))) struct proxy_config

/* A text of the configuration, NULL when it was not given. */
const char *proxy_config_text(const struct proxy_config *c, const char *key);
/* A key of seconds, in milliseconds. */
unsigned proxy_config_ms(const struct proxy_config *c, const char *key);
/* Where a socket listens that only this machine reaches. */
bool config_is_local(const char *address);

/* Those of the options that are no keys, for the tables of verbs. */
#define PROXY_CONFIG_OPTIONS \
  { "config", OPT_VALUE, "FILE", NULL, "read settings from a file: KEY = VALUE, a line each" }

#endif
