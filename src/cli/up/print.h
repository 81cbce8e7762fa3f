/* What `up` tells people when the hub is up. */
#ifndef CLI_UP_PRINT_H
#define CLI_UP_PRINT_H

#include "cli/up/service.h"

/* proof: the lines of up_prove(). */
err_t up_print(const struct service *services, size_t count, const char *data_dir,
               struct bytes proof);
err_t up_print_json(const struct service *services, size_t count, const char *data_dir,
                    struct bytes proof);

#endif
