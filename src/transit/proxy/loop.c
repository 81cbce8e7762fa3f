/* An epoll loop of the proxy: its events, its mail, its deadlines, its end. */
#include "transit/proxy/pair.h"

#include "base/clock.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS 64

void proxy_loop_post(struct loop *l, struct pair *c) {
  pthread_mutex_lock(&l->mail_lock);
  list_move_last(&c->line, &l->mail);
  pthread_mutex_unlock(&l->mail_lock);
  wake_up(&l->wake);
}

static void run_all(struct list *from) {
  while (!list_empty(from)) {
    struct pair *c = LIST_ITEM(from->next, struct pair, line);
    list_remove(&c->line);
    pair_run(c);
  }
}

static void run_mail(struct loop *l) {
  struct list mail;
  pthread_mutex_lock(&l->mail_lock);
  list_take(&l->mail, &mail);
  pthread_mutex_unlock(&l->mail_lock);
  while (!list_empty(&mail)) {
    struct pair *c = LIST_ITEM(mail.next, struct pair, line);
    list_remove(&c->line);
    pair_arrive(c);
  }
}

static void recheck(struct loop *l) {
  uint64_t wanted = atomic_load(&l->proxy->recheck);
  if (l->rechecked == wanted)
    return;
  l->rechecked = wanted;
  AUTO(tls) struct tls *tls = proxy_tls(l->proxy);
  for (struct list *n = l->pairs.next, *next; n != &l->pairs; n = next) {
    struct pair *c = LIST_ITEM(n, struct pair, all);
    next = n->next;
    if (!c->closed && tls_io_revoked(&c->io, tls))
      pair_end(c, PROXY_END_REVOKED, "");
  }
}

static void run_wake(struct loop *l) {
  struct list asking;
  wake_quiet(&l->wake);
  run_mail(l);
  list_take(&l->asking, &asking);
  run_all(&asking);
  recheck(l);
}

static void run_again(struct loop *l) {
  struct list again;
  list_take(&l->again, &again);
  run_all(&again);
}

static void reap(struct loop *l) {
  while (!list_empty(&l->dead))
    pair_free(LIST_ITEM(l->dead.next, struct pair, line));
}

static void cut_all(struct loop *l) {
  for (struct list *n = l->pairs.next, *next; n != &l->pairs; n = next) {
    next = n->next;
    pair_end(LIST_ITEM(n, struct pair, all), PROXY_END_STOPPED, "");
  }
}

/* True when there is nothing left to do. */
static bool run_stop(struct loop *l) {
  struct proxy *p = l->proxy;
  if (atomic_load(&p->draining))
    door_shut(l);
  if (!atomic_load(&p->stopping))
    return false;
  if (l->now_ms >= atomic_load(&p->stop_at_ms))
    cut_all(l);
  reap(l);
  return !atomic_load(&p->accepting) && atomic_load(&l->load) == 0;
}

static int patience(const struct loop *l) {
  if (!list_empty(&l->again))
    return 0;
  bool ticking = l->wheel.count > 0 || !list_empty(&l->warm) || l->accept_at_ms ||
                 atomic_load(&l->proxy->stopping);
  return ticking ? TIMER_TICK_MS : -1;
}

static void *loop_main(void *arg) {
  struct loop *l = arg;
  struct epoll_event events[EVENTS];
  pthread_setname_np(pthread_self(), "proxy");
  for (;;) {
    int n = epoll_wait(l->epoll, events, EVENTS, patience(l));
    l->now_ms = clock_mono_us() / 1000;
    for (int i = 0; i < n; i++) {
      struct source *source = events[i].data.ptr;
      if (source->kind == SOURCE_WAKE)
        run_wake(l);
      else if (source->kind == SOURCE_LISTENER)
        door_event(l, (struct listener *)source);
      else
        pair_event(source, events[i].events);
    }
    run_again(l);
    timer_run(&l->wheel, l->now_ms, pair_timeout);
    relay_cool(l);
    door_resume(l);
    reap(l);
    if (run_stop(l))
      return NULL;
  }
}

static void init(struct loop *l, struct proxy *p) {
  l->proxy = p;
  l->wake_source.kind = SOURCE_WAKE;
  l->now_ms = clock_mono_us() / 1000;
  timer_wheel_init(&l->wheel);
  list_init(&l->pairs);
  list_init(&l->again);
  list_init(&l->warm);
  list_init(&l->dead);
  list_init(&l->asking);
  list_init(&l->mail);
  pthread_mutex_init(&l->mail_lock, NULL);
}

err_t proxy_loop_open(struct loop *l, struct proxy *p) {
  init(l, p);
  l->epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event e = { .events = EPOLLIN, .data.ptr = &l->wake_source };
  TRY(wake_open(&l->wake));
  if (l->epoll < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->wake.fd, &e) != 0)
    FAIL(ERR_IO, "cannot make an event loop: %s", strerror(errno));
  return OK;
}

err_t proxy_loop_start(struct loop *l) {
  if (pthread_create(&l->thread, NULL, loop_main, l) != 0)
    FAIL(ERR_NOMEM, "cannot start a thread");
  l->started = true;
  return OK;
}

void proxy_loop_close(struct loop *l) {
  while (!list_empty(&l->mail)) /* dealt to a loop that could not be started */
    pair_free(LIST_ITEM(l->mail.next, struct pair, line));
  blocks_free(&l->blocks);
  pipes_free(&l->pipes);
  if (l->epoll >= 0)
    close(l->epoll);
  wake_close(&l->wake);
  pthread_mutex_destroy(&l->mail_lock);
}
