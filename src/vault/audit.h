/*
 * The audit log: every operation, allowed or not. Records are sealed (what is at rest is
 * encrypted), hash-chained over the sealed form, and the chain's head is signed, so that
 * verification needs only the files and the public key, not the vault.
 *
 * A record is appended from any thread at the cost of a copy; a thread of its own seals, chains,
 * writes and fdatasyncs what has gathered (group commit) and then tells the sink up to which ticket
 * all is durable.
 *
 * Tickets and numbers. audit_append() gives out tickets: 1, 2, 3 .. for this process. Each is
 * settled once and in order: it is durable, or it failed and never will be. On disk records have
 * numbers, contiguous over all files for ever; only what is written gets one.
 *
 * Fails closed. After a failed write everything that waits fails and audit_append() refuses.
 * Where the cause may pass (no room on the disk, no memory) the log cuts off what was half written,
 * tries again each second, and goes on with the next number; the first record is then an "AuditGap"
 * that says how many operations came meanwhile and are not recorded. After any other failure (a
 * device error: nobody knows what of the file is on the disk) it refuses until it is opened again.
 *
 * On disk: DIR/audit/NNNNNNNNNNNNNNNN.log, NNN the first record's number; a file is closed and the
 * next begun at a size or an age; DIR/audit/head is the newest signed head; DIR/audit/public.pem
 * the key that signed (P-256). The layout is in audit_file.h. Nothing is ever deleted here.
 *
 * What it proves: nobody without the signing key can change, remove, insert or reorder records up
 * to the newest head that the verifier knows of. Who can write the directory can put it back to an
 * older state as a whole; a copy of DIR/audit/head kept elsewhere shows that.
 */
#ifndef VAULT_AUDIT_H
#define VAULT_AUDIT_H

#include "crypto/key.h"

struct audit;

struct audit_conf {
  const char *dir;        /* DIR/audit; made when it is not there */
  uint64_t rotate_bytes;  /* begin a new file at this size */
  int64_t rotate_seconds; /* or at this age; 0: at any age */
  unsigned window_us;     /* under load, gather this long before a write */
  bool sync;              /* fdatasync before telling; false is for tests only */
  /* What the opener knows from elsewhere: that a log has begun, and that it had this record. A log
   * that is not there or ends before is ERR_CORRUPT, or with lost goes on with a record "AuditLost"
   * that says so. */
  bool begun, lost;
  uint64_t reached;
  /* Called from the log's thread, each ticket once and in order. durable: all tickets up to this
   * one that did not fail are on disk. failed: the tickets from..to never will be; later ones may
   * be. */
  void (*durable)(void *ctx, uint64_t ticket);
  void (*failed)(void *ctx, uint64_t from, uint64_t to);
  void *ctx;
};

/*
 * Opens for appending: checks the last file's chain, that it agrees with the signed head, and that
 * the records after the head are sealed with this key; cuts off what a crash left half written (it
 * was never acknowledged). ERR_CORRUPT, naming record and file, when anything else is wrong.
 * ERR_CONFIG if public.pem is not the signer's, ERR_BUSY if another process has the log open.
 * seal_key (32 bytes) seals the records; signer is a P-256 private key.
 */
err_t audit_open(const struct audit_conf *conf, struct bytes seal_key, struct key *signer,
                 struct audit **out);
uint64_t audit_last(struct audit *a); /* the number of the last durable record */
void audit_close(struct audit *a);    /* writes what is pending, signs the head */

#define AUDIT_OBJECT_MAX 400
/* One operation. Texts may be NULL or "". Nothing secret belongs here. Texts are cut at 256 bytes,
 * object at AUDIT_OBJECT_MAX; they need not be UTF-8. */
struct audit_event {
  int64_t time_us;          /* Unix microseconds, when the request came */
  const char *operation;    /* "KeyUnwrap", "Authentication", .. */
  int status;               /* HTTP status answered */
  const char *code;         /* API error code; "" when it succeeded */
  struct bytes object;      /* "keys/rsa1/0a1b.." with the version used; empty when none */
  struct bytes host;        /* that the client used */
  const char *app_id, *oid; /* the caller; "" when unknown */
  const char *peer;         /* address */
  const char *request_id;   /* ours */
  struct bytes client_request_id, user_agent; /* theirs */
  uint32_t duration_us;
};
/* ERR_AUDIT when the log has failed or 65536 records or 32 MiB wait already, ERR_NOMEM when there
 * is no room for the copy: the operation must not be answered then. Does not wait. */
err_t audit_append(struct audit *a, const struct audit_event *e, uint64_t *ticket);
/* ERR_AUDIT when audit_append() would fail so: asked before an operation is carried out, so that
 * none is that can't be recorded. */
err_t audit_check(struct audit *a);
/* Waits until the ticket is settled. ERR_AUDIT if it failed. (Also if it was settled before the
 * eighth-last failure: that long ago is not remembered.) */
err_t audit_wait(struct audit *a, uint64_t ticket);

/*
 * Offline and online reading: calls each for every record from number from on, oldest first, at
 * most count. json is the record as one JSON object:
 * {"number","time","operationName","category":"AuditEvent","resultType":"Success"|"Failure",
 * "resultSignature","httpStatusCode","durationMs","callerIpAddress","correlationId",
 * "identity":{"appid","oid"},"properties":{"id","clientRequestId","clientInfo"}}; an AuditGap has
 * "properties":{"notRecorded","since"} and no caller. ERR_CORRUPT names the record that is damaged.
 */
typedef err_t audit_each(void *ctx, uint64_t number, struct bytes json);
err_t audit_read(const char *dir, struct bytes seal_key, uint64_t from, uint64_t count,
                 audit_each *each, void *ctx);

/* Needs no secret. Checks every record's chain value and every signed head with the public key. */
struct audit_report {
  uint64_t first, last; /* numbers present and good, up to the first broken one; first > 1: older
                           files were moved away */
  uint64_t signed_to;   /* covered by a good signature; last > signed_to: not signed yet */
  uint64_t broken;      /* first broken record's number; last + 1 when the head file is bad: whether
                           records are missing from there on cannot be told; 0: none */
  char file[64];        /* where */
  char why[160];        /* "" when all is well; set with broken 0 when only public.pem is not the
                           given key */
};
/* OK also when something is broken (report->broken != 0); errors are for files that cannot be read
 * at all. public_pem empty: DIR/public.pem. head: a copy of DIR/head from an earlier time, so that
 * a log that was put back to an older state shows; empty: none; ERR_CORRUPT if the key did not sign
 * it. */
err_t audit_verify(const char *dir, struct bytes public_pem, struct bytes head,
                   struct audit_report *report);

#endif
