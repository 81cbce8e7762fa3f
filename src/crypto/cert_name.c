/* Names (X.501) as texts and back. */
#include "crypto/cert_evp.h"

#include "base/codec.h"

#include <openssl/err.h>

#define OID_TEXT_MAX 128
#define SPECIAL "\"+,;<>\\"

CLEANUP(name_entry, X509_NAME_ENTRY *, X509_NAME_ENTRY_free)

/* The first row of an attribute has the name that is written. */
static const struct attribute {
  const char *name;
  int nid;
} attributes[] = {
  { "CN", NID_commonName },
  { "O", NID_organizationName },
  { "OU", NID_organizationalUnitName },
  { "C", NID_countryName },
  { "L", NID_localityName },
  { "S", NID_stateOrProvinceName },
  { "ST", NID_stateOrProvinceName },
  { "STREET", NID_streetAddress },
  { "POSTALCODE", NID_postalCode },
  { "DC", NID_domainComponent },
  { "E", NID_pkcs9_emailAddress },
  { "EMAIL", NID_pkcs9_emailAddress },
  { "EMAILADDRESS", NID_pkcs9_emailAddress },
  { "G", NID_givenName },
  { "GN", NID_givenName },
  { "GIVENNAME", NID_givenName },
  { "SN", NID_surname },
  { "SURNAME", NID_surname },
  { "I", NID_initials },
  { "INITIALS", NID_initials },
  { "T", NID_title },
  { "TITLE", NID_title },
  { "UID", NID_userId },
  { "SERIALNUMBER", NID_serialNumber },
  { "DNQUALIFIER", NID_dnQualifier },
  { "DESCRIPTION", NID_description },
};
#define ATTRIBUTES (sizeof attributes / sizeof *attributes)

#define MALFORMED(why) \
  REFUSE(ERR_BAD_PARAMETER, "Property subject has invalid value: %s\r\n", (why))

bool text_is_plain(struct bytes text) {
  uint32_t c;
  while (text.size)
    if (!utf8_next(&text, &c) || c < 0x20 || (c >= 0x7f && c < 0xa0))
      return false;
  return true;
}

/* Digits and dots, without empty arcs and needless zeros. */
static bool oid_well_formed(struct bytes text) {
  struct bytes arc;
  unsigned arcs = 0;
  if (text.size == 0 || text.size >= OID_TEXT_MAX || text.data[text.size - 1] == '.')
    return false;
  for (; text.data; arcs++) {
    text = bytes_split(text, '.', &arc);
    if (arc.size == 0 || (arc.size > 1 && arc.data[0] == '0'))
      return false;
    for (size_t i = 0; i < arc.size; i++)
      if (arc.data[i] < '0' || arc.data[i] > '9')
        return false;
  }
  return arcs > 1;
}

err_t oid_from_text(struct bytes text, ASN1_OBJECT **out) {
  char copy[OID_TEXT_MAX];
  if (!oid_well_formed(text))
    FAIL(ERR_BAD_PARAMETER, "not an OID");
  TRY(bytes_to_cstr(text, copy, sizeof copy));
  if (!(*out = OBJ_txt2obj(copy, 1)))
    EVP_FAIL(ERR_BAD_PARAMETER, "OID");
  return OK;
}

err_t oid_to_text(const ASN1_OBJECT *oid, struct buf *out) {
  char text[OID_TEXT_MAX];
  int n = OBJ_obj2txt(text, sizeof text, oid, 1);
  if (n <= 0 || n >= OID_TEXT_MAX)
    EVP_REFUSE("The certificate has an OID that is malformed or too long.");
  buf_put_str(out, text);
  return buf_ok(out);
}

/* TYPE, up to its '='. */
static err_t read_type(struct bytes *rest, ASN1_OBJECT **out) {
  struct bytes type;
  *rest = bytes_split(*rest, '=', &type);
  if (!rest->data)
    MALFORMED("a name such as CN=example.com expected");
  type = bytes_trim(type);
  for (unsigned i = 0; i < ATTRIBUTES; i++)
    if (bytes_equal_nocase(type, attributes[i].name)) {
      *out = OBJ_nid2obj(attributes[i].nid); /* static: its release does nothing */
      return OK;
    }
  if (type.size > 4 && bytes_equal_nocase(bytes_of(type.data, 4), "OID."))
    type = bytes_of(type.data + 4, type.size - 4);
  err_t e = oid_from_text(type, out);
  if (e == ERR_BAD_PARAMETER)
    MALFORMED("an attribute is neither a known type nor an OID");
  return e;
}

static uint8_t take(struct bytes *rest) {
  uint8_t c = rest->data[0];
  *rest = bytes_of(rest->data + 1, rest->size - 1);
  return c;
}

static void skip_spaces(struct bytes *rest) {
  while (rest->size && rest->data[0] == ' ')
    (void)take(rest);
}

/* What follows a backslash: a special character, or two hexadecimal digits. */
static err_t read_escape(struct bytes *rest, struct buf *value) {
  if (rest->size && strchr(SPECIAL "=# ", rest->data[0]) && rest->data[0]) {
    buf_put_char(value, (char)take(rest));
    return OK;
  }
  if (rest->size < 2 || hex_digit(rest->data[0]) < 0 || hex_digit(rest->data[1]) < 0)
    MALFORMED("an escape is malformed");
  int high = hex_digit(take(rest)), low = hex_digit(take(rest));
  buf_put_char(value, (char)(high << 4 | low));
  return OK;
}

/* After the opening quote, up to and with the closing one. */
static err_t read_quoted(struct bytes *rest, struct buf *value) {
  while (rest->size) {
    uint8_t c = take(rest);
    if (c == '\\') {
      TRY(read_escape(rest, value));
    } else if (c != '"') {
      buf_put_char(value, (char)c);
    } else if (rest->size && rest->data[0] == '"') {
      buf_put_char(value, (char)take(rest));
    } else {
      skip_spaces(rest);
      return OK;
    }
  }
  MALFORMED("a quote is not closed");
}

static bool is_separator(uint8_t c) {
  return c == ',' || c == ';' || c == '+';
}

/* Up to the separator; spaces before it do not count unless they are escaped. */
static err_t read_plain(struct bytes *rest, struct buf *value) {
  size_t keep = 0;
  if (rest->size && rest->data[0] == '#')
    MALFORMED("values in hexadecimal are not supported");
  while (rest->size && !is_separator(rest->data[0])) {
    uint8_t c = take(rest);
    if (c == '"' || c == '<' || c == '>')
      MALFORMED("a special character has to be quoted or escaped");
    if (c == '\\')
      TRY(read_escape(rest, value));
    else
      buf_put_char(value, (char)c);
    if (c != ' ')
      keep = value->size;
  }
  value->size = value->failed ? 0 : keep;
  return buf_ok(value);
}

static err_t read_value(struct bytes *rest, struct buf *value) {
  skip_spaces(rest);
  if (rest->size && rest->data[0] == '"') {
    (void)take(rest);
    TRY(read_quoted(rest, value));
  } else {
    TRY(read_plain(rest, value));
  }
  TRY(buf_ok(value));
  if (value->size == 0)
    MALFORMED("a value is empty");
  if (!text_is_plain(buf_bytes(value)))
    MALFORMED("UTF-8 without control characters expected");
  return OK;
}

/* TYPE=VALUE, put before what the name has, or into its first RDN. */
static err_t read_attribute(struct bytes *rest, bool same_rdn, X509_NAME *name) {
  ASN1_OBJECT *type AUTO(asn1_object) = NULL;
  AUTO_BUF value = BUF_EMPTY;
  TRY(read_type(rest, &type));
  TRY(read_value(rest, &value));
  X509_NAME_ENTRY *entry AUTO(name_entry) =
    X509_NAME_ENTRY_create_by_OBJ(NULL, type, MBSTRING_UTF8, value.data, (int)value.size);
  if (!entry)
    EVP_REFUSE("Property subject has invalid value: a value is too long, or not what its type "
               "takes\r\n");
  if (!X509_NAME_add_entry(name, entry, 0, same_rdn))
    EVP_FAIL(ERR_NOMEM, "name");
  return OK;
}

err_t name_from_text(const char *text, X509_NAME **out) {
  struct bytes rest = bytes_str(text ? text : "");
  X509_NAME *name AUTO(x509_name) = X509_NAME_new();
  if (!name)
    EVP_FAIL(ERR_NOMEM, "name");
  if (rest.size > CERT_SUBJECT_MAX)
    MALFORMED("it is too long");
  bool same_rdn = false;
  skip_spaces(&rest);
  while (rest.size) {
    TRY(read_attribute(&rest, same_rdn, name));
    if (rest.size == 0)
      break;
    if (!is_separator(rest.data[0]))
      MALFORMED("a separator is missing after a quoted value");
    same_rdn = take(&rest) == '+';
    skip_spaces(&rest);
    if (rest.size == 0)
      MALFORMED("it ends with a separator");
  }
  *out = TAKE(name);
  return OK;
}

static err_t put_type(const ASN1_OBJECT *type, struct buf *out) {
  int nid = OBJ_obj2nid(type);
  for (unsigned i = 0; i < ATTRIBUTES; i++)
    if (attributes[i].nid == nid) {
      buf_put_str(out, attributes[i].name);
      return OK;
    }
  buf_put_str(out, "OID.");
  return oid_to_text(type, out);
}

/* With what the parser above needs to read it again; controls, which it never takes, as RFC 4514
 * has them. */
static void put_value(struct bytes value, struct buf *out) {
  bool controls = !text_is_plain(value);
  bool quoted = !controls && (value.size == 0 || value.data[0] == ' ' || value.data[0] == '#' ||
                              value.data[value.size - 1] == ' ');
  for (size_t i = 0; i < value.size && !controls && !quoted; i++)
    quoted = strchr(SPECIAL "=", value.data[i]);
  if (quoted)
    buf_put_char(out, '"');
  for (size_t i = 0; i < value.size; i++) {
    uint8_t c = value.data[i];
    if (controls && (c < 0x20 || c >= 0x7f || strchr(SPECIAL "=# ", c))) {
      buf_printf(out, "\\%02X", c);
      continue;
    }
    if (quoted && (c == '"' || c == '\\'))
      buf_put_char(out, (char)c == '"' ? '"' : '\\');
    buf_put_char(out, (char)c);
  }
  if (quoted)
    buf_put_char(out, '"');
}

static err_t put_attribute(const X509_NAME_ENTRY *entry, struct buf *out) {
  unsigned char *text = NULL;
  TRY(put_type(X509_NAME_ENTRY_get_object(entry), out));
  buf_put_char(out, '=');
  int n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
  if (n < 0)
    EVP_REFUSE("A name in the certificate has a value that is not text.");
  put_value(bytes_of(text, (size_t)n), out);
  OPENSSL_free(text);
  return OK;
}

/* The attributes of one RDN, from begin to before end. */
static err_t put_rdn(const X509_NAME *name, int begin, int end, struct buf *out) {
  for (int i = begin; i < end; i++) {
    if (i > begin)
      buf_put_str(out, " + ");
    TRY(put_attribute(X509_NAME_get_entry(name, i), out));
    if (out->size > CERT_SUBJECT_MAX)
      REFUSE(ERR_BAD_PARAMETER, "A name in the certificate is too long.");
  }
  return buf_ok(out);
}

static int rdn_of(const X509_NAME *name, int i) {
  return X509_NAME_ENTRY_set(X509_NAME_get_entry(name, i));
}

err_t name_to_text(const X509_NAME *name, struct buf *out) {
  AUTO_BUF text = BUF_EMPTY;
  for (int begin, end = X509_NAME_entry_count(name); end > 0; end = begin) {
    for (begin = end - 1; begin > 0 && rdn_of(name, begin - 1) == rdn_of(name, begin);)
      begin--;
    if (text.size)
      buf_put_str(&text, ", ");
    TRY(put_rdn(name, begin, end, &text));
  }
  buf_put_bytes(out, buf_bytes(&text));
  return buf_ok(out);
}

static err_t add_attribute(const X509_NAME_ENTRY *entry, struct cert_texts *list) {
  AUTO_BUF text = BUF_EMPTY;
  unsigned char *value = NULL;
  TRY(put_type(X509_NAME_ENTRY_get_object(entry), &text));
  buf_put_char(&text, '=');
  int n = ASN1_STRING_to_UTF8(&value, X509_NAME_ENTRY_get_data(entry));
  if (n < 0)
    EVP_FAIL(ERR_CRYPTO, "a value of a name");
  buf_put(&text, value, (size_t)n);
  OPENSSL_free(value);
  TRY(buf_ok(&text));
  return cert_texts_add(list, buf_bytes(&text));
}

bool cert_attribute_valid(struct bytes text) {
  ASN1_OBJECT *type AUTO(asn1_object) = NULL;
  AUTO_BUF written = BUF_EMPTY;
  struct bytes value = text;
  if (read_type(&value, &type) != OK || put_type(type, &written) != OK)
    return false;
  buf_put_char(&written, '=');
  return buf_cstr(&written) && bytes_starts(text, (const char *)written.data) && value.size > 0;
}

err_t cert_subject_attributes(const char *subject, struct cert_texts *out) {
  X509_NAME *name AUTO(x509_name) = NULL;
  TRY(name_from_text(subject, &name));
  for (int i = 0; i < X509_NAME_entry_count(name); i++)
    TRY(add_attribute(X509_NAME_get_entry(name, i), out));
  return OK;
}
