/*
 * libstrongroom: a vault's keys, secrets and certificates, and data sealed under them.
 *
 * A program connects with an identity of its own and then wraps, unwraps, signs, verifies, reads
 * secrets, keeps certificates fresh, and seals streams, files, texts and records under data keys
 * that only the vault can unwrap. Data keys are kept in locked memory for a lifetime: a short
 * outage of the vault stops nobody, and a key that is revoked stops working within the lifetime.
 *
 *     cc program.c $(pkg-config --cflags --libs strongroom)
 *
 * WHO OWNS WHAT
 *
 * What a function makes (a handle, bytes) belongs to the caller and is released by the function
 * that is named with it; NULL and zeroed structs may be released, too. What is given to a function
 * stays the caller's, and is not looked at after the function has returned unless it says so. A
 * handle that was made with a vault (a sealed file, records, recipients, identities) uses it: close
 * the vault last. Descriptors are never closed.
 *
 * Outputs are emptied first and filled on success only: after a failure there is nothing to
 * release, and releasing it does no harm.
 *
 * THREADS
 *
 * Any number of threads may use one struct sr_vault, sr_file or sr_records at the same time;
 * calls that need not ask the vault do not wait for each other. Options, recipients and identities
 * are for one thread while they are put together and, like releasing, for no other at that time.
 * Nothing runs when no function does: there are no threads in the background.
 *
 * Functions that ask the vault block, at most as long as the options say. A signal does not end
 * them. They are not for signal handlers.
 *
 * PROCESSES
 *
 * A handle belongs to the process that made it. After fork() the child makes its own: with the
 * parent's, functions fail with SR_BAD_ARGUMENT and sr_close() does nothing. (Fork without exec
 * copies what was in memory, secrets included; memory is locked in the parent only.)
 *
 * The library changes nothing in its host: it installs no signal handler and no atexit function,
 * does not write to the environment, to stdout or to stderr, keeps to the allocators of libcrypto
 * and jansson as they are, and raises no SIGPIPE, neither by its sockets nor by the descriptors
 * that it was given. Its descriptors are closed on exec. A thread's
 * queue of OpenSSL's errors is empty afterwards. The one exception is libcrypto's secure
 * heap, which exists once in a process: whoever needs it first sets it up, and if the host did, the
 * host's is used.
 *
 * SECRETS
 *
 * Data keys, tokens, client secrets, and what is handed out as secret below are in locked memory:
 * libcrypto's secure heap, which is not swapped, not part of core files, between guard pages, and
 * wiped on release. It has a fixed size (1 MiB, less where RLIMIT_MEMLOCK is lower; a host that
 * needs more sets it up itself before sr_connect()); when it is full functions fail with
 * SR_NO_MEMORY. Where the system refuses to lock memory the library works with memory that is not:
 * sr_memory_locked() tells. All other memory that plaintext passed through is wiped before it is
 * released. No message holds a secret.
 *
 * VERSIONS
 *
 * Structs of this header have the size that they have; what has room for more says so. Programs
 * that were built against an earlier 0.x with the same soname go on working.
 */
#ifndef STRONGROOM_H
#define STRONGROOM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#define SR_MUST_USE __attribute__((warn_unused_result))
#else
#define SR_MUST_USE
#endif

#define SR_VERSION "0.1.0"

/* The version of the library that runs: "0.1.0". SR_VERSION is that of the header. */
const char *sr_version(void);

/*
 * ERRORS
 *
 * Functions that can fail return an enum sr_status, which must be looked at: it says what to do. A
 * struct sr_error, if one is given, says it to people and logs.
 */
enum sr_status {
  SR_OK = 0,
  SR_BAD_ARGUMENT = 1,   /* what was given makes no sense, to the library or to the vault */
  SR_CONFIG = 2,         /* the options are not complete, or a file that they name can't be used */
  SR_NO_MEMORY = 3,      /* ordinary memory, or locked memory */
  SR_AWAY = 4,           /* no answer that could be trusted, no time, or sealed: try again later */
  SR_UNAUTHORIZED = 5,   /* the vault does not know this identity, or not with this credential */
  SR_FORBIDDEN = 6,      /* it does, but this is not allowed: a role is missing, a key disabled */
  SR_NOT_FOUND = 7,      /* there is no such key, secret or certificate (any more) */
  SR_CONFLICT = 8,       /* the object's state does not allow it at present */
  SR_TIMEOUT = 9,        /* the certificate was not issued in time */
  SR_BAD_SIGNATURE = 10, /* sr_verify(): it is not the signature of this digest by this key */
  SR_NOT_SEALED = 11,    /* this is not sealed data, or not of this kind */
  SR_TRUNCATED = 12,     /* sealed data whose end is missing, between two chunks */
  SR_DAMAGED = 13,       /* sealed data that was changed, reordered, extended or cut */
  SR_WRONG_KEY = 14,     /* intact, but sealed under another key, or as something else (context) */
  SR_INPUT = 15,         /* reading from a descriptor failed */
  SR_OUTPUT = 16,        /* writing to a descriptor failed: no space, nobody reads it */
  SR_STOPPED = 17,       /* the progress function said so */
  SR_INTERNAL = 18       /* a defect, here or in the vault: report it */
};

/* What happened, for people. */
struct sr_error {
  enum sr_status status;
  int http_status;    /* of the vault's answer: 404; 0 when the vault said nothing */
  char code[64];      /* the API's error code: "KeyNotFound"; "" when the vault said nothing */
  char message[1024]; /* a sentence in English, UTF-8, without line feeds; "" for SR_OK */
  void *reserved[4];
};

/* "SR_AWAY", for logs; "SR_INTERNAL" for a number that is none. */
const char *sr_status_name(enum sr_status status);

/*
 * BYTES
 *
 * What has no size of its own is returned in memory of the library's. A NUL, which size does not
 * count, follows: what is text can be used as a string. After success data is not NULL, also where
 * size is 0.
 */
struct sr_bytes {
  unsigned char *data;
  size_t size;
};

/* Wipes and releases; empties the struct. For locked and for ordinary memory. */
void sr_bytes_free(struct sr_bytes *bytes);

/*
 * OPTIONS
 *
 * Where the vault is and who we are to it. Names in capitals are the variables that
 * sr_options_environment() reads, the same as Azure's SDKs.
 *
 * One credential is used, the first of these that is set: client secret (the client's id, tenant
 * and authority go with it, as with the next two), assertion, client certificate, managed identity.
 */
enum sr_option {
  /* Texts. */
  SR_VAULT_URL = 1,          /* KEY_VAULT_URL: "https://host[:port]" */
  SR_AUTHORITY = 2,          /* AZURE_AUTHORITY_HOST: the token service; unset: the vault's host */
  SR_TENANT = 3,             /* AZURE_TENANT_ID */
  SR_CLIENT_ID = 4,          /* AZURE_CLIENT_ID */
  SR_CLIENT_SECRET = 5,      /* AZURE_CLIENT_SECRET: copied to locked memory */
  SR_CLIENT_SECRET_FILE = 6, /* AZURE_CLIENT_SECRET_FILE: path of a file that holds it */
  SR_ASSERTION_FILE = 7,     /* AZURE_FEDERATED_TOKEN_FILE: path of a JWT, read for each token */
  SR_CLIENT_CERTIFICATE = 8, /* AZURE_CLIENT_CERTIFICATE_PATH: path of a PEM, certificate and key */
  SR_IDENTITY_ENDPOINT = 9,  /* IDENTITY_ENDPOINT: address of a service on this machine that hands
                                tokens out */
  SR_IDENTITY_HEADER = 10,   /* IDENTITY_HEADER: what that service wants to see; copied to locked
                                memory */
  SR_IMDS_HOST = 11,         /* AZURE_POD_IDENTITY_AUTHORITY_HOST: address of a service of the other
                                kind */
  SR_CA_FILE = 12,           /* SSL_CERT_FILE: path of a PEM with the trusted roots; unset: the
                                system's */
  /* Numbers. */
  SR_TIMEOUT_MS = 32, /* what one request may take, connecting included; 15,000 */
  SR_RETRY_MS = 33,   /* how long a call tries again when the vault is away; 30,000. 1: not */
  SR_DATA_KEY_LIFETIME_S = 34, /* how long a data key serves without the vault's word; 300. From
                                  half of it on the vault is asked again when the key is used */
  SR_DATA_KEYS = 35            /* how many data keys are kept; 1,000 */
};
struct sr_options;

SR_MUST_USE enum sr_status sr_options_new(struct sr_options **out, struct sr_error *error);
void sr_options_free(struct sr_options *options);

/* A text; NULL or "" unsets it. SR_BAD_ARGUMENT for an option that is a number. */
SR_MUST_USE enum sr_status sr_options_set(struct sr_options *options, enum sr_option name,
                                          const char *value, struct sr_error *error);

/* A number; 0 is the default. */
SR_MUST_USE enum sr_status sr_options_set_number(struct sr_options *options, enum sr_option name,
                                                 unsigned long value, struct sr_error *error);

/* Sets what the environment has, and leaves the rest as it is. */
SR_MUST_USE enum sr_status sr_options_environment(struct sr_options *options,
                                                  struct sr_error *error);

/* The same from the file "env" that 'strongroom up' writes into its data directory, or from one
 * that 'strongroom identity create --out' wrote. */
SR_MUST_USE enum sr_status sr_options_file(struct sr_options *options, const char *path,
                                           struct sr_error *error);

/*
 * CONNECTING
 */
struct sr_vault;

/* Checks the options and connects to nothing yet: that happens, again and again if need be, when
 * the vault is asked. options may be released afterwards; NULL: those of the environment. */
SR_MUST_USE enum sr_status sr_connect(const struct sr_options *options, struct sr_vault **out,
                                      struct sr_error *error);

/* Forgets all data keys and the token. No other function may be using the vault. */
void sr_close(struct sr_vault *vault);

/* 1 when secrets are in memory that is really locked, or in a heap that the host set up. */
int sr_memory_locked(void);

/* An access token for the vault, good for some minutes at least: text, in locked memory. It is
 * renewed when it has to be: do not keep it. */
SR_MUST_USE enum sr_status sr_get_token(struct sr_vault *vault, struct sr_bytes *token,
                                        struct sr_error *error);

/*
 * KEYS
 *
 * key, here and below, is "NAME", "NAME/VERSION" or a key id ("https://host/keys/NAME/VERSION");
 * without a version the newest one is used. Of an id only name and version count: requests go where
 * the options say and nowhere else.
 */

/* A data key, or up to 64 bytes of anything, as only the vault can read it. It may be kept anywhere
 * and is no secret. key_id names the version, so that it can be unwrapped when the key has long
 * been rotated. */
struct sr_wrapped {
  char key_id[480];
  char algorithm[16]; /* the API's name: "A256KW", "RSA-OAEP-256" */
  unsigned char data[512];
  size_t size; /* of data that are used */
};

/* Wraps with the algorithm that fits the key's type. An AES key wraps multiples of 8 bytes, from 16
 * on. */
SR_MUST_USE enum sr_status sr_wrap(struct sr_vault *vault, const char *key, const void *plain,
                                   size_t plain_size, struct sr_wrapped *out,
                                   struct sr_error *error);

/* What was wrapped, in locked memory. */
SR_MUST_USE enum sr_status sr_unwrap(struct sr_vault *vault, const struct sr_wrapped *wrapped,
                                     struct sr_bytes *plain, struct sr_error *error);

/* algorithm is the API's name ("ES256", "PS256", ..), digest the hash that it names. The signature
 * of an EC key is r || s. */
SR_MUST_USE enum sr_status sr_sign(struct sr_vault *vault, const char *key, const char *algorithm,
                                   const void *digest, size_t digest_size,
                                   struct sr_bytes *signature, struct sr_error *error);

/* SR_OK for the right signature and nothing else; SR_BAD_SIGNATURE for a wrong one. */
SR_MUST_USE enum sr_status sr_verify(struct sr_vault *vault, const char *key, const char *algorithm,
                                     const void *digest, size_t digest_size, const void *signature,
                                     size_t signature_size, struct sr_error *error);

/*
 * SECRETS AND CERTIFICATES
 */

/* The value, in locked memory. version NULL or "": the newest. */
SR_MUST_USE enum sr_status sr_get_secret(struct sr_vault *vault, const char *name,
                                         const char *version, struct sr_bytes *value,
                                         struct sr_error *error);

/* A certificate with what a server needs of it. key is in locked memory, and empty when the key is
 * not exportable or the secret behind it may not be read. */
struct sr_certificate {
  char version[33];
  int64_t not_before, not_after;           /* seconds since 1970 */
  struct sr_bytes certificate, chain, key; /* PEM; chain: the issuing authorities */
  void *reserved[4];
};

/* Wipes and releases what is inside; empties the struct. */
void sr_certificate_free(struct sr_certificate *certificate);

/* version NULL or "": the newest. */
SR_MUST_USE enum sr_status sr_get_certificate(struct sr_vault *vault, const char *name,
                                              const char *version, struct sr_certificate *out,
                                              struct sr_error *error);

/* Has the next version made under the certificate's policy and waits for it at most timeout_s
 * seconds: SR_TIMEOUT. */
SR_MUST_USE enum sr_status sr_renew_certificate(struct sr_vault *vault, const char *name,
                                                unsigned timeout_s, struct sr_certificate *out,
                                                struct sr_error *error);

/*
 * SEALED STREAMS
 *
 * Any number of bytes, from descriptor to descriptor: files, pipes, sockets. What was sealed here
 * 'strongroom open' opens, and the other way round. Memory does not depend on the size.
 */

/* How to do it. NULL, and a struct of zeros, mean: nothing special. */
struct sr_stream {
  const void *context; /* what it is, or where it belongs: the same must be given to open it, else
                          SR_WRONG_KEY. No secret; at most SR_CONTEXT_MAX bytes */
  size_t context_size;
  unsigned threads; /* 0: as many as there are cores, at most 8 */
  unsigned flags;
  uint64_t total; /* bytes of plaintext, if known, for progress */
  int (*progress)(void *user, uint64_t done, uint64_t total); /* called by the thread that called,
                          now and then, total 0 when it is not known; not 0 stops: SR_STOPPED */
  void *user;
  void *reserved[4]; /* room for more: zero */
};
#define SR_CONTEXT_MAX 65536u
#define SR_SPARSE_INPUT 1u  /* the input is a file: its holes are not read */
#define SR_SPARSE_OUTPUT 2u /* the output is a file: blocks of zeros become holes */

/* Reads in to its end and writes it sealed. A stream that has begun goes on to its end with the
 * data key that it began with. After a failure what was written is of no use. */
SR_MUST_USE enum sr_status sr_stream_seal(struct sr_vault *vault, const char *key,
                                          const struct sr_stream *how, int in, int out,
                                          struct sr_error *error);

/* Nothing is written that was not verified before; whether it is complete is known when the
 * function returns: SR_TRUNCATED. Until then do not act on it, or be able to take it back. */
SR_MUST_USE enum sr_status sr_stream_open(struct sr_vault *vault, const struct sr_stream *how,
                                          int in, int out, struct sr_error *error);

/*
 * SEALED FILES
 *
 * Random access to what sr_stream_seal() wrote into a file. A data key that is revoked ends it
 * within its lifetime.
 */
struct sr_file;

/* Checks the header. descriptor must stay open as long as the handle; where it stands does not
 * matter. */
SR_MUST_USE enum sr_status sr_file_open(struct sr_vault *vault, const void *context,
                                        size_t context_size, int descriptor, struct sr_file **out,
                                        struct sr_error *error);
void sr_file_close(struct sr_file *file);

/* Bytes of plaintext. The last chunk is verified: the file is not truncated. */
SR_MUST_USE enum sr_status sr_file_size(struct sr_file *file, uint64_t *size,
                                        struct sr_error *error);

/* The plaintext from offset on, room bytes or fewer where it ends; *got may be 0. What is not
 * verified is not there: buffer is wiped after a failure. */
SR_MUST_USE enum sr_status sr_file_read(struct sr_file *file, uint64_t offset, void *buffer,
                                        size_t room, size_t *got, struct sr_error *error);

/* The same to a descriptor. */
SR_MUST_USE enum sr_status sr_file_copy(struct sr_file *file, uint64_t offset, uint64_t length,
                                        int out, struct sr_error *error);

/* Puts a sealed file under another key, or (key NULL) the newest version of its own, by writing its
 * header anew: the rest is not touched, and whenever this is cut off the file is whole. descriptor
 * is open for reading and writing. *changed (may be NULL) is 0 when it was under that version
 * already. */
SR_MUST_USE enum sr_status sr_file_reseal(struct sr_vault *vault, const char *key, int descriptor,
                                          int *changed, struct sr_error *error);

/*
 * SEALED TEXTS
 *
 * The same format in memory, for what is not a file. What is opened is in ordinary memory and wiped
 * when released.
 */
SR_MUST_USE enum sr_status sr_bytes_seal(struct sr_vault *vault, const char *key,
                                         const void *context, size_t context_size,
                                         const void *plain, size_t plain_size,
                                         struct sr_bytes *sealed, struct sr_error *error);
SR_MUST_USE enum sr_status sr_bytes_open(struct sr_vault *vault, const void *context,
                                         size_t context_size, const void *sealed,
                                         size_t sealed_size, struct sr_bytes *plain,
                                         struct sr_error *error);

/*
 * RECORDS
 *
 * Many small things under one data key: rows, messages, cache entries. Each record is
 * XAES-256-GCM (c2sp.org/XAES-256-GCM): SR_RECORD_OVERHEAD bytes longer than what is in it, and
 * bound to its place ("orders/4711/card"): put elsewhere it does not open. One data key seals any
 * number of records. The vault is asked once in the data key's lifetime; when it says no, sealing
 * and opening end.
 */
#define SR_RECORD_OVERHEAD 40
struct sr_records;

/* A data key for a new set of records, wrapped under key. *wrapped is to be kept beside the
 * records: whoever opens them needs it. */
SR_MUST_USE enum sr_status sr_records_new(struct sr_vault *vault, const char *key,
                                          struct sr_wrapped *wrapped, struct sr_records **out,
                                          struct sr_error *error);

/* The set of records that wrapped belongs to. To put it under a rotated key, unwrap and wrap it:
 * the records stay as they are. */
SR_MUST_USE enum sr_status sr_records_open(struct sr_vault *vault, const struct sr_wrapped *wrapped,
                                           struct sr_records **out, struct sr_error *error);
void sr_records_close(struct sr_records *records);

SR_MUST_USE enum sr_status sr_record_seal(struct sr_records *records, const void *place,
                                          size_t place_size, const void *plain, size_t plain_size,
                                          struct sr_bytes *sealed, struct sr_error *error);

/* SR_DAMAGED: changed, of another place, or of another set. What is opened is in ordinary memory
 * and wiped when released. */
SR_MUST_USE enum sr_status sr_record_open(struct sr_records *records, const void *place,
                                          size_t place_size, const void *sealed, size_t sealed_size,
                                          struct sr_bytes *plain, struct sr_error *error);

/*
 * AGE
 *
 * Files in the format of age (age-encryption.org/v1), for what leaves the machine: others can open
 * them, too. Each has a key of its own, which the vault wraps and unwraps: there are no data keys
 * that serve while it is away. Of struct sr_stream context must be empty.
 */
struct sr_recipients;

/* Who may open. */
SR_MUST_USE enum sr_status sr_recipients_new(struct sr_recipients **out, struct sr_error *error);
void sr_recipients_free(struct sr_recipients *recipients);

/* Whoever may unwrap with that key of the vault. */
SR_MUST_USE enum sr_status sr_recipients_add_key(struct sr_recipients *recipients,
                                                 struct sr_vault *vault, const char *key,
                                                 struct sr_error *error);

/* "age1..", a public key; "age1pq1..", a post-quantum one, which goes with its like and symmetric
 * keys of the vault only; or "age1strongroom1..", a key of the vault. vault may be NULL for the
 * first two kinds. */
SR_MUST_USE enum sr_status sr_recipients_add(struct sr_recipients *recipients,
                                             struct sr_vault *vault, const char *recipient,
                                             struct sr_error *error);

/* Whoever knows a passphrase: alone, with no other recipient. */
SR_MUST_USE enum sr_status sr_recipients_add_passphrase(struct sr_recipients *recipients,
                                                        const char *passphrase,
                                                        struct sr_error *error);

struct sr_identities;

/* Who opens: tried in turn, the vault last. */
SR_MUST_USE enum sr_status sr_identities_new(struct sr_identities **out, struct sr_error *error);
void sr_identities_free(struct sr_identities *identities);
SR_MUST_USE enum sr_status sr_identities_add_vault(struct sr_identities *identities,
                                                   struct sr_vault *vault, struct sr_error *error);

/* An identity file's text: lines "AGE-SECRET-KEY-1..", "AGE-SECRET-KEY-PQ-1..",
 * "AGE-PLUGIN-STRONGROOM-1..", comments. vault may be NULL when no line is of the last kind. */
SR_MUST_USE enum sr_status sr_identities_add(struct sr_identities *identities,
                                             struct sr_vault *vault, const void *text, size_t size,
                                             struct sr_error *error);
SR_MUST_USE enum sr_status sr_identities_add_passphrase(struct sr_identities *identities,
                                                        const char *passphrase,
                                                        struct sr_error *error);

/* As sr_stream_seal() and sr_stream_open(). Binary and armored files are opened; what is written is
 * binary. */
SR_MUST_USE enum sr_status sr_age_seal(const struct sr_recipients *recipients,
                                       const struct sr_stream *how, int in, int out,
                                       struct sr_error *error);
SR_MUST_USE enum sr_status sr_age_open(const struct sr_identities *identities,
                                       const struct sr_stream *how, int in, int out,
                                       struct sr_error *error);

/* A piece of a binary file. */
SR_MUST_USE enum sr_status sr_age_copy(const struct sr_identities *identities, int descriptor,
                                       uint64_t offset, uint64_t length, int out,
                                       struct sr_error *error);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
