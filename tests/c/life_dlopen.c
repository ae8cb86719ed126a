/* The library is opened, used and closed in a loop, as a host of plug-ins does. This program is not linked with it.
 * The broker in argv[1] accepts everything. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <ottla.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                \
        }                                                                           \
    } while (0)

static void *library;

/* ISO C has no cast from an object pointer to a function pointer. */
static void find(const char *name, void *function) {
    void *symbol = dlsym(library, name);
    CHECK(symbol != NULL);
    memcpy(function, &symbol, sizeof symbol);
}

#define FIND(type, name, parameters) \
    type(*name) parameters;          \
    find("ottla_" #name, &name)

static int entries(const char *folder) {
    DIR *opened = opendir(folder);
    int count = 0;
    CHECK(opened != NULL);
    while (readdir(opened) != NULL) {
        count++;
    }
    closedir(opened);
    return count;
}

static const char *(*version)(void);

/* On a separate thread: a thread that used the library would keep it mapped as long as it lives. */
static void *use(void *servers) {
    library = dlopen("libottla.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    FIND(ottla_config *, config_new, (void));
    FIND(void, config_free, (ottla_config *));
    FIND(ottla_code, config_set, (ottla_config *, const char *, const char *, ottla_error **));
    FIND(ottla_code, producer_new, (const ottla_config *, ottla_producer **, ottla_error **));
    FIND(ottla_code, producer_free, (ottla_producer *));
    FIND(ottla_code, producer_topic, (const ottla_producer *, const char *, ottla_topic **, ottla_error **));
    FIND(void, topic_free, (ottla_topic *));
    FIND(void, record_init, (ottla_record *, size_t));
    FIND(ottla_code, producer_send_and_wait,
         (const ottla_producer *, const ottla_topic *, const ottla_record *, int64_t, ottla_delivery *, ottla_error **));
    find("ottla_version", &version);

    ottla_config *config = config_new();
    CHECK(config_set(config, "bootstrap.servers", servers, NULL) == OTTLA_ERR_OK);
    ottla_producer *producer = NULL;
    ottla_topic *topic = NULL;
    CHECK(producer_new(config, &producer, NULL) == OTTLA_ERR_OK);
    config_free(config);
    CHECK(producer_topic(producer, "opened", &topic, NULL) == OTTLA_ERR_OK);
    ottla_record record;
    record_init(&record, sizeof record);
    ottla_delivery delivery;
    delivery.struct_size = sizeof delivery;
    CHECK(producer_send_and_wait(producer, topic, &record, 30000, &delivery, NULL) == OTTLA_ERR_OK);
    topic_free(topic);
    CHECK(producer_free(producer) == OTTLA_ERR_OK);
    return NULL;
}

static void once(char *servers) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, use, servers) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(dlclose(library) == 0);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    once(argv[1]);
    int threads = entries("/proc/self/task"), descriptors = entries("/proc/self/fd");
    for (int i = 0; i < 30; i++) {
        once(argv[1]);
    }
    CHECK(entries("/proc/self/task") == threads && entries("/proc/self/fd") == descriptors);
    /* The library stays mapped, so functions that the system may still call exist (fork handlers, thread
     * destructors). */
    CHECK(strlen(version()) > 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        once(argv[1]);
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return 0;
}
