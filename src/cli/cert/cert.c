#include "cli/cert/cert.h"

#include "base/codec.h"
#include "base/file.h"
#include "crypto/pem.h"

#include <stdio.h>

err_t cert_decode(struct bytes base64, struct buf *out) {
  size_t size;
  if (!buf_reserve(out, base64.size))
    return ERR_NOMEM;
  if (b64_decode(base64, out->data + out->size, base64.size, &size) != OK)
    FAIL(ERR_INTERNAL, "the server's answer holds a certificate that is not base64");
  out->size += size;
  return OK;
}

err_t cert_der(json_t *bundle, struct buf *out) {
  struct bytes cer = field_text(bundle, "cer");
  return cer.size ? cert_decode(cer, out) : OK;
}

bool cert_is_root(const struct cert_info *info) {
  return strcmp(info->is.subject, info->issuer) == 0;
}

void cert_put_key(struct buf *b, const struct key_spec *spec) {
  static const char *const curves[] = {
    [CURVE_P256] = "P-256", [CURVE_P384] = "P-384", [CURVE_P521] = "P-521", [CURVE_P256K] = "P-256K"
  };
  if (spec->type == KEY_EC)
    buf_printf(b, "EC %s", curves[spec->curve]);
  else
    buf_printf(b, "RSA %u", spec->bits);
}

static void print_names(const struct cert_profile *is) {
  static const char *const labels[SAN_KINDS] = {
    [SAN_DNS] = "DNS names", [SAN_EMAIL] = "E-mail",    [SAN_UPN] = "UPN",
    [SAN_URI] = "URIs",      [SAN_IP] = "IP addresses",
  };
  static const enum cert_san order[] = { SAN_DNS, SAN_IP, SAN_URI, SAN_EMAIL, SAN_UPN };
  for (size_t i = 0; i < SAN_KINDS; i++) {
    const struct cert_texts *names = &is->sans[order[i]];
    for (size_t n = 0; n < names->count; n++)
      out_field_str(n ? NULL : labels[order[i]], names->items[n]);
  }
}

static err_t print_info(const struct cert_info *info) {
  AUTO_BUF serial = BUF_EMPTY, sha1 = BUF_EMPTY, sha256 = BUF_EMPTY, key = BUF_EMPTY;
  buf_put_hex(&serial, bytes_of(info->serial, info->serial_size));
  buf_put_hex(&sha1, bytes_of(info->sha1, sizeof info->sha1));
  buf_put_hex(&sha256, bytes_of(info->sha256, sizeof info->sha256));
  cert_put_key(&key, key_spec(info->public_key));
  TRY(buf_ok(&serial));
  TRY(buf_ok(&sha1));
  TRY(buf_ok(&sha256));
  TRY(buf_ok(&key));
  out_field_str("Subject", info->is.subject);
  print_names(&info->is);
  out_field_str("Issuer", info->issuer);
  out_field("Serial", buf_bytes(&serial));
  out_field("Key", buf_bytes(&key));
  out_field("SHA-1", buf_bytes(&sha1));
  out_field("SHA-256", buf_bytes(&sha256));
  return OK;
}

static err_t print(json_t *bundle) {
  AUTO_BUF der = BUF_EMPTY;
  AUTO_CERT_INFO info = { 0 };
  TRY(cert_der(bundle, &der));
  if (der.size == 0) {
    out_field_str("State", "not issued yet");
    return OK;
  }
  TRY(cert_read(buf_bytes(&der), &info));
  return print_info(&info);
}

const struct collection cert_collection = {
  .noun = "certificate",
  .present = "certificates",
  .deleted = "deletedcertificates",
  .loss = "the private keys of all its versions are lost",
  .print = print,
};

err_t cert_write_pem(const struct args *a, const char *label, struct bytes base64) {
  AUTO_BUF der = BUF_EMPTY;
  AUTO_SECRET pem = { 0 };
  const char *file = args_value(a, "out");
  TRY(cert_decode(base64, &der));
  TRY(pem_write(label, buf_bytes(&der), &pem));
  return file ? file_write_private(file, secret_bytes(&pem))
              : file_write_fd(STDOUT_FILENO, "stdout", secret_bytes(&pem));
}
