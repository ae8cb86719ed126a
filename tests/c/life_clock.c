/* The wall clock is set back and forward under a producer. Records have the time that it shows. Linger, timeouts and
 * waits do not depend on it. This program's clock_gettime() replaces the system's. The broker in argv[1] accepts
 * everything. */
#define _GNU_SOURCE
#include "check.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t wall_offset_s;
static int reported, expired;

int clock_gettime(clockid_t clock, struct timespec *now) {
    long failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += (time_t)__atomic_load_n(&wall_offset_s, __ATOMIC_SEQ_CST);
    }
    return (int)failed;
}

#define DAY_S 86400

static void set_wall(int64_t offset_s) {
    __atomic_store_n(&wall_offset_s, offset_s, __ATOMIC_SEQ_CST);
}

static double seconds(void) {
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int64_t wall_ms(void) {
    struct timespec now;
    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void count(const ottla_delivery *delivery, void *userdata) {
    int64_t shown = *(int64_t *)userdata;
    CHECK(delivery->code == OTTLA_ERR_OK && delivery->attempts == 1);
    CHECK(delivery->timestamp > shown - 20000 && delivery->timestamp < shown + 20000);
    CHECK(delivery->latency_us >= 0 && delivery->latency_us < 20000000);
    reported++;
}

static void note_expired(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    CHECK(delivery->code != OTTLA_ERR_OK && delivery->fate == OTTLA_FATE_NOT_WRITTEN);
    expired++;
}

static ottla_producer *start(const char *servers, ottla_delivery_fn on_delivery, const char *delivery_timeout_ms) {
    ottla_producer *producer = NULL;
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", servers, NULL));
    CHECK_OK(ottla_config_set(config, "linger.ms", "300", NULL));
    CHECK_OK(ottla_config_set(config, "delivery.timeout.ms", delivery_timeout_ms, NULL));
    CHECK_OK(ottla_config_set_delivery(config, on_delivery, NULL, NULL));
    CHECK_OK(ottla_config_set_log(config, NULL, NULL, NULL, OTTLA_LOG_ERROR));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    return producer;
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    const int64_t offsets[] = {0, -DAY_S, DAY_S, -400 * DAY_S, 400 * DAY_S, 0};
    ottla_topic *topic = NULL;
    ottla_record record = text_record("key", "value");
    set_wall(0);

    /* The clock is set while records linger. That makes them neither stay longer, nor be sent earlier, nor expire. */
    ottla_producer *producer = start(argv[1], count, "60000");
    CHECK_OK(ottla_producer_topic(producer, "clock", &topic, NULL));
    for (int i = 0; i < 6; i++) {
        set_wall(offsets[i]);
        int64_t shown = wall_ms();
        double begin = seconds();
        CHECK_OK(ottla_producer_send(producer, topic, &record, &shown, OPTIONS(.on_delivery = count), NULL));
        set_wall(i < 5 ? offsets[i + 1] : 0);
        while (__atomic_load_n(&reported, __ATOMIC_SEQ_CST) <= i) {
            CHECK(seconds() - begin < 20);
            usleep(1000);
        }
        CHECK(seconds() - begin >= 0.3);
    }
    CHECK_OK(ottla_producer_free(producer));
    ottla_topic_free(topic);

    /* Without a broker, waits last as long as their timeouts. */
    for (int i = 1; i < 5; i++) {
        producer = start("127.0.0.1:1", note_expired, "1000");
        CHECK_OK(ottla_producer_topic(producer, "clock", &topic, NULL));
        double begin = seconds();
        CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
        set_wall(offsets[i]);
        CHECK_CODE(OTTLA_ERR_TIMED_OUT, ottla_producer_flush(producer, 200, 0, NULL));
        CHECK(seconds() - begin >= 0.2 && expired == i - 1);
        CHECK_OK(ottla_producer_flush(producer, 30000, 0, NULL));
        CHECK(seconds() - begin >= 1 && seconds() - begin < 20 && expired == i);
        CHECK_OK(ottla_producer_free(producer));
        ottla_topic_free(topic);
    }
    return 0;
}
