/*
 * Hybrid recipients: age1pq.. and AGE-SECRET-KEY-PQ-1.., safe from quantum computers.
 *
 * They are worth that only where nothing else in the header is any less: whoever keeps a file until
 * such a computer is there opens it by its weakest recipient. So the specification wants no others
 * beside them. Keys of the vault that are symmetric are as good; RSA keys are not.
 */
#include "crypto/hpke.h"
#include "seal/age_type.h"

#include "base/codec.h"

#define INFO "age-encryption.org/mlkem768x25519"

_Static_assert(AGE_WRAPPED_KEY == AGE_FILE_KEY + HPKE_OVERHEAD, "a file key, sealed");

err_t age_hybrid_check(const struct stanza *s) {
  uint8_t enc[HPKE_ENC];
  if (stanza_arg_count(s) != 2)
    FAIL(ERR_DAMAGED, "age header: an " AGE_HYBRID " stanza has %zu arguments",
         stanza_arg_count(s));
  if (stanza_body_size(s) != AGE_WRAPPED_KEY)
    FAIL(ERR_DAMAGED, "age header: the body of an " AGE_HYBRID " stanza has %zu bytes",
         stanza_body_size(s));
  return stanza_arg_exactly(s, 1, enc, sizeof enc);
}

err_t age_hybrid_wrap(const uint8_t recipient[static XWING_PUBLIC], struct bytes file_key,
                      struct buf *out) {
  AUTO_BUF args = BUF_EMPTY;
  uint8_t enc[HPKE_ENC], body[AGE_WRAPPED_KEY];
  if (file_key.size != AGE_FILE_KEY)
    FAIL(ERR_INTERNAL, "a file key of %zu bytes", file_key.size);
  TRY(hpke_seal(recipient, INFO, file_key, enc, body));
  buf_put_str(&args, AGE_HYBRID " ");
  buf_put_b64raw(&args, bytes_of(enc, sizeof enc));
  TRY(buf_ok(&args));
  stanza_write(buf_bytes(&args), bytes_of(body, sizeof body), out);
  return buf_ok(out);
}

err_t age_hybrid_unwrap(const struct secret *identity, const struct stanza *s,
                        struct secret *file_key) {
  uint8_t enc[HPKE_ENC], body[AGE_WRAPPED_KEY];
  TRY(stanza_arg_exactly(s, 1, enc, sizeof enc));
  TRY(stanza_body_exactly(s, body, sizeof body));
  err_t e = hpke_open(secret_bytes(identity), INFO, enc, bytes_of(body, sizeof body), file_key);
  if (e == ERR_DECRYPT)
    return ERR_WRONG_KEY;
  if (e == ERR_BAD_PARAMETER)
    FAIL(ERR_DAMAGED, "age header: the share of an " AGE_HYBRID " stanza is of low order");
  return e;
}

err_t age_hybrid_refuse(const char *what) {
  FAIL(
    ERR_BAD_PARAMETER,
    "post-quantum recipients (age1pq1..) can't be combined with %s: a quantum computer would open "
    "the file by that",
    what);
}

err_t age_hybrid_unmixed(struct bytes stanzas) {
  bool hybrid = false, x25519 = false, rsa = false;
  struct stanza s;
  while (stanzas.size) {
    TRY(stanza_read(&stanzas, &s));
    hybrid |= stanza_is(&s, AGE_HYBRID);
    x25519 |= stanza_is(&s, AGE_X25519);
    rsa |= stanza_is(&s, AGE_VAULT) && bytes_starts(stanza_arg(&s, 2), "RSA");
  }
  if (hybrid && x25519)
    return age_hybrid_refuse("an age1.. recipient");
  return hybrid && rsa ? age_hybrid_refuse("an RSA key of the vault") : OK;
}
