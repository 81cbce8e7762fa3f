/*
 * Messages of strongSwan's control interface (its README.md of the plugin vici): trees of sections,
 * values and lists, written into a buf and read one element after the other. Any thread.
 */
#ifndef TRANSIT_VPN_VICI_MESSAGE_H
#define TRANSIT_VPN_VICI_MESSAGE_H

#include "base/bytes.h"

#define VICI_DEPTH 4 /* sections in sections; deeper ones are refused */

/* Names have at most 255 bytes, values 65,535; longer ones are defects of the caller. */
void vici_put_section(struct buf *b, const char *name);
void vici_put_end(struct buf *b);
void vici_put(struct buf *b, const char *name, struct bytes value);
void vici_put_str(struct buf *b, const char *name, const char *value);
void vici_put_u64(struct buf *b, const char *name, uint64_t value);
void vici_put_list(struct buf *b, const char *name);
void vici_put_item(struct buf *b, const char *value);
void vici_put_list_end(struct buf *b);

struct vici_reader {
  struct bytes rest;
  struct bytes section[VICI_DEPTH]; /* names, from the outermost to the present one */
  unsigned depth;                   /* how many of them */
  struct bytes list;                /* name of the present list; data NULL outside of one */
  bool bad;
};
static inline struct vici_reader vici_reader_of(struct bytes message) {
  return (struct vici_reader){ .rest = message };
}
/* The next value, or item of a list, which has the list's name: views of the message. False at the
 * end, or where the message is malformed (bad). */
bool vici_read(struct vici_reader *r, struct bytes *name, struct bytes *value);
/* The value of a name outside of all sections; data NULL when there is none. */
struct bytes vici_value(struct bytes message, const char *name);

#endif
