/* A root key provider: how the key that wraps the master key comes from the operator's secret. */
#ifndef STORE_ROOT_PROVIDER_H
#define STORE_ROOT_PROVIDER_H

#include "store/root.h"

struct root_provider {
  const char *name;
  /* ERR_CONFIG when this cannot be a secret of the provider. */
  err_t (*check)(struct bytes secret);
  /* Appends fresh parameters (salt, cost) for one wrapping; NULL: it has none. */
  err_t (*params)(struct buf *out);
  /* ERR_CORRUPT when the parameters are none that params() would have written. */
  err_t (*derive)(struct bytes secret, struct bytes params, struct secret *key);
};
#define ROOT_KEY_SIZE 32

extern const struct root_provider root_provider_file, root_provider_passphrase;

#endif
