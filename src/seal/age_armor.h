/*
 * age's armor: a file as text, strictly as RFC 7468 writes it, white space around it, lines that
 * end with LF or CR LF. Text is pushed in pieces of any size. One thread at a time.
 */
#ifndef SEAL_AGE_ARMOR_H
#define SEAL_AGE_ARMOR_H

#include "base/bytes.h"

struct armor {
  enum { ARMOR_BEFORE, ARMOR_BODY, ARMOR_AFTER } state;
  bool ended; /* a line shorter than the others came: only the end may follow */
  uint8_t line[80];
  size_t held; /* of it */
};
/* A zeroed struct is the beginning. What the text holds is appended to out. */
err_t armor_push(struct armor *a, struct bytes text, struct buf *out);
err_t armor_end(struct armor *a, struct buf *out); /* no more text comes */

/* Whether text, behind white space, is the start of one; so too where it is cut off. */
bool armor_looks_like(struct bytes text);

#endif
