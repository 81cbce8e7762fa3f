/*
 * An intrusive doubly linked list. A node that is in no list is its own neighbour, so removing it
 * again is harmless and moving it from one list to another is one call. One thread at a time.
 */
#ifndef NET_LIST_H
#define NET_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
  struct list *prev, *next;
};

static inline void list_init(struct list *l) {
  l->prev = l->next = l;
}
static inline bool list_empty(const struct list *l) {
  return l->next == l;
}
static inline void list_remove(struct list *n) {
  n->prev->next = n->next;
  n->next->prev = n->prev;
  list_init(n);
}
/* Takes n out of the list that it is in and puts it behind at; at the list's head it becomes the
 * first. */
static inline void list_move_behind(struct list *n, struct list *at) {
  list_remove(n);
  n->prev = at;
  n->next = at->next;
  at->next->prev = n;
  at->next = n;
}
static inline void list_move_last(struct list *n, struct list *head) {
  list_remove(n); /* it may be the last one already */
  list_move_behind(n, head->prev);
}
/* All nodes of from become those of the empty list to. */
static inline void list_take(struct list *from, struct list *to) {
  list_init(to);
  if (list_empty(from))
    return;
  *to = *from;
  to->prev->next = to->next->prev = to;
  list_init(from);
}

#define LIST_ITEM(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

#endif
