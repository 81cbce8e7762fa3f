#include "seal/io.h"
#include "seal/log_format.h"

#include <errno.h>
#include <sys/stat.h>

static err_t look_size(struct log_scan *s) {
  struct stat st;
  if (fstat(s->fd, &st) != 0)
    FAIL(ERR_INPUT, "reading failed: %s", strerror(errno));
  s->size = (uint64_t)st.st_size;
  return OK;
}

/* What a power cut leaves where the file had grown and its bytes were not there yet. */
static err_t zeros_to_the_end(const struct log_scan *s, bool *yes) {
  uint8_t part[4096];
  size_t got;
  *yes = s->size - s->at <= LOG_LENGTH + LOG_RECORD_MAX;
  for (uint64_t at = s->at; *yes && at < s->size; at += got) {
    TRY(io_read_at(s->fd, at, part, sizeof part, &got));
    if (got == 0)
      break;
    for (size_t i = 0; i < got; i++)
      *yes &= part[i] == 0;
  }
  return OK;
}

/* Looks at the length of the record at at. */
static err_t look(struct log_scan *s, enum log_found *found, uint32_t *length) {
  uint8_t raw[LOG_LENGTH];
  size_t got;
  bool zeros = false;
  TRY(io_read_at(s->fd, s->at, raw, sizeof raw, &got));
  if (got < sizeof raw) {
    s->size = s->at + got;
    *found = got ? LOG_FOUND_TORN : LOG_FOUND_END;
    return OK;
  }
  *length =
    (uint32_t)raw[0] << 24 | (uint32_t)raw[1] << 16 | (uint32_t)raw[2] << 8 | (uint32_t)raw[3];
  if (s->size < s->at + LOG_LENGTH + *length || *length == 0)
    TRY(look_size(s));
  if (*length == 0)
    TRY(zeros_to_the_end(s, &zeros));
  if (*length <= XAES_OVERHEAD || *length > LOG_RECORD_MAX)
    *found = zeros ? LOG_FOUND_TORN : LOG_FOUND_NONE;
  else
    *found = s->size < s->at + LOG_LENGTH + *length ? LOG_FOUND_TORN : LOG_FOUND;
  return OK;
}

err_t log_scan_skip(struct log_scan *s, enum log_found *found) {
  uint32_t length = 0;
  TRY(look(s, found, &length));
  if (*found == LOG_FOUND)
    s->at += LOG_LENGTH + length;
  return OK;
}

err_t log_scan_next(struct log_scan *s, enum log_found *found) {
  uint32_t length = 0;
  size_t got;
  TRY(look(s, found, &length));
  if (*found != LOG_FOUND)
    return OK;
  buf_clear(&s->sealed);
  if (!buf_reserve(&s->sealed, length))
    return ERR_NOMEM;
  TRY(io_read_at(s->fd, s->at + LOG_LENGTH, s->sealed.data, length, &got));
  if (got < length) {
    *found = LOG_FOUND_TORN;
    return OK;
  }
  s->sealed.size = length;
  s->at += LOG_LENGTH + length;
  return OK;
}

err_t log_read_start(int fd, const char *name, struct header *h, struct log_prefix *p) {
  uint8_t start[LOG_START];
  size_t got;
  struct stat st;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    FAIL(ERR_NOT_SEALED, "%s: this is no file", name);
  TRY(io_read_at(fd, 0, start, sizeof start, &got));
  TRY(header_read(bytes_of(start, got < HEADER_SIZE ? got : HEADER_SIZE), h));
  if (h->kind != HEADER_LOG)
    FAIL(ERR_NOT_SEALED, "%s: this is no segment of a log", name);
  if (got < LOG_START)
    FAIL(ERR_TRUNCATED, "%s: it ends before its first record", name);
  log_prefix_get(start + HEADER_SIZE, p);
  return OK;
}
