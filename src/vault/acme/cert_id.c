/* RFC 9773, 4.1: the authority's key identifier and the serial number, as DER has it. */
#include "vault/acme/state.h"

#include <stdio.h>

err_t acme_cert_id(struct bytes der, char id[static ACME_CERT_ID_MAX + 1],
                   char serial[static 2 * CERT_SERIAL_MAX + 1]) {
  AUTO_CERT_INFO info = { 0 };
  AUTO_BUF authority = BUF_EMPTY, number = BUF_EMPTY, text = BUF_EMPTY;
  TRY(cert_read(der, &info));
  TRY(x509_authority_key_id(der, &authority));
  if (info.serial_size == 0)
    REFUSE(ERR_BAD_PARAMETER, "The certificate has no serial number.");
  if (info.serial[0] & 0x80)
    buf_put_char(&number, 0);
  buf_put(&number, info.serial, info.serial_size);
  buf_put_b64url(&text, buf_bytes(&authority));
  buf_put_char(&text, '.');
  buf_put_b64url(&text, buf_bytes(&number));
  TRY(buf_ok(&authority));
  TRY(buf_ok(&number));
  TRY(buf_ok(&text));
  if (bytes_to_cstr(buf_bytes(&text), id, ACME_CERT_ID_MAX + 1) != OK)
    REFUSE(ERR_BAD_PARAMETER, "The certificate's key identifier is too long.");
  hex_encode(bytes_of(info.serial, info.serial_size), serial);
  return OK;
}
