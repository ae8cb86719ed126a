/* Signals belong to the application. No thread of the library handles one, a write to a closed socket raises no
 * SIGPIPE, and no signal ends a waiting call. The broker in argv[1] accepts everything. */
#define _GNU_SOURCE
#include "check.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static ottla_producer *producer;
static ottla_topic *topic;
static int reported, handled;
static volatile sig_atomic_t elsewhere;
static pthread_t main_thread;

static void count(const ottla_delivery *delivery, void *userdata) {
    (void)userdata;
    CHECK(delivery->code == OTTLA_ERR_OK);
    reported++;
}

static void handler(int signal) {
    (void)signal;
    __atomic_add_fetch(&handled, 1, __ATOMIC_SEQ_CST);
    if (!pthread_equal(pthread_self(), main_thread)) {
        elsewhere = 1;
    }
}

static void handle(int signal, void (*with)(int)) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = with; /* without SA_RESTART */
    CHECK(sigaction(signal, &action, NULL) == 0);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void pause_ms(long ms) {
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
}

static void send_some(void) {
    for (int i = 0; i < 100; i++) {
        ottla_record record = text_record("key", "value");
        CHECK_OK(ottla_producer_send(producer, topic, &record, NULL, NULL, NULL));
    }
}

/* A signal that the application's threads block stays pending, because no other thread handles it. */
static void blocked_stays_pending(void) {
    sigset_t all, before, after, pending;
    sigfillset(&all);
    CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    for (int i = 0; i < 50; i++) {
        send_some();
        CHECK(kill(getpid(), SIGUSR1) == 0 && kill(getpid(), SIGTERM) == 0);
    }
    CHECK_OK(ottla_producer_flush(producer, 30000, 0, NULL));
    pause_ms(50);
    CHECK(handled == 0);
    CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) && sigismember(&pending, SIGTERM));
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &after) == 0 && sigismember(&after, SIGUSR1));
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    CHECK(handled == 2 && !elsewhere);
}

static void *interrupt(void *until) {
    while (!__atomic_load_n((int *)until, __ATOMIC_SEQ_CST)) {
        pthread_kill(main_thread, SIGUSR1);
        pause_ms(5);
    }
    return NULL;
}

/* Waiting calls, on a thread that is interrupted continuously. */
static void waiting_goes_on(void) {
    int until = 0;
    pthread_t thread;
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    ottla_config *config = refused_config();
    CHECK_OK(ottla_config_set_log(config, NULL, NULL, NULL, OTTLA_LOG_ERROR));
    ottla_producer *nowhere = NULL;
    ottla_topic *its = NULL;
    ottla_delivery delivery;
    ottla_record record = text_record("key", "value");
    delivery.struct_size = sizeof delivery;
    CHECK_OK(ottla_producer_new(config, &nowhere, NULL));
    ottla_config_free(config);
    CHECK_OK(ottla_producer_topic(nowhere, "nowhere", &its, NULL));
    CHECK(pthread_create(&thread, NULL, interrupt, &until) == 0);
    int before = handled;
    double begin = seconds();
    CHECK_CODE(OTTLA_ERR_TIMED_OUT, ottla_producer_send_and_wait(nowhere, its, &record, 300, &delivery, NULL));
    CHECK(seconds() - begin >= 0.3);
    begin = seconds();
    CHECK_CODE(OTTLA_ERR_TIMED_OUT, ottla_producer_flush(nowhere, 300, 0, NULL));
    CHECK(seconds() - begin >= 0.3 && seconds() - begin < 20);
    CHECK(handled > before);
    __atomic_store_n(&until, 1, __ATOMIC_SEQ_CST);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(!elsewhere);
    CHECK_OK(ottla_producer_free(nowhere));
    ottla_topic_free(its);
}

/* Shuts down the sockets that the library writes to. Returns how many there were. */
static int shut_sockets(const char *servers) {
    int port = atoi(strrchr(servers, ':') + 1), shut = 0;
    DIR *descriptors = opendir("/proc/self/fd");
    CHECK(descriptors != NULL);
    for (struct dirent *entry; (entry = readdir(descriptors)) != NULL;) {
        struct sockaddr_in peer;
        socklen_t len = sizeof peer;
        int fd = atoi(entry->d_name);
        memset(&peer, 0, sizeof peer);
        if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && ntohs(peer.sin_port) == port) {
            CHECK(shutdown(fd, SHUT_WR) == 0);
            shut++;
        }
    }
    closedir(descriptors);
    return shut;
}

/* SIGPIPE would end this process. */
static void no_sigpipe(const char *servers) {
    handle(SIGPIPE, SIG_DFL);
    int cut = 0;
    for (int i = 0; i < 20; i++) {
        send_some();
        cut += shut_sockets(servers);
        send_some();
        CHECK_OK(ottla_producer_flush(producer, 30000, 0, NULL));
    }
    CHECK(cut > 0);
    ottla_counters counters;
    counters.struct_size = sizeof counters;
    CHECK_OK(ottla_producer_counters(producer, &counters, NULL));
    CHECK(counters.connections_closed > 0);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    main_thread = pthread_self();
    handle(SIGUSR1, handler);
    handle(SIGTERM, handler);
    sigset_t before, after;
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &before) == 0);
    ottla_config *config = ottla_config_new();
    CHECK_OK(ottla_config_set(config, "bootstrap.servers", argv[1], NULL));
    CHECK_OK(ottla_config_set(config, "retry.backoff.ms", "10", NULL));
    CHECK_OK(ottla_config_set_delivery(config, count, NULL, NULL));
    CHECK_OK(ottla_producer_new(config, &producer, NULL));
    ottla_config_free(config);
    /* Creating a producer leaves the caller's signal mask as it was. */
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &after) == 0);
    for (int signal = 1; signal < 32; signal++) {
        CHECK(sigismember(&before, signal) == sigismember(&after, signal));
    }
    CHECK_OK(ottla_producer_topic(producer, "signals", &topic, NULL));
    blocked_stays_pending();
    waiting_goes_on();
    no_sigpipe(argv[1]);
    CHECK_OK(ottla_producer_close(producer, 30000, NULL));
    CHECK(reported == 50 * 100 + 20 * 200);
    CHECK_OK(ottla_producer_free(producer));
    ottla_topic_free(topic);
    return 0;
}
