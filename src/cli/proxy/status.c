/* strongroom proxy status [ADMIN]... */
#include "base/clock.h"
#include "cli/ask.h"
#include "cli/proxy/config.h"
#include "cli/verbs.h"
#include "net/plain.h"

#include <glob.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

#define USUAL "/run/strongroom-proxy/*/admin.sock"
#define ANSWER_MAX (256u * 1024)
#define BUDGET_US 5000000

struct report {
  bool json, begun; /* begun: there is one to show */
  struct table table;
  err_t first; /* the first that went wrong */
};

/* --- asking --- */

static err_t parse_address(const char *text, struct net_address *out) {
  struct sockaddr_un *u = (struct sockaddr_un *)&out->socket;
  if (!strchr(text, '/') && access(text, F_OK) != 0) {
    if (!config_is_local(text) || !net_address_parse(text, 0, out))
      FAIL(ERR_USAGE, "'%s' is neither the path of a Unix socket nor a loopback address and port",
           text);
    return OK;
  }
  *out = (struct net_address){ .size = sizeof *u };
  u->sun_family = AF_UNIX;
  if (bytes_to_cstr(bytes_str(text), u->sun_path, sizeof u->sun_path) != OK)
    FAIL(ERR_USAGE, "the socket's path '%s' is longer than %zu bytes", text,
         sizeof u->sun_path - 1);
  return OK;
}

static err_t exchange(int fd, uint64_t *budget_us, struct buf *answer) {
  static const char request[] = "GET /status HTTP/1.0\r\nHost: localhost\r\n\r\n";
  TRY(plain_write(fd, bytes_of(request, sizeof request - 1), budget_us));
  return plain_read(fd, ANSWER_MAX, answer, budget_us);
}

static err_t ask_proxy(const char *where, json_t **out) {
  struct net_address a;
  AUTO_BUF answer = BUF_EMPTY;
  struct bytes body;
  uint64_t budget_us = BUDGET_US;
  int status, fd = -1;
  TRY(parse_address(where, &a));
  int error = net_dial((const struct sockaddr *)&a.socket, a.size, SOCK_STREAM, &budget_us, &fd);
  if (error)
    FAIL(ERR_AWAY, "no proxy answers at %s: %s", where, strerror(error));
  err_t e = exchange(fd, &budget_us, &answer);
  close(fd);
  if (e == OK)
    e = plain_parse(buf_bytes(&answer), &status, &body);
  if (e != OK || status != 200 || json_read_answer(body, out) != OK)
    FAIL(ERR_AWAY, "what answers at %s is no proxy", where);
  return OK;
}

/* --- showing --- */

static void put_joined(struct table *t, json_t *list) {
  AUTO_BUF text = BUF_EMPTY;
  size_t i;
  json_t *item;
  json_array_foreach(list, i, item) {
    buf_put_str(&text, i ? ", " : "");
    buf_put_str(&text, json_is_string(item) ? json_string_value(item) : "?");
  }
  table_cell(t, buf_bytes(&text));
}

static json_int_t number(json_t *o, const char *name) {
  return json_integer_value(json_object_get(o, name));
}

static void put_row(struct table *t, json_t *d) {
  json_t *connections = field_object(d, "connections");
  json_t *certificate = field_object(d, "certificate");
  char text[32], until[WHEN_SIZE];
  table_cell(t, field_text(d, "service"));
  table_cell(t, field_text(d, "mode"));
  put_joined(t, json_object_get(d, "listen"));
  put_joined(t, json_object_get(d, "to"));
  snprintf(text, sizeof text, "%lld", number(connections, "open"));
  table_cell_str(t, text);
  table_cell(t, field_text(d, "ktls"));
  table_cell_str(t, field_time(certificate, "notAfter", until));
  snprintf(text, sizeof text, "%lld", number(certificate, "renewals"));
  table_cell_str(t, text);
  struct bytes trouble = field_text(d, "trouble");
  bool ready = json_is_true(json_object_get(d, "ready"));
  table_cell(t, trouble.size || ready ? trouble : bytes_str("not ready"));
}

static void put_json(struct report *r, json_t *d) {
  fputs(r->begun ? ",\n" : "\n", stdout);
  r->begun = true;
  json_dumpf(d, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
}

static void show(struct report *r, const char *where) {
  AUTO_JSON *d = NULL;
  err_t e = ask_proxy(where, &d);
  if (e != OK) {
    out_error(e);
    r->first = r->first == OK ? e : r->first;
  } else if (r->json) {
    put_json(r, d);
  } else {
    put_row(&r->table, d);
    r->begun = true;
  }
}

static err_t show_usual(struct report *r) {
  glob_t found;
  if (glob(USUAL, 0, NULL, &found) != 0)
    FAIL(ERR_NOT_FOUND,
         "no proxy has its socket at " USUAL ": name that of its --admin, or its address");
  for (size_t i = 0; i < found.gl_pathc; i++)
    show(r, found.gl_pathv[i]);
  globfree(&found);
  return OK;
}

static err_t show_all(const struct args *a, struct report *r) {
  if (!a->word_count)
    return show_usual(r);
  for (size_t i = 0; args_word(a, i); i++)
    show(r, args_word(a, i));
  return OK;
}

static err_t run(const struct args *a) {
  static const char *const headings[] = { "SERVICE", "MODE",  "LISTENING", "TO",     "OPEN",
                                          "KTLS",    "UNTIL", "RENEWALS",  "TROUBLE" };
  struct report r = { .json = args_flag(a, "json") };
  table_start(&r.table, sizeof headings / sizeof *headings, headings);
  if (r.json)
    fputs("{\"value\": [", stdout);
  err_t e = show_all(a, &r);
  if (r.json)
    fputs(r.begun ? "\n]}\n" : "]}\n", stdout);
  else if (e == OK && r.begun)
    e = table_print(&r.table);
  table_free(&r.table);
  TRY(e);
  return r.first == OK ? OK : out_told(r.first);
}

static const struct opt options[] = {
  { "json", OPT_FLAG, NULL, NULL, "print what the proxies say, as JSON" },
  OPT_END,
};

const struct verb verb_proxy_status = {
  .noun = "proxy",
  .name = "status",
  .words = "[ADMIN]...",
  .max_words = WORDS_ANY,
  .summary = "Show the proxies that run: what for, connections, certificates, trouble",
  .details = "ADMIN is what a proxy was given as --admin; without any, those of the systemd units\n"
             "(" USUAL "). Exit code 6: one of them does not answer.",
  .options = options,
  .examples = "strongroom proxy status\n"
              "strongroom proxy status /run/db.admin 127.0.0.1:9101 --json",
  .run = run,
};
