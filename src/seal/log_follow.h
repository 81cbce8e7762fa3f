/*
 * Following a log as it grows (log.h), across segments, also those of the next writer. Each record
 * is verified by itself; that none is missing, log_walk() checks. One thread at a time.
 */
#ifndef SEAL_LOG_FOLLOW_H
#define SEAL_LOG_FOLLOW_H

#include "seal/log_read.h"

struct log_follower;
/* Begins with the records that have the last so many entries; *skip is how many more they have. */
err_t log_follower_open(const char *dir, struct key_cache *keys, uint64_t entries,
                        struct log_follower **out, uint64_t *skip);
void log_follower_free(struct log_follower *f);
CLEANUP(log_follower, struct log_follower *, log_follower_free)

/* *more false: that is all for the moment. After an error that may pass it can be asked again. */
err_t log_follower_next(struct log_follower *f, const struct log_about **about,
                        struct log_record *out, bool *more);
/* Readable when something has changed; -1 where the system does not tell. */
int log_follower_fd(const struct log_follower *f);

#endif
