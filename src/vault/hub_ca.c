/* The hub's authority: where it is reached, what it may issue for. */
#include "base/cidr.h"
#include "vault/hub_internal.h"

#include <stdio.h>

/* What is configured, or the first name and the port; "" as long as the port is not known. */
void hub_set_ca_url(struct hub *h) {
  char url[300];
  const char *const *hosts, *const *listen;
  const char *given = conf_str(h->conf, "ca.url");
  size_t host_count = conf_list(h->conf, "host", &hosts);
  const char *colon = conf_list(h->conf, "listen", &listen) ? strrchr(listen[0], ':') : NULL;
  bool known = colon && strcmp(colon, ":0") != 0;
  snprintf(url, sizeof url, "https://%s%s", host_count ? hosts[0] : "localhost",
           known && strcmp(colon, ":443") != 0 ? colon : "");
  ca_set_url(h->ca, given[0] ? given : h->url[0] ? h->url : known ? url : "");
}

/* "dns:" or "ip:" and the name, unless it is there. */
static err_t permit(struct cert_texts *list, const char *name) {
  AUTO_BUF text = BUF_EMPTY;
  struct cidr unused;
  buf_put_str(&text, cidr_parse(bytes_str(name), &unused) ? "ip:" : "dns:");
  buf_put_str(&text, strncmp(name, "*.", 2) == 0 ? name + 2 : name); /* names below are included */
  TRY(buf_ok(&text));
  for (size_t i = 0; i < list->count; i++)
    if (bytes_equal_str(buf_bytes(&text), list->items[i]))
      return OK;
  return cert_texts_add(list, buf_bytes(&text));
}

/* Where names are constrained, the hub's own are permitted, too: those of now, and those of its
 * last run, as a stopped hub may not have been told them. */
err_t hub_permitted(const struct hub *h, const char *const *given, size_t count,
                    struct cert_texts *out) {
  const char *names[HUB_NAMES_MAX];
  const struct cert_texts *kept = ca_kept_names(h->ca);
  if (count == 0)
    return OK;
  for (size_t i = 0; i < count; i++)
    TRY(cert_texts_add(out, bytes_str(given[i])));
  for (size_t i = 0, n = hub_names(h, names); i < n; i++)
    TRY(permit(out, names[i]));
  for (size_t i = 0; i < kept->count; i++)
    TRY(permit(out, kept->items[i]));
  return OK;
}

/* It stands in every certificate. */
static err_t check_url(const char *url) {
  bool known = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
  for (const char *p = url; *p; p++)
    known = known && *p > ' ' && *p < 0x7f;
  if (url[0] && !known)
    FAIL(ERR_CONFIG, "ca-url takes an address such as http://pki.example.com, not '%s'", url);
  return OK;
}

err_t hub_ready_ca(struct hub *h) {
  struct cert_texts permitted __attribute__((cleanup(cert_texts_free))) = { 0 };
  const char *const *given;
  size_t count = conf_list(h->conf, "ca.permit", &given);
  TRY(check_url(conf_str(h->conf, "ca.url")));
  hub_set_ca_url(h);
  TRY(hub_permitted(h, given, count, &permitted));
  return ca_ready(h->ca, &permitted);
}

err_t hub_keep_facts(struct hub *h) {
  const char *names[HUB_NAMES_MAX];
  size_t count = hub_names(h, names);
  return ca_keep_hub(h->ca, names, count);
}
