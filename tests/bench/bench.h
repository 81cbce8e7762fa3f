/*
 * The benchmarks: what the cases share. A case starts a server of its own, measures, and reports
 * figures; a figure may have a limit. One thread drives everything but what a case says it starts.
 *
 * Times of the server are its processor time (user and system, all threads), so that what the load
 * generator costs does not count. What a figure is compared with is measured in the same run,
 * before, between and after.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "base/bytes.h"

/* One figure, measured again and again. */
#define SERIES_MAX 16
struct series {
  double values[SERIES_MAX];
  size_t count;
};
void series_add(struct series *s, double value); /* what is beyond SERIES_MAX is not kept */
double series_median(const struct series *s);
double series_min(const struct series *s);
double series_max(const struct series *s);

enum judge { JUDGE_NONE, JUDGE_VALUE, JUDGE_RATIO, JUDGE_DIFFERENCE };
struct figure {
  const char *name, *unit;
  struct series value;
  struct series base; /* what it is compared with; may be empty */
  enum judge judge;   /* which of them is shown and the limit is for: the medians' */
  double limit;       /* at most, ..; 0: none */
  bool at_least;      /* .. or at least */
};
void report_title(const char *text);
void report(const struct figure *f);
/* A figure measured once, without a limit. */
void report_value(const char *name, const char *unit, double value);
void report_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
unsigned report_missed(void); /* figures that missed their limit so far */

uint64_t now_ns(void); /* monotonic */

/* Latencies, nanoseconds as uint32_t: to be sorted before one is looked up by its rank (0.99). */
void samples_sort(struct buf *samples);
double samples_us(const struct buf *samples, double rank);

struct bench {
  const char *program; /* the server's */
  const char *dir;     /* for data directories; the caller removes it */
};
struct bench_case {
  const char *name, *help;
  err_t (*run)(const struct bench *b);
};
extern const struct bench_case case_use, case_tail, case_idle, case_keys, case_secrets, case_issue,
  case_rates, case_seal, case_age, case_proxy;

#endif
