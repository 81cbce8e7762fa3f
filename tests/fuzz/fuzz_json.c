/*
 * From a request's body to the operation: the first byte chooses a route, the rest is the body, and
 * a hub in this process answers as its owner. Whatever comes, the answer has a status of the API,
 * and its body is a JSON object.
 */
#include "fixture.h"
#include "start.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
  enum http_method method;
  const char *target;
} routes[] = {
  { HTTP_POST, "/keys/a/create?api-version=7.4" },
  { HTTP_PUT, "/keys/b?api-version=7.4" },
  { HTTP_PATCH, "/keys/ec/?api-version=7.4" },
  { HTTP_PUT, "/keys/ec/rotationpolicy?api-version=7.4" },
  { HTTP_POST, "/keys/oct//encrypt?api-version=7.4" },
  { HTTP_POST, "/keys/oct//decrypt?api-version=7.4" },
  { HTTP_POST, "/keys/oct//wrapkey?api-version=7.4" },
  { HTTP_POST, "/keys/oct//unwrapkey?api-version=7.4" },
  { HTTP_POST, "/keys/ec//sign?api-version=7.4" },
  { HTTP_POST, "/keys/ec//verify?api-version=7.4" },
  { HTTP_POST, "/keys/rsa//decrypt?api-version=7.4" },
  { HTTP_POST, "/keys/rsa//unwrapkey?api-version=7.4" },
  { HTTP_POST, "/keys/restore?api-version=7.4" },
  { HTTP_POST, "/rng?api-version=7.4" },
  { HTTP_PUT, "/providers/Microsoft.Authorization/roleDefinitions/"
              "11111111-1111-1111-1111-111111111111?api-version=7.4" },
  { HTTP_PUT, "/keys/providers/Microsoft.Authorization/roleAssignments/"
              "11111111-1111-1111-1111-111111111111?api-version=7.4" },
  { HTTP_PATCH, "/hub/identities/owner?api-version=7.4" },
  { HTTP_PUT, "/secrets/a?api-version=7.4" },
  { HTTP_PATCH, "/secrets/s/?api-version=7.4" },
  { HTTP_POST, "/secrets/restore?api-version=7.4" },
};

static struct fixture f;

static void remove_data(void) {
  fixture_close(&f);
}

static void begin(void) {
  AUTO_ANSWER a = { 0 };
  fixture_open(&f, NULL);
  fuzz_secure_heap_is_root();
  atexit(remove_data);
  fixture_do(&f, &a, HTTP_POST, "/keys/oct/create", "{\"kty\":\"oct\"}");
  fixture_do(&f, &a, HTTP_PUT, "/secrets/s", "{\"value\":\"s\"}");
  fixture_do(&f, &a, HTTP_POST, "/keys/ec/create", "{\"kty\":\"EC\"}");
  fixture_do(&f, &a, HTTP_POST, "/keys/rsa/create", "{\"kty\":\"RSA\"}");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  AUTO_ANSWER a = { 0 };
  if (!f.hub)
    begin();
  if (size == 0)
    return 0;
  unsigned r = data[0] % (sizeof routes / sizeof *routes);
  fixture_call(&f, buf_bytes(&f.authorization), routes[r].method, routes[r].target,
               bytes_of(data + 1, size - 1), &a);
  if (a.status < 200 || a.status > 503 || (a.status != 204 && !json_is_object(a.json)))
    abort();
  return 0;
}
