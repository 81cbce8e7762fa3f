#include "cli/key/key.h"

#include "base/write.h"

static void put_strings(struct buf *b, json_t *list) {
  json_t *item;
  size_t i;
  json_array_foreach(list, i, item) {
    if (i)
      buf_put_str(b, ", ");
    if (json_is_string(item))
      buf_put(b, json_string_value(item), json_string_length(item));
  }
}

/* "RSA 2048", "EC P-256", "oct". */
static void put_type(struct buf *b, json_t *key) {
  buf_put_bytes(b, field_text(key, "kty"));
  buf_put_char(b, ' ');
  buf_put_bytes(b, field_text(key, "crv"));
  struct bytes n = field_text(key, "n");
  if (n.size)
    buf_put_u64(b, n.size * 6 / 8 * 8);
}

static err_t print(json_t *bundle) {
  AUTO_BUF type = BUF_EMPTY, ops = BUF_EMPTY;
  json_t *key = field_object(bundle, "key");
  put_type(&type, key);
  put_strings(&ops, json_object_get(key, "key_ops"));
  TRY(buf_ok(&type));
  TRY(buf_ok(&ops));
  out_field("Type", bytes_trim(buf_bytes(&type)));
  out_field("Operations", buf_bytes(&ops));
  return OK;
}

const struct collection key_collection = {
  .noun = "key",
  .present = "keys",
  .deleted = "deletedkeys",
  .loss = "everything encrypted with it becomes unreadable",
  .print = print,
};

void key_write_ops(const struct args *a, struct buf *b) {
  const char *ops = args_value(a, "ops");
  struct bytes rest = ops ? bytes_str(ops) : (struct bytes){ 0 }, op;
  if (!ops)
    return;
  write_open(b, "key_ops", '[');
  while (rest.data) {
    rest = bytes_split(rest, ',', &op);
    if (op.size)
      write_text(b, NULL, op);
  }
  write_close(b, ']');
}
