/*
 * The state directory. identity.pem is one file, so that key and certificate are always of each
 * other: a line that says what was asked for, the key, the certificate, the issuing authority's,
 * the root. Whatever is wrong with it is told, and it stays until a new one takes its place.
 */
#include "base/clock.h"
#include "base/codec.h"
#include "base/file.h"
#include "transit/enrol_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define IDENTITY "identity.pem"
#define TRIAL "trial"
#define TRIAL_SIZE 16384 /* bytes; more than an identity has */
#define HEAD "Strongroom-Identity:"

err_t enrol_state_path(const char *dir, const char *name, char out[static ENROL_PATH_MAX]) {
  if ((size_t)snprintf(out, ENROL_PATH_MAX, "%s/%s", dir, name) >= ENROL_PATH_MAX)
    FAIL(ERR_CONFIG, "the name of the state directory is too long");
  return OK;
}

/* What file_write_private() was interrupted at. */
static bool is_left_over(const char *name) {
  return fnmatch(IDENTITY ".??????", name, 0) == 0 || strcmp(name, TRIAL) == 0 ||
         fnmatch(TRIAL ".??????", name, 0) == 0 || fnmatch("c*-*.der.??????", name, 0) == 0;
}

static void tidy(int fd) {
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  DIR *dir = copy < 0 ? NULL : fdopendir(copy);
  if (!dir) {
    file_close(&copy);
    return;
  }
  for (const struct dirent *entry; (entry = readdir(dir));)
    if (is_left_over(entry->d_name))
      unlinkat(fd, entry->d_name, 0);
  closedir(dir);
}

/* Who may write there could put a key of their own in the place of ours, or keep us from it. */
static err_t check_owner(const char *dir, int fd) {
  struct stat st;
  if (fstat(fd, &st) != 0)
    FAIL(ERR_CONFIG, "cannot look at %s: %s", dir, strerror(errno));
  if (st.st_uid != geteuid())
    FAIL(ERR_USAGE, "the state directory %s is another user's: chown it to the one that runs this",
         dir);
  if (st.st_mode & (S_IWGRP | S_IWOTH))
    FAIL(ERR_USAGE, "others may write to the state directory: chmod 700 %s", dir);
  return OK;
}

err_t enrol_state_open(const char *dir, int *fd) {
  if (mkdir(dir, 0700) != 0 && errno != EEXIST)
    FAIL(ERR_CONFIG, "cannot make %s: %s", dir, strerror(errno));
  AUTO_FD opened = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0)
    FAIL(ERR_CONFIG, "cannot open %s: %s", dir, strerror(errno));
  TRY(check_owner(dir, opened));
  if (flock(opened, LOCK_EX | LOCK_NB) != 0)
    FAIL(ERR_CONFIG, "%s is in use by another program", dir);
  tidy(opened);
  *fd = opened;
  opened = -1;
  return OK;
}

static err_t put_digest(struct bytes data, struct buf *out) {
  uint8_t digest[SHA256_SIZE];
  TRY(crypto_sha256(data, digest));
  buf_put_hex(out, bytes_of(digest, sizeof digest));
  return buf_ok(out);
}

/* Other options are another certificate. */
static err_t put_asked(const struct wanted *w, struct buf *out) {
  AUTO_BUF text = BUF_EMPTY;
  buf_printf(&text, "%s\n%s\n", w->profile, w->subject ? w->subject : "");
  for (size_t i = 0; i < w->names.count; i++)
    buf_printf(&text, "%s\n", w->names.items[i]);
  TRY(buf_ok(&text));
  return put_digest(buf_bytes(&text), out);
}

static err_t read_file(const char *path, struct buf *out) {
  struct stat st;
  AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT)
    return ERR_NOT_FOUND;
  if (fd < 0 || fstat(fd, &st) != 0)
    FAIL(ERR_CONFIG, "cannot read %s: %s", path, strerror(errno));
  if (st.st_mode & (S_IRWXG | S_IRWXO))
    FAIL(ERR_CONFIG, "%s could be read by others", path);
  return file_read_fd(fd, path, CERT_PEM_MAX, out);
}

/* The line says what was asked for, and what follows it. */
static err_t parse(const struct wanted *w, struct bytes text, struct held *id) {
  AUTO_BUF asked = BUF_EMPTY, digest = BUF_EMPTY;
  struct bytes line, word, pem = bytes_split(text, '\n', &line);
  TRY(put_asked(w, &asked));
  TRY(put_digest(pem, &digest));
  line = bytes_split(line, ' ', &word);
  bool ours = bytes_equal_str(word, HEAD);
  line = bytes_split(line, ' ', &word);
  if (!ours || !bytes_equal(line, buf_bytes(&digest)))
    FAIL(ERR_BAD_PARAMETER, "it is not from here, or damaged");
  if (!bytes_equal(word, buf_bytes(&asked)))
    FAIL(ERR_BAD_PARAMETER, "it is for other names, or another profile");
  return cert_import_pem(pem, &id->key, &id->chain);
}

static err_t check_root(const struct held *id, struct bytes anchors_pem, int64_t now) {
  struct bytes root = held_root(id);
  return cert_verify(&root, 1, anchors_pem, held_when(now, id->not_before));
}

err_t enrol_state_load(const struct wanted *w, struct bytes anchors_pem, int64_t now,
                       struct held *out) {
  char path[ENROL_PATH_MAX];
  AUTO_BUF text = BUF_EMPTY;
  AUTO_HELD id = { 0 };
  TRY(enrol_state_path(w->state, IDENTITY, path));
  TRY(read_file(path, &text));
  err_t e = parse(w, buf_bytes(&text), &id);
  if (e == OK)
    e = held_check(w, now, &id);
  if (e == OK)
    e = check_root(&id, anchors_pem, now);
  if (e != OK && e != ERR_NOMEM) {
    char why[200];
    snprintf(why, sizeof why, "%s", err_reason(e));
    FAIL(ERR_CONFIG, "%s", why);
  }
  TRY(e);
  held_move(&id, out);
  return OK;
}

err_t enrol_state_try(const char *dir) {
  static const uint8_t nothing[TRIAL_SIZE];
  char path[ENROL_PATH_MAX];
  TRY(enrol_state_path(dir, TRIAL, path));
  err_t e = file_write_private(path, bytes_of(nothing, sizeof nothing));
  unlink(path);
  return e;
}

err_t enrol_state_save(const struct wanted *w, const struct held *id) {
  char path[ENROL_PATH_MAX];
  AUTO_BUF head = BUF_EMPTY;
  AUTO_SECRET pem = { 0 }, text = { 0 };
  TRY(enrol_state_path(w->state, IDENTITY, path));
  TRY(cert_export_pem(id->key, &id->chain, &pem));
  buf_put_str(&head, HEAD " ");
  TRY(put_asked(w, &head));
  buf_put_char(&head, ' ');
  TRY(put_digest(secret_bytes(&pem), &head));
  buf_put_char(&head, '\n');
  TRY(buf_ok(&head));
  TRY(secret_new(head.size + pem.size, &text));
  memcpy(text.data, head.data, head.size);
  memcpy(text.data + head.size, pem.data, pem.size);
  return file_write_private(path, secret_bytes(&text));
}

static err_t peek(struct client *c, const struct wanted *w, struct held *id) {
  AUTO_BUF anchors = BUF_EMPTY;
  TRY(enrol_read_anchors(c, &anchors));
  return enrol_state_load(w, buf_bytes(&anchors), clock_now(), id);
}

err_t enrol_peek(struct client *c, const struct enrol_options *o, int64_t *not_after) {
  struct wanted w = { 0 };
  AUTO_HELD id = { 0 };
  err_t e = wanted_copy(o, &w);
  if (e == OK)
    e = peek(c, &w, &id);
  wanted_free(&w);
  *not_after = e == OK ? id.not_after : 0;
  return e;
}
