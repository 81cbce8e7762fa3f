/* Certificate policies: defaults, what is kept when some of it is given, one form of text, and what
 * is refused. */
#include "base/clock.h"
#include "vault/cert_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the three above first */
#include <cmocka.h>

#define DAY 86400

static int start(void **state) {
  bool locked;
  mem_install_json();
  return crypto_init(1 << 20, &locked) != OK;
}

/* Single quotes stand for double ones. */
static json_t *parse(const char *text) {
  char json[4096];
  json_t *j = NULL;
  snprintf(json, sizeof json, "%s", text);
  for (char *p = json; *p; p++)
    *p = *p == '\'' ? '"' : *p;
  assert_int_equal(json_read(bytes_str(json), &j), OK);
  return j;
}

static void assert_text(const struct cert_policy *p, const char *expected) {
  AUTO_JSON *found = NULL, *wanted = parse(expected);
  char *one, *other;
  assert_int_equal(json_read(buf_bytes(&p->text), &found), OK);
  one = json_dumps(found, JSON_COMPACT);
  other = json_dumps(wanted, JSON_COMPACT);
  assert_string_equal(one, other); /* the order of members, too */
  mem_free(one);
  mem_free(other);
}

static void read_policy(const char *given, struct bytes base, struct cert_policy *out) {
  AUTO_JSON *j = parse(given);
  assert_int_equal(cert_policy_read(j, base, out), OK);
}

/* As recorded from the service. */
static void defaults(void **state) {
  AUTO_CERT_POLICY p = { 0 };
  read_policy("{'key_props':{},'secret_props':{},'x509_props':{'subject':'cn=MyCert','sans':{}},"
              "'issuer':{'name':'Self'},'attributes':{}}",
              (struct bytes){ 0 }, &p);
  assert_text(&p, "{'key_props':{'exportable':true,'kty':'RSA','key_size':2048,'reuse_key':false},"
                  "'secret_props':{'contentType':'application/x-pkcs12'},'x509_props':{'subject':"
                  "'cn=MyCert','sans':{},'ekus':['1.3.6.1.5.5.7.3.1','1.3.6.1.5.5.7.3.2'],"
                  "'key_usage':['digitalSignature','keyEncipherment'],'validity_months':12,"
                  "'basic_constraints':{'ca':false}},'lifetime_actions':[{'trigger':"
                  "{'lifetime_percentage':80},'action':{'action_type':'AutoRenew'}}],'issuer':"
                  "{'name':'Self'}}");
  assert_int_equal(p.spec.bits, 2048);
  assert_int_equal(p.renew.percentage, 80);
  assert_int_equal(p.email.percentage, 0);
  assert_false(p.pem);
  assert_string_equal(p.says.subject, "cn=MyCert");
}

#define EVERYTHING \
  "{'key_props':{'exportable':false,'kty':'EC','reuse_key':true,'crv':'P-384'}," \
  "'secret_props':{'contentType':'application/x-pem-file'},'x509_props':{'subject':'CN=all, " \
  "O=x','sans':{'dns_names':['a.example','*.b.example'],'emails':['me@a.example'],'upns':[" \
  "'me@corp'],'uris':['spiffe://vdc/x'],'ipAddresses':['10.0.0.1','fd00::1']},'ekus':[" \
  "'1.3.6.1.5.5.7.3.2'],'key_usage':['digitalSignature','keyAgreement'],'validity_months':3," \
  "'basic_constraints':{'ca':false}},'lifetime_actions':[{'trigger':{'days_before_expiry':81}," \
  "'action':{'action_type':'AutoRenew'}},{'trigger':{'lifetime_percentage':99},'action':" \
  "{'action_type':'EmailContacts'}}],'issuer':{'name':'hub','cty':'OV-SSL','cert_transparency'" \
  ":false}}"

static void everything(void **state) {
  AUTO_CERT_POLICY p = { 0 }, again = { 0 };
  read_policy(EVERYTHING, (struct bytes){ 0 }, &p);
  assert_text(&p, EVERYTHING);
  assert_int_equal(p.spec.type, KEY_EC);
  assert_int_equal(p.spec.curve, CURVE_P384);
  assert_true(p.reuse_key && p.pem && !p.exportable && !p.hsm);
  assert_int_equal(p.says.sans[SAN_IP].count, 2);
  assert_string_equal(p.says.sans[SAN_IP].items[1], "fd00::1");
  assert_int_equal(p.renew.days, 81);
  assert_int_equal(p.email.percentage, 99);
  assert_int_equal(cert_policy_read(NULL, buf_bytes(&p.text), &again), OK);
  assert_true(bytes_equal(buf_bytes(&p.text), buf_bytes(&again.text)));
}

static void aliases(void **state) {
  AUTO_CERT_POLICY p = { 0 }, sized = { 0 };
  read_policy("{'key_props':{'kty':'EC-HSM','key_size':521},'x509_props':{'sans':{'ip_addresses':"
              "['10.0.0.1'],'emails':[],'uris':null}}}",
              (struct bytes){ 0 }, &p);
  assert_int_equal(p.spec.curve, CURVE_P521);
  assert_true(p.hsm && !p.exportable);
  assert_int_equal(p.says.sans[SAN_IP].count, 1);
  assert_int_equal(p.says.usage, USAGE_DIGITAL_SIGNATURE); /* such a key enciphers nothing */
  read_policy("{'key_props':{'kty':'EC','key_size':256,'crv':'SECP256K1'},"
              "'x509_props':{'subject':'CN=x'}}",
              (struct bytes){ 0 }, &sized);
  assert_int_equal(sized.spec.curve, CURVE_P256K);
  assert_non_null(strstr(buf_cstr(&sized.text), "\"P-256K\""));
}

static void merging(void **state) {
  static const char *const bodies[][2] = {
    /* given, part of the text */
    { "{}", "\"crv\":\"P-384\"" },
    { "{'key_props':{'kty':'RSA'}}", "\"exportable\":false,\"kty\":\"RSA\",\"key_size\":2048," },
    { "{'key_props':{'crv':'P-256'}}", "\"crv\":\"P-256\"" },
    { "{'key_props':{'key_size':521}}", "\"crv\":\"P-521\"" },
    { "{'x509_props':{'subject':'CN=new'}}", "\"subject\":\"CN=new\",\"sans\":{\"dns_names\":[" },
    { "{'x509_props':{'sans':{}}}", "\"subject\":\"CN=all, O=x\",\"sans\":{}," },
    { "{'x509_props':{'ekus':[],'key_usage':[]}}", "\"ekus\":[],\"key_usage\":[]," },
    { "{'issuer':{'name':'Self'}}", "\"issuer\":{\"name\":\"Self\",\"cty\":\"OV-SSL\"" },
    { "{'issuer':{'name':'Self'}}", "{\"days_before_expiry\":81}" },
    { "{'issuer':{'name':'UNKNOWN'}}", "[{\"trigger\":{\"lifetime_percentage\":80},\"action\":{"
                                       "\"action_type\":\"EmailContacts\"}}]" },
    { "{'lifetime_actions':[]}", "\"lifetime_actions\":[]," },
  };
  AUTO_CERT_POLICY base = { 0 };
  read_policy(EVERYTHING, (struct bytes){ 0 }, &base);
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    AUTO_CERT_POLICY p = { 0 };
    read_policy(bodies[i][0], buf_bytes(&base.text), &p);
    if (!strstr(buf_cstr(&p.text), bodies[i][1]))
      fail_msg("%s: %s", bodies[i][0], buf_cstr(&p.text));
  }
}

/* A key in hardware can't leave: that follows, unless it is asked for. */
static void hardware(void **state) {
  AUTO_CERT_POLICY base = { 0 }, p = { 0 };
  read_policy("{'key_props':{'key_size':3072},'x509_props':{'subject':'CN=x'}}",
              (struct bytes){ 0 }, &base);
  assert_true(base.exportable);
  read_policy("{'key_props':{'kty':'RSA-HSM'}}", buf_bytes(&base.text), &p);
  assert_false(p.exportable);
  assert_int_equal(p.spec.bits, 3072);
}

#define X509(members) "{'x509_props':{'subject':'CN=x'," members "}}"
#define KEY(members) "{'x509_props':{'subject':'CN=x'},'key_props':{" members "}}"
#define ACTIONS(list) "{'x509_props':{'subject':'CN=x'},'lifetime_actions':[" list "]}"
#define ACTION(trigger, type) "{'trigger':{" trigger "},'action':{'action_type':'" type "'}}"

static const char *const wrong[][2] = {
  { "{'key_props':5}", "key_props" },
  { "{'issuer':[]}", "issuer" },
  { KEY("'kty':'oct'"), "kty" },
  { KEY("'kty':'DSA'"), "kty" },
  { KEY("'kty':2"), "kty" },
  { KEY("'key_size':1024"), "key size" },
  { KEY("'key_size':2049"), "key size" },
  { KEY("'key_size':'2048'"), "key_size" },
  { KEY("'key_size':-1"), "key size" },
  { KEY("'kty':'EC','crv':'P-1'"), "crv" },
  { KEY("'kty':'EC','crv':'P-256','key_size':384"), "key size" },
  { KEY("'kty':'EC','key_size':255"), "key size" },
  { KEY("'kty':'RSA-HSM','exportable':true"), "exportable" },
  { KEY("'exportable':1"), "exportable" },
  { KEY("'reuse_key':'yes'"), "reuse_key" },
  { "{'x509_props':{'subject':'CN=x'},'secret_props':{'contentType':'text/plain'}}",
    "contentType" },
  { "{'x509_props':{}}", "subject" },
  { "{'x509_props':{'subject':'nonsense'}}", "subject" },
  { "{'x509_props':{'subject':7}}", "subject" },
  { X509("'sans':[]"), "sans" },
  { X509("'sans':{'dns_names':'a'}"), "dns_names" },
  { X509("'sans':{'dns_names':[1]}"), "dns_names" },
  { X509("'sans':{'dns_names':['a b']}"), "DNS name" },
  { X509("'sans':{'ipAddresses':['1.2.3']}"), "IP address" },
  { X509("'sans':{'ipAddresses':['1.2.3.4'],'ip_addresses':['1.2.3.5']}"), "ip_addresses" },
  { X509("'sans':{'uris':['no-scheme']}"), "URI" },
  { X509("'sans':{'emails':['nobody']}"), "e-mail" },
  { X509("'ekus':['serverAuth']"), "ekus" },
  { X509("'ekus':[null]"), "ekus" },
  { X509("'key_usage':['sign']"), "key_usage" },
  { X509("'key_usage':[0]"), "key_usage" },
  { X509("'validity_months':0"), "validity_months" },
  { X509("'validity_months':1201"), "validity_months" },
  { X509("'validity_months':1.5"), "validity_months" },
  { X509("'basic_constraints':{'ca':true}"), "basic_constraints" },
  { ACTIONS("5"), "lifetime_actions" },
  { ACTIONS("{}"), "action_type" },
  { ACTIONS(ACTION("", "AutoRenew")), "trigger" },
  { ACTIONS(ACTION("'lifetime_percentage':80,'days_before_expiry':5", "AutoRenew")), "trigger" },
  { ACTIONS(ACTION("'lifetime_percentage':0", "AutoRenew")), "lifetime_percentage" },
  { ACTIONS(ACTION("'lifetime_percentage':100", "EmailContacts")), "lifetime_percentage" },
  { ACTIONS(ACTION("'days_before_expiry':0", "AutoRenew")), "days_before_expiry" },
  { ACTIONS(ACTION("'days_before_expiry':325", "AutoRenew")), "days_before_expiry" },
  { ACTIONS(ACTION("'lifetime_percentage':5", "Explode")), "action_type" },
  { ACTIONS(ACTION("'lifetime_percentage':5", "AutoRenew") "," ACTION("'lifetime_percentage':6",
                                                                      "autorenew")),
    "lifetime_actions" },
  { "{'x509_props':{'subject':'CN=x'},'issuer':{'name':'a b'}}", "issuer" },
  { "{'x509_props':{'subject':'CN=x'},'issuer':{'name':''}}", "issuer" },
  { "{'x509_props':{'subject':'CN=x'},'issuer':{'name':'Self','cty':1}}", "cty" },
  { "{'x509_props':{'subject':'CN=x'},'issuer':{'name':'Self','cert_transparency':1}}",
    "cert_transparency" },
};

static void refusals(void **state) {
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    AUTO_JSON *j = parse(wrong[i][0]);
    AUTO_CERT_POLICY p = { 0 };
    err_t e = cert_policy_read(j, (struct bytes){ 0 }, &p);
    if (e != ERR_BAD_PARAMETER || !strstr(err_text(e), wrong[i][1]))
      fail_msg("%s: %d %s", wrong[i][0], e, e ? err_text(e) : "taken");
    assert_null(p.owner);
  }
}

static void too_long(void **state) {
  AUTO_BUF text = BUF_EMPTY;
  AUTO_JSON *many = NULL, *longer = NULL;
  AUTO_CERT_POLICY p = { 0 };
  buf_put_str(&text, "{\"x509_props\":{\"sans\":{\"dns_names\":[\"a\"");
  for (int i = 0; i < CERT_TEXTS_MAX; i++)
    buf_put_str(&text, ",\"a\"");
  buf_put_str(&text, "]}}}");
  assert_int_equal(json_read(buf_bytes(&text), &many), OK);
  assert_int_equal(cert_policy_read(many, (struct bytes){ 0 }, &p), ERR_BAD_PARAMETER);
  buf_clear(&text);
  buf_put_str(&text, "{\"x509_props\":{\"subject\":\"CN=");
  for (int i = 0; i < CERT_SUBJECT_MAX; i++)
    buf_put_char(&text, 'x');
  buf_put_str(&text, "\"}}");
  assert_int_equal(json_read(buf_bytes(&text), &longer), OK);
  assert_int_equal(cert_policy_read(longer, (struct bytes){ 0 }, &p), ERR_BAD_PARAMETER);
}

/* What an imported certificate's policy is. */
static void of_certificate(void **state) {
  static const char *dns[] = { "a.example" };
  struct cert_profile says = { .subject = "CN=imported",
                               .sans = { [SAN_DNS] = { dns, 1 } },
                               .usage = USAGE_DIGITAL_SIGNATURE,
                               .not_before = clock_now() - 600,
                               .not_after = clock_now() + 365 * DAY };
  struct key *key AUTO(key) = NULL;
  AUTO_BUF der = BUF_EMPTY;
  AUTO_CERT_INFO info = { 0 };
  AUTO_CERT_POLICY p = { 0 }, named = { 0 }, none = { 0 };
  assert_int_equal(key_generate(&(struct key_spec){ .type = KEY_EC, .bits = 256 }, &key), OK);
  assert_int_equal(cert_self_sign(key, &says, &der), OK);
  assert_int_equal(cert_read(buf_bytes(&der), &info), OK);
  assert_int_equal(cert_policy_of(NULL, &info, true, &p), OK);
  assert_text(&p, "{'key_props':{'exportable':true,'kty':'EC','reuse_key':false,'crv':'P-256'},"
                  "'secret_props':{'contentType':'application/x-pem-file'},'x509_props':{"
                  "'subject':'CN=imported','sans':{'dns_names':['a.example']},'ekus':[],"
                  "'key_usage':['digitalSignature'],'validity_months':13,'basic_constraints':"
                  "{'ca':false}},'lifetime_actions':[{'trigger':{'lifetime_percentage':80},"
                  "'action':{'action_type':'EmailContacts'}}],'issuer':{'name':'Unknown'}}");
  AUTO_JSON *given = parse("{'key_props':{'kty':'EC-HSM'},'issuer':{'name':'Self'},"
                           "'secret_props':{'contentType':'application/x-pkcs12'}}");
  assert_int_equal(cert_policy_of(given, &info, true, &named), OK);
  assert_true(named.hsm && !named.exportable && !named.pem);
  assert_int_equal(named.renew.percentage, 80);
  AUTO_JSON *other = parse("{'key_props':{'kty':'RSA'}}");
  assert_int_equal(cert_policy_of(other, &info, true, &none), ERR_BAD_PARAMETER);
  AUTO_JSON *curve = parse("{'key_props':{'crv':'P-256K'}}");
  assert_int_equal(cert_policy_of(curve, &info, true, &none), ERR_BAD_PARAMETER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(defaults), cmocka_unit_test(everything),     cmocka_unit_test(aliases),
    cmocka_unit_test(merging),  cmocka_unit_test(hardware),       cmocka_unit_test(refusals),
    cmocka_unit_test(too_long), cmocka_unit_test(of_certificate),
  };
  return cmocka_run_group_tests(tests, start, NULL);
}
