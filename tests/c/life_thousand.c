/* A thousand producers created, used and freed, mostly one after another. Descriptors, threads and memory are then
 * where they were. The broker in argv[1] accepts everything. Under a memory checker a hundred are enough, and the
 * checker looks at memory. */
#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <unistd.h>

static int reported;

static void count(const ottla_delivery *delivery, void *userdata) {
    (void)delivery, (void)userdata;
    __atomic_add_fetch(&reported, 1, __ATOMIC_SEQ_CST);
}

static int entries(const char *folder) {
    DIR *opened = opendir(folder);
    int count_of_them = 0;
    CHECK(opened != NULL);
    while (readdir(opened) != NULL) {
        count_of_them++;
    }
    closedir(opened);
    return count_of_them;
}

/* Resident memory of the process in KiB. */
static long resident(void) {
    long total = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fscanf(file, "%ld %ld", &total, &pages) == 2);
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* `at_once` producers at the same time. Every other one reaches no broker. */
static void some(const char *servers, int at_once) {
    ottla_producer *producers[20];
    ottla_topic *topics[20];
    CHECK(at_once <= 20);
    for (int i = 0; i < at_once; i++) {
        ottla_config *config = refused_config();
        CHECK_OK(ottla_config_set(config, "bootstrap.servers", i % 2 ? "127.0.0.1:1" : servers, NULL));
        CHECK_OK(ottla_config_set_delivery(config, count, NULL, NULL));
        CHECK_OK(ottla_config_set_log(config, NULL, NULL, NULL, OTTLA_LOG_ERROR));
        CHECK_OK(ottla_producer_new(config, &producers[i], NULL));
        ottla_config_free(config);
        CHECK_OK(ottla_producer_topic(producers[i], "thousand", &topics[i], NULL));
        for (int r = 0; r < 10; r++) {
            ottla_record record = text_record("key", "value");
            CHECK_OK(ottla_producer_send(producers[i], topics[i], &record, NULL, NULL, NULL));
        }
        if (i % 2 == 0) {
            CHECK_OK(ottla_producer_flush(producers[i], 30000, 0, NULL));
        }
    }
    for (int i = 0; i < at_once; i++) {
        CHECK_OK(ottla_producer_free(producers[i]));
        ottla_topic_free(topics[i]);
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    const char *checker = getenv("OTTLA_CHECKER");
    int rounds = checker && *checker ? 5 : 50;
    /* Warm-up, for what stays allocated: handles that are not reused at once, the C library's pools. Standard error
     * is silenced. */
    CHECK(freopen("/dev/null", "w", stderr) != NULL);
    for (int i = 0; i < rounds / 5; i++) {
        some(argv[1], 20);
    }
    reported = 0;
    int threads = entries("/proc/self/task"), descriptors = entries("/proc/self/fd");
    long memory = resident();
    for (int i = 0; i < rounds; i++) {
        some(argv[1], 20);
    }
    CHECK(reported == rounds * 20 * 10);
    int left_threads = entries("/proc/self/task") - threads, left = entries("/proc/self/fd") - descriptors;
    long grown = resident() - memory;
    printf("%d producers: %d threads, %d descriptors and %ld KiB more than before\n", rounds * 20, left_threads, left, grown);
    if (left_threads != 0 || left != 0 || (!checker && grown > 4096)) {
        return 1;
    }
    return 0;
}
