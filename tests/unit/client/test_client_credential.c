/* Each kind of credential: what is sent, and where it comes from at the time. */
#include "fake_hub.h"

#include "base/clock.h"
#include "base/file.h"
#include "client/credential.h"
#include "client/local_url.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct fake_hub hub;

static int start(void **state) {
  (void)state;
  clock_shift(0);
  fake_hub_start(&hub);
  return 0;
}

static int end(void **state) {
  (void)state;
  clock_shift(0);
  fake_hub_stop(&hub);
  return 0;
}

static void set(struct settings *s, const char *name, const char *value) {
  assert_ok(settings_set(s, name, bytes_str(value)));
}

static struct client *client_of(struct settings *s) {
  const struct client_patience p = { .attempts = 2, .budget_ms = 5000, .timeout_ms = 5000 };
  struct client *c = NULL;
  assert_ok(client_new_with(s, &c));
  client_set_patience(c, &p);
  return c;
}

/* The next token request's form has the text. */
static void assert_form(struct client *c, const char *text) {
  char form[sizeof hub.form];
  AUTO_SECRET t = { 0 };
  clock_shift(clock_now() - clock_real() + 7200);
  assert_ok(client_get_token(c, &t));
  fake_hub_copy(&hub, hub.form, form, sizeof form);
  if (!strstr(form, text))
    fail_msg("'%s' is not in '%s'", text, form);
}

#define COMMON \
  "grant_type=client_credentials&client_id=me&scope=https%3A%2F%2Fvault.azure.net%2F.default"
#define ASSERTION \
  "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer" \
  "&client_assertion="

struct file {
  char path[64];
};

static struct file new_file(const char *text) {
  struct file f = { "/tmp/strongroom-test-XXXXXX" };
  AUTO_FD fd = mkstemp(f.path);
  assert_true(fd >= 0);
  assert_ok(file_write_fd(fd, f.path, bytes_str(text)));
  return f;
}

static void test_secret(void **state) {
  struct file f = new_file("from a file\n");
  AUTO_SETTINGS s = { 0 }, from_file = { 0 };
  fake_hub_settings(&hub, &s);
  fake_hub_settings(&hub, &from_file);
  set(&s, "AZURE_CLIENT_SECRET_FILE", "/nowhere"); /* the secret comes first */
  set(&from_file, "AZURE_CLIENT_SECRET", "");
  set(&from_file, "AZURE_CLIENT_SECRET_FILE", f.path);
  AUTO(client) struct client *c = client_of(&s), *d = client_of(&from_file);
  assert_form(c, COMMON "&client_secret=s%26cret");
  assert_form(d, COMMON "&client_secret=from%20a%20file");
  /* A new secret needs no restart. */
  assert_ok(file_write_private(f.path, bytes_str("another")));
  assert_form(d, COMMON "&client_secret=another");
  unlink(f.path);
  AUTO_SECRET t = { 0 };
  clock_shift(1000000);
  assert_err(client_get_token(d, &t), ERR_CONFIG);
  assert_non_null(strstr(err_last()->why, f.path));
}

static void test_assertion_file(void **state) {
  struct file f = new_file("aaaa.bbbb.cccc\n");
  AUTO_SETTINGS s = { 0 };
  fake_hub_settings(&hub, &s);
  set(&s, "AZURE_CLIENT_SECRET", "");
  set(&s, "AZURE_FEDERATED_TOKEN_FILE", f.path);
  set(&s, "AZURE_CLIENT_CERTIFICATE_PATH", "/nowhere");
  AUTO(client) struct client *c = client_of(&s);
  assert_form(c, COMMON ASSERTION "aaaa.bbbb.cccc");
  assert_ok(file_write_private(f.path, bytes_str("dddd.eeee.ffff")));
  assert_form(c, COMMON ASSERTION "dddd.eeee.ffff");
  assert_ok(file_write_private(f.path, bytes_str("\n")));
  AUTO_SECRET t = { 0 };
  clock_shift(1000000);
  assert_err(client_get_token(c, &t), ERR_CONFIG);
  unlink(f.path);
}

/* --- managed identities: a server of one answer, without TLS --- */

struct service {
  int listener;
  unsigned port;
  const char *answer;
  char request[2048];
  pthread_t thread;
};

static void *serve(void *arg) {
  struct service *v = arg;
  size_t n = 0;
  ssize_t got;
  AUTO_FD fd = accept(v->listener, NULL, NULL);
  while (n + 1 < sizeof v->request && !strstr(v->request, "\r\n\r\n") &&
         (got = read(fd, v->request + n, sizeof v->request - 1 - n)) > 0)
    n += (size_t)got;
  IGNORE(file_write_fd(fd, "the socket", bytes_str(v->answer)));
  return NULL;
}

static void service_start(struct service *v, const char *answer) {
  struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t size = sizeof at;
  *v = (struct service){ .answer = answer };
  v->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(v->listener, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(listen(v->listener, 4), 0);
  assert_int_equal(getsockname(v->listener, (struct sockaddr *)&at, &size), 0);
  v->port = ntohs(at.sin_port);
  assert_int_equal(pthread_create(&v->thread, NULL, serve, v), 0);
}

static void service_end(struct service *v) {
  pthread_join(v->thread, NULL);
  close(v->listener);
}

static err_t ask_service(struct service *v, const char *variable, const char *rest,
                         const char *client_id, struct secret *out) {
  char url[128];
  AUTO_SETTINGS s = { 0 };
  snprintf(url, sizeof url, "http://127.0.0.1:%u%s", v->port, rest);
  set(&s, "KEY_VAULT_URL", hub.app.url);
  set(&s, "SSL_CERT_FILE", hub.ca_path);
  set(&s, "AZURE_CLIENT_ID", client_id);
  set(&s, "IDENTITY_HEADER", "proof");
  set(&s, variable, url);
  AUTO(client) struct client *c = client_of(&s);
  const struct client_patience once = { .attempts = 1, .budget_ms = 0, .timeout_ms = 5000 };
  client_set_patience(c, &once);
  return client_get_token(c, out);
}

#define OKAY "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"

static void test_managed_endpoint(void **state) {
  struct service v;
  AUTO_SECRET t = { 0 }, u = { 0 };
  char answer[256];
  snprintf(answer, sizeof answer,
           OKAY "{\"access_token\":\"mine\",\"expires_on\":\"%lld\",\"resource\":\"r\"}",
           (long long)clock_real() + 3600);
  service_start(&v, answer);
  assert_ok(ask_service(&v, "IDENTITY_ENDPOINT", "/msi/token", "", &t));
  assert_text(secret_bytes(&t), "mine");
  service_end(&v);
  assert_non_null(strstr(v.request, "GET /msi/token?api-version=2019-08-01&resource="
                                    "https%3A%2F%2Fvault.azure.net HTTP/1.0\r\n"));
  assert_non_null(strstr(v.request, "\r\nX-IDENTITY-HEADER: proof\r\n"));
  /* An endpoint may have a query of its own, a machine several identities. */
  service_start(&v, answer);
  assert_ok(ask_service(&v, "IDENTITY_ENDPOINT", "?a=b", "me", &u));
  service_end(&v);
  assert_non_null(strstr(v.request, "GET /?a=b&api-version=2019-08-01&resource="
                                    "https%3A%2F%2Fvault.azure.net&client_id=me HTTP/1.0\r\n"));
}

static void test_managed_imds(void **state) {
  struct service v;
  AUTO_SECRET t = { 0 };
  service_start(&v, OKAY "{\"access_token\":\"mine\",\"expires_in\":\"3599\"}");
  assert_ok(ask_service(&v, "AZURE_POD_IDENTITY_AUTHORITY_HOST", "/", "", &t));
  assert_text(secret_bytes(&t), "mine");
  service_end(&v);
  assert_non_null(strstr(v.request, "GET /metadata/identity/oauth2/token/?api-version=2018-02-01&"
                                    "resource=https%3A%2F%2Fvault.azure.net HTTP/1.0\r\n"));
  assert_non_null(strstr(v.request, "\r\nMetadata: true\r\n"));
  assert_null(strstr(v.request, "proof"));
}

static void test_managed_refusals(void **state) {
  static const struct {
    const char *answer;
    err_t e;
  } cases[] = {
    { "HTTP/1.1 400 Bad Request\r\n\r\n{\"error\":\"invalid_request\",\"error_description\":\"x\"}",
      ERR_UNAUTHORIZED },
    { "HTTP/1.1 404 Not Found\r\n\r\nnothing", ERR_UNAUTHORIZED },
    { "HTTP/1.1 403 Forbidden\r\n\r\n", ERR_UNAUTHORIZED },
    { "HTTP/1.1 429 Slow\r\n\r\n", ERR_BUSY },
    { "HTTP/1.1 503 No\r\n\r\n", ERR_BUSY },
    { "SSH-2.0-x\r\n", ERR_AWAY },
    { "", ERR_AWAY },
    { OKAY, ERR_INTERNAL },
    { OKAY "{\"access_token\":\"mine\"}", ERR_INTERNAL },
    { OKAY "{\"expires_in\":3600}", ERR_INTERNAL },
    { OKAY "{\"access_token\":\"mine\",\"expires_in\":3600", ERR_INTERNAL },
    { OKAY "{\"access_token\":7,\"expires_in\":3600}", ERR_INTERNAL },
    { OKAY "{\"access_token\":\"\",\"expires_in\":3600}", ERR_INTERNAL },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct service v;
    AUTO_SECRET t = { 0 };
    service_start(&v, cases[i].answer);
    err_t e = ask_service(&v, "IDENTITY_ENDPOINT", "/", "", &t);
    service_end(&v);
    if (e != cases[i].e)
      fail_msg("%s: %s", cases[i].answer, err_info(e)->name);
  }
}

/* A token goes over no wire in the clear. */
static const struct {
  const char *url, *origin, *path;
  bool tls;
} local_urls[] = {
  { "http://127.0.0.1:8080/msi/token", "http://127.0.0.1:8080", "/msi/token", false },
  { "http://127.9.9.9", "http://127.9.9.9", "/", false },
  { "http://localhost:8081/t", "http://localhost:8081", "/t", false },
  { "HTTP://LOCALHOST", "HTTP://LOCALHOST", "/", false },
  { "http://169.254.169.254", "http://169.254.169.254", "/", false },
  { "http://[::1]:80/", "http://[::1]:80", "/", false },
  { "http://[fe80::1]/x", "http://[fe80::1]", "/x", false },
  { "http://127.0.0.1?a=b", "http://127.0.0.1", "/?a=b", false },
  { "https://identity.example/t?a=b", "https://identity.example", "/t?a=b", true },
  { "https://192.0.2.1", "https://192.0.2.1", "/", true },
};
static const char *const other_urls[] = {
  "",
  "http://",
  "http:///x",
  "127.0.0.1",
  "ftp://127.0.0.1",
  "http://192.0.2.1",
  "http://10.0.0.1",
  "http://169.253.169.254",
  "http://128.0.0.1",
  "http://0.0.0.0",
  "http://2130706433",
  "http://127.1",
  "http://0177.0.0.1",
  "http://[::]",
  "http://[::ffff:127.0.0.1]",
  "http://[fd00::1]",
  "http://[fec0::1]",
  "http://example.com",
  "http://localhost.example.com",
  "http://localhostx",
  "http://127.0.0.1.example.com",
  "http://127.0.0.1@example.com",
  "http://u:p@127.0.0.1",
  "http://127.0.0.1#x",
  "http://127.0.0.1:0",
  "http://127.0.0.1:65536",
  "http://127.0.0.1:x",
  "http://127.0.0.1 /",
  "http://127.0.0.1/\r\nX: y",
  "https://",
  "https:///t",
  "https://h\n",
};

static void test_local_urls(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof local_urls / sizeof *local_urls; i++) {
    struct local_url u = { 0 };
    assert_ok(local_url_parse("V", local_urls[i].url, &u));
    assert_string_equal(u.origin, local_urls[i].origin);
    assert_string_equal(u.path, local_urls[i].path);
    assert_int_equal(u.tls, local_urls[i].tls);
    assert_string_equal(u.host, strstr(local_urls[i].origin, "//") + 2);
  }
  for (size_t i = 0; i < sizeof other_urls / sizeof *other_urls; i++) {
    struct local_url u;
    if (local_url_parse("V", other_urls[i], &u) != ERR_CONFIG)
      fail_msg("taken: %s", other_urls[i]);
  }
}

static void test_control_characters(void **state) {
  AUTO_SETTINGS s = { 0 };
  AUTO_SECRET t = { 0 };
  set(&s, "KEY_VAULT_URL", hub.app.url);
  set(&s, "IDENTITY_ENDPOINT", "http://127.0.0.1:1");
  set(&s, "IDENTITY_HEADER", "a\r\nHost: b");
  AUTO(client) struct client *c = client_of(&s);
  assert_err(client_get_token(c, &t), ERR_CONFIG);
  assert_err(settings_set(&s, "AZURE_CLIENT_ID", bytes_of("a\0b", 3)), ERR_CONFIG);
}

/* --- where settings come from --- */

static void test_settings(void **state) {
  AUTO_SETTINGS s = { 0 };
  static const char text[] = "# a comment\n"
                             "export KEY_VAULT_URL='https://one'\n"
                             "\n"
                             "IDENTITY_HEADER='h'\n"
                             "export AZURE_CLIENT_SECRET='it'\n"
                             "export AZURE_CLIENT_ID=''\n"
                             "export OTHER='x'\n";
  static const char *const wrong[] = { "KEY_VAULT_URL=https://one", "KEY_VAULT_URL", "A='b'c'",
                                       "A='", "A=''b" };
  (void)state;
  set(&s, "AZURE_CLIENT_ID", "stays");
  set(&s, "KEY_VAULT_URL", "goes");
  assert_ok(settings_parse(bytes_str(text), "text", &s));
  assert_string_equal(s.text[SET_URL], "https://one");
  assert_string_equal(s.text[SET_CLIENT_ID], "stays");
  assert_text(secret_bytes(&s.secret), "it");
  assert_text(secret_bytes(&s.identity_header), "h");
  set(&s, "AZURE_CLIENT_SECRET", "");
  set(&s, "KEY_VAULT_URL", "");
  assert_null(s.secret.data);
  assert_null(s.text[SET_URL]);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_err(settings_parse(bytes_str(wrong[i]), "text", &s), ERR_CONFIG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(test_secret),
    TEST(test_assertion_file),
    TEST(test_managed_endpoint),
    TEST(test_managed_imds),
    TEST(test_managed_refusals),
    cmocka_unit_test(test_local_urls),
    TEST(test_control_characters),
    cmocka_unit_test(test_settings),
  };
  return cmocka_run_group_tests_name("client_credential", tests, start_crypto, NULL);
}
