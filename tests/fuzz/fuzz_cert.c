/* A certificate or a request, as DER, and a subject as text: what is read can be said again. */
#include "crypto/cert_evp.h"
#include "start.h"

#define MUST(call) \
  do { \
    if ((call) != OK) \
      abort(); \
  } while (0)

static struct key *signer;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  return !fuzz_start_crypto() || key_generate(&spec, &signer) != OK;
}

static void assert_plain(const struct cert_texts *list) {
  for (size_t i = 0; i < list->count; i++)
    if (!text_is_plain(bytes_str(list->items[i])))
      abort();
}

/* What came from outside may be more than we make; whatever is made says the same. */
static void say_again(const struct cert_profile *p) {
  AUTO_CERT_INFO again = { 0 };
  AUTO_BUF der = BUF_EMPTY;
  for (unsigned kind = 0; kind < SAN_KINDS; kind++)
    assert_plain(&p->sans[kind]);
  assert_plain(&p->ekus);
  if (!p->subject || !text_is_plain(bytes_str(p->subject)))
    abort();
  if (cert_self_sign(signer, p, &der) != OK)
    return;
  MUST(cert_read(buf_bytes(&der), &again));
  for (unsigned kind = 0; kind < SAN_KINDS; kind++)
    if (again.is.sans[kind].count != p->sans[kind].count)
      abort();
  bool sorted = !strchr(p->subject, '+'); /* inside of an RDN DER sorts, which BER need not */
  if ((sorted && strcmp(again.is.subject, p->subject) != 0) ||
      again.is.ekus.count != p->ekus.count || again.is.usage != p->usage || again.is.ca != p->ca ||
      again.is.not_after != p->not_after)
    abort();
}

static void as_text(struct bytes text) {
  char copy[CERT_SUBJECT_MAX + 1];
  AUTO_BUF printed = BUF_EMPTY;
  X509_NAME *name AUTO(x509_name) = NULL, *again AUTO(x509_name) = NULL;
  if (bytes_to_cstr(text, copy, sizeof copy) != OK || name_from_text(copy, &name) != OK ||
      name_to_text(name, &printed) != OK)
    return;
  if (!text_is_plain(buf_bytes(&printed)) || !buf_cstr(&printed))
    abort();
  MUST(name_from_text((const char *)printed.data, &again));
  if (X509_NAME_cmp(name, again) != 0)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct bytes in = bytes_of(data, size);
  AUTO_CERT_INFO certificate = { 0 }, request = { 0 };
  if (cert_read(in, &certificate) == OK) {
    MUST(cert_matches_key(in, certificate.public_key));
    say_again(&certificate.is);
  } else if (cert_request_read(in, &request) == OK) {
    request.is.not_after = 1;
    say_again(&request.is);
  } else {
    as_text(in);
  }
  return 0;
}
