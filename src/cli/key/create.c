/* strongroom key create NAME */
#include "base/write.h"
#include "cli/key/key.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_BUF path = client_path("keys", args_word(a, 0), "create", NULL), body = BUF_EMPTY;
  const char *type = args_value(a, "type"), *curve = args_value(a, "curve");
  uint64_t size = 0;
  TRY(args_uint(a, "size", 1, 65536, &size));
  if (curve && type && strncmp(type, "EC", 2) != 0)
    FAIL(ERR_USAGE, "--curve is for keys of type EC or EC-HSM, not %s", type);
  write_open(&body, NULL, '{');
  write_str(&body, "kty", type ? type : curve ? "EC" : "RSA");
  if (size)
    write_i64(&body, "key_size", (int64_t)size);
  if (curve)
    write_str(&body, "crv", curve);
  key_write_ops(a, &body);
  TRY(attributes_write(a, &body));
  write_close(&body, '}');
  return collection_ask(a, &key_collection, HTTP_POST, &path, &body);
}

static const struct opt options[] = {
  { "type", OPT_VALUE, "TYPE", KEY_TYPES, "the kind of key (default RSA, or EC with --curve)" },
  { "size", OPT_VALUE, "BITS", "2048 3072 4096 128 192 256",
    "RSA: default 2048; oct: default 256" },
  { "curve", OPT_VALUE, "CURVE", KEY_CURVES, "EC: default P-256" },
  KEY_ATTRIBUTE_OPTIONS,
  OPT_END,
};

const struct verb verb_key_create = {
  .noun = "key",
  .name = "create",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Make a new key, or a new version of a key that is there",
  .options = options,
  .examples = "strongroom key create disks --type oct-HSM --size 256\n"
              "strongroom key create web --curve P-256 --ops sign,verify --expires +1y\n"
              "strongroom key create app --size 3072 --tag team=payments --tag env=prod",
  .run = run,
};
