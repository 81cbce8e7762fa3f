#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#define PROGRAM "strongroom"

/* "key create", or "up" for a verb of the program itself. */
static int print_name(FILE *f, const struct verb *v) {
  return fprintf(f, "%s%s%s", v->noun, *v->noun ? " " : "", v->name);
}

static void print_row(const struct verb *v) {
  int n = printf("  ");
  n += print_name(stdout, v);
  n += printf("%s%s", *v->words ? " " : "", v->words);
  printf("%*s%s\n", n < 38 ? 40 - n : 2, "", v->summary);
}

void help_noun(const struct noun *n) {
  printf("%s %s: %s\n\n", PROGRAM, n->name, n->summary);
  for (size_t i = 0; i < verb_count; i++)
    if (strcmp(verbs[i]->noun, n->name) == 0)
      print_row(verbs[i]);
  printf("\nMore on one, with examples: %s help %s VERB\n", PROGRAM, n->name);
}

static void print_exit_codes(void) {
  printf("\nExit codes:\n");
  for (size_t i = 0; i < exit_code_count; i++)
    printf("  %d  %s\n", exit_codes[i].code, exit_codes[i].meaning);
}

void help_overview(void) {
  printf("%s: a key vault for your own machines. Applications use keys, owners change them.\n\n"
         "Usage: %s VERB or %s NOUN VERB, then arguments and options\n\n",
         PROGRAM, PROGRAM, PROGRAM);
  for (size_t i = 0; i < verb_count; i++)
    if (!*verbs[i]->noun)
      print_row(verbs[i]);
  printf("\n");
  for (size_t i = 0; i < noun_count; i++)
    printf("  %-38s%s\n", nouns[i].name, nouns[i].summary);
  printf("\nMore: %s help NOUN, %s help NOUN VERB, %s NOUN VERB --help\n", PROGRAM, PROGRAM,
         PROGRAM);
  print_exit_codes();
}

static void print_options(const struct verb *v) {
  const struct opt *o;
  for (size_t i = 0; (o = verb_option(v, i)); i++) {
    int n = printf("  --%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    printf("%*s%s\n", n < 28 ? 30 - n : 2, "", o->help);
    if (o->choices)
      printf("%30sone of %s\n", "", o->choices);
  }
}

static void print_examples(const char *examples) {
  printf("\nExamples:\n");
  for (const char *p = examples; *p;) {
    size_t n = strcspn(p, "\n");
    printf("  %.*s\n", (int)n, p);
    p += n + (p[n] == '\n');
  }
}

void help_verb(const struct verb *v) {
  printf("Usage: %s ", PROGRAM);
  print_name(stdout, v);
  printf("%s%s%s\n\n%s.\n", *v->words ? " " : "", v->words, verb_option(v, 0) ? " [OPTIONS]" : "",
         v->summary);
  if (v->details)
    printf("\n%s\n", v->details);
  if (verb_option(v, 0))
    printf("\nOptions:\n");
  print_options(v);
  print_examples(v->examples);
}

/* Text for roff: a leading dot or quote is no request, a dash is one that can be copied. */
static void roff(const char *text, size_t size) {
  if (size && (text[0] == '.' || text[0] == '\''))
    printf("\\&");
  for (size_t i = 0; i < size; i++)
    if (text[i] == '\\')
      printf("\\e");
    else if (text[i] == '-')
      printf("\\-");
    else
      putchar(text[i]);
}

static void roff_lines(const char *text) {
  for (const char *p = text; *p;) {
    size_t n = strcspn(p, "\n");
    roff(p, n);
    putchar('\n');
    p += n + (p[n] == '\n');
  }
}

static void roff_options(const struct opt *options) {
  for (const struct opt *o = options; o && o->name; o++) {
    printf(".TP\n\\fB\\-\\-");
    roff(o->name, strlen(o->name));
    printf("\\fR");
    if (o->value)
      printf(" \\fI%s\\fR", o->value);
    printf("\n");
    roff_lines(o->help);
    if (o->choices) {
      printf("(one of ");
      roff(o->choices, strlen(o->choices));
      printf(")\n");
    }
  }
}

static void roff_verb(const struct verb *v) {
  printf(".SS ");
  print_name(stdout, v);
  printf("%s%s\n", *v->words ? " " : "", v->words);
  roff_lines(v->summary);
  printf(".br\n");
  if (v->details) {
    printf(".PP\n.nf\n");
    roff_lines(v->details);
    printf(".fi\n");
  }
  roff_options(v->options);
  printf(".PP\n.RS 4\n.nf\n");
  roff_lines(v->examples);
  printf(".fi\n.RE\n");
}

void help_roff(void) {
  printf(".SS Options of every verb that asks the hub\n");
  roff_options(verb_client_options);
  printf(".SS Options of every verb that starts the hub\n");
  roff_options(verb_settings());
  printf(".SS Options of every verb that is about a proxy's configuration\n");
  roff_options(verb_proxy_settings());
  for (size_t i = 0; i < verb_count; i++)
    roff_verb(verbs[i]);
}
