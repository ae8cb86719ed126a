/* No producer is created while the C library refuses a handler for fork(): in a child, its calls would wait for
 * threads that do not exist there. The next attempt succeeds, with the broker in argv[1]. */
#define _GNU_SOURCE
#include "check.h"

#include <dlfcn.h>
#include <errno.h>

static int armed, refused;

/* In glibc, pthread_atfork() calls this. The definition in this program comes first. */
int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *dso) {
    int (*real)(void (*)(void), void (*)(void), void (*)(void), void *);
    if (armed) {
        armed = 0;
        refused++;
        return ENOMEM;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "__register_atfork");
    return real(prepare, parent, child, dso);
}

int main(int argc, char **argv) {
    ottla_config *config = ottla_config_new();
    ottla_producer *producer = NULL;
    ottla_error *error = NULL;
    CHECK(argc == 2);
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", argv[1], NULL));
    armed = 1;
    CHECK_CODE(OTTLA_ERR_IO, ottla_producer_new(config, &producer, &error));
    CHECK(producer == NULL && refused == 1);
    CHECK(strstr(ottla_error_message(error), "pthread_atfork failed") != NULL);
    ottla_error_free(error);
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    CHECK(refused == 1);
    CHECK_OK(ottla_producer_check(producer, -1, NULL));
    CHECK_OK(ottla_producer_free(producer));
    ottla_config_free(config);
    return 0;
}
