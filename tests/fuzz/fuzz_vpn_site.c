/* A site file. Whatever was taken fits together, and what is written of it has no line that the
 * file slipped in. */
#include "start.h"
#include "transit/vpn/charon.h"
#include "transit/vpn/connection.h"
#include "transit/vpn/export.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t lines(struct bytes text) {
  size_t n = 0;
  for (size_t i = 0; i < text.size; i++)
    n += text.data[i] == '\n';
  return n;
}

static void look_at(const struct site *s, const struct site_peer *p) {
  AUTO_BUF text = BUF_EMPTY, message = BUF_EMPTY, other = BUF_EMPTY;
  struct connection c = connection_of(s, p);
  if (!site_name_valid(p->name) || p->nets.count == 0 || p->local.count == 0 || !p->policy)
    abort();
  connection_put_text(&c, &text);
  connection_put_message(&c, &message);
  if (buf_ok(&text) != OK || lines(buf_bytes(&text)) != 35)
    abort();
  if (export_put("azure", s, p, (struct bytes){ 0 }, &other) != OK)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  AUTO(site) struct site *s = NULL;
  AUTO_BUF conf = BUF_EMPTY;
  if (site_parse(bytes_of(data, size), "fuzz", &s) != OK)
    return 0;
  if (!site_name_valid(s->name) || s->peer_count == 0 || s->peer_count > SITE_PEERS_MAX)
    abort();
  for (size_t i = 0; i < s->peer_count; i++) {
    look_at(s, &s->peers[i]);
    for (size_t k = 0; k < i; k++)
      for (size_t n = 0; n < s->peers[k].nets.count; n++)
        if (site_overlap(&s->peers[k].nets.items[n].is, &s->peers[i].nets.items[0].is))
          abort();
  }
  charon_put_conf(s, true, &conf);
  return 0;
}
