/* Files of age. */
#include "seal/age.h"

#include "lib/quiet.h"
#include "lib/stream.h"

struct sr_recipients {
  struct age_recipients *inner;
};

void sr_recipients_free(struct sr_recipients *recipients) {
  if (!recipients)
    return;
  if (recipients->inner)
    age_recipients_free(recipients->inner);
  mem_free(recipients);
}
CLEANUP(sr_recipients, struct sr_recipients *, sr_recipients_free)

static err_t new_recipients(struct sr_recipients **out) {
  NEED(out);
  AUTO(sr_recipients) struct sr_recipients *r = mem_zalloc(sizeof *r);
  if (!r)
    return ERR_NOMEM;
  TRY(crypto_attach(NULL));
  TRY(age_recipients_new(&r->inner));
  *out = TAKE(r);
  return OK;
}

enum sr_status sr_recipients_new(struct sr_recipients **out, struct sr_error *error) {
  if (out)
    *out = NULL;
  return told(new_recipients(out), error);
}

static err_t add_key(struct sr_recipients *recipients, struct sr_vault *v, const char *key) {
  NEED(recipients);
  TRY(vault_check(v));
  NEED(key);
  return age_recipients_add_key(recipients->inner, &v->service, key);
}

enum sr_status sr_recipients_add_key(struct sr_recipients *recipients, struct sr_vault *vault,
                                     const char *key, struct sr_error *error) {
  return told(add_key(recipients, vault, key), error);
}

/* A vault that need not be there. */
static err_t service_of(struct sr_vault *v, const struct key_service **out) {
  *out = NULL;
  if (v)
    TRY(vault_check(v));
  if (v)
    *out = &v->service;
  return OK;
}

static err_t add_recipient(struct sr_recipients *recipients, struct sr_vault *v,
                           const char *recipient) {
  const struct key_service *service;
  NEED(recipients);
  NEED(recipient);
  TRY(service_of(v, &service));
  return age_recipients_add(recipients->inner, service, recipient);
}

enum sr_status sr_recipients_add(struct sr_recipients *recipients, struct sr_vault *vault,
                                 const char *recipient, struct sr_error *error) {
  return told(add_recipient(recipients, vault, recipient), error);
}

static err_t add_recipient_passphrase(struct sr_recipients *recipients, const char *passphrase) {
  NEED(recipients);
  NEED(passphrase);
  return age_recipients_add_passphrase(recipients->inner, bytes_str(passphrase));
}

enum sr_status sr_recipients_add_passphrase(struct sr_recipients *recipients,
                                            const char *passphrase, struct sr_error *error) {
  return told(add_recipient_passphrase(recipients, passphrase), error);
}

struct sr_identities {
  struct age_identities *inner;
  struct secret passphrase;
};

void sr_identities_free(struct sr_identities *identities) {
  if (!identities)
    return;
  if (identities->inner)
    age_identities_free(identities->inner);
  secret_free(&identities->passphrase);
  mem_free(identities);
}
CLEANUP(sr_identities, struct sr_identities *, sr_identities_free)

static err_t new_identities(struct sr_identities **out) {
  NEED(out);
  AUTO(sr_identities) struct sr_identities *i = mem_zalloc(sizeof *i);
  if (!i)
    return ERR_NOMEM;
  TRY(crypto_attach(NULL));
  TRY(age_identities_new(&i->inner));
  *out = TAKE(i);
  return OK;
}

enum sr_status sr_identities_new(struct sr_identities **out, struct sr_error *error) {
  if (out)
    *out = NULL;
  return told(new_identities(out), error);
}

static err_t add_vault(struct sr_identities *identities, struct sr_vault *v) {
  NEED(identities);
  TRY(vault_check(v));
  return age_identities_add_vault(identities->inner, &v->service);
}

enum sr_status sr_identities_add_vault(struct sr_identities *identities, struct sr_vault *vault,
                                       struct sr_error *error) {
  return told(add_vault(identities, vault), error);
}

static err_t add_identities(struct sr_identities *identities, struct sr_vault *v, const void *text,
                            size_t size) {
  const struct key_service *service;
  struct bytes lines;
  NEED(identities);
  TRY(given("text", text, size, &lines));
  TRY(service_of(v, &service));
  return age_identities_add_file(identities->inner, service, lines, "identity");
}

enum sr_status sr_identities_add(struct sr_identities *identities, struct sr_vault *vault,
                                 const void *text, size_t size, struct sr_error *error) {
  return told(add_identities(identities, vault, text, size), error);
}

static err_t ask(void *ctx, struct secret *out) {
  struct sr_identities *i = ctx;
  return secret_copy(secret_bytes(&i->passphrase), out);
}

static err_t add_passphrase(struct sr_identities *identities, const char *passphrase) {
  struct secret copy;
  NEED(identities);
  NEED(passphrase);
  TRY(secret_copy(bytes_str(passphrase), &copy));
  secret_free(&identities->passphrase);
  identities->passphrase = copy;
  age_identities_on_passphrase(identities->inner, ask, identities);
  return OK;
}

enum sr_status sr_identities_add_passphrase(struct sr_identities *identities,
                                            const char *passphrase, struct sr_error *error) {
  return told(add_passphrase(identities, passphrase), error);
}

/* The options of a format that has no context. */
static err_t options_of(const struct sr_stream *how, struct stream_options *out) {
  struct bytes context;
  TRY(stream_how(how, &context, out));
  if (context.size)
    FAIL(ERR_USAGE, "the format of age has no context");
  return OK;
}

static err_t seal(const struct sr_recipients *recipients, const struct sr_stream *how, int in,
                  int out) {
  struct stream_options o;
  AUTO_QUIET q = quiet_begin();
  NEED(recipients);
  TRY(options_of(how, &o));
  return age_seal(recipients->inner, &o, in, out);
}

enum sr_status sr_age_seal(const struct sr_recipients *recipients, const struct sr_stream *how,
                           int in, int out, struct sr_error *error) {
  return told(seal(recipients, how, in, out), error);
}

static err_t unseal(const struct sr_identities *identities, const struct sr_stream *how, int in,
                    int out) {
  struct stream_options o;
  AUTO_QUIET q = quiet_begin();
  NEED(identities);
  TRY(options_of(how, &o));
  return age_open(identities->inner, &o, bytes_str(""), in, out);
}

enum sr_status sr_age_open(const struct sr_identities *identities, const struct sr_stream *how,
                           int in, int out, struct sr_error *error) {
  return told(unseal(identities, how, in, out), error);
}

static err_t copy(const struct sr_identities *identities, int descriptor, uint64_t offset,
                  uint64_t length, int out) {
  AUTO_QUIET q = quiet_begin();
  NEED(identities);
  return age_open_range(identities->inner, descriptor, offset, length, out);
}

enum sr_status sr_age_copy(const struct sr_identities *identities, int descriptor, uint64_t offset,
                           uint64_t length, int out, struct sr_error *error) {
  return told(copy(identities, descriptor, offset, length, out), error);
}
