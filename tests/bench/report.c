/* Series and the table on stdout. */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static unsigned missed;

uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int by_latency(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

void samples_sort(struct buf *samples) {
  if (samples->size)
    qsort(samples->data, samples->size / sizeof(uint32_t), sizeof(uint32_t), by_latency);
}

double samples_us(const struct buf *samples, double rank) {
  size_t count = samples->size / sizeof(uint32_t);
  uint32_t sample = 0;
  if (count)
    memcpy(&sample, samples->data + (size_t)(rank * (double)(count - 1)) * sizeof sample,
           sizeof sample);
  return (double)sample / 1000;
}

void series_add(struct series *s, double value) {
  if (s->count < SERIES_MAX)
    s->values[s->count++] = value;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double ranked(const struct series *s, double rank) {
  double sorted[SERIES_MAX];
  if (s->count == 0)
    return 0;
  memcpy(sorted, s->values, s->count * sizeof *sorted);
  qsort(sorted, s->count, sizeof *sorted, by_size);
  return sorted[(size_t)(rank * (double)(s->count - 1))];
}

double series_median(const struct series *s) {
  return ranked(s, 0.5);
}

double series_min(const struct series *s) {
  return ranked(s, 0);
}

double series_max(const struct series *s) {
  return ranked(s, 1);
}

/* Three figures that mean something. */
static const char *number(double v, char out[static 32]) {
  double size = v < 0 ? -v : v;
  snprintf(out, 32, "%.*f", size >= 100 ? 0 : size >= 10 ? 1 : 2, v);
  return out;
}

void report_title(const char *text) {
  printf("\n%s\n", text);
  printf("  %-36s %10s %-5s %-19s %10s %11s %12s\n", "figure", "median", "", "min .. max", "base",
         "compared", "limit");
}

static void print_range(const struct series *s) {
  char low[32], high[32], text[80] = "";
  if (s->count > 1)
    snprintf(text, sizeof text, "%s .. %s", number(series_min(s), low),
             number(series_max(s), high));
  printf(" %-19s", text);
}

void report(const struct figure *f) {
  char text[64], num[32];
  double value = series_median(&f->value), base = series_median(&f->base), judged = value;
  printf("  %-36s %10s %-5s", f->name, number(value, num), f->unit);
  print_range(&f->value);
  printf(" %10s", f->base.count ? number(base, num) : "");
  if (f->judge == JUDGE_RATIO) {
    judged = base > 0 ? value / base : 0;
    snprintf(text, sizeof text, "%.2f x", judged);
  } else if (f->judge == JUDGE_DIFFERENCE) {
    judged = value - base;
    snprintf(text, sizeof text, "%+.1f %s", judged, f->unit);
  } else {
    text[0] = '\0';
  }
  printf(" %11s", text);
  if (f->judge != JUDGE_NONE && f->limit > 0) {
    bool pass = f->at_least ? judged >= f->limit : judged <= f->limit;
    snprintf(text, sizeof text, "%s %.4g %s", f->at_least ? ">=" : "<=", f->limit,
             f->judge == JUDGE_RATIO ? "x" : f->unit);
    printf(" %12s  %s", text, pass ? "PASS" : "MISS");
    missed += !pass;
  }
  printf("\n");
  fflush(stdout);
}

void report_value(const char *name, const char *unit, double value) {
  struct figure f = { .name = name, .unit = unit };
  series_add(&f.value, value);
  report(&f);
}

void report_note(const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  printf("  ");
  vprintf(fmt, ap);
  printf("\n");
  va_end(ap);
}

unsigned report_missed(void) {
  return missed;
}
