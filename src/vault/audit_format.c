#include "base/clock.h"
#include "base/pack.h"
#include "crypto/alg.h"
#include "vault/audit_file.h"

static const char magic[8] = { 's', 'r', 'a', 'u', 'd', 'i', 't', '\n' };

/* What is signed begins with this, so that no other signature of the key can pass for a head's. */
static const char head_domain[] = "strongroom audit head 1";

static const char key_domain[] = "strongroom audit file 1";

err_t audit_header_put(struct audit_header *h, struct buf *out) {
  size_t at = out->size;
  buf_put(out, magic, sizeof magic);
  pack_u32(out, AUDIT_VERSION);
  pack_u64(out, h->first);
  pack_i64(out, h->created_us);
  buf_put(out, h->before, AUDIT_CHAIN);
  TRY(buf_ok(out));
  TRY(crypto_sha256(bytes_of(out->data + at, out->size - at), h->chain));
  buf_put(out, h->chain, AUDIT_CHAIN);
  return buf_ok(out);
}

err_t audit_header_get(struct bytes b, struct audit_header *out) {
  if (b.size != AUDIT_HEADER_SIZE || memcmp(b.data, magic, sizeof magic) != 0)
    FAIL(ERR_CORRUPT, "this is not an audit log");
  struct unpack u = unpack_of(bytes_of(b.data + sizeof magic, b.size - sizeof magic));
  uint32_t version = unpack_u32(&u);
  if (version != AUDIT_VERSION)
    FAIL(ERR_CORRUPT, "an audit log of format %u, this program knows %u", version, AUDIT_VERSION);
  out->first = unpack_u64(&u);
  out->created_us = unpack_i64(&u);
  memcpy(out->before, u.rest.data, AUDIT_CHAIN);
  TRY(crypto_sha256(bytes_of(b.data, b.size - AUDIT_CHAIN), out->chain));
  if (memcmp(out->chain, b.data + b.size - AUDIT_CHAIN, AUDIT_CHAIN) != 0)
    FAIL(ERR_CORRUPT, "the header is damaged");
  return OK;
}

static void put_prefix(struct buf *out, enum audit_kind kind, uint64_t number, uint32_t batch,
                       size_t body) {
  pack_u32(out, (uint32_t)body);
  pack_u8(out, (uint8_t)kind);
  pack_u64(out, number);
  pack_u32(out, batch);
}

static bool body_fits(uint8_t kind, uint32_t size) {
  switch (kind) {
  case AUDIT_RECORD:
    return size >= SEAL_OVERHEAD && size <= AUDIT_BODY_MAX;
  case AUDIT_HEAD:
    return size == AUDIT_HEAD_BODY;
  default:
    return false;
  }
}

err_t audit_entry_get(struct bytes b, struct audit_entry *out, bool *whole) {
  *out = (struct audit_entry){ 0 };
  *whole = false;
  if (b.size < AUDIT_PREFIX_SIZE)
    return OK;
  out->prefix = bytes_of(b.data, AUDIT_PREFIX_SIZE);
  struct unpack u = unpack_of(out->prefix);
  uint32_t size = unpack_u32(&u);
  uint8_t kind = unpack_u8(&u);
  if (!body_fits(kind, size))
    return ERR_CORRUPT;
  out->kind = (enum audit_kind)kind;
  out->number = unpack_u64(&u);
  out->batch = unpack_u32(&u);
  if (kind == AUDIT_HEAD && out->batch != 0)
    return ERR_CORRUPT;
  *whole = b.size >= AUDIT_PREFIX_SIZE + size + AUDIT_CHAIN;
  if (*whole) {
    out->body = bytes_of(b.data + AUDIT_PREFIX_SIZE, size);
    out->chain = bytes_of(out->body.data + size, AUDIT_CHAIN);
  }
  return OK;
}

err_t audit_entry_chained(const struct audit_entry *e, const uint8_t before[static AUDIT_CHAIN],
                          bool *yes) {
  uint8_t chain[AUDIT_CHAIN];
  struct bytes parts[] = { bytes_of(before, AUDIT_CHAIN), e->prefix, e->body };
  TRY(crypto_sha256_parts(parts, 3, chain));
  *yes = memcmp(chain, e->chain.data, AUDIT_CHAIN) == 0;
  return OK;
}

/* What a record's seal is bound to. */
struct place {
  uint8_t data[1 + 8];
};

static struct place place_of(uint64_t number) {
  struct place p = { { AUDIT_VERSION } };
  for (unsigned i = 0; i < 8; i++)
    p.data[1 + i] = (uint8_t)(number >> (56 - 8 * i));
  return p;
}

err_t audit_record_put(struct bytes file_key, uint32_t batch, struct bytes plain,
                       struct audit_tip *tip, struct buf *out) {
  size_t at = out->size, body = plain.size + SEAL_OVERHEAD;
  struct place place = place_of(tip->last + 1);
  put_prefix(out, AUDIT_RECORD, tip->last + 1, batch, body);
  TRY(crypto_seal(file_key, bytes_of(place.data, sizeof place.data), plain, out));
  struct bytes parts[] = { bytes_of(tip->chain, AUDIT_CHAIN),
                           bytes_of(out->data + at, AUDIT_PREFIX_SIZE + body) };
  TRY(crypto_sha256_parts(parts, 2, tip->chain));
  buf_put(out, tip->chain, AUDIT_CHAIN);
  tip->last++;
  return buf_ok(out);
}

err_t audit_record_open(struct bytes file_key, const struct audit_entry *e, struct buf *plain) {
  struct place place = place_of(e->number);
  return crypto_open(file_key, bytes_of(place.data, sizeof place.data), e->body, plain);
}

static err_t head_digest(const struct audit_head *h, uint8_t digest[static SHA256_SIZE]) {
  AUTO_BUF text = BUF_EMPTY;
  buf_put(&text, head_domain, sizeof head_domain);
  pack_u64(&text, h->at.last);
  pack_i64(&text, h->time_us);
  buf_put(&text, h->at.chain, AUDIT_CHAIN);
  TRY(buf_ok(&text));
  return crypto_sha256(buf_bytes(&text), digest);
}

err_t audit_head_check(const struct audit_head *h, const struct key *public_key, bool *good) {
  uint8_t digest[SHA256_SIZE];
  TRY(head_digest(h, digest));
  return alg_verify(alg_find(bytes_str("ES256")), public_key, bytes_of(digest, sizeof digest),
                    bytes_of(h->signature, AUDIT_SIGNATURE), good);
}

err_t audit_head_sign(const struct audit_tip *at, const struct key *signer,
                      struct audit_head *out) {
  struct audit_head h = { .at = *at, .time_us = clock_now_us() };
  uint8_t digest[SHA256_SIZE];
  AUTO_BUF signature = BUF_EMPTY;
  TRY(head_digest(&h, digest));
  TRY(alg_sign(alg_find(bytes_str("ES256")), signer, bytes_of(digest, sizeof digest), &signature));
  if (signature.size != AUDIT_SIGNATURE)
    FAIL(ERR_INTERNAL, "an ES256 signature of %zu bytes", signature.size);
  memcpy(h.signature, signature.data, AUDIT_SIGNATURE);
  bool good; /* a head that is not would make the log unverifiable for ever */
  TRY(audit_head_check(&h, signer, &good));
  if (!good)
    FAIL(ERR_CRYPTO, "a signature just made is not valid");
  *out = h;
  return OK;
}

void audit_head_put(const struct audit_head *h, struct buf *out) {
  put_prefix(out, AUDIT_HEAD, h->at.last, 0, AUDIT_HEAD_BODY);
  pack_i64(out, h->time_us);
  buf_put(out, h->signature, AUDIT_SIGNATURE);
  buf_put(out, h->at.chain, AUDIT_CHAIN);
}

void audit_head_get(const struct audit_entry *e, struct audit_head *out) {
  struct unpack u = unpack_of(e->body);
  out->at.last = e->number;
  memcpy(out->at.chain, e->chain.data, AUDIT_CHAIN);
  out->time_us = unpack_i64(&u);
  memcpy(out->signature, u.rest.data, AUDIT_SIGNATURE);
}

err_t audit_file_key(struct bytes seal_key, uint64_t first, struct secret *out) {
  AUTO_BUF info = BUF_EMPTY;
  buf_put(&info, key_domain, sizeof key_domain);
  pack_u64(&info, first);
  TRY(buf_ok(&info));
  AUTO_SECRET key = { 0 };
  TRY(secret_new(SHA256_SIZE, &key));
  TRY(crypto_hmac_sha256(seal_key, buf_bytes(&info), key.data));
  *out = key;
  key = (struct secret){ 0 };
  return OK;
}
