#include "vault/key_names.h"

static const struct {
  const char *name;
  enum key_type type;
  bool hsm;
} ktys[] = {
  { "RSA", KEY_RSA, false },  { "RSA-HSM", KEY_RSA, true }, { "EC", KEY_EC, false },
  { "EC-HSM", KEY_EC, true }, { "oct", KEY_OCT, false },    { "oct-HSM", KEY_OCT, true },
  { "AES", KEY_OCT, true }, /* what old clients call it */
};

static const struct {
  const char *name;
  enum key_curve curve;
  unsigned bits;
} curves[] = {
  { "P-256", CURVE_P256, 256 },   { "P-384", CURVE_P384, 384 },      { "P-521", CURVE_P521, 521 },
  { "P-256K", CURVE_P256K, 256 }, { "SECP256K1", CURVE_P256K, 256 }, /* its older name */
};

const char *kty_name(enum key_type type, bool hsm) {
  size_t i = 0;
  while (ktys[i].type != type || ktys[i].hsm != hsm)
    i++;
  return ktys[i].name;
}

const char *curve_name(enum key_curve curve) {
  for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
    if (curves[i].curve == curve)
      return curves[i].name;
  return "";
}

err_t kty_read(json_t *o, enum key_type *type, bool *hsm) {
  struct bytes kty = { 0 };
  bool found = false;
  TRY(json_get_str(o, "kty", &kty, &found));
  for (size_t i = 0; i < sizeof ktys / sizeof *ktys; i++)
    if (found && bytes_equal_str(kty, ktys[i].name)) {
      *type = ktys[i].type;
      *hsm = ktys[i].hsm;
      return OK;
    }
  REFUSE(ERR_BAD_PARAMETER,
         "Property kty has invalid value: RSA, RSA-HSM, EC, EC-HSM, oct or oct-HSM expected\r\n");
}

err_t curve_read(json_t *o, struct key_spec *spec) {
  struct bytes crv = bytes_str("P-256");
  TRY(json_get_str(o, "crv", &crv, NULL));
  for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
    if (bytes_equal_str(crv, curves[i].name)) {
      spec->curve = curves[i].curve;
      spec->bits = curves[i].bits;
      return OK;
    }
  REFUSE(ERR_BAD_PARAMETER,
         "Property crv has invalid value: P-256, P-384, P-521 or P-256K expected\r\n");
}
