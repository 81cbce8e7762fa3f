/* Going on with a file whose sealing was interrupted: see resume.c for what makes that safe. */
#ifndef CLI_SEAL_RESUME_H
#define CLI_SEAL_RESUME_H

#include "cli/seal/input.h"
#include "cli/seal/output.h"
#include "client/data_key.h"
#include "seal/stream.h"

/* What a source is, as far as the file system tells: part of the name of its partial output. */
#define RESUME_TAG 17
struct resume_source {
  char tag[RESUME_TAG];
  bool settled; /* not changed in the last moments: a change from now on shows */
};
/* Looks again at in, which is a file. */
err_t resume_look(const struct input *in, const char *key, struct resume_source *out);

struct resumed {
  struct payload *payload; /* NULL: there is nothing to go on with */
  uint64_t chunks;         /* that are there already */
};
void resumed_free(struct resumed *r);
#define AUTO_RESUMED __attribute__((cleanup(resumed_free))) struct resumed
struct resume_job {
  struct key_cache *keys;
  const char *key;
  struct bytes context;
  const struct stream_options *stream;
};
/* Compares what is in the partial output with the source; both then stand behind what is kept.
 * Where they differ the output is emptied. */
err_t resume_begin(const struct resume_job *j, const struct input *in, struct output *part,
                   struct resumed *out);

#endif
