/* Under which key cores are sealed, as the settings say: by the public part of an RSA key that is
 * on this machine, or by asking the vault. One thread. */
#ifndef CLI_CORE_SEALER_H
#define CLI_CORE_SEALER_H

#include "base/conf.h"
#include "client/data_key.h"
#include "client/public_key.h"

struct core_sealer {
  struct client *client;     /* NULL: the vault is not asked */
  struct public_key *public; /* NULL: it is */
  struct key_cache *cache;
  const char *key; /* borrowed from the settings */
};
err_t core_sealer_open(const struct conf *c, struct core_sealer *out);
void core_sealer_close(struct core_sealer *s);
#define AUTO_SEALER __attribute__((cleanup(core_sealer_close))) struct core_sealer

/* Has a data key wrapped, for whatever is sealed next. A vault that is away, sealed or busy is
 * asked again and again for so many seconds; no longer than that is waited for its answer, either:
 * ERR_AWAY. The process must end after an error: a request may still be under way. */
err_t core_sealer_wait(struct core_sealer *s, unsigned seconds);

/* The public part of the file, checked. */
err_t core_public_key(const char *path, struct public_key **out);

#endif
