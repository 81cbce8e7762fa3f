#include "listing.h"

#include <stdio.h>

#define EDGE 200 /* pages at the beginning and at the end */
#define PAGES_MAX 8000

struct listing {
  const char *collection;
  uint64_t *cpu_ns; /* the server's processor time before each page, and after the last */
  size_t pages, objects;
  uint64_t first_kib, last_kib; /* the server's memory after the first pages and after the last */
};

/* The path and query of a list's next page; "" after the last. */
static err_t next_link(json_t *body, const char *collection, char *out, size_t size) {
  struct bytes link = { 0 };
  char start[32];
  out[0] = '\0';
  TRY(json_get_str(body, "nextLink", &link, NULL));
  snprintf(start, sizeof start, "/%s?", collection);
  const char *at = link.size ? strstr((const char *)link.data, start) : NULL;
  return at ? bytes_to_cstr(bytes_str(at), out, size) : OK;
}

static err_t list_page(struct server *s, char *path, size_t size, struct listing *l) {
  AUTO_JSON *page = NULL;
  json_t *items = NULL;
  TRY(server_cpu_ns(s, &l->cpu_ns[l->pages++]));
  TRY(server_get(s, path, &page));
  TRY(json_get_array(page, "value", &items));
  l->objects += json_array_size(items);
  return next_link(page, l->collection, path, size);
}

static err_t list_all(struct server *s, struct listing *l) {
  char path[512];
  snprintf(path, sizeof path, "/%s?api-version=2025-07-01", l->collection);
  while (path[0]) {
    if (l->pages == PAGES_MAX)
      FAIL(ERR_INTERNAL, "the list has no end");
    TRY(list_page(s, path, sizeof path, l));
    if (l->pages == EDGE)
      TRY(server_rss_kib(s, &l->first_kib));
  }
  TRY(server_cpu_ns(s, &l->cpu_ns[l->pages]));
  return server_rss_kib(s, &l->last_kib);
}

static double mean_us(const uint64_t *cpu_ns) {
  return (double)(cpu_ns[EDGE] - cpu_ns[0]) / 1000 / EDGE;
}

err_t listing_report(struct server *s, const char *collection, size_t count) {
  AUTO_FREE uint64_t *cpu_ns = mem_alloc((PAGES_MAX + 1) * sizeof *cpu_ns);
  if (!cpu_ns)
    return ERR_NOMEM;
  struct listing l = { .collection = collection, .cpu_ns = cpu_ns };
  struct figure time = {
    .name = "a page at the end, at the beginning", .unit = "us", .judge = JUDGE_RATIO, .limit = 1.5
  };
  struct figure growth = {
    .name = "memory grown over the listing", .unit = "KiB", .judge = JUDGE_VALUE, .limit = 64
  };
  TRY(list_all(s, &l));
  if (l.objects != count || l.pages < 2 * EDGE)
    FAIL(ERR_INTERNAL, "the list has %zu %s on %zu pages", l.objects, collection, l.pages);
  series_add(&time.base, mean_us(cpu_ns));
  series_add(&time.value, mean_us(cpu_ns + l.pages - EDGE));
  report_note("all %zu pages listed; processor time of the server", l.pages);
  report(&time);
  series_add(&growth.value, (double)l.last_kib - (double)l.first_kib);
  report(&growth);
  return OK;
}
