/*
 * The proof that nothing of the hub speaks plain text: every address on which a service listens is
 * connected to as anybody would. It must do TLS 1.2 or newer with a certificate of the hub's
 * authority for the hub's name, or with the one that it was given, and give no answer to what is
 * not TLS. Where the system lets us look (as root), the sockets that the kernel knows of must be
 * the ones that the service told.
 */
#ifndef CLI_UP_PROVE_H
#define CLI_UP_PROVE_H

#include "cli/up/service.h"

/* certificate: a PEM file that the hub was told to serve; "": its own. Appends what was seen, a
 * line each: "127.0.0.1:8443 TLSv1.3 TLS_AES_256_GCM_SHA384". ERR_CONFIG, FAILed with the address
 * and what is wrong with it. */
err_t up_prove(const struct service *services, size_t count, const char *data_dir,
               const char *certificate, struct buf *seen);

#endif
