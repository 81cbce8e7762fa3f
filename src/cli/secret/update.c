/* strongroom secret update NAME [VERSION] */
#include "base/write.h"
#include "cli/secret/secret.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  const char *version = args_word(a, 1);
  AUTO_BUF path = client_path("secrets", args_word(a, 0), version ? version : "", NULL);
  AUTO_BUF body = BUF_EMPTY;
  write_open(&body, NULL, '{');
  TRY(secret_write_properties(a, &body));
  write_close(&body, '}');
  return collection_ask(a, &secret_collection, HTTP_PATCH, &path, &body);
}

static const struct opt options[] = { SECRET_PROPERTY_OPTIONS, OPT_END };

const struct verb verb_secret_update = {
  .noun = "secret",
  .name = "update",
  .words = "NAME [VERSION]",
  .min_words = 1,
  .max_words = 2,
  .client = true,
  .summary = "Change a version's content type, attributes and tags",
  .details = "What is not given stays as it is; tags are replaced as a whole. The value of a\n"
             "version never changes: 'strongroom secret set' makes a new one.",
  .options = options,
  .examples = "strongroom secret update db-password --disabled\n"
              "strongroom secret update db-password --expires 2027-12-31 --tag env=prod",
  .run = run,
};
