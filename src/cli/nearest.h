/* The word that was probably meant: the nearest of those offered, by edits, if it is near at all.
 */
#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

struct nearest {
  const char *given;
  const char *found; /* NULL: nothing near was offered yet */
  unsigned distance;
};
void nearest_to(const char *given, struct nearest *n);
void nearest_offer(struct nearest *n, const char *word);

#endif
