/* One line from the person at the terminal, without echo. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "crypto/crypto.h"

#include <termios.h>

/* The terminal with its echo off, until it is closed. Ctrl-C ends the line instead of the program:
 * a terminal whose echo stays off is a nuisance. */
struct terminal {
  int fd;
  struct termios before;
};
/* ERR_USAGE (FAILed) when there is none. */
err_t terminal_open(struct terminal *t);
void terminal_close(struct terminal *t);
#define AUTO_TERMINAL __attribute__((cleanup(terminal_close))) struct terminal
#define TERMINAL_CLOSED ((struct terminal){ .fd = -1 })

/* Whole lines have so many bytes: of longer ones the kernel drops the rest without a word. */
#define TERMINAL_LINE_MAX 4094
/* ERR_USAGE (FAILed) for a line of no bytes or of more than max; what is how a reason calls it. */
err_t terminal_ask(const struct terminal *t, const char *prompt, const char *what, size_t max,
                   struct secret *out);

#endif
