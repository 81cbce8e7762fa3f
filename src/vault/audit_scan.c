#include "vault/audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#define ROOM 131072 /* many entries; the longest fits */

err_t audit_scan_fill(struct audit_scan *s, size_t need) {
  if (s->end - s->at >= need)
    return OK;
  memmove(s->room, s->room + s->at, s->end - s->at);
  s->end -= s->at;
  s->at = 0;
  while (s->end < need) {
    ssize_t n = pread(s->fd, s->room + s->end, ROOM - s->end, (off_t)(s->offset + s->end));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      FAIL(ERR_IO, "audit log, %s: %s", s->name.text, strerror(errno));
    if (n == 0)
      break;
    s->end += (size_t)n;
  }
  return OK;
}

void audit_scan_skip(struct audit_scan *s, size_t n) {
  s->at += n;
  s->offset += n;
}

static err_t read_header(struct audit_scan *s, uint64_t first) {
  TRY(audit_scan_fill(s, AUDIT_HEADER_SIZE));
  size_t have = s->end - s->at;
  size_t size = have < AUDIT_HEADER_SIZE ? have : AUDIT_HEADER_SIZE;
  TRY(audit_header_get(bytes_of(s->room, size), &s->header));
  if (s->header.first != first)
    FAIL(ERR_CORRUPT, "the file's name and its header disagree");
  audit_scan_skip(s, size);
  memcpy(s->current, s->header.chain, AUDIT_CHAIN);
  return OK;
}

err_t audit_scan_open(int dir, uint64_t first, struct audit_scan *s) {
  *s = (struct audit_scan){ .name = audit_file_name(first) };
  s->fd = openat(dir, s->name.text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (s->fd < 0)
    FAIL(ERR_IO, "audit log, %s: %s", s->name.text, strerror(errno));
  s->room = mem_alloc(ROOM);
  if (!s->room)
    return ERR_NOMEM;
  return read_header(s, first);
}

void audit_scan_close(struct audit_scan *s) {
  file_close(&s->fd);
  mem_free(s->room);
}

err_t audit_scan_next(struct audit_scan *s, struct audit_entry *e, enum audit_found *found) {
  bool whole;
  TRY(audit_scan_fill(s, AUDIT_ENTRY_MAX));
  s->last = s->offset;
  memcpy(s->before, s->current, AUDIT_CHAIN);
  if (s->end == s->at) {
    *found = FOUND_END;
    return OK;
  }
  if (audit_entry_get(bytes_of(s->room + s->at, s->end - s->at), e, &whole) != OK)
    FAIL(ERR_CORRUPT, "no record begins at byte %" PRIu64, s->offset);
  *found = whole ? FOUND_ENTRY : FOUND_PART;
  if (!whole)
    return OK;
  memcpy(s->current, e->chain.data, AUDIT_CHAIN);
  audit_scan_skip(s, audit_entry_size(e));
  return OK;
}

void audit_scan_again(struct audit_scan *s) {
  memcpy(s->current, s->before, AUDIT_CHAIN);
  s->offset = s->last;
  s->at = s->end = 0;
}
