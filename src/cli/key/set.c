/* strongroom key set NAME [VERSION] */
#include "base/write.h"
#include "cli/key/key.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  const char *version = args_word(a, 1);
  AUTO_BUF path = client_path("keys", args_word(a, 0), version ? version : "", NULL);
  AUTO_BUF body = BUF_EMPTY;
  write_open(&body, NULL, '{');
  key_write_ops(a, &body);
  TRY(attributes_write(a, &body));
  write_close(&body, '}');
  return collection_ask(a, &key_collection, HTTP_PATCH, &path, &body);
}

static const struct opt options[] = { KEY_ATTRIBUTE_OPTIONS, OPT_END };

const struct verb verb_key_set = {
  .noun = "key",
  .name = "set",
  .words = "NAME [VERSION]",
  .min_words = 1,
  .max_words = 2,
  .client = true,
  .summary = "Change a version's attributes, operations and tags",
  .details = "What is not given stays as it is; tags are replaced as a whole.",
  .options = options,
  .examples = "strongroom key set app --disabled\n"
              "strongroom key set app --expires 2027-12-31 --tag env=prod",
  .run = run,
};
