/* What a request's host name means: is it ours, which resource do its tokens name. */
#include "vault/api/api.h"

#include <arpa/inet.h>
#include <stdio.h>

static const char public_resource[] = "https://vault.azure.net";
static const char public_resource_id[] = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093";

/* The host without its port. */
static struct bytes host_name(struct bytes host) {
  if (host.size && host.data[0] == '[') {
    struct bytes inner;
    bytes_split(bytes_of(host.data + 1, host.size - 1), ']', &inner);
    return inner;
  }
  struct bytes name;
  bytes_split(host, ':', &name);
  return name;
}

static bool is_address(struct bytes name) {
  char text[INET6_ADDRSTRLEN + 1];
  uint8_t address[16];
  return bytes_to_cstr(name, text, sizeof text) == OK &&
         (inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1);
}

enum host_kind host_kind(const struct api *api, struct bytes host, struct bytes *vault) {
  struct bytes name = host_name(host), parent = bytes_split(name, '.', vault);
  if (bytes_equal_nocase(name, "localhost"))
    return HOST_OWN;
  for (size_t i = 0; i < api->host_count; i++)
    if (bytes_equal_nocase(name, api->hosts[i]))
      return HOST_OWN;
  for (size_t i = 0; i < api->domain_count; i++)
    if (parent.data && bytes_equal_nocase(parent, api->domains[i]))
      return HOST_VAULT;
  return is_address(name) ? HOST_OWN : HOST_UNKNOWN;
}

void host_resource(struct bytes host, char out[static TOKEN_AUDIENCE_MAX]) {
  struct bytes name = host_name(host), first, parent = bytes_split(name, '.', &first);
  if (!parent.data || is_address(name) || parent.size > TOKEN_AUDIENCE_MAX - 16)
    snprintf(out, TOKEN_AUDIENCE_MAX, "%s", public_resource);
  else
    snprintf(out, TOKEN_AUDIENCE_MAX, "https://" BYTES_FMT, BYTES_ARG(parent));
}

struct bytes host_vault(struct bytes host) {
  struct bytes name = host_name(host), first;
  if (is_address(name))
    return name;
  bytes_split(name, '.', &first);
  return first;
}

bool audience_issuable(void *ctx, const char *resource) {
  const struct api *api = ctx;
  if (strcmp(resource, public_resource) == 0 || strcmp(resource, public_resource_id) == 0)
    return true;
  for (size_t i = 0; i < api->domain_count; i++)
    if (strcmp(resource, api->resources[i]) == 0)
      return true;
  for (size_t i = 0; i < api->host_count; i++) {
    char ours[TOKEN_AUDIENCE_MAX];
    host_resource(bytes_str(api->hosts[i]), ours);
    if (strcmp(resource, ours) == 0)
      return true;
  }
  return false;
}
