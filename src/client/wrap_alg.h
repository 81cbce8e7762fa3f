/*
 * Which algorithm a key wraps with. It follows from the key's type, which is asked for once and
 * remembered for a while: then one wrap is one request. Any thread.
 */
#ifndef CLIENT_WRAP_ALG_H
#define CLIENT_WRAP_ALG_H

#include "client/use.h"

struct wrap_algs;
err_t wrap_algs_new(struct wrap_algs **out);
void wrap_algs_free(struct wrap_algs *a);

const char *wrap_alg_known(struct wrap_algs *a, const struct key_name *k); /* NULL: unknown */
void wrap_alg_keep(struct wrap_algs *a, const struct key_name *k, const char *alg);

/* Those that may fit, to be tried in turn; a list that ends with NULL. All of them where the key
 * may be used but not be looked at. ERR_BAD_PARAMETER when the key's type does not wrap. */
err_t wrap_alg_look(struct client *c, const struct key_name *k, const struct client_patience *p,
                    const char *const **algs);

#endif
