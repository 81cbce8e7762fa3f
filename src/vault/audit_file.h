/*
 * The audit log's files: what the writer (audit.c), recovery (audit_open.c), reader and verifier
 * share. Integers are big-endian.
 *
 *   file   = header entry*
 *   header = magic[8] version:u32 first:u64 created_us:i64 before[32] chain[32]
 *   entry  = prefix body chain[32]
 *   prefix = size_of_body:u32 kind:u8 number:u64 batch:u32
 *
 * The chain: a header's is SHA-256 over all before it in the header, and "before" is the chain at
 * the end of the file before; a record's is SHA-256(chain before it || prefix || body). So every
 * entry can be checked alone, by the 32 bytes before it, and all of them from any known one.
 *
 * A record's body is sealed with its file's own key (AES-GCM under one key is good for 2^32
 * messages; a key for each file makes that a limit for a file), bound to format version and number.
 * batch is its place in the write that brought it: a record whose batch began after n proves that n
 * was synced, which is how recovery tells a write that a crash tore from damage.
 *
 * A head is not a link of the chain. Its number and chain are those of the record before it, which
 * was synced before the head was signed; its body is time_us:i64 signature[64] (ES256). The file
 * "head" is one such entry. It is replaced before a new log file is begun, so it is never older
 * than the end of the last but one file, and never ahead of what is durable.
 */
#ifndef VAULT_AUDIT_FILE_H
#define VAULT_AUDIT_FILE_H

#include "base/file.h"
#include "vault/audit.h"

#define AUDIT_VERSION 1
#define AUDIT_CHAIN SHA256_SIZE
#define AUDIT_HEADER_SIZE (8 + 4 + 8 + 8 + 2 * AUDIT_CHAIN)
#define AUDIT_PREFIX_SIZE (4 + 1 + 8 + 4)
#define AUDIT_BODY_MAX 4096 /* sealed */
#define AUDIT_ENTRY_MAX (AUDIT_PREFIX_SIZE + AUDIT_BODY_MAX + AUDIT_CHAIN)
#define AUDIT_SIGNATURE 64
#define AUDIT_HEAD_BODY (8 + AUDIT_SIGNATURE)
#define AUDIT_HEAD_SIZE (AUDIT_PREFIX_SIZE + AUDIT_HEAD_BODY + AUDIT_CHAIN)
#define AUDIT_FILE_RECORDS UINT32_MAX /* at most, see above */

/* --- audit_format.c: bytes --- */

struct audit_header {
  uint64_t first;
  int64_t created_us;
  uint8_t before[AUDIT_CHAIN], chain[AUDIT_CHAIN];
};
err_t audit_header_put(struct audit_header *h, struct buf *out); /* sets h->chain */
err_t audit_header_get(struct bytes b, struct audit_header *out);

enum audit_kind { AUDIT_RECORD = 1, AUDIT_HEAD = 2 };

struct audit_entry {
  enum audit_kind kind;
  uint64_t number;
  uint32_t batch;
  struct bytes prefix, body, chain; /* as they are on disk, adjacent */
};
/* Reads the entry at the start of b. ERR_CORRUPT if no entry starts so; *whole is false, and body
 * and chain are not set, when b ends before it does. */
err_t audit_entry_get(struct bytes b, struct audit_entry *out, bool *whole);
static inline size_t audit_entry_size(const struct audit_entry *e) {
  return e->prefix.size + e->body.size + e->chain.size;
}
/* Whether a record's chain value follows from the one before it. */
err_t audit_entry_chained(const struct audit_entry *e, const uint8_t before[static AUDIT_CHAIN],
                          bool *yes);

/* The end of the chain. */
struct audit_tip {
  uint64_t last;
  uint8_t chain[AUDIT_CHAIN];
};
/* Appends the next record to out and moves the tip. */
err_t audit_record_put(struct bytes file_key, uint32_t batch, struct bytes plain,
                       struct audit_tip *tip, struct buf *out);
err_t audit_record_open(struct bytes file_key, const struct audit_entry *e, struct buf *plain);

struct audit_head {
  struct audit_tip at;
  int64_t time_us;
  uint8_t signature[AUDIT_SIGNATURE];
};
err_t audit_head_sign(const struct audit_tip *at, const struct key *signer, struct audit_head *out);
err_t audit_head_check(const struct audit_head *h, const struct key *public_key, bool *good);
void audit_head_put(const struct audit_head *h, struct buf *out);
void audit_head_get(const struct audit_entry *e, struct audit_head *out);

/* The key of the file that starts with record first. */
err_t audit_file_key(struct bytes seal_key, uint64_t first, struct secret *out);

/* --- audit_event.c: what is sealed --- */

#define AUDIT_EVENT_MAX 2816
/* Appends at most AUDIT_EVENT_MAX bytes; cannot fail when out has room for them. */
void audit_event_put(const struct audit_event *e, struct buf *out);
struct audit_gap {
  int64_t since_us, until_us;
  uint64_t missed; /* operations that came and are not recorded, whatever became of them */
};
void audit_gap_put(const struct audit_gap *g, struct buf *out);
/* Appends the JSON object. ERR_CORRUPT if plain is neither. */
err_t audit_event_json(uint64_t number, struct bytes plain, struct buf *out);

/* --- audit_key.c: public.pem --- */

err_t audit_public_pem(const struct key *k, struct buf *out); /* ERR_CONFIG unless P-256 */
err_t audit_public_key(struct bytes pem, struct key **out);   /* ERR_CONFIG unless P-256 */

/* --- audit_file.c: the directory --- */

struct audit_name {
  char text[24];
};
struct audit_name audit_file_name(uint64_t first);
#define AUDIT_HEAD_FILE "head"
#define AUDIT_PUBLIC_FILE "public.pem"

err_t audit_dir_open(const char *dir, int *fd);
/* The first numbers of the log files, ascending. */
struct audit_files {
  uint64_t *first;
  size_t count;
};
err_t audit_files_list(int dir, struct audit_files *out);
void audit_files_free(struct audit_files *f);
#define AUTO_FILES __attribute__((cleanup(audit_files_free))) struct audit_files

/* Appends a small file's contents. ERR_NOT_FOUND when it is not there. */
err_t audit_load(int dir, const char *name, struct buf *out);
/* ERR_CORRUPT if it is not a head that the key signed. */
err_t audit_head_read(struct bytes b, const struct key *public_key, struct audit_head *out);
/* That of the head file. ERR_NOT_FOUND, too. */
err_t audit_head_load(int dir, const struct key *public_key, struct audit_head *out);

/* Writing: ERR_BUSY when there is no room or no descriptor (it may pass), ERR_IO when the file's
 * state is unknown. */
/* Puts a whole file in place or leaves what was there; durable with sync. */
err_t audit_store(int dir, const char *name, struct bytes content, bool sync);

struct audit_file {
  int fd;
  uint64_t first, size; /* size: all before it is durable */
  int64_t created_us;
};
/* Begins the file that follows the tip and moves the tip's chain past its header. */
err_t audit_file_create(int dir, struct audit_tip *tip, bool sync, struct audit_file *out);
err_t audit_file_append(struct audit_file *f, struct bytes b, bool sync);
err_t audit_file_undo(struct audit_file *f); /* cuts off what a failed append left */

/* --- audit_scan.c: reading one file, in constant memory --- */

struct audit_scan {
  int fd;
  struct audit_name name;
  struct audit_header header;
  uint8_t *room;
  size_t at, end;               /* room[at..end) is read, not yet returned */
  uint64_t offset;              /* in the file, of room[at] */
  uint64_t last;                /* and of the last entry returned */
  uint8_t before[AUDIT_CHAIN];  /* the chain value stored before that entry */
  uint8_t current[AUDIT_CHAIN]; /* and the one stored in it */
};
/* ERR_CORRUPT when the header is not that of the file. To be closed in any case. */
err_t audit_scan_open(int dir, uint64_t first, struct audit_scan *s);
void audit_scan_close(struct audit_scan *s);
#define AUTO_SCAN __attribute__((cleanup(audit_scan_close))) struct audit_scan

enum audit_found { FOUND_ENTRY, FOUND_END, FOUND_PART }; /* PART: the file ends within an entry */
/* ERR_CORRUPT when no entry is there. e borrows the scan until the next call. */
err_t audit_scan_next(struct audit_scan *s, struct audit_entry *e, enum audit_found *found);
/* Goes back to before the last call and reads the file anew. */
void audit_scan_again(struct audit_scan *s);

/* Makes room[at..end) hold need bytes where the file has them; moves on by n of those. */
err_t audit_scan_fill(struct audit_scan *s, size_t need);
void audit_scan_skip(struct audit_scan *s, size_t n);

/* --- audit_walk.c: checking the chain, file by file --- */

struct audit_walk {
  const struct key *public_key;  /* checks each head's signature; NULL: that it is in its place */
  struct bytes seal_key;         /* opens the records after head; empty: does not */
  const struct audit_head *head; /* of the head file */
  const struct audit_head *kept; /* one that must be met, too; NULL: none */
  bool started;                  /* tip is known; else the first header is taken as it is */
  struct audit_tip tip;          /* the last good record */
  uint8_t previous[AUDIT_CHAIN]; /* the chain before that */
  uint64_t signed_to;
  int64_t created_us; /* of the file */
  uint64_t good;      /* size of the file up to the last good entry */
  uint64_t broken;    /* with ERR_CORRUPT: the first record that is */
  bool torn;          /* with ERR_CORRUPT: an unfinished write would look so */
  bool part;          /* and the file ends within it */
};
/* ERR_CORRUPT at the first thing that is wrong; the reason is err_last()'s. */
err_t audit_walk_file(int dir, uint64_t first, struct audit_walk *w);

/* --- audit_proof.c --- */

/* After a walk that found the file torn: whether what follows proves that the first bad record had
 * been synced, so that it is damage and not the trace of an unfinished write. */
err_t audit_find_proof(int dir, uint64_t first, const struct audit_walk *w, bool *found);

/* --- audit_open.c: recovery --- */

struct audit_state {
  struct audit_file file;
  struct audit_tip tip;
  struct audit_head head; /* the newest that was signed */
  bool lost;              /* records that were there are not: conf.lost allowed it */
};
/* Brings the directory into a state to append to. */
err_t audit_recover(int dir, const struct audit_conf *conf, struct bytes seal_key,
                    const struct key *signer, struct audit_state *out);

/* --- audit_write.c: what the log's thread does to the files; one thread at a time --- */

struct audit_writer {
  const struct audit_conf *conf;
  int dir;
  struct secret seal_key, file_key;
  struct key *signer;
  struct audit_state state;     /* what is durable */
  uint64_t filed;               /* the number of the head in the head file */
  uint64_t signed_at, filed_at; /* monotonic microseconds */
  struct buf out;
};
/* conf is borrowed. To be closed in any case. */
err_t audit_writer_open(struct audit_writer *w, const struct audit_conf *conf,
                        struct bytes seal_key, struct key *signer);
void audit_writer_close(struct audit_writer *w);

struct audit_batch {
  struct buf records;   /* what audit_event_put() wrote, each with its length before it */
  struct audit_gap gap; /* missed > 0: recorded first */
};
/* All of it is durable, or nothing of it is in the log. ERR_IO: for good; other errors may pass.
 * Begins a new file and signs the head when that is due; an empty batch is fine. */
err_t audit_writer_commit(struct audit_writer *w, const struct audit_batch *b);
/* Writes the head file when that is due, or at the end. */
err_t audit_writer_heads(struct audit_writer *w, bool end);
/* Until when, in monotonic time, commit and heads have nothing to do without records. */
uint64_t audit_writer_due(const struct audit_writer *w);

#endif
