#include "transit/vpn/connection.h"

#include "transit/vpn/vici_message.h"

struct connection connection_of(const struct site *s, const struct site_peer *p) {
  return (struct connection){ .name = p->name,
                              .local_name = s->name,
                              .remote_name = p->name,
                              .local_address = s->address,
                              .remote_address = p->address,
                              .local = &p->local,
                              .remote = &p->nets,
                              .peer = p,
                              .encap = s->encap,
                              .lists = true,
                              .dpd_s = s->dpd_s };
}

struct connection connection_mirror(const struct connection *c) {
  struct connection m = *c;
  m.name = c->local_name;
  m.local_name = c->remote_name;
  m.remote_name = c->local_name;
  m.local_address = c->remote_address;
  m.remote_address = c->local_address;
  m.local = c->remote;
  m.remote = c->local;
  return m;
}

/* The two forms. */
struct writer {
  struct buf *out;
  bool text;
  int depth;
};

static void indent(struct writer *w) {
  for (int i = 0; i < w->depth; i++)
    buf_put_str(w->out, "  ");
}

static void section(struct writer *w, const char *name) {
  if (w->text) {
    indent(w);
    buf_printf(w->out, "%s {\n", name);
  } else {
    vici_put_section(w->out, name);
  }
  w->depth++;
}

static void end(struct writer *w) {
  w->depth--;
  if (w->text) {
    indent(w);
    buf_put_str(w->out, "}\n");
  } else {
    vici_put_end(w->out);
  }
}

static void value(struct writer *w, const char *key, const char *text) {
  if (w->text) {
    indent(w);
    buf_printf(w->out, "%s = %s\n", key, text);
  } else {
    vici_put_str(w->out, key, text);
  }
}

static void seconds(struct writer *w, const char *key, unsigned n) {
  if (w->text) {
    indent(w);
    buf_printf(w->out, "%s = %us\n", key, n);
  } else {
    vici_put_u64(w->out, key, n);
  }
}

/* items: separated by commas. */
static void list(struct writer *w, const char *key, const char *items) {
  struct bytes item, rest = bytes_str(items);
  char one[SITE_NAME_SIZE];
  if (w->text) {
    value(w, key, items);
    return;
  }
  vici_put_list(w->out, key);
  while (rest.data) {
    rest = bytes_split(rest, ',', &item);
    if (bytes_to_cstr(item, one, sizeof one) == OK)
      vici_put_item(w->out, one);
  }
  vici_put_list_end(w->out);
}

static void nets(struct writer *w, const char *key, const struct site_nets *n) {
  if (w->text) {
    indent(w);
    buf_printf(w->out, "%s = ", key);
    for (size_t i = 0; i < n->count; i++)
      buf_printf(w->out, "%s%s", i ? ", " : "", n->items[i].text);
    buf_put_char(w->out, '\n');
    return;
  }
  vici_put_list(w->out, key);
  for (size_t i = 0; i < n->count; i++)
    vici_put_item(w->out, n->items[i].text);
  vici_put_list_end(w->out);
}

static void put_child(const struct connection *c, struct writer *w) {
  section(w, "children");
  section(w, CONNECTION_CHILD);
  nets(w, "local_ts", c->local);
  nets(w, "remote_ts", c->remote);
  list(w, "esp_proposals", c->peer->policy->esp);
  seconds(w, "rekey_time", c->peer->esp_s);
  value(w, "dpd_action", w->text ? "restart" : "clear");
  value(w, "start_action", w->text ? "start" : "none");
  end(w);
  end(w);
}

static void put_ends(const struct connection *c, struct writer *w) {
  section(w, "local");
  value(w, "auth", "pubkey");
  value(w, "id", c->local_name);
  if (w->text)
    value(w, "certs", "site.pem");
  end(w);
  section(w, "remote");
  value(w, "auth", "pubkey");
  value(w, "id", c->remote_name);
  value(w, "revocation", w->text ? "ifuri" : c->lists ? "strict" : "relaxed");
  end(w);
}

static void put(const struct connection *c, struct writer *w) {
  section(w, w->text ? "site" : c->name); /* in the text a name has no dots */
  value(w, "version", "2");
  list(w, "local_addrs", c->local_address);
  list(w, "remote_addrs", c->remote_address);
  list(w, "proposals", c->peer->policy->ike);
  value(w, "encap", c->encap ? "yes" : "no");
  value(w, "mobike", "no");
  value(w, "unique", "replace");
  value(w, "send_cert", "always");
  seconds(w, "dpd_delay", c->dpd_s);
  seconds(w, "rekey_time", c->peer->ike_s);
  seconds(w, "reauth_time", c->peer->reauth_s);
  put_ends(c, w);
  put_child(c, w);
  end(w);
}

void connection_put_message(const struct connection *c, struct buf *out) {
  struct writer w = { .out = out };
  put(c, &w);
}

void connection_put_text(const struct connection *c, struct buf *out) {
  struct writer w = { .out = out, .text = true };
  section(&w, "connections");
  put(c, &w);
  end(&w);
}
