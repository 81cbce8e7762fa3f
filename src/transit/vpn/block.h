/*
 * IPsec policies of the kernel that drop: the part of the kill switch (guard.h) for kernels with
 * ESP; and whether this kernel is one. Needs CAP_NET_ADMIN. Any thread.
 */
#ifndef TRANSIT_VPN_BLOCK_H
#define TRANSIT_VPN_BLOCK_H

#include "transit/vpn/site.h"

/* What goes to, or comes from, a peer's networks without IPsec is dropped; such policies of earlier
 * are removed. s NULL: there are none from now on, and a kernel without IPsec is no error. */
err_t vpn_block_put(const struct site *s);
/* Puts back those that were taken away since; *mended where there were such. */
err_t vpn_block_mend(const struct site *s, bool *mended);

/* Whether the kernel does ESP with AES-256-GCM in tunnels. */
err_t block_kernel_esp(bool *out);

#endif
