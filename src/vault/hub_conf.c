/* The table of configuration keys: flags, environment, file and the manual are made from it. */
#include "vault/hub.h"

const struct conf_key hub_keys[] = {
  { "data", CONF_STR, "data", 0, 0, "the data directory" },
  { "listen", CONF_LIST, "127.0.0.1:8443", 0, 0, "addresses to listen on, TLS only" },
  { "host", CONF_LIST, "", 0, 0, "names that the hub answers to, beyond localhost and addresses" },
  { "root", CONF_STR, "file", 0, 0, "root key provider of a new vault: file or passphrase" },
  { "root_file", CONF_STR, "", 0, 0,
    "the root key file (default: root.key in the data directory)" },
  { "log", CONF_STR, "info", 0, 0, "error, warn, info or debug" },
  { "retention_days", CONF_UINT, "90", 7, 90, "how long deleted keys can be recovered" },
  { "purge_protection", CONF_BOOL, "no", 0, 0, "deleted keys can't be purged before their time" },
  { "live_keys", CONF_UINT, "2048", 1, 1000000, "opened keys kept in locked memory" },
  { "loops", CONF_UINT, "0", 0, 256, "event loops (0: one a core)" },
  { "workers", CONF_UINT, "16", 1, 1024, "threads for slow operations" },
  { "max_connections", CONF_UINT, "16384", 1, 1000000, "open connections" },
  { "idle_seconds", CONF_UINT, "120", 1, 86400, "idle connections are closed after this time" },
  { "token_seconds", CONF_UINT, "3600", 60, 86400, "lifetime of access tokens" },
  { "audit.rotate_bytes", CONF_UINT, "256M", 65536, 1ull << 40,
    "a new audit file begins at this size" },
  { "audit.rotate_hours", CONF_UINT, "24", 1, 87600, "or at this age" },
  { "audit.window_us", CONF_UINT, "500", 0, 100000,
    "under load, how long records gather before a write" },
  { "tls.certificate", CONF_STR, "", 0, 0, "PEM chain to serve instead of the hub's own" },
  { "tls.key", CONF_STR, "", 0, 0, "its private key, PEM, readable by its owner only" },
  { "test.async_delete", CONF_UINT, "0", 0, 600000,
    "tests: milliseconds until a deletion or recovery is seen" },
  { "test.clock_shift", CONF_UINT, "0", 0, 4000000000ull, "tests: seconds to add to the clock" },
};
const size_t hub_key_count = sizeof hub_keys / sizeof *hub_keys;
