/*
 * A small DNS client (RFC 1035), for checking who holds a name: TXT, A and AAAA, asked of a
 * recursive resolver over UDP, and over TCP where the answer is cut. Aliases (CNAME) are followed
 * within an answer, as resolvers give them. Any thread; dns_ask() blocks within its budget.
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include "base/bytes.h"
#include "net/dial.h"

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_TXT = 16, DNS_AAAA = 28 };

/* Called with each record's value: 4 or 16 bytes of an address, the joined strings of a TXT. */
typedef err_t dns_each(void *ctx, struct bytes value);

struct dns_question {
  uint16_t id;
  const char *name; /* "example.com", a final dot is allowed */
  enum dns_type type;
};
/* Appends the query. ERR_BAD_PARAMETER when the name can't be asked for. */
err_t dns_put_query(const struct dns_question *q, struct buf *out);
/*
 * Reads an answer to q. ERR_HTTP when it is malformed or is not one; ERR_NOT_FOUND when it says
 * that there is no such name; ERR_IO when the server failed or refuses. *cut: the answer did not
 * fit in its datagram and is to be asked for over TCP: each is not called then.
 */
err_t dns_read_answer(const struct dns_question *q, struct bytes message, dns_each *each, void *ctx,
                      bool *cut);

/* Whether there is a server to ask: ERR_CONFIG, FAILed with what is wrong. */
err_t dns_check(const char *server);
/* server: "ADDRESS[:PORT]", or "" for those of /etc/resolv.conf. Errors as of dns_read_answer(),
 * ERR_TIMEOUT, and ERR_CONFIG when there is no server to ask. FAILed with a reason that holds
 * nothing of what the server said. */
err_t dns_ask(const char *server, const char *name, enum dns_type type, uint64_t *budget_us,
              dns_each *each, void *ctx);

#define DNS_ADDRESSES_MAX 8
struct dns_addresses {
  struct net_address items[DNS_ADDRESSES_MAX];
  size_t count;
};
/* Addresses of a name, with that port: of /etc/hosts first when the system's resolvers are asked.
 * At least one on success. */
err_t dns_addresses(const char *server, const char *name, unsigned port, uint64_t *budget_us,
                    struct dns_addresses *out);

#endif
