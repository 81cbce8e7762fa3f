/* strongroom cert update NAME [VERSION] */
#include "base/write.h"
#include "cli/cert/cert.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  const char *version = args_word(a, 1);
  AUTO_BUF path = client_path("certificates", args_word(a, 0), version ? version : "", NULL);
  AUTO_BUF body = BUF_EMPTY;
  write_open(&body, NULL, '{');
  TRY(attributes_write_timeless(a, &body));
  write_close(&body, '}');
  return collection_ask(a, &cert_collection, HTTP_PATCH, &path, &body);
}

static const struct opt options[] = { TIMELESS_ATTRIBUTE_OPTIONS("used"), OPT_END };

const struct verb verb_cert_update = {
  .noun = "cert",
  .name = "update",
  .words = "NAME [VERSION]",
  .min_words = 1,
  .max_words = 2,
  .client = true,
  .summary = "Enable or disable a version, change its tags",
  .details =
    "Its key and its secret follow. What is not given stays as it is; tags are replaced as\n"
    "a whole. What new versions are like is changed with 'strongroom cert policy'.",
  .options = options,
  .examples = "strongroom cert update web --disabled\n"
              "strongroom cert update web --tag team=web --tag env=prod",
  .run = run,
};
