/* What the files of the hub share. */
#ifndef VAULT_HUB_INTERNAL_H
#define VAULT_HUB_INTERNAL_H

#include "vault/api/api.h"
#include "vault/hub.h"

#include <pthread.h>

struct hub {
  const struct conf *conf;
  const char *dir;
  bool first; /* this start made the store */
  bool init;
  char url[300], listen[80];
  char wildcards[DOMAINS_MAX][DOMAIN_SIZE_MAX + 3]; /* "*.DOMAIN", for the certificate */
  struct api api;
  struct http_app app;
  struct http_gate *gate;
  struct http_server *server;
  struct store *store;
  struct partition part; /* the store's main one */
  struct identity *identity;
  struct roles *roles; /* of the hub's own vault: of the hub, too */
  struct vault *vault;
  struct vaults *vaults; /* beyond its own */
  bool parts_seen;       /* while loading: there are records of theirs */
  struct audit *audit;
  struct secret audit_key;
  pthread_mutex_t unsealing;
  _Atomic bool attempt[2]; /* under way or waiting: from elsewhere, from this machine */
  bool audit_lost;
  bool audit_begun; /* "hub/auditlog": the audit log has begun, and had this record */
  uint64_t audit_reached;
  struct ca *ca;
  struct acme *acme;
  /* records of its own: "hub/audit", "hub/auditlog", "hub/owner" */
  struct key *audit_signer;
  char owner[GUID_SIZE + 1]; /* app id */
  bool owner_has_secret;     /* it was handed over in DIR/env */
  pthread_t scheduler;
  _Atomic bool scheduling;
  int wake[2];          /* pipe: a byte wakes the scheduler, or stops it */
  _Atomic bool sealing; /* told to seal: hub_run() ends */
};

/* hub.c */
err_t hub_new(const struct conf *conf, struct hub **out);
struct vault_conf hub_vault_conf(const struct hub *h);
err_t hub_load_all(struct hub *h); /* everything that needs the master key */
/* hub_root.c: opens the store, makes it if init says so; opens its master key. */
err_t hub_open_store(struct hub *h, struct bytes passphrase);
err_t hub_unseal_store(struct hub *h, struct bytes passphrase);

bool hub_owns(struct bytes place);
err_t hub_load(struct hub *h, struct bytes place, struct bytes body);
/* hub_keys.c: the audit signer, made when it is not there; the authority's certificate in
 * DIR/ca.pem. */
err_t hub_ready_keys(struct hub *h);
/* Keeps in the store how far the audit log has come, so that its loss shows. */
err_t hub_mark_audit(struct hub *h);
/* hub_ca.c */
err_t hub_ready_ca(struct hub *h);
void hub_set_ca_url(struct hub *h); /* as far as it is known */
err_t hub_keep_facts(struct hub *h);
/* What the hub's authority is to be constrained to: what is given, and the hub's own names. */
err_t hub_permitted(const struct hub *h, const char *const *given, size_t count,
                    struct cert_texts *out);
/* hub_acme.c: what needs the audit log. */
err_t hub_ready_acme(struct hub *h);
/* hub_owner.c: the owner identity of a new hub, and DIR/env. */
err_t hub_ready_owner(struct hub *h);
/* Of what is done at the machine while the hub is stopped; durable on return. */
err_t hub_record_console(struct hub *h, const char *operation, const char *object);
/* hub_tls.c: the server's certificate: configured, kept in DIR/tls, or issued by the hub's
 * authority when missing, unfit or due. */
err_t hub_tls(struct hub *h, struct tls **out);
bool hub_tls_due(const struct hub *h);
/* hub_vaults.c */
err_t hub_check_domains(struct hub *h);
err_t hub_new_vaults(struct hub *h);
void hub_warn_of_vaults(struct hub *h);
/* What is due in each vault, and of the vaults themselves; the scheduler's. */
err_t hub_vaults_due(struct hub *h);
/* One record of the scheduler's in the audit log; durable on return. host: that the vault has. */
err_t hub_record_due(struct hub *h, const char *host, const char *operation, const char *object,
                     err_t e);
/* The names and addresses that the certificate must cover. */
#define HUB_NAMES_MAX 80
size_t hub_names(const struct hub *h, const char *names[static HUB_NAMES_MAX]);
/* hub_authority.c: the hub's authority, as vaults use it. */
struct cert_authority hub_authority(struct hub *h);
/* hub_scheduler.c */
void hub_scheduler_wake(void *hub);
err_t hub_scheduler_start(struct hub *h);
void hub_scheduler_stop(struct hub *h);

/* "DIR/name" into out. ERR_CONFIG when too long. */
#define HUB_PATH_MAX 1024
err_t hub_path(const struct hub *h, const char *name, char out[static HUB_PATH_MAX]);

#endif
