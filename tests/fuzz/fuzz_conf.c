/* The text of a configuration file; whatever was taken must be readable afterwards. */
#include "base/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct conf_key keys[] = {
  { "a.text", CONF_STR, "", 0, 0, "", NULL, NULL },
  { "a.number", CONF_UINT, "1", 1, 1000000, "", NULL, NULL },
  { "b.switch", CONF_BOOL, "no", 0, 0, "", NULL, NULL },
  { "b.list", CONF_LIST, "", 0, 0, "", NULL, NULL },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  AUTO(conf) struct conf *c = NULL;
  if (conf_new(keys, sizeof keys / sizeof *keys, &c) != OK ||
      conf_parse(c, bytes_of(data, size), "fuzz") != OK)
    return 0;
  const char *const *items;
  size_t count = conf_list(c, "b.list", &items);
  for (size_t i = 0; i < count; i++)
    if (items[i][0] == '\0')
      abort();
  uint64_t n = conf_uint(c, "a.number");
  if (n < 1 || n > 1000000 || strlen(conf_str(c, "a.text")) > size)
    abort();
  return 0;
}
