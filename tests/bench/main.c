/* bench STRONGROOM DIR [CASE...]: runs the cases on servers that it starts. */
#include "base/json.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "raw.h"
#include "seal_child.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define HEAP (1u << 22)

static const struct bench_case *const cases[] = { &case_use,   &case_tail,    &case_idle,
                                                  &case_keys,  &case_secrets, &case_issue,
                                                  &case_rates, &case_seal,    &case_age,
                                                  &case_proxy };
#define CASE_COUNT (sizeof cases / sizeof *cases)

static bool wanted(const struct bench_case *c, int argc, char **argv) {
  for (int i = 0; i < argc; i++)
    if (strcmp(argv[i], c->name) == 0)
      return true;
  return argc == 0;
}

static bool known(const char *name) {
  for (size_t i = 0; i < CASE_COUNT; i++)
    if (strcmp(name, cases[i]->name) == 0)
      return true;
  return false;
}

static int usage(void) {
  fprintf(stderr, "usage: bench STRONGROOM DIR [CASE...]\n");
  for (size_t i = 0; i < CASE_COUNT; i++)
    fprintf(stderr, "  %-7s %s\n", cases[i]->name, cases[i]->help);
  return 2;
}

static void print_machine(void) {
  cpu_set_t set;
  char line[256], model[128] = "unknown processor";
  FILE *f = fopen("/proc/cpuinfo", "re");
  while (f && fgets(line, sizeof line, f))
    if (sscanf(line, "model name : %127[^\n]", model) == 1)
      break;
  if (f)
    fclose(f);
  printf("%d cores, %s\n", sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0,
         model);
}

static bool run_case(const struct bench *b, const struct bench_case *c) {
  err_t e = c->run(b);
  if (e != OK)
    log_err(c->name, e, "measuring");
  fflush(stdout);
  return e == OK;
}

int main(int argc, char **argv) {
  bool locked;
  unsigned failed = 0;
  if (argc == 3 && strcmp(argv[1], "--raw") == 0)
    return raw_main(argv[2]);
  if (argc > 2 && strcmp(argv[1], "--seal") == 0)
    return seal_main(argc - 2, argv + 2);
  if (argc < 3)
    return usage();
  for (int i = 3; i < argc; i++)
    if (!known(argv[i]))
      return usage();
  signal(SIGPIPE, SIG_IGN);
  mem_install_json();
  if (crypto_init(HEAP, &locked) != OK)
    return 1;
  struct bench b = { argv[1], argv[2] };
  print_machine();
  for (size_t i = 0; i < CASE_COUNT; i++)
    if (wanted(cases[i], argc - 3, argv + 3))
      failed += !run_case(&b, cases[i]);
  printf("\n%u missed their limit, %u cases failed\n", report_missed(), failed);
  return failed ? 2 : report_missed() ? 1 : 0;
}
