/* Inside of a log's writer: log_writer.c writes, log_recover.c looks how the log ended. */
#ifndef SEAL_LOG_WRITER_H
#define SEAL_LOG_WRITER_H

#include "seal/log_format.h"

struct log_writer {
  char *path;
  int dir, lock;
  enum log_format format;
  bool recovered;
  uint64_t next;            /* number of the segment that will be begun */
  uint8_t id[LOG_ID];       /* of the log */
  struct log_before before; /* what that segment will say of the one before it, if none is open */
  /* The present segment; fd is -1 when there is none. */
  int fd;
  struct log_name name;
  struct log_prefix prefix;
  struct xaes *key;
  struct log_tip tip; /* of what is durable */
  uint64_t size;
  uint64_t entries;
  int64_t latest_ns;
  uint64_t begun_us; /* monotonic */
  struct buf plain, sealed;
};

#endif
