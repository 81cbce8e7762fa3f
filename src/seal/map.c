/*
 * A region of the file is mapped at a time, and the one before it for the views that are still in
 * use. Within a region pages are made present a window at a time, and left behind: so that neither
 * resident memory nor page tables grow with the file. Windows are as large, and as aligned, as the
 * processor's larger pages, of which the page cache has many.
 */
#include "seal/map.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW ((size_t)2 << 20)
#define REGION (32 * WINDOW) /* over STREAM_VIEWS by more than a window */
#define GUARDS 32

/* Addresses that a SIGBUS may come from. */
struct guard {
  _Atomic uintptr_t from, to; /* from 0: nobody's */
  atomic_bool taken, lost;
};
static struct guard guards[GUARDS];
static struct sigaction before;
static _Atomic uintptr_t page_size;

struct region {
  uint8_t *reserved;    /* with room to align; NULL: none */
  uint8_t *data;        /* the file from at on */
  uint64_t at, size;    /* at is a multiple of WINDOW */
  uint64_t file_size;   /* when it was mapped */
  uint64_t ready, past; /* places: pages are present up to, left behind up to */
  uint64_t shown;       /* a place: views end there */
  struct guard *guard;
};

struct map {
  int fd;
  bool lost;
  uint64_t passed; /* a place: no view before it is used any more */
  struct region now, last;
};

/* In a handler: nothing but system calls and atomics. */
static bool guarded(uint8_t *address) {
  uint8_t *page = address - (uintptr_t)address % page_size;
  for (size_t i = 0; i < GUARDS; i++) {
    struct guard *g = &guards[i];
    uintptr_t from = atomic_load(&g->from), to = atomic_load(&g->to);
    if (from == 0 || (uintptr_t)address < from || (uintptr_t)address >= to)
      continue;
    atomic_store(&g->lost, true);
    return mmap(page, to - (uintptr_t)page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                0) != MAP_FAILED;
  }
  return false;
}

static void on_sigbus(int sig, siginfo_t *info, void *context) {
  if (!guarded(info->si_addr))
    sigaction(SIGBUS, &before, NULL); /* comes again, and goes there */
}

/* Unless it is installed: somebody may have taken its place since. */
static void install(void) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  struct sigaction a = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_ONSTACK }, now;
  sigemptyset(&a.sa_mask);
  pthread_mutex_lock(&lock);
  page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
  if (sigaction(SIGBUS, NULL, &now) == 0 && now.sa_sigaction != on_sigbus) {
    before = now;
    sigaction(SIGBUS, &a, NULL);
  }
  pthread_mutex_unlock(&lock);
}

static struct guard *take_guard(void) {
  install();
  for (size_t i = 0; i < GUARDS; i++)
    if (!atomic_exchange(&guards[i].taken, true)) {
      atomic_store(&guards[i].lost, false);
      return &guards[i];
    }
  return NULL;
}

static void region_end(struct region *r) {
  if (r->guard) {
    atomic_store(&r->guard->from, 0);
    atomic_store(&r->guard->taken, false);
  }
  if (r->reserved)
    munmap(r->reserved, REGION + WINDOW);
  *r = (struct region){ 0 };
}

/* Maps the file from at on, at an address that is aligned as at is. */
static bool region_map(struct region *r, int fd, uint64_t at, uint64_t file_size) {
  uint8_t *all = mmap(NULL, REGION + WINDOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED)
    return false;
  r->reserved = all;
  r->at = r->ready = r->past = at;
  r->size = file_size - at < REGION ? file_size - at : REGION;
  r->file_size = file_size;
  uint8_t *data = all + (WINDOW - (uintptr_t)all % WINDOW);
  if (mmap(data, r->size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, (off_t)at) == MAP_FAILED)
    return false;
  r->data = data;
  madvise(data, r->size, MADV_SEQUENTIAL);
  atomic_store(&r->guard->to, (uintptr_t)data + r->size);
  atomic_store(&r->guard->from, (uintptr_t)data);
  return true;
}

static bool region_begin(struct region *r, int fd, uint64_t at, uint64_t file_size) {
  r->guard = take_guard();
  if (r->guard && region_map(r, fd, at, file_size))
    return true;
  region_end(r);
  return false;
}

static void *map_open(int fd) {
  struct map *m = mem_zalloc(sizeof *m);
  if (m)
    m->fd = fd;
  return m;
}

static void map_close(void *v) {
  struct map *m = v;
  region_end(&m->now);
  region_end(&m->last);
  mem_free(m);
}

static bool covers(const struct region *r, uint64_t at, size_t size) {
  return r->data && at >= r->at && at + size <= r->at + r->size && at + size < r->file_size;
}

static bool map_lost(const void *v) {
  const struct map *m = v;
  return m->lost || (m->now.guard && atomic_load(&m->now.guard->lost)) ||
         (m->last.guard && atomic_load(&m->last.guard->lost));
}

/* The next region starts in the window of at: views end in it that begin before. Not while the one
 * that would go is looked at: a file that grows comes here at each of its ends. */
static bool move_on(struct map *m, uint64_t at, size_t size) {
  struct stat st;
  if (m->last.data && m->passed < m->last.shown)
    return false;
  if (fstat(m->fd, &st) != 0 || !S_ISREG(st.st_mode) || at + size >= (uint64_t)st.st_size)
    return false;
  m->lost = map_lost(m);
  region_end(&m->last);
  m->last = m->now;
  m->now = (struct region){ 0 };
  return region_begin(&m->now, m->fd, at - at % WINDOW, (uint64_t)st.st_size) &&
         covers(&m->now, at, size);
}

static const uint8_t *map_view(void *v, uint64_t at, size_t size) {
  struct map *m = v;
  struct region *r = &m->now;
  if (!covers(r, at, size) && !move_on(m, at, size))
    return NULL;
  while (r->ready < at + size) {
    uint64_t left = r->at + r->size - r->ready;
    size_t window = left < WINDOW ? (size_t)left : WINDOW;
    /* A failure shows again when it is read, and there with its reason. */
    if (madvise(r->data + (r->ready - r->at), window, MADV_POPULATE_READ) != 0)
      return NULL;
    r->ready += window;
  }
  r->shown = at + size;
  return r->data + (at - r->at);
}

static void region_release(struct region *r, uint64_t passed) {
  while (r->data && r->past + WINDOW <= passed && r->past < r->ready) {
    madvise(r->data + (r->past - r->at), WINDOW, MADV_DONTNEED);
    r->past += WINDOW;
  }
}

static void map_passed(void *v, uint64_t passed) {
  struct map *m = v;
  m->passed = passed;
  region_release(&m->last, passed);
  region_release(&m->now, passed);
}

const struct stream_views map_views = { map_open, map_view, map_passed, map_lost, map_close };
