/* Sealed streams, and whole texts of the same format. */
#include "lib/stream.h"

#include "lib/quiet.h"
#include "seal/sealed.h"

static err_t progress(void *ctx, const struct stream_progress *p) {
  const struct sr_stream *how = ctx;
  if (how->progress(how->user, p->done, p->total) != 0)
    FAIL(ERR_INTERRUPTED, "stopped by the caller");
  return OK;
}

err_t stream_how(const struct sr_stream *how, struct bytes *context, struct stream_options *out) {
  static const struct sr_stream nothing;
  if (!how)
    how = &nothing;
  if (how->flags & ~(SR_SPARSE_INPUT | SR_SPARSE_OUTPUT))
    FAIL(ERR_USAGE, "how.flags has bits that this version does not know");
  for (size_t i = 0; i < sizeof how->reserved / sizeof *how->reserved; i++)
    if (how->reserved[i])
      FAIL(ERR_USAGE, "how.reserved must be zero");
  TRY(given_context(how->context, how->context_size, context));
  *out = (struct stream_options){ .threads = how->threads,
                                  .total = how->total,
                                  .progress = how->progress ? progress : NULL,
                                  .ctx = (void *)how,
                                  .sparse_in = how->flags & SR_SPARSE_INPUT,
                                  .sparse_out = how->flags & SR_SPARSE_OUTPUT };
  return OK;
}

static err_t seal(struct sr_vault *v, const char *key, const struct sr_stream *how, int in,
                  int out) {
  struct sealed_options o = { 0 };
  AUTO_QUIET q = quiet_begin();
  TRY(vault_check(v));
  NEED(key);
  TRY(stream_how(how, &o.context, &o.stream));
  return sealed_seal(v->keys, key, &o, in, out);
}

enum sr_status sr_stream_seal(struct sr_vault *vault, const char *key, const struct sr_stream *how,
                              int in, int out, struct sr_error *error) {
  return told(seal(vault, key, how, in, out), error);
}

static err_t unseal(struct sr_vault *v, const struct sr_stream *how, int in, int out) {
  struct sealed_options o = { 0 };
  AUTO_QUIET q = quiet_begin();
  TRY(vault_check(v));
  TRY(stream_how(how, &o.context, &o.stream));
  return sealed_open(v->keys, &o, in, out);
}

enum sr_status sr_stream_open(struct sr_vault *vault, const struct sr_stream *how, int in, int out,
                              struct sr_error *error) {
  return told(unseal(vault, how, in, out), error);
}

static err_t seal_bytes(struct sr_vault *v, const char *key, struct bytes context,
                        struct bytes plain, struct sr_bytes *sealed) {
  AUTO_BUF b = BUF_EMPTY;
  TRY(vault_check(v));
  NEED(key);
  NEED(sealed);
  TRY(given_context(context.data, context.size, &context));
  TRY(given("plain", plain.data, plain.size, &plain));
  TRY(put_start(&b));
  TRY(sealed_put(v->keys, key, context, plain, &b));
  return put_done(&b, sealed);
}

enum sr_status sr_bytes_seal(struct sr_vault *vault, const char *key, const void *context,
                             size_t context_size, const void *plain, size_t plain_size,
                             struct sr_bytes *sealed, struct sr_error *error) {
  if (sealed)
    *sealed = (struct sr_bytes){ 0 };
  return told(
    seal_bytes(vault, key, bytes_of(context, context_size), bytes_of(plain, plain_size), sealed),
    error);
}

static err_t open_bytes(struct sr_vault *v, struct bytes context, struct bytes sealed,
                        struct sr_bytes *plain) {
  AUTO_BUF b = BUF_EMPTY;
  TRY(vault_check(v));
  NEED(plain);
  TRY(given_context(context.data, context.size, &context));
  TRY(given("sealed", sealed.data, sealed.size, &sealed));
  TRY(put_start(&b));
  TRY(sealed_get(v->keys, context, sealed, &b));
  return put_done(&b, plain);
}

enum sr_status sr_bytes_open(struct sr_vault *vault, const void *context, size_t context_size,
                             const void *sealed, size_t sealed_size, struct sr_bytes *plain,
                             struct sr_error *error) {
  if (plain)
    *plain = (struct sr_bytes){ 0 };
  return told(
    open_bytes(vault, bytes_of(context, context_size), bytes_of(sealed, sealed_size), plain),
    error);
}
