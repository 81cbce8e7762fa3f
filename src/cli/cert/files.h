/*
 * A certificate's files: cert.pem, chain.pem, fullchain.pem, ca.pem (mode 0644) and key.pem (0600).
 *
 * In a directory that is kept fresh they are links to "live/<file>", and "live" is a link to one
 * directory with one version's files:
 *
 *   DIR/key.pem -> live/key.pem               (each file; made once)
 *   DIR/live -> .versions/<version>-<random>
 *   DIR/.versions/<version>-<random>/         complete and on disk before it is live
 *
 * A new version is a new directory; one rename() of the link makes it live. So whoever looks finds
 * the certificate and the key of one version, after a crash too. A reader that opens two files in
 * the moment between could get one of each: those that must not resolve "live" once and open both
 * below that. What was live before stays until the version after the next, for readers that have
 * its path.
 */
#ifndef CLI_CERT_FILES_H
#define CLI_CERT_FILES_H

#include "cli/cert/fetch.h"

#define LIVE_NAME_SIZE (CERT_VERSION_SIZE + 7)

/* Into a plain directory, made if it is not there: all are written beside the old ones first. */
err_t files_write_plain(const char *dir, const struct cert_set *set);

struct cert_dir {
  const char *path;
  int fd, versions;              /* -1: not open; locked against others that keep it fresh */
  char live[LIVE_NAME_SIZE + 1]; /* the directory's name; "" when there is none, or none whole */
};
/* ERR_CONFLICT (FAILed) when another process keeps it fresh, or files are there that are not ours.
 */
err_t cert_dir_open(const char *path, struct cert_dir *out);
void cert_dir_close(struct cert_dir *d);
#define AUTO_CERT_DIR __attribute__((cleanup(cert_dir_close))) struct cert_dir
#define CERT_DIR_CLOSED ((struct cert_dir){ .fd = -1, .versions = -1 })

/* Whether that version is live. */
bool cert_dir_has(const struct cert_dir *d, const char *version);
/* Makes it live. After an error what was live is so still. */
err_t cert_dir_put(struct cert_dir *d, const struct cert_set *set);
/* Whether somebody was told of what is live now: a mark in it, which outlasts us. */
bool cert_dir_told(const struct cert_dir *d);
err_t cert_dir_mark_told(const struct cert_dir *d);

/* For the two forms of directories. */
#define SET_FILES 5
struct set_file {
  const char *name;
  unsigned mode;
  struct bytes text;
};
void set_files(const struct cert_set *set, struct set_file out[static SET_FILES]);
/* A new file, on disk; what failed is taken away again. dir is for reasons. */
err_t set_file_write(int fd, const char *dir, const char *name, const struct set_file *f);

#endif
