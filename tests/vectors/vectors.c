#include "vectors.h"

#include "base/codec.h"
#include "crypto/crypto.h"

#include <stdio.h>
#include <unistd.h>

#define HEAP_SIZE (1u << 20)
#define SKIPPED 77 /* as meson has it */
#define HEX_MAX (1u << 17)
#define REASONS 8

struct file {
  const char *name; /* without _test.json */
  const char *alg;
  const struct family *family;
};
static const struct file files[] = {
  { "ecdsa_secp256r1_sha256_p1363", "ES256", &family_verify },
  { "ecdsa_secp384r1_sha384_p1363", "ES384", &family_verify },
  { "ecdsa_secp521r1_sha512_p1363", "ES512", &family_verify },
  { "ecdsa_secp256k1_sha256_p1363", "ES256K", &family_verify },
  { "ecdsa_secp256r1_sha512_p1363", NULL, NULL },
  { "ecdsa_secp384r1_sha512_p1363", NULL, NULL },
  { "ecdsa_secp256k1_sha512_p1363", NULL, NULL },
  { "rsa_signature_2048_sha256", "RS", &family_verify },
  { "rsa_signature_2048_sha384", "RS", &family_verify },
  { "rsa_signature_2048_sha512", "RS", &family_verify },
  { "rsa_signature_3072_sha256", "RS", &family_verify },
  { "rsa_signature_3072_sha384", "RS", &family_verify },
  { "rsa_signature_3072_sha512", "RS", &family_verify },
  { "rsa_signature_4096_sha256", "RS", &family_verify },
  { "rsa_signature_4096_sha384", "RS", &family_verify },
  { "rsa_signature_4096_sha512", "RS", &family_verify },
  { "rsa_pkcs1_2048_sig_gen", "RS", &family_sign },
  { "rsa_pkcs1_3072_sig_gen", "RS", &family_sign },
  { "rsa_pkcs1_4096_sig_gen", "RS", &family_sign },
  { "rsa_pss_2048_sha256_mgf1_32", "PS", &family_verify },
  { "rsa_pss_2048_sha384_mgf1_48", "PS", &family_verify },
  { "rsa_pss_3072_sha256_mgf1_32", "PS", &family_verify },
  { "rsa_pss_4096_sha256_mgf1_32", "PS", &family_verify },
  { "rsa_pss_4096_sha384_mgf1_48", "PS", &family_verify },
  { "rsa_pss_4096_sha512_mgf1_64", "PS", &family_verify },
  { "rsa_oaep_2048_sha1_mgf1sha1", "RSA-OAEP", &family_decrypt },
  { "rsa_oaep_2048_sha256_mgf1sha256", "RSA-OAEP-256", &family_decrypt },
  { "rsa_oaep_3072_sha256_mgf1sha256", "RSA-OAEP-256", &family_decrypt },
  { "rsa_oaep_4096_sha256_mgf1sha256", "RSA-OAEP-256", &family_decrypt },
  { "rsa_pkcs1_2048", "RSA1_5", &family_decrypt },
  { "rsa_pkcs1_3072", "RSA1_5", &family_decrypt },
  { "rsa_pkcs1_4096", "RSA1_5", &family_decrypt },
  { "rsa_three_primes_oaep_2048_sha1_mgf1sha1", NULL, &family_refused_key },
  { "rsa_three_primes_oaep_4096_sha256_mgf1sha256", NULL, &family_refused_key },
  { "aes_wrap", "A*KW", &family_wrap },
  { "aes_wrap", "CKM_AES_KEY_WRAP", &family_wrap },
  { "aes_kwp", "CKM_AES_KEY_WRAP_PAD", &family_wrap },
  { "aes_gcm", "A*GCM", &family_gcm },
  { "aes_cbc_pkcs5", "A*CBCPAD", &family_cbc },
  { "hmac_sha256", "HS256", &family_hmac },
  { "hmac_sha384", "HS384", &family_hmac },
  { "hmac_sha512", "HS512", &family_hmac },
  { "json_web_signature", NULL, &family_jws },
  { "json_web_key", NULL, &family_jws },
  { "c2sp_chunked_encryption_aes_256_gcm", "Cobblestone-256", &family_chunked },
};

struct tally {
  unsigned passed, failed;
  struct {
    const char *text;
    unsigned count;
  } not_applicable[REASONS];
};

struct bytes vector_hex(json_t *object, const char *member) {
  static uint8_t room[8][HEX_MAX];
  static unsigned next;
  size_t n = 0;
  uint8_t *out = room[next++ % 8];
  if (hex_decode(bytes_str(vector_str(object, member)), out, HEX_MAX, &n) != OK) {
    fprintf(stderr, "%s is not hexadecimal\n", member);
    exit(1);
  }
  return bytes_of(out, n);
}

const char *vector_str(json_t *object, const char *member) {
  const char *s = json_string_value(json_object_get(object, member));
  return s ? s : "";
}

enum outcome vector_outcome(err_t e) {
  if (e == OK)
    return ACCEPTED;
  return e == ERR_DECRYPT || e == ERR_BAD_PARAMETER || e == ERR_UNAUTHORIZED ? REJECTED : WRONG;
}

enum outcome vector_same(struct bytes got, struct bytes expected) {
  return bytes_equal(got, expected) ? ACCEPTED : WRONG;
}

enum outcome vector_skip(struct vector *v, const char *reason) {
  v->reason = reason;
  return NOT_APPLICABLE;
}

static void count_not_applicable(struct tally *t, const char *reason, unsigned count) {
  unsigned i = 0;
  while (t->not_applicable[i].text && strcmp(t->not_applicable[i].text, reason) != 0)
    i++;
  t->not_applicable[i].text = reason;
  t->not_applicable[i].count += count;
}

static void count(struct tally *t, const struct vector *v, enum outcome o) {
  if (o == NOT_APPLICABLE) {
    count_not_applicable(t, v->reason, 1);
    return;
  }
  const char *result = vector_str(v->test, "result");
  bool good = strcmp(result, "acceptable") == 0
                ? o != WRONG
                : o == (strcmp(result, "valid") == 0 ? ACCEPTED : REJECTED);
  t->passed += good;
  t->failed += !good;
  if (!good)
    printf("  case %lld (%s): should be %s, is %s\n",
           json_integer_value(json_object_get(v->test, "tcId")), vector_str(v->test, "comment"),
           result,
           o == WRONG      ? "something else"
           : o == ACCEPTED ? "accepted"
                           : "rejected");
}

/* Where the group's key is rejected, so are all its tests. */
static void run_group(const struct file *f, json_t *group, struct tally *t) {
  struct vector v = { .alg = f->alg, .group = group };
  enum outcome opened = f->family->open ? f->family->open(&v) : ACCEPTED;
  size_t i;
  json_array_foreach(json_object_get(group, "tests"), i, v.test) {
    count(t, &v, opened == ACCEPTED ? f->family->run(&v) : opened);
  }
  key_free(v.key);
}

static void print_tally(const struct file *f, const struct tally *t) {
  printf("%-46s %-20s %4u run, %4u passed, %u failed", f->name, f->alg ? f->alg : "-",
         t->passed + t->failed, t->passed, t->failed);
  for (unsigned i = 0; i < REASONS && t->not_applicable[i].text; i++)
    printf("%s %u not applicable (%s)", i ? "," : ";", t->not_applicable[i].count,
           t->not_applicable[i].text);
  putchar('\n');
}

static struct tally run_file(const struct file *f, const char *folder) {
  char path[4096];
  struct tally t = { 0 };
  json_t *group;
  size_t i;
  (void)snprintf(path, sizeof path, "%s/wycheproof/%s_test.json", folder, f->name);
  AUTO_JSON *document = json_load_file(path, 0, NULL);
  json_t *groups = json_object_get(document, "testGroups");
  if (json_array_size(groups) == 0) {
    printf("  %s cannot be read\n", path);
    t.failed++;
  }
  json_array_foreach(groups, i, group) {
    if (f->family)
      run_group(f, group, &t);
    else
      count_not_applicable(&t, "no algorithm pairs this curve with this hash",
                           (unsigned)json_array_size(json_object_get(group, "tests")));
  }
  print_tally(f, &t);
  return t;
}

int main(void) {
  const char *folder = getenv("STRONGROOM_VECTORS");
  bool locked;
  if (!folder)
    folder = "../shared/vectors"; /* from the root of the source */
  if (access(folder, R_OK) != 0) {
    printf("skipped: STRONGROOM_VECTORS names no folder of test vectors (%s)\n", folder);
    return SKIPPED;
  }
  mem_install_json();
  if (crypto_init(HEAP_SIZE, &locked) != OK)
    return 1;
  unsigned passed = 0, failed = 0;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    struct tally t = run_file(&files[i], folder);
    passed += t.passed;
    failed += t.failed;
  }
  printf("%u passed, %u failed\n", passed, failed);
  return failed ? 1 : 0;
}
