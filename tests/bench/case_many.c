/* A vault with many keys or secrets: how long it takes to come up, and what listing them costs. */
#include "fill.h"
#include "listing.h"

#define KEYS 100000
#define SECRETS 100000

static err_t make_directory(const struct bench *b, const char *name, char *dir, size_t size) {
  AUTO_SERVER s = { 0 };
  TRY(server_start(b, name, &s));
  TRY(bytes_to_cstr(bytes_str(s.dir), dir, size));
  return server_stop(&s);
}

/* versions: how many are made in all. */
static err_t measure(const struct bench *b, enum kind_id kind, unsigned count, unsigned versions) {
  const char *name = object_collection(kind);
  char dir[512];
  AUTO_SERVER s = { 0 };
  uint64_t kib, from;
  struct figure ready = {
    .name = "from exec to ready", .unit = "s", .judge = JUDGE_VALUE, .limit = 10
  };
  TRY(make_directory(b, name, dir, sizeof dir));
  from = now_ns();
  TRY(fill(dir, kind, count));
  report_value("made without a server, durable", "/s",
               versions / ((double)(now_ns() - from) / 1e9));
  TRY(server_start(b, name, &s));
  series_add(&ready.value, s.ready_s);
  report(&ready);
  TRY(server_rss_kib(&s, &kib));
  report_value("memory of the server", "MiB", (double)kib / 1024);
  TRY(listing_report(&s, name, count));
  return server_stop(&s);
}

static err_t run_keys(const struct bench *b) {
  report_title("100,000 keys of two versions");
  return measure(b, KIND_KEY, KEYS, 2 * KEYS);
}

static err_t run_secrets(const struct bench *b) {
  report_title("100,000 secrets");
  return measure(b, KIND_SECRET, SECRETS, SECRETS);
}

const struct bench_case case_keys = { "keys", "a vault of 100,000 keys: start and listing",
                                      run_keys };
const struct bench_case case_secrets = { "secrets", "a vault of 100,000 secrets: start and listing",
                                         run_secrets };
