/* What the inside of a struct tls is, for the TLS files of this room only. */
#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

#include "net/tls.h"

struct ssl_ctx_st;
struct ssl_ctx_st *tls_context(const struct tls *t);

#endif
