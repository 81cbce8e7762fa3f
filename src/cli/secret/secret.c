#include "cli/secret/secret.h"

#include "base/write.h"

static err_t print(json_t *bundle) {
  out_field("Content type", field_text(bundle, "contentType"));
  return OK;
}

const struct collection secret_collection = {
  .noun = "secret",
  .present = "secrets",
  .deleted = "deletedsecrets",
  .loss = "the values of all its versions are lost",
  .print = print,
};

err_t secret_write_properties(const struct args *a, struct buf *b) {
  const char *type = args_value(a, "content-type");
  if (type)
    write_str(b, "contentType", type);
  return attributes_write(a, b);
}
