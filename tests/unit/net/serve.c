/* The test application as a program, for raw requests and load from outside:
 *   net-serve CA-FILE [address:port [loops]] */
#include "app.h"

#include "base/file.h"
#include "base/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static err_t run(struct test_app *t, int argc, char **argv) {
  bool locked;
  struct http_server_conf conf = HTTP_SERVER_CONF_DEFAULT;
  conf.loops = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
  TRY(crypto_init(1 << 20, &locked));
  TRY(test_app_init(t));
  TRY(test_app_start(t, conf, argc > 2 ? argv[2] : NULL));
  return file_write_private(argv[1], buf_bytes(&t->ca_pem));
}

int main(int argc, char **argv) {
  struct test_app t = { 0 };
  sigset_t ends;
  int which;
  if (argc < 2)
    return 2;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  sigprocmask(SIG_BLOCK, &ends, NULL);
  err_t e = run(&t, argc, argv);
  if (e != OK) {
    log_err("serve", e, "starting");
    return 1;
  }
  printf("%u\n", t.port);
  fflush(stdout);
  sigwait(&ends, &which);
  test_app_stop(&t, 1000);
  test_app_free(&t);
  return 0;
}
