/*
 * A file as memory, a window of it at a time, for streams that need not copy what they read. One
 * thread moves it on, any thread reads what it showed.
 *
 * Where a mapped file is cut off, or its disk fails, reading it is a SIGBUS. A handler is installed
 * for it: the map's pages become zeros then, and the map is lost; every other SIGBUS goes to who
 * handled it before. A library must not do that: it does not name map_views.
 */
#ifndef SEAL_MAP_H
#define SEAL_MAP_H

#include "seal/stream.h"

/* The way to see a file that a stream may be given (stream.h). */
extern const struct stream_views map_views;

#endif
