/* What the store's tests share: directories, stores, and records to compare. */
#ifndef TEST_STORE_HELPER_H
#define TEST_STORE_HELPER_H

#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define PATH_SIZE 256

/* crypto_init(), for cmocka's group setup. */
int start_crypto(void **state);

/* A new directory; *dir is where a store may be made below it. remove_dir() takes both away. */
void make_dir(char dir[static PATH_SIZE]);
void remove_dir(const char *dir);
/* The path of a file in dir. */
const char *file_in(const char *dir, const char *name, char out[static PATH_SIZE]);

/* A root of the provider "file" whose 32 bytes are all n. */
struct root *root_of(uint8_t n);
/* Opens a store and initialises or unseals it with root_of(1). */
err_t open_store(const char *dir, struct store **out);
struct store *opened(const char *dir); /* must succeed */
err_t put(struct store *s, const char *place, const char *body);
err_t drop(struct store *s, const char *place);

/* All records of a store. */
struct records {
  struct record {
    char *place, *body;
    size_t body_size;
  } * items;
  size_t count, room;
};
err_t load(struct store *s, struct records *out);
void records_free(struct records *r);
#define AUTO_RECORDS __attribute__((cleanup(records_free))) struct records
/* The body of a place, NULL when there is none. */
const char *body_of(const struct records *r, const char *place);

/* The bytes of a file; ok to call for one that does not exist. */
struct buf slurp(const char *path);
void spill(const char *path, struct bytes data);

#endif
