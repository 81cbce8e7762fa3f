/* What a proxy's configuration must not be. */
#ifndef CLI_PROXY_CONFIG_CHECK_H
#define CLI_PROXY_CONFIG_CHECK_H

#include "cli/proxy/config.h"

/* Of a configuration that was read and turned into options. ERR_USAGE or ERR_CONFIG, FAILed. */
err_t config_check(const struct proxy_config *c);

#endif
