/* An epoll loop: its events, its mail, its held answers, its deadlines. */
#include "base/clock.h"
#include "net/accept.h"
#include "net/serve.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS 64

void loop_wake(struct loop *l) {
  wake_up(&l->wake);
}

static void wake_waiter(struct gate_waiter *w) {
  loop_wake(LIST_ITEM(w, struct loop, gate));
}

void loop_post(struct loop *l, struct http_conn *c) {
  pthread_mutex_lock(&l->mail_lock);
  list_move_last(&c->line, &l->mail);
  pthread_mutex_unlock(&l->mail_lock);
  loop_wake(l);
}

static void run_wake(struct loop *l) {
  struct list mail;
  wake_quiet(&l->wake);
  pthread_mutex_lock(&l->mail_lock);
  list_take(&l->mail, &mail);
  pthread_mutex_unlock(&l->mail_lock);
  while (!list_empty(&mail)) {
    struct http_conn *c = LIST_ITEM(mail.next, struct http_conn, line);
    list_remove(&c->line);
    conn_arrive(c);
  }
}

static bool settled(struct loop *l, const struct http_conn *c) {
  bool passed = false;
  return gate_check(l->server->gate, c->x->pub.res.hold, &passed) != OK || passed;
}

/* What gate_hold() writes comes before the look (see gate.c). */
static void run_held(struct loop *l) {
  if (!l->server->gate)
    return;
  while (!list_empty(&l->held)) {
    struct http_conn *first = LIST_ITEM(l->held.next, struct http_conn, line);
    gate_hold(&l->gate, first->x->pub.res.hold);
    if (!settled(l, first))
      return;
    conn_let_go(first);
  }
  gate_hold(&l->gate, UINT64_MAX);
}

static void run_again(struct loop *l) {
  struct list again;
  list_take(&l->again, &again);
  while (!list_empty(&again))
    conn_again(LIST_ITEM(again.next, struct http_conn, line));
}

static void reap(struct loop *l) {
  while (!list_empty(&l->dead))
    conn_free(LIST_ITEM(l->dead.next, struct http_conn, line));
}

static void stop_all(struct loop *l, bool cut) {
  for (struct list *n = l->conns.next; n != &l->conns; n = n->next)
    conn_stop(LIST_ITEM(n, struct http_conn, all), cut);
}

/* True when there is nothing left to do. */
static bool run_stop(struct loop *l) {
  struct http_server *s = l->server;
  if (!atomic_load(&s->stopping))
    return false;
  accept_stop(l);
  if (!l->cut) {
    l->cut = l->now_ms >= s->stop_at_ms;
    stop_all(l, l->cut);
  }
  reap(l);
  return !atomic_load(&s->accepting) && atomic_load(&l->load) == 0;
}

static int patience(const struct loop *l) {
  if (!list_empty(&l->again))
    return 0;
  bool ticking = l->wheel.count > 0 || l->accept_paused || atomic_load(&l->server->stopping);
  return ticking ? TIMER_TICK_MS : -1;
}

static void *loop_main(void *arg) {
  struct loop *l = arg;
  struct epoll_event events[EVENTS];
  pthread_setname_np(pthread_self(), "loop");
  for (;;) {
    int n = epoll_wait(l->epoll, events, EVENTS, patience(l));
    l->now_ms = clock_mono_us() / 1000;
    for (int i = 0; i < n; i++) {
      struct source *source = events[i].data.ptr;
      if (source->kind == SOURCE_CONN)
        conn_event((struct http_conn *)source, events[i].events);
      else if (source->kind == SOURCE_LISTENER)
        accept_event(l, (struct listener *)source);
      else
        run_wake(l);
    }
    run_again(l);
    timer_run(&l->wheel, l->now_ms, conn_timeout);
    run_held(l); /* after all that can hold an answer: the gate wakes only for those it looks at */
    accept_resume(l);
    reap(l);
    if (run_stop(l))
      return NULL;
  }
}

err_t loop_open(struct loop *l, struct http_server *s) {
  l->server = s;
  l->wake_source.kind = SOURCE_WAKE;
  timer_wheel_init(&l->wheel);
  list_init(&l->conns);
  list_init(&l->again);
  list_init(&l->idle);
  list_init(&l->held);
  list_init(&l->dead);
  list_init(&l->mail);
  list_init(&l->spare_exchanges);
  pthread_mutex_init(&l->mail_lock, NULL);
  l->gate.wake = wake_waiter;
  list_init(&l->gate.link);
  atomic_store(&l->gate.lowest, UINT64_MAX);
  l->now_ms = clock_mono_us() / 1000;
  l->epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event e = { .events = EPOLLIN, .data.ptr = &l->wake_source };
  TRY(wake_open(&l->wake));
  if (l->epoll < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->wake.fd, &e) != 0)
    FAIL(ERR_IO, "cannot make an event loop: %s", strerror(errno));
  return OK;
}

err_t loop_start(struct loop *l) {
  if (l->server->gate)
    gate_join(l->server->gate, &l->gate);
  if (pthread_create(&l->thread, NULL, loop_main, l) != 0)
    FAIL(ERR_NOMEM, "cannot start a thread");
  l->started = true;
  return OK;
}

void loop_close(struct loop *l) {
  if (l->server->gate)
    gate_leave(l->server->gate, &l->gate);
  while (!list_empty(&l->mail)) /* dealt to a loop that could not be started */
    conn_free(LIST_ITEM(l->mail.next, struct http_conn, line));
  spare_free(l);
  if (l->epoll >= 0)
    close(l->epoll);
  wake_close(&l->wake);
  pthread_mutex_destroy(&l->mail_lock);
}
