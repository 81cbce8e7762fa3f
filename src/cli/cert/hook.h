/*
 * A program of the caller's that is told when files have changed. It is run as it is, without a
 * shell, arguments or stdin; STRONGROOM_CERT_DIR and STRONGROOM_CERT_NAME say what changed. Nothing
 * in its environment is a secret. It runs under the same user and can gain no privileges.
 */
#ifndef CLI_CERT_HOOK_H
#define CLI_CERT_HOOK_H

#include "base/err.h"

/* ERR_USAGE (FAILed) when it could not be run. */
err_t hook_check(const char *program);
/* Waits for its end, for a minute at most: then it is killed. ERR_INTERNAL (FAILed) unless it ended
 * with status 0. */
err_t hook_run(const char *program, const char *dir, const char *name);

#endif
