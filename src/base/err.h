/*
 * Errors: one return type for the whole program.
 *
 * Every function that can fail returns err_t and gives its results by pointer, set only on success.
 * TRY() passes an error on; FAIL() makes one and records file, line and a reason for the log;
 * REFUSE() makes one whose text is shown to the client of the API. What FAIL() records never
 * reaches a client: the client gets the text of the table below.
 *
 * The last error's details live in thread-local storage: they belong to the thread that made the
 * error and are read by it before it makes the next one.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * name, HTTP status, API error code, inner error code, what a client is told when no REFUSE() said
 * more. Codes and texts as recorded from the real service where it has them.
 */
#define ERR_TABLE(X) \
  X(ERR_INTERNAL, 500, "InternalServerError", NULL, \
    "The service could not complete the request. The cause is in its log.") \
  X(ERR_NOMEM, 503, "ServiceUnavailable", NULL, "The service is out of memory. Retry later.") \
  X(ERR_IO, 503, "ServiceUnavailable", NULL, \
    "The service could not reach its storage. Nothing was changed. Retry later.") \
  X(ERR_CORRUPT, 500, "InternalServerError", NULL, \
    "A stored record is damaged. The cause is in the service's log.") \
  X(ERR_CRYPTO, 500, "InternalServerError", NULL, \
    "A cryptographic operation failed. The cause is in the service's log.") \
  X(ERR_SEALED, 503, "VaultSealed", NULL, \
    "The vault is sealed. An operator must run 'strongroom vault unseal' first.") \
  X(ERR_ROOT_KEY, 403, "WrongRootKey", NULL, \
    "This is not the passphrase, or root key, that the vault is under.") \
  X(ERR_AUDIT, 503, "ServiceUnavailable", NULL, \
    "The operation could not be recorded in the audit log and was not answered.") \
  X(ERR_BUSY, 503, "ServiceUnavailable", NULL, "The service is busy. Retry later.") \
  X(ERR_TIMEOUT, 408, "RequestTimeout", NULL, "The request took too long.") \
  X(ERR_CLOSED, 400, "ConnectionClosed", NULL, "The connection was closed.") \
  X(ERR_HTTP, 400, "BadRequest", NULL, "The HTTP request is malformed.") \
  X(ERR_HTTP_VERSION, 505, "HttpVersionNotSupported", NULL, "Only HTTP/1.1 and 1.0 are served.") \
  X(ERR_HEAD_TOO_LARGE, 431, "RequestHeaderFieldsTooLarge", NULL, \
    "The request's header section is too large.") \
  X(ERR_TOO_LARGE, 413, "RequestEntityTooLarge", NULL, "The request body is too large.") \
  X(ERR_MEDIA_TYPE, 415, "UnsupportedMediaType", NULL, \
    "The request body's Content-Type is not the one that is expected here.") \
  X(ERR_EXPECTATION, 417, "ExpectationFailed", NULL, "Only 'Expect: 100-continue' is understood.") \
  X(ERR_NOT_FOUND, 404, "NotFound", NULL, "There is nothing at this address.") \
  X(ERR_METHOD, 405, "MethodNotAllowed", NULL, "HTTP method not allowed") \
  X(ERR_BAD_PARAMETER, 400, "BadParameter", NULL, "Property  has invalid value\r\n") \
  X(ERR_DECRYPT, 400, "BadParameter", NULL, "The parameter is incorrect.\r\n") \
  X(ERR_UNAUTHORIZED, 401, "Unauthorized", NULL, \
    "AKV10000: Request is missing a Bearer or PoP token.") \
  X(ERR_FORBIDDEN, 403, "Forbidden", "ForbiddenByRbac", \
    "Caller is not authorized to perform action on resource.") \
  X(ERR_KEY_DISABLED, 403, "Forbidden", "KeyDisabled", \
    "Operation is not allowed on a disabled key.") \
  X(ERR_KEY_OP, 403, "Forbidden", "KeyOperationForbidden", \
    "Operation is not permitted on this key.") \
  X(ERR_KEY_TIME, 403, "Forbidden", "KeyNotActive", \
    "Operation is not allowed outside the key's validity period.") \
  X(ERR_ACCESS_DENIED, 403, "Forbidden", "AccessDenied", \
    "Operation is not permitted on this object.") \
  X(ERR_SECRET_NOT_FOUND, 404, "SecretNotFound", NULL, \
    "The secret was not found in this key vault.") \
  X(ERR_SECRET_DISABLED, 403, "Forbidden", "SecretDisabled", \
    "Operation get is not allowed on a disabled secret.") \
  X(ERR_KEY_NOT_FOUND, 404, "KeyNotFound", NULL, "The key was not found in this key vault.") \
  X(ERR_CERTIFICATE_NOT_FOUND, 404, "CertificateNotFound", NULL, \
    "The certificate was not found in this key vault.") \
  X(ERR_PENDING_NOT_FOUND, 404, "PendingCertificateNotFound", NULL, \
    "Pending certificate not found") \
  X(ERR_ISSUER_NOT_FOUND, 404, "CertificateIssuerNotFound", NULL, "Issuer not found") \
  X(ERR_CONTACTS_NOT_FOUND, 404, "ContactsNotFound", NULL, "Contacts not found") \
  X(ERR_MANAGED, 403, "Forbidden", "SecretManagedByKeyVault", \
    "Operation is not allowed as this object's lifetime is managed by Key Vault.") \
  X(ERR_ROLE_DEFINITION_NOT_FOUND, 404, "RoleDefinitionNotFound", NULL, \
    "Requested role definition not found") \
  X(ERR_ROLE_ASSIGNMENT_NOT_FOUND, 404, "RoleAssignmentNotFound", NULL, \
    "Requested role assignment not found") \
  X(ERR_IDENTITY_NOT_FOUND, 404, "IdentityNotFound", NULL, "Requested identity not found") \
  X(ERR_NOT_DELETED, 400, "MethodNotAllowed", "RequestNotAllowedOnNonDeletedObject", \
    "The object is not deleted.") \
  X(ERR_PURGE_PROTECTED, 403, "Forbidden", "AccessDenied", \
    "Operation \"purge\" is not allowed because purge protection is on.") \
  X(ERR_CONFLICT, 409, "Conflict", NULL, "The request conflicts with the object's present state.") \
  X(ERR_DELETED, 409, "Conflict", "ObjectIsDeletedButRecoverable", \
    "The object is in a deleted but recoverable state.") \
  X(ERR_BEING_DELETED, 409, "Conflict", "ObjectIsBeingDeleted", \
    "The object is currently being deleted.") \
  X(ERR_BEING_RECOVERED, 409, "Conflict", "ObjectIsBeingRecovered", \
    "The object is currently being recovered.") \
  X(ERR_BACKUP_BLOB, 400, "Malformed backup blob", NULL, \
    "Backup blob contains invalid or corrupt version.") \
  X(ERR_THROTTLED, 429, "Throttled", NULL, \
    "Request was not processed because too many requests were received.") \
  X(ERR_OAUTH, 400, "invalid_request", NULL, "The token request is malformed.") \
  X(ERR_AWAY, 503, "NoAnswer", NULL, "The vault does not answer.") \
  X(ERR_NOT_SEALED, 400, "NotSealed", NULL, "This is not sealed data.") \
  X(ERR_TRUNCATED, 400, "Truncated", NULL, "Sealed data ends too early: some of it is missing.") \
  X(ERR_DAMAGED, 400, "Damaged", NULL, "Sealed data was changed: it is not what was sealed.") \
  X(ERR_WRONG_KEY, 400, "WrongKey", NULL, "This key, or context, does not open it.") \
  X(ERR_INPUT, 500, "Input", NULL, "Reading failed.") \
  X(ERR_OUTPUT, 500, "Output", NULL, "Writing failed.") \
  X(ERR_INTERRUPTED, 500, "Interrupted", NULL, "Interrupted.") \
  X(ERR_USAGE, 400, "Usage", NULL, "Wrong usage.") \
  X(ERR_CONFIG, 500, "Configuration", NULL, "The configuration is wrong.")

#if defined(__GNUC__) && !defined(__clang__)
enum [[nodiscard]] err {
#else
enum err {
#endif
  OK = 0,
#define X(name, status, code, inner, text) name,
  ERR_TABLE(X)
#undef X
    ERR_COUNT
};
typedef enum err err_t; /* the one typedef: a result, not a struct */

#define MUST_USE __attribute__((warn_unused_result))

/* What the API says of an error. inner may be NULL. */
struct err_info {
  const char *name;
  int status;
  const char *code, *inner, *text;
};
const struct err_info *err_info(err_t e);

/* Details of this thread's last error. why is for the log; say is for the client ("" where the
 * table's text serves). */
struct err_last {
  err_t code;
  const char *file;
  int line;
  char why[256];
  char say[1024];
  int status; /* HTTP status of the service that refused, where this program is the client; 0 */
  char answer[64]; /* its error code; "" */
};
const struct err_last *err_last(void);
/* Adds what a service answered to this thread's last error. code need not end with a NUL; NULL:
 * none. */
void err_note_answer(int status, const char *code, size_t size);
/* Makes a copy of it the last error again: of this thread's after work that may have failed, or of
 * the thread's that did the work for this one. */
void err_restore(const struct err_last *e);
/* Forgets it, before work for another client begins on this thread: an error that is made without
 * REFUSE() must not be told with the words of an earlier one. */
void err_reset(void);

/* The text for a client: what REFUSE() said if e is this thread's last error, else the table's.
 * Never NULL. */
const char *err_text(err_t e);
/* The text for whoever runs this process: the same, or what FAIL() recorded. */
const char *err_reason(err_t e);

err_t err_fail(err_t e, const char *file, int line, const char *fmt, ...)
  __attribute__((format(printf, 4, 5), cold));
err_t err_refuse(err_t e, const char *file, int line, const char *fmt, ...)
  __attribute__((format(printf, 4, 5), cold));

/* Makes an error; the reason goes to the log only. */
#define FAIL(e, ...) \
  do { \
    (void)err_fail((e), __FILE__, __LINE__, __VA_ARGS__); \
    return (e); \
  } while (0)

/* Makes an error whose text the client of the API sees. */
#define REFUSE(e, ...) \
  do { \
    (void)err_refuse((e), __FILE__, __LINE__, __VA_ARGS__); \
    return (e); \
  } while (0)

/* Passes an error on. */
#define TRY(call) \
  do { \
    err_t try_err_ = (call); \
    if (try_err_ != OK) \
      return try_err_; \
  } while (0)

/* For the few results that are deliberately not looked at (clean-up after an error that is already
 * reported). */
#define IGNORE(call) \
  do { \
    err_t ignored_ = (call); \
    (void)ignored_; \
  } while (0)

#endif
