/* Making data keys and sharing them: for the cache alone. Any thread. */
#ifndef CLIENT_COUNTED_H
#define CLIENT_COUNTED_H

#include "client/data_key.h"

/* With one share. The secret is taken over on success. */
err_t data_key_new(struct secret *key, const struct wrapped *w, struct data_key **out);
struct data_key *data_key_ref(struct data_key *k); /* one more share */

#endif
