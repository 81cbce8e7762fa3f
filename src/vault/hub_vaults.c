/* The vaults that a hub has beyond its own: where they have their names, and what is due in them.
 */
#include "base/log.h"
#include "vault/hub_internal.h"

#include <ctype.h>
#include <stdio.h>

/* "a.example": labels of letters, digits and dashes; a wildcard certificate needs two of them. */
static bool domain_valid(struct bytes domain) {
  struct bytes label;
  size_t labels = 0;
  if (domain.size > DOMAIN_SIZE_MAX)
    return false;
  for (; domain.data; labels++) {
    domain = bytes_split(domain, '.', &label);
    if (label.size == 0 || label.size > 63 || label.data[0] == '-' ||
        label.data[label.size - 1] == '-')
      return false;
    for (size_t i = 0; i < label.size; i++)
      if (!isalnum(label.data[i]) && label.data[i] != '-')
        return false;
  }
  return labels >= 2;
}

err_t hub_check_domains(struct hub *h) {
  struct api *api = &h->api;
  api->domain_count = conf_list(h->conf, "domain", &api->domains);
  if (api->domain_count > DOMAINS_MAX)
    FAIL(ERR_CONFIG, "there may be %d domains at most", DOMAINS_MAX);
  for (size_t i = 0; i < api->domain_count; i++) {
    if (!domain_valid(bytes_str(api->domains[i])))
      FAIL(ERR_CONFIG,
           "domain takes a name of two labels or more, such as vault.example.com, not "
           "'%s'",
           api->domains[i]);
    snprintf(api->resources[i], sizeof api->resources[i], "https://%s", api->domains[i]);
    snprintf(h->wildcards[i], sizeof h->wildcards[i], "*.%s", api->domains[i]);
  }
  return OK;
}

err_t hub_new_vaults(struct hub *h) {
  struct vaults_conf conf = { .store = h->store,
                              .identity = h->identity,
                              .vault = hub_vault_conf(h),
                              .authority = hub_authority(h),
                              .wake = hub_scheduler_wake,
                              .ctx = h };
  conf.vault.live_of = h->vault;
  return vaults_new(&conf, &h->vaults);
}

/* Is there a host name that leads to the vault? */
static bool reachable(const struct hub *h, const char *name) {
  char host[DOMAIN_SIZE_MAX + VAULT_NAME_MAX + 2];
  struct bytes label;
  for (size_t i = 0; i < h->api.domain_count; i++) {
    snprintf(host, sizeof host, "%s.%s", name, h->api.domains[i]);
    if (host_kind(&h->api, bytes_str(host), &label) == HOST_VAULT)
      return true;
  }
  return false;
}

/* Settings may have changed since the vaults were made. */
void hub_warn_of_vaults(struct hub *h) {
  char after[VAULT_NAME_MAX + 1] = "";
  size_t lost = 0;
  for (;;) {
    AUTO(hosted) struct hosted *v = vaults_next(h->vaults, after);
    if (!v)
      break;
    memcpy(after, v->folded, sizeof after);
    lost += !reachable(h, v->name);
  }
  if (lost)
    log_warn("hub",
             "%zu vaults can't be reached: their names are at none of the --domain, or are "
             "the hub's own (--host)",
             lost);
}

/* A vault and the host that it has in the audit log. */
struct due {
  struct hub *h;
  char host[DOMAIN_SIZE_MAX + VAULT_NAME_MAX + 16];
};

static err_t record(void *ctx, const char *operation, const struct version *v, err_t e) {
  struct due *d = ctx;
  char object[2 * OBJECT_NAME_MAX + 64];
  snprintf(object, sizeof object, "%s/%s/%s", object_collection(v->kind), v->name, v->id);
  return hub_record_due(d->h, d->host, operation, object, e);
}

static err_t record_vault(void *ctx, const char *operation, const char *name, err_t e) {
  struct due *d = ctx;
  char object[VAULT_NAME_MAX + 16];
  snprintf(object, sizeof object, "hub/vaults/%s", name);
  return hub_record_due(d->h, d->host, operation, object, e);
}

/* "NAME.DOMAIN:PORT", as clients say it; without a domain, the name alone. */
static void name_host(struct due *d, const char *vault) {
  const struct api *api = &d->h->api;
  const char *port = strrchr(d->h->url + strlen("https://"), ':');
  if (api->domain_count)
    snprintf(d->host, sizeof d->host, "%s.%s%s", vault, api->domains[0], port ? port : "");
  else
    snprintf(d->host, sizeof d->host, "%s", vault);
}

err_t hub_vaults_due(struct hub *h) {
  struct due d = { .h = h };
  char after[VAULT_NAME_MAX + 1] = "";
  snprintf(d.host, sizeof d.host, "%s", h->url + strlen("https://"));
  TRY(vaults_purge_due(h->vaults, record_vault, &d));
  TRY(vault_carry_out_due(h->vault, record, &d));
  for (;;) {
    AUTO(hosted) struct hosted *v = vaults_next(h->vaults, after);
    if (!v)
      return vaults_sweep(h->vaults);
    memcpy(after, v->folded, sizeof after);
    name_host(&d, v->name);
    TRY(vault_carry_out_due(v->vault, record, &d));
  }
}
