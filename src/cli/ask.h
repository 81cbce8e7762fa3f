/* One request to the hub, as most verbs make it, and lists. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "cli/args.h"
#include "cli/out.h"
#include "cli/when.h"

#include "client/client.h"

/* The client that --data or the environment names. */
err_t ask_open(const struct args *a, struct client **out);
/* Opens, asks, and gives the answer: its document is there unless the status is 204. */
err_t ask(const struct args *a, enum http_method method, const struct buf *path,
          const struct buf *body, struct client_answer *out);

/* A list, as a table or, with --json, as JSON. */
struct list {
  size_t columns;
  const char *const *headings;
  void (*row)(struct table *t, json_t *item);
};
err_t ask_list(const struct args *a, const struct buf *path, const struct list *l);

/* Fields of a document, for people: a field that is not there is an empty text. */
struct bytes field_text(json_t *o, const char *name);
json_t *field_object(json_t *o, const char *name); /* NULL when absent */
/* A time in Unix seconds as text; "" when absent. text is what is returned. */
const char *field_time(json_t *o, const char *name, char text[static WHEN_SIZE]);
const char *field_yes_no(json_t *o, const char *name);

#endif
