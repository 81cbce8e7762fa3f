/* Usage, printed from the table of verbs. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/verb.h"

void help_overview(void);
void help_noun(const struct noun *n);
void help_verb(const struct verb *v);
void help_roff(void); /* the manual's chapter of commands */

#endif
