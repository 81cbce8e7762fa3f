/*
 * What the files of libstrongroom (include/strongroom.h) share. Each of them translates: arguments
 * are checked, rooms above do the work with err_t, and told() makes of it what the caller gets.
 * A public function is one line, told(what_it_does(..), error), and has its outputs emptied first.
 */
#ifndef LIB_LIB_H
#define LIB_LIB_H

#include "client/data_key.h"
#include "strongroom.h"

#include <sys/types.h>

#define VAULT_MAGIC 0x5352564cu
struct sr_vault {
  uint32_t magic;
  pid_t process; /* that made it */
  struct client *client;
  struct key_service asked, service; /* the client's; the same, for this process only */
  struct key_cache *keys;
};
/* ERR_USAGE, FAILed, for what is no vault of this process. */
err_t vault_check(const struct sr_vault *v);

/* The public form of e and of what this thread's last error says of it, which is forgotten. */
enum sr_status told(err_t e, struct sr_error *error);
enum sr_status told_bad_signature(struct sr_error *error);

/* An argument that must be there, called by its public name. */
#define NEED(argument) \
  do { \
    if (!(argument)) \
      FAIL(ERR_USAGE, "%s must not be NULL", #argument); \
  } while (0)
/* Bytes that the caller has; NULL only for none. */
err_t given(const char *name, const void *data, size_t size, struct bytes *out);

/* The same for a context, which has a size that the header promises. */
err_t given_context(const void *data, size_t size, struct bytes *out);

/* A copy in locked memory. */
err_t put_secret(struct bytes from, struct sr_bytes *out);
/* Bytes without a copy: appended to what put_start() began, then handed over by put_done(). */
err_t put_start(struct buf *b);
err_t put_done(struct buf *b, struct sr_bytes *out);

/* The two forms of a wrapped key. ERR_USAGE where the public one can't be one. */
void wrapped_to_public(const struct wrapped *w, struct sr_wrapped *out);
err_t wrapped_from_public(const struct sr_wrapped *w, struct wrapped *out);

#endif
