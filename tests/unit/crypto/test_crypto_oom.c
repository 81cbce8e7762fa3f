/* Each allocation of each operation fails once: the operation says so and leaks nothing (the
 * sanitizer build looks for leaks). */
#include "check.h"

#include "crypto/cert.h"
#include "crypto/crl.h"
#include "crypto/hpke.h"
#include "crypto/jws.h"
#include "fault/oom.h"
#include "x509_make.h"

#include <openssl/crypto.h>

static struct key *rsa, *ec, *oct;
static struct secret rsa_form, ec_form;
static struct buf ca = BUF_EMPTY;
static json_t *rsa_jwk, *rsa_short_jwk, *ec_jwk;

static int prepare(void **state) {
  struct x509_subject root = { "Root", NULL, 0, 1800000000, 1900000000 };
  rsa = new_key(KEY_RSA, 2048, CURVE_NONE);
  ec = new_key(KEY_EC, 0, CURVE_P256);
  oct = new_key(KEY_OCT, 256, CURVE_NONE);
  assert_ok(key_export(rsa, &rsa_form));
  assert_ok(key_export(ec, &ec_form));
  assert_ok(x509_make_ca(ec, &root, &ca));
  rsa_jwk = private_jwk(rsa, true);
  rsa_short_jwk = private_jwk(rsa, false);
  ec_jwk = private_jwk(ec, true);
  return 0;
}

static int release(void **state) {
  key_free(rsa);
  key_free(ec);
  key_free(oct);
  secret_free(&rsa_form);
  secret_free(&ec_form);
  buf_free(&ca);
  json_decref(rsa_jwk);
  json_decref(rsa_short_jwk);
  json_decref(ec_jwk);
  return 0;
}

static err_t import_rsa(void) {
  struct key *k AUTO(key) = NULL;
  return key_import(KEY_RSA, secret_bytes(&rsa_form), &k);
}

static err_t import_ec(void) {
  struct key *k AUTO(key) = NULL;
  return key_import(KEY_EC, secret_bytes(&ec_form), &k);
}

static err_t rsa_from_jwk(void) {
  struct key *k AUTO(key) = NULL;
  return key_from_jwk(rsa_jwk, &k);
}

static err_t rsa_from_short_jwk(void) {
  struct key *k AUTO(key) = NULL;
  return key_from_jwk(rsa_short_jwk, &k);
}

static err_t ec_from_jwk(void) {
  struct key *k AUTO(key) = NULL;
  return key_from_jwk(ec_jwk, &k);
}

static err_t generate_ec(void) {
  struct key_spec spec = { .type = KEY_EC, .bits = 256 };
  struct key *k AUTO(key) = NULL;
  return key_generate(&spec, &k);
}

static err_t export_and_show(void) {
  AUTO_SECRET form = { 0 };
  AUTO_BUF members = BUF_EMPTY;
  char kid[44];
  TRY(key_export(rsa, &form));
  TRY(key_public_members(rsa, &members));
  return key_thumbprint(ec, kid);
}

/* With keys of its own: their contexts are not made yet. */
static err_t sign_and_verify(void) {
  static const char *const algs[] = { "ES256", "PS256" };
  struct key *keys[2] = { NULL, NULL };
  uint8_t digest[32] = { 1 };
  err_t e = key_import(KEY_EC, secret_bytes(&ec_form), &keys[0]);
  if (e == OK)
    e = key_import(KEY_RSA, secret_bytes(&rsa_form), &keys[1]);
  for (unsigned i = 0; i < 2 && e == OK; i++) {
    AUTO_BUF s = BUF_EMPTY;
    bool valid = false;
    e = alg_sign(alg_find(str(algs[i])), keys[i], bytes_of(digest, 32), &s);
    if (e == OK)
      e = alg_verify(alg_find(str(algs[i])), keys[i], bytes_of(digest, 32), buf_bytes(&s), &valid);
    if (e == OK && !valid)
      e = ERR_INTERNAL;
  }
  key_free(keys[0]);
  key_free(keys[1]);
  return e;
}

static err_t wrap_and_unwrap(void) {
  static const char *const algs[] = { "RSA-OAEP", "RSA1_5", "A256KW", "CKM_AES_KEY_WRAP_PAD" };
  for (unsigned i = 0; i < 4; i++) {
    const struct alg *a = alg_find(str(algs[i]));
    AUTO_BUF wrapped = BUF_EMPTY, plain = BUF_EMPTY;
    TRY(alg_wrap(a, i < 2 ? rsa : oct, str("sixteen bytes..."), &wrapped));
    TRY(alg_unwrap(a, i < 2 ? rsa : oct, buf_bytes(&wrapped), &plain));
  }
  return OK;
}

static err_t encrypt_and_decrypt(void) {
  static const char *const algs[] = { "A256GCM", "A256CBC", "A256CBCPAD" };
  for (unsigned i = 0; i < 3; i++) {
    const struct alg *a = alg_find(str(algs[i]));
    AUTO_BUF text = BUF_EMPTY, plain = BUF_EMPTY;
    struct alg_io io = { .in = str("sixteen bytes..."),
                         .iv = str("sixteen bytes..."),
                         .out = &text };
    TRY(alg_encrypt(a, oct, &io));
    struct alg_io undo = { .in = buf_bytes(&text),
                           .iv = bytes_of(io.iv_out, io.iv_out_size),
                           .tag = bytes_of(io.tag_out, io.tag_out_size),
                           .out = &plain };
    TRY(alg_decrypt(a, oct, &undo));
  }
  return OK;
}

static err_t seal_and_open(void) {
  static const uint8_t key[32] = { 1 };
  AUTO_BUF sealed = BUF_EMPTY, plain = BUF_EMPTY;
  AUTO_SECRET derived = { 0 };
  uint8_t mac[SHA256_SIZE];
  TRY(crypto_hmac_sha256(str("key"), str("data"), mac));
  TRY(crypto_sha256(str("data"), mac));
  TRY(crypto_hkdf(bytes_of(key, 32), "info", 32, &derived));
  TRY(crypto_seal(secret_bytes(&derived), str("aad"), str("text"), &sealed));
  return crypto_open(secret_bytes(&derived), str("aad"), buf_bytes(&sealed), &plain);
}

static err_t derive_by_scrypt(void) {
  AUTO_SECRET derived = { 0 };
  return crypto_scrypt(str("passphrase"), str("salt"), 10, 32, &derived);
}

static err_t hybrid(void) {
  static const uint8_t seed[XWING_SEED] = { 1 };
  uint8_t public[XWING_PUBLIC], enc[HPKE_ENC], sealed[4 + HPKE_OVERHEAD];
  AUTO_SECRET plain = { 0 };
  TRY(xwing_public(bytes_of(seed, sizeof seed), public));
  TRY(hpke_seal(public, "info", str("text"), enc, sealed));
  TRY(hpke_open(bytes_of(seed, sizeof seed), "info", enc, bytes_of(sealed, sizeof sealed), &plain));
  return bytes_equal(secret_bytes(&plain), str("text")) ? OK : ERR_INTERNAL;
}

static err_t token(void) {
  AUTO_BUF text = BUF_EMPTY;
  AUTO_JWS j = { 0 };
  TRY(jws_sign(ec, "ES256", "kid", str("{\"sub\":\"me\"}"), &text));
  TRY(jws_parse(buf_bytes(&text), &j));
  return jws_verify(&j, ec);
}

static err_t certificate(void) {
  static const char *const names[] = { "vault.example", "127.0.0.1" };
  struct x509_subject s = { "vault", names, 2, 1800000000, 1900000000 };
  AUTO_BUF der = BUF_EMPTY, pem = BUF_EMPTY, back = BUF_EMPTY;
  struct key *k AUTO(key) = NULL;
  TRY(x509_issue_server(ec, buf_bytes(&ca), ec, &s, &der));
  TRY(x509_to_pem(buf_bytes(&der), &pem));
  TRY(x509_from_pem(buf_bytes(&pem), &back));
  return x509_public_key(buf_bytes(&back), &k);
}

static const char *dns[] = { "vault.example" }, *upns[] = { "me@vault.example" },
                  *ekus[] = { "1.3.6.1.5.5.7.3.1" };
static const struct cert_profile profile = {
  .subject = "CN=vault, O=\"Contoso, Ltd\"",
  .sans = { [SAN_DNS] = { dns, 1 }, [SAN_UPN] = { upns, 1 } },
  .ekus = { ekus, 1 },
  .usage = USAGE_DIGITAL_SIGNATURE,
  .not_before = 1800000000,
  .not_after = 1900000000,
};

static err_t request_and_issue(void) {
  AUTO_BUF csr = BUF_EMPTY, der = BUF_EMPTY;
  AUTO_CERT_INFO request = { 0 }, info = { 0 };
  TRY(cert_request(ec, &profile, &csr));
  TRY(cert_request_read(buf_bytes(&csr), &request));
  assert_true(request.is.ekus.count == 1 && request.is.sans[SAN_UPN].count == 1);
  TRY(cert_issue(ec, buf_bytes(&ca), request.public_key, &profile, &der));
  TRY(cert_read(buf_bytes(&der), &info));
  assert_true(info.is.ekus.count == 1 && info.is.sans[SAN_UPN].count == 1);
  return OK;
}

static err_t merge(struct cert_chain *chain) {
  AUTO_BUF der = BUF_EMPTY;
  TRY(cert_self_sign(ec, &profile, &der));
  const struct bytes ders[] = { buf_bytes(&ca), buf_bytes(&der) };
  return cert_merge_chain(ders, 2, ec, chain);
}

static err_t pkcs12_out_and_in(void) {
  AUTO_CERT_CHAIN chain = { 0 }, back = { 0 };
  AUTO_SECRET out = { 0 };
  struct key *k AUTO(key) = NULL;
  TRY(merge(&chain));
  TRY(cert_export_pkcs12(ec, &chain, &out));
  TRY(cert_import_pkcs12(secret_bytes(&out), str(""), &k, &back));
  assert_true(chain.count == 2 && back.count == 2);
  return OK;
}

static err_t pem_out_and_in(void) {
  AUTO_CERT_CHAIN chain = { 0 }, back = { 0 };
  AUTO_SECRET out = { 0 };
  struct key *k AUTO(key) = NULL;
  TRY(merge(&chain));
  TRY(cert_export_pem(ec, &chain, &out));
  TRY(cert_import_pem(secret_bytes(&out), &k, &back));
  assert_true(chain.count == 2 && back.count == 2);
  return OK;
}

static err_t read_list(void) {
  static const uint8_t serial[] = { 0x40, 1 };
  const struct crl_entry entry = { { serial, sizeof serial }, 1800000000, 1 };
  const struct crl_list list = { 1, 1800000000, 1800003600, &entry, 1 };
  AUTO_BUF der = BUF_EMPTY;
  AUTO_CRL crl = { 0 };
  TRY(crl_sign(ec, buf_bytes(&ca), &list, &der));
  TRY(crl_read(buf_bytes(&der), buf_bytes(&ca), &crl));
  assert_true(crl_has(&crl, entry.serial));
  return OK;
}

static err_t verify_chain(void) {
  AUTO_BUF pem = BUF_EMPTY;
  struct bytes chain = buf_bytes(&ca);
  TRY(x509_to_pem(chain, &pem));
  return cert_verify(&chain, 1, buf_bytes(&pem), 1800000000);
}

static err_t private_pem(void) {
  AUTO_SECRET pem = { 0 };
  struct key *k AUTO(key) = NULL;
  TRY(key_to_pem(ec, &pem));
  return key_from_pem(secret_bytes(&pem), &k);
}

struct work {
  err_t (*run)(void);
  bool slow; /* fewer and fewer of its allocations are tried */
};

/* OpenSSL sometimes says less than that memory ran out, and sometimes does without the memory; what
 * must not happen is a crash, a leak or a success that is none. */
static void each_failed_allocation_is_survived(void **state) {
  const struct work *w = *state;
  err_t (*work)(void) = w->run;
  assert_ok(work());
  size_t heap = CRYPTO_secure_used();
  unsigned long n = 1, reported = 0;
  for (;; n += w->slow ? 1 + n / 8 : 1) {
    oom_start(n, OOM_ONE);
    err_t e = work();
    bool failed = oom_stop();
    ERR_clear_error(); /* it may have tried another way */
    assert_int_equal(CRYPTO_secure_used(), heap);
    if (!failed) {
      assert_string_equal(err_info(e)->name, "OK");
      break;
    }
    reported += e == ERR_NOMEM;
  }
  print_message("about %lu allocations, %lu reported as such\n", n - 1, reported);
  assert_true(w->slow || reported > 0);
}

/* The n-th allocation of signing fails; 0: none. True if there was one. */
static bool sign_with_failure(const struct key *k, unsigned long n) {
  uint8_t digest[32] = { 1 };
  const struct alg *rs256 = alg_find(str("RS256"));
  AUTO_BUF s = BUF_EMPTY;
  bool valid = false;
  oom_start(n, OOM_ONE);
  err_t e = alg_sign(rs256, k, bytes_of(digest, 32), &s);
  bool failed = oom_stop();
  ERR_clear_error();
  assert_true(failed || e == OK);
  if (e == OK) {
    assert_ok(alg_verify(rs256, k, bytes_of(digest, 32), buf_bytes(&s), &valid));
    assert_true(valid);
  }
  return failed;
}

/* OpenSSL renews a key's blinding at each 32nd use; where an allocation fails there, the results
 * after it would be wrong. */
static void results_after_a_failure_are_right(void **state) {
  unsigned failures = 0;
  for (unsigned uses = 28; uses < 36; uses++) {
    for (unsigned long n = 1; n < 40; n += 2) {
      struct key *k = NULL;
      assert_ok(key_import(KEY_RSA, secret_bytes(&rsa_form), &k));
      for (unsigned i = 0; i < uses; i++)
        assert_false(sign_with_failure(k, 0));
      failures += sign_with_failure(k, n);
      assert_false(sign_with_failure(k, 0));
      key_free(k);
    }
  }
  assert_true(failures > 100);
}

static struct CMUnitTest oom_test(const char *name, struct work *w) {
  return (struct CMUnitTest){ name, each_failed_allocation_is_survived, NULL, NULL, w };
}
#define WORK(f, slow) oom_test(#f, &(struct work){ f, slow })

int main(void) {
  start_crypto();
  const struct CMUnitTest tests[] = {
    WORK(import_rsa, false),       WORK(import_ec, false),
    WORK(rsa_from_jwk, true),      WORK(rsa_from_short_jwk, true),
    WORK(ec_from_jwk, true),       WORK(generate_ec, false),
    WORK(export_and_show, false),  WORK(sign_and_verify, true),
    WORK(wrap_and_unwrap, false),  WORK(encrypt_and_decrypt, false),
    WORK(seal_and_open, false),    WORK(derive_by_scrypt, false),
    WORK(hybrid, false),           WORK(token, false),
    WORK(certificate, true),       WORK(request_and_issue, true),
    WORK(pkcs12_out_and_in, true), WORK(pem_out_and_in, true),
    WORK(read_list, true),         WORK(verify_chain, true),
    WORK(private_pem, true),       cmocka_unit_test(results_after_a_failure_are_right),
  };
  return cmocka_run_group_tests(tests, prepare, release);
}
