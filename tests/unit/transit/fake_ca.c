#include "fake_ca.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/write.h"
#include "crypto/crl.h"
#include "crypto/x509.h"

#include <stdio.h>
#include <unistd.h>

#define YEAR (365 * INT64_C(86400))

static void must(err_t e) {
  if (e == OK)
    return;
  fprintf(stderr, "%s\n", err_reason(e));
  abort();
}

static void say(struct http_exchange *x, int status, struct bytes body) {
  x->res.status = status;
  http_response_header(&x->res, "Content-Type", bytes_str("application/json"));
  buf_put_bytes(&x->res.body, body);
}

static void refuse(struct http_exchange *x, int status) {
  say(x, status, bytes_str("{\"error\":{\"code\":\"Told\",\"message\":\"as told\"}}"));
}

/* --- issuing --- */

struct wishes {
  struct cert_info csr;
  struct cert_profile says;
  const char *dns[CERT_TEXTS_MAX], *uris[CERT_TEXTS_MAX];
};
static void wishes_free(struct wishes *w) {
  cert_info_free(&w->csr);
}

static void read_names(struct fake_ca *f, json_t *body, struct wishes *w) {
  json_t *name;
  size_t i;
  w->says.sans[SAN_DNS].items = w->dns;
  w->says.sans[SAN_URI].items = w->uris;
  json_array_foreach(json_object_get(body, "names"), i, name) {
    const char *text = atomic_load(&f->other_names) ? "other.example" : json_string_value(name);
    struct cert_texts *list = &w->says.sans[strstr(text, "://") ? SAN_URI : SAN_DNS];
    list->items[list->count++] = text;
  }
}

static err_t read_wishes(struct fake_ca *f, json_t *body, struct wishes *w) {
  AUTO_BUF der = BUF_EMPTY;
  struct bytes csr = { 0 };
  int64_t life = atomic_load(&f->life_s);
  TRY(json_get_str(body, "csr", &csr, NULL));
  TRY(x509_request_from_pem(csr, &der));
  TRY(cert_request_read(buf_bytes(&der), &w->csr));
  TRY(json_get_i64(body, "lifetime", &life, NULL));
  read_names(f, body, w);
  w->says.subject = json_string_value(json_object_get(body, "subject"));
  w->says.usage = USAGE_DIGITAL_SIGNATURE;
  w->says.not_before = clock_now() - 300;
  w->says.not_after = clock_now() + life;
  return OK;
}

static err_t issue(struct fake_ca *f, struct bytes request, struct buf *answer) {
  struct wishes w __attribute__((cleanup(wishes_free))) = { 0 };
  const struct fake_issuer *issuer = &f->issuers[f->count - 1];
  AUTO_JSON *body = NULL;
  AUTO_BUF der = BUF_EMPTY, pem = BUF_EMPTY;
  TRY(json_read(request, &body));
  TRY(read_wishes(f, body, &w));
  TRY(cert_issue(issuer->key, buf_bytes(&issuer->der), w.csr.public_key, &w.says, &der));
  TRY(x509_to_pem(buf_bytes(&der), &pem));
  TRY(x509_to_pem(buf_bytes(&issuer->der), &pem));
  write_open(answer, NULL, '{');
  write_text(answer, "certificate", buf_bytes(&pem));
  write_close(answer, '}');
  atomic_fetch_add(&f->issued, 1);
  return OK;
}

static void on_issue(struct fake_ca *f, struct http_exchange *x) {
  AUTO_BUF answer = BUF_EMPTY;
  if (atomic_load(&f->forbids))
    refuse(x, 403);
  else if (issue(f, x->req.body, &answer) != OK)
    refuse(x, 400);
  else
    say(x, 201, buf_bytes(&answer));
}

/* --- lists and certificates --- */

static const struct fake_issuer *find(struct fake_ca *f, struct bytes name) {
  struct bytes what, rest = bytes_split(name, '-', &what);
  uint64_t number = f->count - 1;
  if (bytes_equal_str(name, "root"))
    return &f->issuers[0];
  if (!bytes_equal_str(what, "issuing") || (rest.data && bytes_to_u64(rest, 99, &number) != OK))
    return NULL;
  return number && number < f->count ? &f->issuers[number] : NULL;
}

static void on_pki(struct fake_ca *f, struct http_exchange *x) {
  struct bytes path = x->req.path, name;
  struct bytes ending = bytes_split(bytes_of(path.data + 5, path.size - 5), '.', &name);
  const struct fake_issuer *issuer = find(f, name);
  if (issuer)
    say(x, 200, buf_bytes(bytes_equal_str(ending, "crl") ? &issuer->crl : &issuer->der));
  else
    refuse(x, 404);
}

static bool more(void *ctx, struct http_exchange *x) {
  struct fake_ca *f = ctx;
  bool issues = bytes_equal_str(x->req.path, "/hub/ca/issue");
  if (!issues && !bytes_starts(x->req.path, "/pki/"))
    return false;
  atomic_fetch_add(&f->asked, 1);
  pthread_mutex_lock(&f->lock);
  if (issues)
    on_issue(f, x);
  else
    on_pki(f, x);
  pthread_mutex_unlock(&f->lock);
  return true;
}

static void sign_list(struct fake_ca *f, size_t issuer, size_t signer) {
  struct fake_issuer *i = &f->issuers[issuer];
  struct crl_entry entries[FAKE_REVOKED];
  for (size_t n = 0; n < i->revoked_count; n++)
    entries[n] = (struct crl_entry){ { i->revoked[n], CERT_SERIAL_SIZE }, clock_now() - 10, 1 };
  const struct crl_list list = { .number = i->crl_number,
                                 .this_update = clock_now() - 300,
                                 .next_update = clock_now() + 2 * YEAR,
                                 .entries = entries,
                                 .count = i->revoked_count };
  buf_clear(&i->crl);
  must(crl_sign(f->issuers[signer].key, buf_bytes(&f->issuers[signer].der), &list, &i->crl));
}

void fake_ca_sign(struct fake_ca *f, size_t issuer, size_t signer, uint64_t number) {
  pthread_mutex_lock(&f->lock);
  f->issuers[issuer].crl_number = number;
  sign_list(f, issuer, signer);
  pthread_mutex_unlock(&f->lock);
}

void fake_ca_set_list(struct fake_ca *f, size_t issuer, struct bytes der) {
  pthread_mutex_lock(&f->lock);
  buf_clear(&f->issuers[issuer].crl);
  buf_put_bytes(&f->issuers[issuer].crl, der);
  pthread_mutex_unlock(&f->lock);
}

void fake_ca_revoke(struct fake_ca *f, size_t issuer, struct bytes serial) {
  pthread_mutex_lock(&f->lock);
  struct fake_issuer *i = &f->issuers[issuer];
  if (i->revoked_count == FAKE_REVOKED || serial.size != CERT_SERIAL_SIZE)
    abort();
  memcpy(i->revoked[i->revoked_count++], serial.data, serial.size);
  i->crl_number++;
  sign_list(f, issuer, issuer);
  pthread_mutex_unlock(&f->lock);
}

void fake_ca_add_issuer(struct fake_ca *f) {
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  char subject[32];
  struct cert_profile p = { .subject = subject,
                            .usage = USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN,
                            .ca = true,
                            .not_before = clock_now() - YEAR,
                            .not_after = clock_now() + 3 * YEAR };
  pthread_mutex_lock(&f->lock);
  size_t number = f->count;
  struct fake_issuer *i = &f->issuers[number], *root = &f->issuers[0];
  *i = (struct fake_issuer){ .crl_number = 100 };
  snprintf(subject, sizeof subject, "CN=authority %zu", number);
  must(key_generate(&spec, &i->key));
  must(number ? cert_issue(root->key, buf_bytes(&root->der), i->key, &p, &i->der)
              : cert_self_sign(i->key, &p, &i->der));
  sign_list(f, number, number);
  f->count++;
  pthread_mutex_unlock(&f->lock);
}

/* --- all of it --- */

void fake_ca_trust(struct fake_ca *f, bool root) {
  AUTO_BUF pem = BUF_EMPTY;
  buf_put_bytes(&pem, buf_bytes(&f->hub.app.ca_pem));
  if (root)
    must(x509_to_pem(buf_bytes(&f->issuers[0].der), &pem));
  must(file_write_private(f->anchors, buf_bytes(&pem)));
}

static void make_client(struct fake_ca *f) {
  const struct client_patience p = { .attempts = 1, .timeout_ms = 20000 };
  AUTO_SETTINGS s = { 0 };
  fake_hub_settings(&f->hub, &s);
  must(settings_set(&s, "SSL_CERT_FILE", bytes_str(f->anchors)));
  must(client_new_with(&s, &f->client));
  client_set_patience(f->client, &p);
}

void fake_ca_start(struct fake_ca *f) {
  *f = (struct fake_ca){ .life_s = 90 * INT64_C(86400) };
  snprintf(f->dir, sizeof f->dir, "%s/strongroom-test-XXXXXX",
           access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
  if (!mkdtemp(f->dir))
    abort();
  snprintf(f->anchors, sizeof f->anchors, "%s/anchors.pem", f->dir);
  snprintf(f->state, sizeof f->state, "%s/state", f->dir);
  pthread_mutex_init(&f->lock, NULL);
  fake_hub_start(&f->hub);
  f->hub.more = more;
  f->hub.ctx = f;
  fake_ca_add_issuer(f);
  fake_ca_add_issuer(f);
  fake_ca_trust(f, true);
  make_client(f);
}

void fake_ca_stop(struct fake_ca *f) {
  char line[128];
  client_free(TAKE(f->client));
  fake_hub_stop(&f->hub);
  for (size_t i = 0; i < f->count; i++) {
    key_free(f->issuers[i].key);
    buf_free(&f->issuers[i].der);
    buf_free(&f->issuers[i].crl);
  }
  pthread_mutex_destroy(&f->lock);
  snprintf(line, sizeof line, "rm -rf %s", f->dir);
  if (system(line) != 0)
    abort();
}

void fake_ca_away(struct fake_ca *f, bool away) {
  atomic_store(&f->hub.fail_status, 0);
  atomic_store(&f->hub.fail_next, away ? 1000000 : 0);
}
