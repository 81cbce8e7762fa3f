/* What the tests of the audit log share: a directory, a key, events, logs made write by write. */
#ifndef TEST_AUDIT_H
#define TEST_AUDIT_H

#include "../asserts.h"
#include "base/json.h"
#include "vault/audit_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static const uint8_t seal_key_bytes[32] = { 0x17, 0x2a };
static struct key *signer;
static char root[64]; /* of all directories that the tests make */

static inline struct bytes seal_key(void) {
  return bytes_of(seal_key_bytes, sizeof seal_key_bytes);
}

static inline struct key *new_signer(void) {
  struct key_spec spec = { .type = KEY_EC, .bits = 256, .curve = CURVE_P256 };
  struct key *k = NULL;
  assert_ok(key_generate(&spec, &k));
  return k;
}

static inline int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
  return remove(path);
}

static inline int start(void **state) {
  bool locked;
  mem_install_json();
  assert_ok(crypto_init(1u << 18, &locked));
  signer = new_signer();
  snprintf(root, sizeof root, "/tmp/test-audit-XXXXXX");
  return mkdtemp(root) ? 0 : -1;
}

static inline int stop(void **state) {
  nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  key_free(signer);
  return 0;
}

/* A fresh path under root. */
static inline const char *new_dir(void) {
  static char names[512][96];
  static unsigned next;
  assert_true(next < sizeof names / sizeof *names);
  char *name = names[next];
  snprintf(name, sizeof names[0], "%s/%u", root, next++);
  return name;
}

static inline struct audit_conf conf_of(const char *dir) {
  return (struct audit_conf){ .dir = dir, .rotate_bytes = 1u << 20, .window_us = 200 };
}

/* An operation with this request id. */
static inline struct audit_event event(const char *id) {
  return (struct audit_event){
    .time_us = INT64_C(1764000000123456),
    .operation = "KeyUnwrap",
    .status = 200,
    .object = bytes_str("keys/rsa1/0123456789abcdef0123456789abcdef"),
    .host = bytes_str("vault.example:8443"),
    .app_id = "7f8d9c1e-1111-2222-3333-444455556666",
    .oid = "7f8d9c1e-1111-2222-3333-444455556667",
    .peer = "127.0.0.1",
    .request_id = id,
    .client_request_id = bytes_str("theirs"),
    .user_agent = bytes_str("test/1.0"),
    .duration_us = 21042,
  };
}

/* What the log's thread told. */
struct sink {
  _Atomic uint64_t durable, failed_from, failed_to, failures;
  sem_t *stall; /* when set, on_durable() waits for it */
};

static inline void on_durable(void *ctx, uint64_t ticket) {
  struct sink *s = ctx;
  assert_true(ticket > s->durable && ticket > s->failed_to);
  s->durable = ticket;
  if (s->stall)
    sem_wait(s->stall);
}

static inline void on_failed(void *ctx, uint64_t from, uint64_t to) {
  struct sink *s = ctx;
  assert_true(from > s->durable && from > s->failed_to && to >= from);
  s->failed_from = from;
  s->failed_to = to;
  s->failures++;
}

static inline struct audit_conf conf_with(const char *dir, struct sink *s) {
  struct audit_conf conf = conf_of(dir);
  conf.durable = on_durable;
  conf.failed = on_failed;
  conf.ctx = s;
  return conf;
}

/* --- logs made write by write, without the thread --- */

/* One write of count records. */
static inline err_t write_batch(struct audit_writer *w, unsigned count) {
  struct audit_batch b = { 0 };
  for (unsigned i = 0; i < count; i++) {
    char id[32];
    AUTO_BUF plain = BUF_EMPTY;
    snprintf(id, sizeof id, "r%" PRIu64, w->state.tip.last + 1 + i);
    struct audit_event e = event(id);
    audit_event_put(&e, &plain);
    for (unsigned shift = 32; shift > 0; shift -= 8)
      buf_put_char(&b.records, (char)(plain.size >> (shift - 8)));
    buf_put_bytes(&b.records, buf_bytes(&plain));
  }
  err_t e = audit_writer_commit(w, &b);
  buf_free(&b.records);
  return e;
}

/* --- bytes of files --- */

static inline void path_of(char out[static 256], const char *dir, const char *name) {
  assert_true(snprintf(out, 256, "%s/%s", dir, name) < 256);
}

static inline struct buf load(const char *dir, const char *name) {
  char path[256];
  uint8_t part[8192];
  struct buf b = BUF_EMPTY;
  path_of(path, dir, name);
  int fd = open(path, O_RDONLY);
  assert_true(fd >= 0);
  for (ssize_t n; (n = read(fd, part, sizeof part)) > 0;)
    buf_put(&b, part, (size_t)n);
  close(fd);
  return b;
}

static inline void save(const char *dir, const char *name, struct bytes b) {
  char path[256];
  path_of(path, dir, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, b.data, b.size), (ssize_t)b.size);
  close(fd);
}

static inline void copy_dir(const char *from, const char *to) {
  assert_int_equal(mkdir(to, 0700), 0);
  DIR *d = opendir(from);
  assert_non_null(d);
  for (struct dirent *e; (e = readdir(d));) {
    if (e->d_name[0] == '.')
      continue;
    struct buf b = load(from, e->d_name);
    save(to, e->d_name, buf_bytes(&b));
    buf_free(&b);
  }
  closedir(d);
}

/* Where an entry is. */
struct spot {
  uint64_t file;
  size_t offset, size;
};

/* The record, or the head, of this number; size 0 when there is none. */
static inline struct spot find(const char *dir, enum audit_kind kind, uint64_t number) {
  struct spot at = { 0 };
  struct audit_files files;
  int fd;
  assert_ok(audit_dir_open(dir, &fd));
  assert_ok(audit_files_list(fd, &files));
  for (size_t i = 0; i < files.count && at.size == 0; i++) {
    struct audit_scan s;
    struct audit_entry e;
    enum audit_found found = FOUND_ENTRY;
    assert_ok(audit_scan_open(fd, files.first[i], &s));
    while (at.size == 0 && found == FOUND_ENTRY) {
      assert_ok(audit_scan_next(&s, &e, &found));
      if (found == FOUND_ENTRY && e.kind == kind && e.number == number)
        at = (struct spot){ files.first[i], s.last, audit_entry_size(&e) };
    }
    audit_scan_close(&s);
  }
  audit_files_free(&files);
  close(fd);
  return at;
}

static inline struct spot find_record(const char *dir, uint64_t number) {
  struct spot at = find(dir, AUDIT_RECORD, number);
  assert_true(at.size > 0);
  return at;
}

static inline struct audit_report verify(const char *dir) {
  struct audit_report r;
  assert_ok(audit_verify(dir, (struct bytes){ 0 }, (struct bytes){ 0 }, &r));
  return r;
}

/* --- reading --- */

struct seen {
  uint64_t count, first, last;
  struct buf text; /* one line each */
};

static inline err_t see(void *ctx, uint64_t number, struct bytes json) {
  struct seen *s = ctx;
  if (s->count++ == 0)
    s->first = number;
  else
    assert_int_equal(number, s->last + 1);
  s->last = number;
  buf_put_bytes(&s->text, json);
  buf_put_char(&s->text, '\n');
  return buf_ok(&s->text);
}

static inline bool text_has(const struct seen *s, const char *what) {
  return s->text.size && memmem(s->text.data, s->text.size, what, strlen(what));
}

/* AuditGap records; what was refused while one was being written is in a second one. */
static inline unsigned gaps_of(const struct seen *s) {
  static const char name[] = "\"AuditGap\"";
  unsigned n = 0;
  const uint8_t *p = s->text.data, *end = p + s->text.size;
  while (p && (p = memmem(p, (size_t)(end - p), name, sizeof name - 1))) {
    p += sizeof name - 1;
    n++;
  }
  return n;
}

static inline bool says(const char *what) {
  return strstr(err_last()->why, what) != NULL;
}

#endif
