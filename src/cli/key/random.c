/* strongroom key random */
#include "base/codec.h"
#include "base/write.h"
#include "cli/ask.h"
#include "cli/inout.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("rng", NULL), body = BUF_EMPTY, bytes = BUF_EMPTY;
  uint64_t count = 32;
  TRY(args_uint(a, "count", 1, 128, &count));
  write_open(&body, NULL, '{');
  write_i64(&body, "count", (int64_t)count);
  write_close(&body, '}');
  TRY(ask(a, HTTP_POST, &path, &body, &answer));
  if (args_flag(a, "json")) {
    out_json(answer.body);
    return OK;
  }
  TRY(json_get_b64url(answer.body, "value", &bytes, NULL));
  return data_write(a, buf_bytes(&bytes));
}

static const struct opt options[] = {
  { "count", OPT_VALUE, "N", NULL, "how many bytes, at most 128 (default 32)" },
  DATA_OUT_OPTION,
  OPT_END,
};

const struct verb verb_key_random = {
  .noun = "key",
  .name = "random",
  .words = "",
  .client = true,
  .summary = "Random bytes from the vault: a data key, for example",
  .options = options,
  .examples = "strongroom key random --count 32 --out dek\n"
              "strongroom key random | strongroom key wrap disks --out dek.wrapped",
  .run = run,
};
