/*
 * The token endpoint's form and the Authorization header. The first byte says what the rest is:
 *   h  an Authorization header
 *   t  claims of a token that the hub's own key signs
 *   f  a form
 *   s  what follows in a form with a good client id and secret
 *   a  header and claims, on a line each, of an assertion that a registered certificate's key signs
 * Bytes 1 to 7 in it stand for what a seed cannot know (values[]). Only s, t and a can ever get in.
 */
#include "identity/internal.h"
#include "x509_make.h"

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#define AUDIENCE "https://vault.example"
#define ISSUER "https://login.example/t/v2.0"
#define ASSERTION_TYPE "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"

static struct identity *hub;
static struct key *client_key, *token_key;
static char values[8][64]; /* 1 app id, 2 oid, 3 tenant, 4 secret, 5 soon, 6 kid, 7 thumbprint */

#define MUST(call) \
  do { \
    if ((call) != OK) \
      abort(); \
  } while (0)

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *f) {
  return remove(path);
}

static void add_credentials(void) {
  char id[GUID_SIZE + 1];
  uint8_t digest[SHA256_SIZE];
  AUTO_SECRET secret = { 0 };
  AUTO_BUF der = BUF_EMPTY, thumbprint = BUF_EMPTY;
  struct x509_subject s = { "app", NULL, 0, clock_now() - 60, clock_now() + 86400 };
  MUST(identity_add_secret(hub, values[1], 0, id, &secret));
  MUST(bytes_to_cstr(secret_bytes(&secret), values[4], sizeof values[4]));
  MUST(key_generate(&(struct key_spec){ .type = KEY_EC, .bits = 256, .curve = CURVE_P256 },
                    &client_key));
  MUST(x509_make_ca(client_key, &s, &der));
  MUST(identity_add_certificate(hub, values[1], buf_bytes(&der), id));
  MUST(crypto_sha256(buf_bytes(&der), digest));
  buf_put_b64url(&thumbprint, bytes_of(digest, sizeof digest));
  MUST(bytes_to_cstr(buf_bytes(&thumbprint), values[7], sizeof values[7]));
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
  static const uint8_t root_key[32] = { 1 };
  char dir[] = "/tmp/fuzz-token-XXXXXX";
  bool locked;
  struct store *store;
  struct root *root;
  mem_install_json();
  MUST(crypto_init(1u << 18, &locked));
  if (!mkdtemp(dir))
    abort();
  MUST(store_open(dir, &store));
  MUST(root_open("file", bytes_of(root_key, sizeof root_key), &root));
  MUST(store_init(store, root));
  root_free(root);
  MUST(identity_new(store, &hub));
  MUST(identity_ready(hub));
  token_set_policy(hub, &(struct token_policy){ ISSUER, 3600 });
  MUST(identity_create(hub, "app", values[1]));
  MUST(identity_find(hub, "app", values[1], values[2]));
  memcpy(values[3], identity_tenant(hub), GUID_SIZE + 1);
  token_key = token_key_signing(hub, values[6]);
  add_credentials();
  snprintf(values[5], sizeof values[5], "%lld", (long long)clock_now() + 1800);
  nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* nothing is written from here on */
  return 0;
}

static void expand(struct buf *out, struct bytes text) {
  for (size_t i = 0; i < text.size; i++)
    if (text.data[i] < 8)
      buf_put_str(out, values[text.data[i]]);
    else
      buf_put_char(out, (char)text.data[i]);
}

static void put_jwt(struct buf *out, struct bytes header, struct bytes claims, const struct key *k,
                    const char *alg) {
  uint8_t digest[SHA256_SIZE];
  AUTO_BUF input = BUF_EMPTY, signature = BUF_EMPTY;
  buf_put_b64url(&input, header);
  buf_put_char(&input, '.');
  buf_put_b64url(&input, claims);
  MUST(crypto_sha256(buf_bytes(&input), digest));
  MUST(alg_sign(alg_find(bytes_str(alg)), k, bytes_of(digest, sizeof digest), &signature));
  buf_put_bytes(out, buf_bytes(&input));
  buf_put_char(out, '.');
  buf_put_b64url(out, buf_bytes(&signature));
}

static err_t check(struct bytes authorization) {
  static const char *const audiences[] = { AUDIENCE };
  struct caller who = { 0 };
  err_t e = token_check(hub, authorization, audiences, 1, &who);
  if (e == OK ? strcmp(who.oid, values[2]) != 0 : e != ERR_UNAUTHORIZED)
    abort();
  return e;
}

static void check_claims(struct bytes claims) {
  AUTO_BUF header = BUF_EMPTY, b = BUF_EMPTY;
  buf_printf(&header, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}", values[6]);
  buf_put_str(&b, "Bearer ");
  put_jwt(&b, buf_bytes(&header), claims, token_key, "RS256");
  IGNORE(check(buf_bytes(&b)));
}

static bool audience_ok(void *ctx, const char *resource) {
  return strcmp(resource, AUDIENCE) == 0;
}

static err_t post(struct bytes form) {
  static const char *const endpoints[] = { "https://login.example/t/oauth2/v2.0/token" };
  struct token_request rq = { form, endpoints, 1, audience_ok, NULL };
  struct token_grant g;
  err_t e = token_issue(hub, &rq, &g);
  if (e == OK ? g.token.size == 0 : e != ERR_OAUTH || !g.error || g.token.size)
    abort();
  token_grant_free(&g);
  return e;
}

static void post_with_secret(struct bytes rest) {
  AUTO_BUF form = BUF_EMPTY;
  buf_printf(&form, "grant_type=client_credentials&client_id=%s&client_secret=%s&", values[1],
             values[4]);
  buf_put_bytes(&form, rest);
  IGNORE(post(buf_bytes(&form)));
}

static void post_assertion(struct bytes text) {
  struct bytes header, claims = bytes_split(text, '\n', &header);
  AUTO_BUF form = BUF_EMPTY;
  buf_printf(&form,
             "grant_type=client_credentials&client_id=%s&client_assertion_type=%s"
             "&scope=" AUDIENCE "/.default&client_assertion=",
             values[1], ASSERTION_TYPE);
  put_jwt(&form, header, claims, client_key, "ES256");
  IGNORE(post(buf_bytes(&form)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0 || size > 2 * JWS_MAX)
    return 0;
  AUTO_BUF text = BUF_EMPTY;
  expand(&text, bytes_of(data + 1, size - 1));
  struct bytes rest = buf_bytes(&text);
  switch (data[0]) {
  case 'h':
    if (check(rest) == OK)
      abort();
    break;
  case 't':
    check_claims(rest);
    break;
  case 'f':
    IGNORE(post(rest));
    break;
  case 's':
    post_with_secret(rest);
    break;
  case 'a':
    post_assertion(rest);
    break;
  default:
    break;
  }
  return 0;
}
