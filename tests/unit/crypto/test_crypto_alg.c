/* What keys can do: every algorithm, its limits, and how it refuses. */
#include "check.h"

#include <pthread.h>

static struct key *rsa, *ec[CURVE_P256K + 1], *oct[3];

static int make_keys(void **state) {
  rsa = new_key(KEY_RSA, 2048, CURVE_NONE);
  for (unsigned c = CURVE_P256; c <= CURVE_P256K; c++)
    ec[c] = new_key(KEY_EC, 0, (enum key_curve)c);
  for (unsigned i = 0; i < 3; i++)
    oct[i] = new_key(KEY_OCT, 128 + 64 * i, CURVE_NONE);
  return 0;
}

static int free_keys(void **state) {
  key_free(rsa);
  for (unsigned c = CURVE_P256; c <= CURVE_P256K; c++)
    key_free(ec[c]);
  for (unsigned i = 0; i < 3; i++)
    key_free(oct[i]);
  return 0;
}

static const struct alg *alg(const char *name) {
  const struct alg *a = alg_find(str(name));
  assert_non_null(a);
  return a;
}

static struct key *oct_of(struct bytes value) {
  struct key *k = NULL;
  assert_ok(key_import(KEY_OCT, value, &k));
  return k;
}

static struct key *public_of(const struct key *k) {
  json_t *j = public_jwk(k);
  struct key *out = NULL;
  assert_ok(key_from_jwk(j, &out));
  assert_false(key_is_private(out));
  json_decref(j);
  return out;
}

struct row {
  const char *name;
  unsigned uses;
  enum key_type type;
  unsigned bits; /* the key to use; 0: any of the type */
  enum key_curve curve;
  unsigned digest, signature;
};
#define EW (ALG_ENCRYPT | ALG_WRAP)
static const struct row rows[] = {
  { "RSA-OAEP", EW, KEY_RSA, 0, CURVE_NONE, 0, 0 },
  { "RSA-OAEP-256", EW, KEY_RSA, 0, CURVE_NONE, 0, 0 },
  { "RSA1_5", EW, KEY_RSA, 0, CURVE_NONE, 0, 0 },
  { "RS256", ALG_SIGN, KEY_RSA, 0, CURVE_NONE, 32, 256 },
  { "RS384", ALG_SIGN, KEY_RSA, 0, CURVE_NONE, 48, 256 },
  { "RS512", ALG_SIGN, KEY_RSA, 0, CURVE_NONE, 64, 256 },
  { "PS256", ALG_SIGN, KEY_RSA, 0, CURVE_NONE, 32, 256 },
  { "PS384", ALG_SIGN, KEY_RSA, 0, CURVE_NONE, 48, 256 },
  { "PS512", ALG_SIGN, KEY_RSA, 0, CURVE_NONE, 64, 256 },
  { "ES256", ALG_SIGN, KEY_EC, 0, CURVE_P256, 32, 64 },
  { "ES384", ALG_SIGN, KEY_EC, 0, CURVE_P384, 48, 96 },
  { "ES512", ALG_SIGN, KEY_EC, 0, CURVE_P521, 64, 132 },
  { "ES256K", ALG_SIGN, KEY_EC, 0, CURVE_P256K, 32, 64 },
  { "HS256", ALG_SIGN, KEY_OCT, 0, CURVE_NONE, 32, 32 },
  { "HS384", ALG_SIGN, KEY_OCT, 0, CURVE_NONE, 48, 48 },
  { "HS512", ALG_SIGN, KEY_OCT, 0, CURVE_NONE, 64, 64 },
  { "A128KW", ALG_WRAP, KEY_OCT, 128, CURVE_NONE, 0, 0 },
  { "A192KW", ALG_WRAP, KEY_OCT, 192, CURVE_NONE, 0, 0 },
  { "A256KW", ALG_WRAP, KEY_OCT, 256, CURVE_NONE, 0, 0 },
  { "CKM_AES_KEY_WRAP", ALG_WRAP, KEY_OCT, 0, CURVE_NONE, 0, 0 },
  { "CKM_AES_KEY_WRAP_PAD", ALG_WRAP, KEY_OCT, 0, CURVE_NONE, 0, 0 },
  { "A128GCM", ALG_ENCRYPT, KEY_OCT, 128, CURVE_NONE, 0, 0 },
  { "A192GCM", ALG_ENCRYPT, KEY_OCT, 192, CURVE_NONE, 0, 0 },
  { "A256GCM", ALG_ENCRYPT, KEY_OCT, 256, CURVE_NONE, 0, 0 },
  { "A128CBC", ALG_ENCRYPT, KEY_OCT, 128, CURVE_NONE, 0, 0 },
  { "A192CBC", ALG_ENCRYPT, KEY_OCT, 192, CURVE_NONE, 0, 0 },
  { "A256CBC", ALG_ENCRYPT, KEY_OCT, 256, CURVE_NONE, 0, 0 },
  { "A128CBCPAD", ALG_ENCRYPT, KEY_OCT, 128, CURVE_NONE, 0, 0 },
  { "A192CBCPAD", ALG_ENCRYPT, KEY_OCT, 192, CURVE_NONE, 0, 0 },
  { "A256CBCPAD", ALG_ENCRYPT, KEY_OCT, 256, CURVE_NONE, 0, 0 },
};
#define ROWS (sizeof rows / sizeof *rows)

static struct key *key_for(const struct row *r) {
  if (r->type == KEY_RSA)
    return rsa;
  if (r->type == KEY_EC)
    return ec[r->curve];
  return oct[r->bits ? r->bits / 64 - 2 : 0];
}

static void the_table_says_what_fits(void **state) {
  for (size_t i = 0; i < ROWS; i++) {
    const struct row *r = &rows[i];
    const struct alg *a = alg(r->name);
    assert_string_equal(alg_name(a), r->name);
    assert_int_equal(alg_uses(a), r->uses);
    assert_int_equal(alg_fits(a, key_spec(rsa)), r->type == KEY_RSA);
    for (unsigned c = CURVE_P256; c <= CURVE_P256K; c++)
      assert_int_equal(alg_fits(a, key_spec(ec[c])), r->type == KEY_EC && r->curve == c);
    for (unsigned o = 0; o < 3; o++)
      assert_int_equal(alg_fits(a, key_spec(oct[o])),
                       r->type == KEY_OCT && (!r->bits || r->bits == 128 + 64 * o));
  }
  static const char *const unknown[] = { "", "rs256", "RS256 ", "none", "RSA-OAEP-512", "A256KWP" };
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
    assert_null(alg_find(str(unknown[i])));
}

static void what_is_signed_verifies(void **state) {
  uint8_t digest[64] = "a digest that is not one";
  for (size_t i = 0; i < ROWS; i++) {
    const struct row *r = &rows[i];
    if (r->uses != ALG_SIGN)
      continue;
    struct bytes d = bytes_of(digest, r->digest);
    struct key *k = key_for(r), *verifier = r->type == KEY_OCT ? key_ref(k) : public_of(k);
    struct buf s = BUF_EMPTY;
    bool valid = false;
    buf_put_str(&s, "before");
    assert_ok(alg_sign(alg(r->name), k, d, &s));
    assert_int_equal(s.size, 6 + r->signature);
    struct bytes signature = bytes_of(s.data + 6, r->signature);
    assert_ok(alg_verify(alg(r->name), verifier, d, signature, &valid));
    assert_true(valid);
    for (unsigned bit = 0; bit < 8 * r->signature; bit += 29) {
      s.data[6 + bit / 8] ^= (uint8_t)(1 << bit % 8);
      assert_ok(alg_verify(alg(r->name), verifier, d, signature, &valid));
      assert_false(valid);
      s.data[6 + bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    digest[0] ^= 1;
    assert_ok(alg_verify(alg(r->name), verifier, d, signature, &valid));
    assert_false(valid);
    digest[0] ^= 1;
    for (size_t n = 0; n < signature.size; n += 31) {
      valid = true;
      assert_ok(alg_verify(alg(r->name), verifier, d, bytes_of(signature.data, n), &valid));
      assert_false(valid);
    }
    buf_put_char(&s, '\0');
    valid = true;
    assert_ok(
      alg_verify(alg(r->name), verifier, d, bytes_of(s.data + 6, r->signature + 1), &valid));
    assert_false(valid);
    key_free(verifier);
    buf_free(&s);
  }
}

static void digests_must_be_of_the_hash_size(void **state) {
  uint8_t digest[80] = { 0 };
  struct buf s = BUF_EMPTY;
  bool valid;
  for (size_t i = 0; i < ROWS; i++) {
    if (rows[i].uses != ALG_SIGN)
      continue;
    for (size_t n = 0; n < sizeof digest; n++)
      if (n != rows[i].digest) {
        struct bytes d = bytes_of(digest, n);
        assert_err(alg_sign(alg(rows[i].name), key_for(&rows[i]), d, &s), ERR_BAD_PARAMETER);
        assert_err(alg_verify(alg(rows[i].name), key_for(&rows[i]), d, d, &valid),
                   ERR_BAD_PARAMETER);
      }
  }
  assert_int_equal(s.size, 0);
  err_t e = alg_sign(alg("RS256"), rsa, bytes_of(digest, 10), &s);
  assert_string_equal(
    err_text(e),
    "Invalid length of 'value': 10 bytes. RS256 requires 32 bytes, encoded with base64url.");
}

static void ecdsa_numbers_out_of_range_are_not_valid(void **state) {
  static const char *const order =
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
  uint8_t digest[32] = { 7 }, s[64];
  struct buf good = BUF_EMPTY;
  assert_ok(alg_sign(alg("ES256"), ec[CURVE_P256], bytes_of(digest, 32), &good));
  for (unsigned i = 0; i < 6; i++) {
    bool valid = true;
    memcpy(s, good.data, 64);
    uint8_t *half = s + 32 * (i % 2);
    if (i < 2)
      memset(half, 0, 32);
    else if (i < 4)
      memcpy(half, hex(order).data, 32);
    else
      memset(half, 0xff, 32);
    assert_ok(
      alg_verify(alg("ES256"), ec[CURVE_P256], bytes_of(digest, 32), bytes_of(s, 64), &valid));
    assert_false(valid);
  }
  buf_free(&good);
}

/* RS256 over a digest is RSNULL over the DigestInfo (RFC 8017, 9.2). */
static void rsnull_signs_the_bytes_given(void **state) {
  struct bytes info = hex("3031300d060960864801650304020105000420"
                          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  struct buf a = BUF_EMPTY, b = BUF_EMPTY;
  bool valid = false;
  assert_ok(alg_sign(alg("RSNULL"), rsa, info, &a));
  assert_ok(alg_sign(alg("RS256"), rsa, bytes_of(info.data + 19, 32), &b));
  assert_bytes(buf_bytes(&a), buf_bytes(&b));
  assert_ok(alg_verify(alg("RSNULL"), rsa, info, buf_bytes(&b), &valid));
  assert_true(valid);
  assert_ok(alg_verify(alg("RSNULL"), rsa, str("other"), buf_bytes(&b), &valid));
  assert_false(valid);
  uint8_t longest[246] = { 1 };
  assert_ok(alg_sign(alg("RSNULL"), rsa, bytes_of(longest, 245), &a));
  err_t e = alg_sign(alg("RSNULL"), rsa, bytes_of(longest, 246), &a);
  assert_string_equal(err_text(e), "Invalid length of 'value': 246 bytes. RSNULL takes 1 to 245 "
                                   "bytes with this key, encoded with base64url.");
  assert_err(alg_sign(alg("RSNULL"), rsa, (struct bytes){ 0 }, &a), ERR_BAD_PARAMETER);
  buf_free(&a);
  buf_free(&b);
}

static struct alg_io io_of(struct bytes in, struct buf *out) {
  static const uint8_t iv[16] = "initial vector..";
  return (struct alg_io){ .in = in, .iv = bytes_of(iv, 16), .aad = bytes_str("more"), .out = out };
}

static void check_encryption(const struct row *r, struct bytes plain) {
  const struct key *k = key_for(r);
  struct key *encryptor = r->type == KEY_OCT ? key_ref(key_for(r)) : public_of(k);
  struct buf text = BUF_EMPTY, back = BUF_EMPTY;
  struct alg_io io = io_of(plain, &text);
  assert_ok(alg_encrypt(alg(r->name), encryptor, &io));
  struct alg_io undo = io_of(buf_bytes(&text), &back);
  undo.iv = bytes_of(io.iv_out, io.iv_out_size);
  undo.tag = bytes_of(io.tag_out, io.tag_out_size);
  assert_ok(alg_decrypt(alg(r->name), k, &undo));
  assert_bytes(buf_bytes(&back), plain);
  buf_free(&text);
  buf_free(&back);
  key_free(encryptor);
}

static void check_wrapping(const struct row *r, struct bytes plain) {
  const struct key *k = key_for(r);
  struct key *wrapper = r->type == KEY_OCT ? key_ref(key_for(r)) : public_of(k);
  struct buf text = BUF_EMPTY, back = BUF_EMPTY;
  assert_ok(alg_wrap(alg(r->name), wrapper, plain, &text));
  buf_put_str(&back, "before");
  assert_ok(alg_unwrap(alg(r->name), k, buf_bytes(&text), &back));
  assert_bytes(bytes_of(back.data + 6, back.size - 6), plain);
  buf_free(&text);
  buf_free(&back);
  key_free(wrapper);
}

static void what_is_encrypted_decrypts(void **state) {
  static const uint8_t plain[64] = "the text";
  for (size_t i = 0; i < ROWS; i++) {
    if (rows[i].uses & ALG_ENCRYPT)
      check_encryption(&rows[i], bytes_of(plain, 64));
    if (rows[i].uses & ALG_WRAP)
      check_wrapping(&rows[i], bytes_of(plain, 32));
  }
}

static void short_texts_where_they_are_allowed(void **state) {
  static const uint8_t plain[40] = "the text";
  for (size_t i = 0; i < ROWS; i++) {
    const char *name = rows[i].name;
    bool rsa_encryption = rows[i].type == KEY_RSA && rows[i].uses & ALG_ENCRYPT;
    for (size_t n = 0; n < sizeof plain; n += rsa_encryption ? 13 : 1) {
      if (rsa_encryption || strstr(name, "GCM") || strstr(name, "CBCPAD"))
        check_encryption(&rows[i], bytes_of(plain, n));
      if (strcmp(name, "CKM_AES_KEY_WRAP_PAD") == 0 && n > 0)
        check_wrapping(&rows[i], bytes_of(plain, n));
    }
  }
}

static err_t encrypt_size(const char *name, const struct key *k, size_t n) {
  static uint8_t plain[(1 << 20) + 1];
  struct buf out = BUF_EMPTY;
  struct alg_io io = io_of(bytes_of(plain, n), &out);
  const struct alg *a = alg(name);
  err_t e = alg_uses(a) & ALG_ENCRYPT ? alg_encrypt(a, k, &io) : alg_wrap(a, k, io.in, &out);
  assert_true(e == OK || out.size == 0);
  buf_free(&out);
  return e;
}

static void other_sizes_are_refused(void **state) {
  static const struct {
    const char *name;
    size_t fits, too_long;
  } limits[] = { { "RSA1_5", 245, 246 }, { "RSA-OAEP", 214, 215 }, { "RSA-OAEP-256", 190, 191 } };
  for (unsigned i = 0; i < 3; i++) {
    assert_ok(encrypt_size(limits[i].name, rsa, limits[i].fits));
    assert_err(encrypt_size(limits[i].name, rsa, limits[i].too_long), ERR_BAD_PARAMETER);
  }
  err_t e = encrypt_size("RSA-OAEP", rsa, 300);
  assert_string_equal(err_text(e), "Invalid length of 'value': 300 bytes. RSA-OAEP takes at most "
                                   "214 bytes with this key, encoded with base64url.");
  static const size_t not_kw[] = { 0, 1, 8, 15, 17, 23, 31, (1 << 20) + 1 };
  for (unsigned i = 0; i < sizeof not_kw / sizeof *not_kw; i++) {
    assert_err(encrypt_size("A256KW", oct[2], not_kw[i]), ERR_BAD_PARAMETER);
    assert_err(encrypt_size("CKM_AES_KEY_WRAP", oct[2], not_kw[i]), ERR_BAD_PARAMETER);
    assert_err(encrypt_size("A256CBC", oct[2], not_kw[i]), ERR_BAD_PARAMETER);
  }
  assert_ok(encrypt_size("A256KW", oct[2], 1 << 20));
  assert_ok(encrypt_size("A256GCM", oct[2], 1 << 20));
  assert_err(encrypt_size("A256GCM", oct[2], (1 << 20) + 1), ERR_BAD_PARAMETER);
  assert_err(encrypt_size("CKM_AES_KEY_WRAP_PAD", oct[2], 0), ERR_BAD_PARAMETER);
}

/* Whatever is wrong with a ciphertext, the answer is the same. */
static void assert_undecryptable(const char *name, const struct key *k, struct alg_io *io) {
  const struct alg *a = alg(name);
  size_t before = io->out->size;
  err_t e = alg_uses(a) & ALG_ENCRYPT ? alg_decrypt(a, k, io) : alg_unwrap(a, k, io->in, io->out);
  assert_string_equal(err_info(e)->name, "ERR_DECRYPT");
  assert_string_equal(err_text(e), "The parameter is incorrect.\r\n");
  assert_string_equal(err_last()->why, "decryption failed");
  assert_string_equal(err_last()->file, "crypto");
  assert_int_equal(io->out->size, before);
}

static bool ends(const char *name, const char *with) {
  size_t n = strlen(name), m = strlen(with);
  return n >= m && strcmp(name + n - m, with) == 0;
}

static void failures_to_decrypt_look_the_same(void **state) {
  static const uint8_t plain[32] = "the text";
  for (size_t i = 0; i < ROWS; i++) {
    const struct row *r = &rows[i];
    if (r->uses == ALG_SIGN || ends(r->name, "CBC"))
      continue;
    const struct key *k = key_for(r);
    struct buf text = BUF_EMPTY, back = BUF_EMPTY;
    struct alg_io io = io_of(bytes_of(plain, 32), &text);
    assert_ok(r->uses & ALG_ENCRYPT ? alg_encrypt(alg(r->name), k, &io)
                                    : alg_wrap(alg(r->name), k, io.in, &text));
    struct alg_io undo = io_of(buf_bytes(&text), &back);
    undo.iv = bytes_of(io.iv_out, io.iv_out_size);
    undo.tag = bytes_of(io.tag_out, io.tag_out_size);
    for (size_t n = 0; n < text.size; n++) {
      if (strstr(r->name, "CBC") && n > 0 && n % 16 == 0)
        continue; /* whole blocks: its last bytes may look like padding */
      undo.in = bytes_of(text.data, n);
      assert_undecryptable(r->name, k, &undo);
    }
    undo.in = buf_bytes(&text);
    for (size_t bit = 0; bit < 8 * text.size && !strstr(r->name, "CBC"); bit += 17) {
      text.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
      assert_undecryptable(r->name, k, &undo);
      text.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buf_free(&text);
    buf_free(&back);
  }
}

static void cbc_padding_is_checked(void **state) {
  struct buf text = BUF_EMPTY, back = BUF_EMPTY;
  uint8_t plain[32] = { 0 };
  for (unsigned last = 0; last < 256; last++) {
    plain[31] = (uint8_t)last;
    buf_clear(&text);
    buf_clear(&back);
    struct alg_io io = io_of(bytes_of(plain, 32), &text);
    assert_ok(alg_encrypt(alg("A256CBC"), oct[2], &io));
    struct alg_io undo = io_of(buf_bytes(&text), &back);
    if (last == 1)
      assert_ok(alg_decrypt(alg("A256CBCPAD"), oct[2], &undo));
    else
      assert_undecryptable("A256CBCPAD", oct[2], &undo);
  }
  struct alg_io undo = io_of(bytes_of(plain, 17), &back);
  assert_undecryptable("A256CBC", oct[2], &undo);
  undo.in = (struct bytes){ 0 };
  assert_undecryptable("A256CBC", oct[2], &undo);
  buf_free(&text);
  buf_free(&back);
}

static void iv_and_tag_are_required(void **state) {
  struct buf out = BUF_EMPTY;
  uint8_t block[16] = { 0 };
  struct alg_io io = { .in = bytes_of(block, 16), .iv = bytes_of(block, 12), .out = &out };
  assert_err(alg_encrypt(alg("A128CBC"), oct[0], &io), ERR_BAD_PARAMETER);
  assert_err(alg_decrypt(alg("A128CBC"), oct[0], &io), ERR_BAD_PARAMETER);
  assert_err(alg_encrypt(alg("A128CBCPAD"), oct[0], &io), ERR_BAD_PARAMETER);
  assert_err(alg_decrypt(alg("A128GCM"), oct[0], &io), ERR_BAD_PARAMETER);
  assert_string_equal(err_text(ERR_BAD_PARAMETER),
                      "Property tag has invalid value: 16 bytes expected\r\n");
  io.tag = bytes_of(block, 15);
  assert_err(alg_decrypt(alg("A128GCM"), oct[0], &io), ERR_BAD_PARAMETER);
  io.tag = bytes_of(block, 16);
  io.iv = bytes_of(block, 11);
  assert_err(alg_decrypt(alg("A128GCM"), oct[0], &io), ERR_BAD_PARAMETER);
  io.iv = bytes_of(block, 16);
  assert_undecryptable("A128GCM", oct[0], &io);
  assert_int_equal(out.size, 0);
  buf_free(&out);
}

static void gcm_makes_its_own_iv(void **state) {
  struct buf out = BUF_EMPTY;
  uint8_t first[12];
  struct alg_io io = io_of(str("text"), &out);
  assert_ok(alg_encrypt(alg("A128GCM"), oct[0], &io));
  assert_int_equal(io.iv_out_size, 12);
  assert_int_equal(io.tag_out_size, 16);
  memcpy(first, io.iv_out, 12);
  assert_memory_not_equal(first, io.iv.data, 12);
  assert_ok(alg_encrypt(alg("A128GCM"), oct[0], &io));
  assert_memory_not_equal(first, io.iv_out, 12);
  buf_free(&out);
}

/* RFC 3394, 4.6, and RFC 5649, 6. */
static void key_wrap_known_answers(void **state) {
  struct key *k = oct_of(hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));
  struct buf out = BUF_EMPTY;
  struct bytes data = hex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f");
  assert_ok(alg_wrap(alg("A256KW"), k, data, &out));
  assert_bytes(buf_bytes(&out), hex("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326"
                                    "cbc7f0e71a99f43bfb988b9b7a02dd21"));
  key_free(k);
  k = oct_of(hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"));
  buf_clear(&out);
  assert_ok(alg_wrap(alg("CKM_AES_KEY_WRAP_PAD"), k,
                     hex("c37b7e6492584340bed12207808941155068f738"), &out));
  assert_bytes(buf_bytes(&out),
               hex("138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"));
  buf_clear(&out);
  assert_ok(alg_wrap(alg("CKM_AES_KEY_WRAP_PAD"), k, hex("466f7250617369"), &out));
  assert_bytes(buf_bytes(&out), hex("afbeb0f07dfbf5419200f2ccb50bb24f"));
  key_free(k);
  buf_free(&out);
}

static void the_wrong_key_or_use_is_refused(void **state) {
  uint8_t digest[32] = { 0 };
  struct bytes d = bytes_of(digest, 32);
  struct buf out = BUF_EMPTY;
  struct alg_io io = io_of(d, &out);
  bool valid;
  assert_err(alg_sign(alg("RS256"), ec[CURVE_P256], d, &out), ERR_BAD_PARAMETER);
  assert_err(alg_sign(alg("ES256"), ec[CURVE_P256K], d, &out), ERR_BAD_PARAMETER);
  assert_err(alg_sign(alg("HS256"), rsa, d, &out), ERR_BAD_PARAMETER);
  assert_err(alg_sign(alg("RSA-OAEP"), rsa, d, &out), ERR_BAD_PARAMETER);
  assert_err(alg_verify(alg("ES384"), ec[CURVE_P256], d, d, &valid), ERR_BAD_PARAMETER);
  assert_err(alg_encrypt(alg("A256KW"), oct[2], &io), ERR_BAD_PARAMETER);
  assert_err(alg_decrypt(alg("A256KW"), oct[2], &io), ERR_BAD_PARAMETER);
  assert_err(alg_encrypt(alg("A128GCM"), oct[2], &io), ERR_BAD_PARAMETER);
  assert_err(alg_wrap(alg("A256GCM"), oct[2], d, &out), ERR_BAD_PARAMETER);
  assert_err(alg_wrap(alg("A128KW"), oct[2], d, &out), ERR_BAD_PARAMETER);
  assert_err(alg_unwrap(alg("RS256"), rsa, d, &out), ERR_BAD_PARAMETER);
  struct key *only_public = public_of(rsa);
  assert_err(alg_sign(alg("RS256"), only_public, d, &out), ERR_BAD_PARAMETER);
  assert_err(alg_unwrap(alg("RSA-OAEP"), only_public, d, &out), ERR_BAD_PARAMETER);
  key_free(only_public);
  assert_int_equal(out.size, 0);
  buf_free(&out);
}

/* All threads start with a key whose contexts are not made yet. */
static void *use_shared_key(void *arg) {
  uint8_t digest[32] = { 9 };
  for (unsigned i = 0; i < 20; i++) {
    struct buf s = BUF_EMPTY;
    bool valid = false;
    if (alg_sign(alg("ES256"), arg, bytes_of(digest, 32), &s) != OK ||
        alg_verify(alg("ES256"), arg, bytes_of(digest, 32), buf_bytes(&s), &valid) != OK || !valid)
      return arg;
    buf_free(&s);
  }
  return NULL;
}

static void threads_share_a_key(void **state) {
  for (unsigned round = 0; round < 5; round++) {
    struct key *k = new_key(KEY_EC, 0, CURVE_P256);
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++)
      assert_int_equal(pthread_create(&threads[i], NULL, use_shared_key, k), 0);
    for (unsigned i = 0; i < 4; i++) {
      void *failed;
      assert_int_equal(pthread_join(threads[i], &failed), 0);
      assert_null(failed);
    }
    key_free(k);
  }
}

int main(void) {
  start_crypto();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_table_says_what_fits),
    cmocka_unit_test(what_is_signed_verifies),
    cmocka_unit_test(digests_must_be_of_the_hash_size),
    cmocka_unit_test(ecdsa_numbers_out_of_range_are_not_valid),
    cmocka_unit_test(rsnull_signs_the_bytes_given),
    cmocka_unit_test(what_is_encrypted_decrypts),
    cmocka_unit_test(short_texts_where_they_are_allowed),
    cmocka_unit_test(other_sizes_are_refused),
    cmocka_unit_test(failures_to_decrypt_look_the_same),
    cmocka_unit_test(cbc_padding_is_checked),
    cmocka_unit_test(iv_and_tag_are_required),
    cmocka_unit_test(gcm_makes_its_own_iv),
    cmocka_unit_test(key_wrap_known_answers),
    cmocka_unit_test(the_wrong_key_or_use_is_refused),
    cmocka_unit_test(threads_share_a_key),
  };
  return cmocka_run_group_tests(tests, make_keys, free_keys);
}
