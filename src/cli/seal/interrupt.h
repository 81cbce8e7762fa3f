/*
 * Ctrl-C, and being told to end (SIGINT, SIGTERM, SIGHUP): outputs that are not complete are taken
 * away and the process ends with exit code 130, whatever it waits for: the disk, a pipe, the vault.
 * Signals that are ignored, as by nohup, stay so.
 */
#ifndef CLI_SEAL_INTERRUPT_H
#define CLI_SEAL_INTERRUPT_H

#include "cli/progress.h"

/* Once, before other threads are made: a thread of its own waits for them. p is for what is told.
 */
err_t interrupt_catch(const struct progress *p);

#endif
