#include "net/timer.h"

void timer_wheel_init(struct timer_wheel *w) {
  w->tick = 0;
  w->count = 0;
  for (size_t i = 0; i < TIMER_SLOTS; i++)
    list_init(&w->slots[i]);
}

void timer_init(struct timer *t) {
  list_init(&t->link);
  t->due = t->slot = 0;
}

static void place(struct timer_wheel *w, struct timer *t) {
  uint64_t last = w->tick + TIMER_SLOTS - 1;
  t->slot = t->due < last ? t->due : last;
  list_move_last(&t->link, &w->slots[t->slot % TIMER_SLOTS]);
}

void timer_set(struct timer_wheel *w, struct timer *t, uint64_t now_ms, unsigned ms) {
  bool set = !list_empty(&t->link);
  if (w->count == 0)
    w->tick = now_ms / TIMER_TICK_MS; /* the wheel stands still while nothing is on it */
  t->due = (now_ms + ms) / TIMER_TICK_MS + 1;
  if (set && t->slot <= t->due)
    return;
  if (!set)
    w->count++;
  place(w, t);
}

void timer_stop(struct timer_wheel *w, struct timer *t) {
  if (list_empty(&t->link))
    return;
  list_remove(&t->link);
  w->count--;
}

void timer_run(struct timer_wheel *w, uint64_t now_ms, void (*fire)(struct timer *t)) {
  uint64_t now = now_ms / TIMER_TICK_MS;
  while (w->count > 0 && w->tick < now) {
    struct list due;
    w->tick++;
    list_take(&w->slots[w->tick % TIMER_SLOTS], &due);
    while (!list_empty(&due)) {
      struct timer *t = LIST_ITEM(due.next, struct timer, link);
      if (t->due > w->tick) {
        place(w, t);
        continue;
      }
      list_remove(&t->link);
      w->count--;
      fire(t);
    }
  }
}
