/* A vault with many keys: how long it takes to come up, and what listing them costs. */
#include "fill.h"
#include "server.h"

#define KEYS 100000
#define EDGE 200 /* pages at the beginning and at the end */
#define PAGES_MAX 8000

struct listing {
  uint32_t *page_ns;
  size_t pages, keys;
  uint64_t first_kib, last_kib; /* the server's memory after the first pages and after the last */
};

/* The path and query of a list's next page; "" after the last. */
static err_t next_link(json_t *body, char *out, size_t size) {
  struct bytes link = { 0 };
  out[0] = '\0';
  TRY(json_get_str(body, "nextLink", &link, NULL));
  const char *at = link.size ? strstr((const char *)link.data, "/keys") : NULL;
  return at ? bytes_to_cstr(bytes_str(at), out, size) : OK;
}

static err_t list_page(struct server *s, char *path, size_t size, struct listing *l) {
  AUTO_JSON *page = NULL;
  json_t *items = NULL;
  uint64_t from = now_ns();
  TRY(server_get(s, path, &page));
  l->page_ns[l->pages++] = (uint32_t)(now_ns() - from);
  TRY(json_get_array(page, "value", &items));
  l->keys += json_array_size(items);
  return next_link(page, path, size);
}

static err_t list_all(struct server *s, struct listing *l) {
  char path[512] = "/keys?api-version=2025-07-01";
  while (path[0]) {
    if (l->pages == PAGES_MAX)
      FAIL(ERR_INTERNAL, "the list has no end");
    TRY(list_page(s, path, sizeof path, l));
    if (l->pages == EDGE)
      TRY(server_rss_kib(s, &l->first_kib));
  }
  return server_rss_kib(s, &l->last_kib);
}

static double mean_us(const uint32_t *ns, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += ns[i];
  return sum / 1000 / (double)count;
}

static err_t report_listing(struct server *s) {
  AUTO_FREE uint32_t *page_ns = mem_alloc(PAGES_MAX * sizeof *page_ns);
  if (!page_ns)
    return ERR_NOMEM;
  struct listing l = { .page_ns = page_ns };
  struct figure time = { .name = "a page at the end, at the beginning", .unit = "us" };
  struct figure growth = {
    .name = "memory grown over the listing", .unit = "KiB", .judge = JUDGE_VALUE, .limit = 1024
  };
  TRY(list_all(s, &l));
  if (l.keys != KEYS || l.pages < 2 * EDGE)
    FAIL(ERR_INTERNAL, "the list has %zu keys on %zu pages", l.keys, l.pages);
  series_add(&time.base, mean_us(page_ns, EDGE));
  series_add(&time.value, mean_us(page_ns + l.pages - EDGE, EDGE));
  report_note("all %zu pages listed", l.pages);
  report(&time);
  series_add(&growth.value, (double)l.last_kib - (double)l.first_kib);
  report(&growth);
  return OK;
}

static err_t make_directory(const struct bench *b, char *dir, size_t size) {
  AUTO_SERVER s = { 0 };
  TRY(server_start(b, "keys", &s));
  TRY(bytes_to_cstr(bytes_str(s.dir), dir, size));
  return server_stop(&s);
}

static err_t run(const struct bench *b) {
  char dir[512];
  AUTO_SERVER s = { 0 };
  uint64_t kib, from;
  struct figure ready = {
    .name = "from exec to ready", .unit = "s", .judge = JUDGE_VALUE, .limit = 10
  };
  report_title("100,000 keys of two versions");
  TRY(make_directory(b, dir, sizeof dir));
  from = now_ns();
  TRY(fill(dir, KEYS));
  report_value("made without a server, durable", "/s",
               2 * KEYS / ((double)(now_ns() - from) / 1e9));
  TRY(server_start(b, "keys", &s));
  series_add(&ready.value, s.ready_s);
  report(&ready);
  TRY(server_rss_kib(&s, &kib));
  report_value("memory of the server", "MiB", (double)kib / 1024);
  TRY(report_listing(&s));
  return server_stop(&s);
}

const struct bench_case case_keys = { "keys", "a vault of 100,000 keys: start and listing", run };
