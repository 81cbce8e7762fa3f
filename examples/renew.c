/* renew NAME: has the next version of a certificate made and writes what a server reads: the
 * certificates to stdout. The key would go to where only the server reads it. */
#include <stdio.h>
#include <strongroom.h>
#include <time.h>

int main(int argc, char **argv) {
  struct sr_error error = { 0 };
  struct sr_vault *vault = NULL;
  struct sr_certificate now = { 0 }, next = { 0 };
  if (argc != 2) {
    fprintf(stderr, "usage: renew NAME\n");
    return 2;
  }
  int ok = sr_connect(NULL, &vault, &error) == SR_OK &&
           sr_get_certificate(vault, argv[1], NULL, &now, &error) == SR_OK &&
           sr_renew_certificate(vault, argv[1], 60, &next, &error) == SR_OK;
  if (ok) {
    time_t end = (time_t)next.not_after;
    fprintf(stderr, "was %s, is %s, until %s", now.version, next.version, ctime(&end));
    fprintf(stderr, "key: %s\n", next.key.size ? "yes" : "not for us");
    printf("%s%s", (const char *)next.certificate.data, (const char *)next.chain.data);
  } else {
    fprintf(stderr, "renew: %s (%s)\n", error.message, sr_status_name(error.status));
  }
  sr_certificate_free(&now);
  sr_certificate_free(&next);
  sr_close(vault);
  return ok ? 0 : 1;
}
