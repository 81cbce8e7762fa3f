/* records KEY: a small table whose rows are sealed, each bound to its place; a row that is moved
 * does not open. */
#include <stdio.h>
#include <string.h>
#include <strongroom.h>

static const char *const rows[] = { "4111 1111 1111 1111", "5500 0000 0000 0004", "" };
#define ROWS (sizeof rows / sizeof *rows)

static enum sr_status show(struct sr_records *records, const struct sr_bytes *sealed,
                           const char *place, struct sr_error *error) {
  struct sr_bytes plain;
  enum sr_status status =
    sr_record_open(records, place, strlen(place), sealed->data, sealed->size, &plain, error);
  if (status == SR_OK)
    printf("%s: '%s'\n", place, (const char *)plain.data);
  sr_bytes_free(&plain);
  return status;
}

static enum sr_status work(struct sr_vault *vault, const char *key, struct sr_error *error) {
  struct sr_wrapped wrapped; /* kept with the table: whoever opens rows needs it */
  struct sr_records *records;
  struct sr_bytes sealed[ROWS] = { { 0 } };
  char place[32];
  enum sr_status status = sr_records_new(vault, key, &wrapped, &records, error);
  for (size_t i = 0; i < ROWS && status == SR_OK; i++) {
    snprintf(place, sizeof place, "orders/%zu/card", i);
    status =
      sr_record_seal(records, place, strlen(place), rows[i], strlen(rows[i]), &sealed[i], error);
  }
  sr_records_close(records);

  /* Later, elsewhere. */
  if (status == SR_OK)
    status = sr_records_open(vault, &wrapped, &records, error);
  for (size_t i = 0; i < ROWS && status == SR_OK; i++) {
    snprintf(place, sizeof place, "orders/%zu/card", i);
    status = show(records, &sealed[i], place, error);
  }
  if (status == SR_OK)
    printf("row 1 at row 0's place: %s\n",
           sr_status_name(show(records, &sealed[1], "orders/0/card", NULL)));
  sr_records_close(records);
  for (size_t i = 0; i < ROWS; i++)
    sr_bytes_free(&sealed[i]);
  return status;
}

int main(int argc, char **argv) {
  struct sr_error error = { 0 };
  struct sr_vault *vault = NULL;
  if (argc != 2) {
    fprintf(stderr, "usage: records KEY\n");
    return 2;
  }
  int failed = sr_connect(NULL, &vault, &error) != SR_OK || work(vault, argv[1], &error) != SR_OK;
  if (failed)
    fprintf(stderr, "records: %s (%s)\n", error.message, sr_status_name(error.status));
  sr_close(vault);
  return failed;
}
