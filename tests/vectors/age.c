/*
 * The age test kit (C2SP/CCTV): each file says what must become of it. All of them go through
 * age_open(), once as a file and once out of a pipe with a part of it read beforehand; whatever
 * comes out, also of those that fail, has to be what the kit says.
 */
#include "base/codec.h"
#include "seal/age_key.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEAP_SIZE (1u << 20)
#define SKIPPED 77 /* as meson has it */
#define FILE_MAX (64u << 20)
#define VALUES 4
#define START 100 /* bytes read beforehand */

struct kit {
  char expect[32], payload[HEX_SIZE(SHA256_SIZE) + 1];
  struct buf identities; /* lines */
  char passphrase[VALUES][64];
  unsigned passphrases, asked;
  bool armored, compressed;
  struct buf file;
};

static void kit_free(struct kit *k) {
  buf_free(&k->identities);
  buf_free(&k->file);
}

static void read_key(struct kit *k, struct bytes line) {
  struct bytes key, value = bytes_split(line, ':', &key);
  value = bytes_trim(value);
  if (bytes_equal_str(key, "expect"))
    IGNORE(bytes_to_cstr(value, k->expect, sizeof k->expect));
  else if (bytes_equal_str(key, "payload"))
    IGNORE(bytes_to_cstr(value, k->payload, sizeof k->payload));
  else if (bytes_equal_str(key, "passphrase") && k->passphrases < VALUES)
    IGNORE(bytes_to_cstr(value, k->passphrase[k->passphrases++], sizeof k->passphrase[0]));
  else if (bytes_equal_str(key, "identity"))
    buf_printf(&k->identities, BYTES_FMT "\n", BYTES_ARG(value));
  else if (bytes_equal_str(key, "armored"))
    k->armored = true;
  else if (bytes_equal_str(key, "compressed"))
    k->compressed = true;
}

/* The C library of the product has no zlib. */
static err_t inflate_file(const char *path, size_t offset, struct buf *out) {
  char command[4600];
  (void)snprintf(command, sizeof command,
                 "python3 -c 'import sys, zlib; sys.stdout.buffer.write(zlib.decompress("
                 "open(sys.argv[1], \"rb\").read()[%zu:]))' '%s'",
                 offset, path);
  FILE *f = popen(command, "re");
  size_t n = 1;
  while (f && n && buf_reserve(out, 1 << 16)) {
    n = fread(out->data + out->size, 1, 1 << 16, f);
    out->size += n;
  }
  return f && pclose(f) == 0 && out->size ? buf_ok(out) : ERR_INPUT;
}

static err_t read_kit(const char *path, struct kit *k) {
  AUTO_BUF all = BUF_EMPTY;
  FILE *f = fopen(path, "re");
  while (f && !feof(f) && buf_reserve(&all, 1 << 16))
    all.size += fread(all.data + all.size, 1, 1 << 16, f);
  if (!f || fclose(f) != 0)
    return ERR_INPUT;
  struct bytes rest = buf_bytes(&all), line;
  while (rest.data) {
    rest = bytes_split(rest, '\n', &line);
    if (line.size == 0)
      break;
    read_key(k, line);
  }
  if (k->compressed)
    return inflate_file(path, all.size - rest.size, &k->file);
  buf_put_bytes(&k->file, rest);
  return buf_ok(&k->file);
}

/* The kit's passphrases one after the other. */
static err_t next_passphrase(void *ctx, struct secret *out) {
  struct kit *k = ctx;
  const char *text = k->asked < k->passphrases ? k->passphrase[k->asked++] : "";
  return secret_copy(bytes_str(text), out);
}

struct feeder {
  struct bytes data;
  int to;
};
static void *feed(void *ctx) {
  struct feeder *f = ctx;
  size_t done = 0;
  ssize_t n = 1;
  for (; done < f->data.size && n > 0; done += (size_t)n)
    n = write(f->to, f->data.data + done, f->data.size - done);
  close(f->to);
  return NULL;
}

static err_t open_piped(const struct age_identities *i, struct bytes file, int out) {
  struct stream_options o = { 0 };
  size_t start = file.size < START ? file.size : START;
  struct feeder f = { .data = bytes_of(file.data + start, file.size - start) };
  pthread_t thread;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return ERR_INPUT;
  f.to = ends[1];
  if (pthread_create(&thread, NULL, feed, &f) != 0)
    return ERR_INPUT;
  err_t e = age_open(i, &o, bytes_of(file.data, start), ends[0], out);
  struct err_last last = *err_last();
  close(ends[0]);
  pthread_join(thread, NULL);
  if (last.code == e) /* closing may have made another one */
    IGNORE(err_fail(e, last.file, last.line, "%s", *last.say ? last.say : last.why));
  return e;
}

static err_t open_file(const struct age_identities *i, struct bytes file, int out) {
  struct stream_options o = { 0 };
  int fd = memfd_create("in", MFD_CLOEXEC);
  if (write(fd, file.data, file.size) != (ssize_t)file.size || lseek(fd, 0, SEEK_SET) != 0)
    return ERR_INPUT;
  err_t e = age_open(i, &o, (struct bytes){ 0 }, fd, out);
  close(fd);
  return e;
}

/* What kind of failure the kit would call it. */
static const char *kind_of(const struct kit *k, err_t e) {
  const char *why = err_reason(e);
  static const struct {
    const char *start, *kind;
  } kinds[] = {
    { "age armor", "armor failure" },
    { "age header's MAC", "HMAC failure" },
    { "age header", "header failure" },
    { "age stanza", "header failure" },
  };
  if (e == OK)
    return "success";
  if (e == ERR_WRONG_KEY)
    return "no match";
  if (e == ERR_NOT_SEALED) /* it begins as neither form does */
    return k->armored ? "armor failure" : "header failure";
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strncmp(why, kinds[i].start, strlen(kinds[i].start)) == 0)
      return kinds[i].kind;
  return e == ERR_DAMAGED || e == ERR_TRUNCATED ? "payload failure" : err_info(e)->name;
}

/* What came out, as the kit writes it down; of failures before the payload nothing may. */
static bool right_payload(const struct kit *k, int out) {
  static const char nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  uint8_t digest[SHA256_SIZE];
  char text[HEX_SIZE(SHA256_SIZE) + 1];
  off_t size = lseek(out, 0, SEEK_END);
  void *p = size ? mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, out, 0) : NULL;
  if (p == MAP_FAILED || crypto_sha256(bytes_of(p, (size_t)size), digest) != OK)
    return false;
  if (p)
    munmap(p, (size_t)size);
  hex_encode(bytes_of(digest, sizeof digest), text);
  return strcmp(text, *k->payload ? k->payload : nothing) == 0;
}

typedef err_t open_way(const struct age_identities *i, struct bytes file, int out);

static bool try_way(struct kit *k, const char *name, const char *how, open_way *way) {
  AUTO(age_identities) struct age_identities *i = NULL;
  int out = memfd_create("out", MFD_CLOEXEC);
  k->asked = 0;
  err_t e = age_identities_new(&i);
  if (e == OK && k->identities.size)
    e = age_identities_add_file(i, NULL, buf_bytes(&k->identities), "identities");
  if (e != OK) {
    printf("  %s: %s\n", name, err_reason(e));
    close(out);
    return false;
  }
  if (k->passphrases)
    age_identities_on_passphrase(i, next_passphrase, k);
  e = way(i, buf_bytes(&k->file), out);
  const char *kind = kind_of(k, e);
  bool good = strcmp(kind, k->expect) == 0, payload = right_payload(k, out);
  if (!good)
    printf("  %s (%s): should be %s, is %s: %s\n", name, how, k->expect, kind, err_reason(e));
  if (!payload)
    printf("  %s (%s): what came out is not the payload\n", name, how);
  close(out);
  return good && payload;
}

/* A header that can be read is written again as it was. */
static bool writes_header(const struct kit *k, const char *name) {
  struct age_header h;
  struct stanza s;
  AUTO_BUF again = BUF_EMPTY;
  if (k->armored || age_header_read(buf_bytes(&k->file), &h) != OK)
    return true;
  age_header_begin(&again);
  for (struct bytes rest = h.stanzas; rest.size;) {
    AUTO_BUF body = BUF_EMPTY;
    if (stanza_read(&rest, &s) != OK)
      return false;
    stanza_body(&s, &body);
    stanza_write(s.args, buf_bytes(&body), &again);
  }
  buf_put_str(&again, "---");
  bool same = bytes_equal(buf_bytes(&again), h.under_mac);
  if (!same)
    printf("  %s: its header is written otherwise\n", name);
  return same;
}

static bool run_one(const char *folder, const char *name, bool *skipped) {
  __attribute__((cleanup(kit_free))) struct kit k = { 0 };
  char path[4400];
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  if (read_kit(path, &k) != OK) {
    *skipped = k.compressed;
    printf("  %s cannot be read%s\n", name, k.compressed ? ": needs python3" : "");
    return false;
  }
  bool file = try_way(&k, name, "file", open_file), piped = try_way(&k, name, "pipe", open_piped);
  return file && piped && writes_header(&k, name);
}

int main(void) {
  const char *vectors = getenv("STRONGROOM_VECTORS");
  char folder[4000];
  unsigned passed = 0, failed = 0, skips = 0;
  struct dirent **names;
  bool locked;
  (void)snprintf(folder, sizeof folder, "%s/age/testdata",
                 vectors ? vectors : "../shared/vectors"); /* from the root of the source */
  int count = scandir(folder, &names, NULL, alphasort);
  if (count < 0) {
    printf("skipped: STRONGROOM_VECTORS names no folder with age's test kit (%s)\n", folder);
    return SKIPPED;
  }
  signal(SIGPIPE, SIG_IGN);
  if (crypto_init(HEAP_SIZE, &locked) != OK)
    return 1;
  for (int i = 0; i < count; i++) {
    bool skipped = false, hidden = names[i]->d_name[0] == '.';
    bool good = !hidden && run_one(folder, names[i]->d_name, &skipped);
    free(names[i]);
    if (hidden)
      continue;
    passed += good;
    failed += !good && !skipped;
    skips += skipped;
  }
  free(names);
  printf("%u passed, %u failed, %u skipped\n", passed, failed, skips);
  return failed || !passed ? 1 : 0;
}
