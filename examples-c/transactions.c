/* transactions: writes orders, each with its items, to two topics: an order is seen with all of its items, or not at all.
 *
 * Shows: the life of a transaction; a flush inside it; aborting when anything fails, and doing the whole again; what to do
 * after each kind of error.
 *
 * Build: cc -std=c99 -o transactions transactions.c $(pkg-config --cflags --libs ottla)
 *
 * Prints:
 *     order 1: committed
 *     order 2: aborted, to be done again
 *     order 2: committed
 *     order 3: committed
 *     3 orders, 9 items
 *
 * after `transactions localhost:9092 shop-1 orders items`, where shop-1 is the transactional.id: while this runs
 * no other may use it, and when it runs again it ends what a run that was killed left open. Consumers see no aborted records
 * if they read with isolation.level=read_committed. */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <ottla.h>

enum { ORDERS = 3, ITEMS = 3, ATTEMPTS = 5 };

struct shop {
    ottla_producer *producer;
    ottla_topic *orders;
    ottla_topic *items;
};

/* What to do after a failed call. */
enum next { GO_ON, ABORT, GIVE_UP };

/* Prints what failed, and frees the error. */
static enum next judge(ottla_code code, ottla_error *error, const char *what) {
    if (code == OTTLA_ERR_OK) {
        return GO_ON;
    }
    fprintf(stderr, "%s: %s\n", what, error != NULL ? ottla_error_message(error) : ottla_code_name(code));
    enum next next = ottla_error_is_fatal(error) ? GIVE_UP : ABORT;
    ottla_error_free(error);
    return next;
}

static ottla_code send(const struct shop *shop, const ottla_topic *topic, const char *key, const char *value,
                       ottla_error **error) {
    ottla_record record = {.struct_size = sizeof(ottla_record)};
    record.key = key;
    record.key_len = strlen(key);
    record.value = value;
    record.value_len = strlen(value);
    return ottla_producer_send(shop->producer, topic, &record, NULL, NULL, error);
}

/* Sends the records of one order. Deliveries need no check here: a record that cannot be delivered makes the commit
 * fail. */
static ottla_code send_order(const struct shop *shop, int number, ottla_error **error) {
    char key[32], value[32];
    snprintf(key, sizeof key, "%d", number);
    ottla_code code = OTTLA_ERR_OK;
    for (int item = 1; item <= ITEMS && code == OTTLA_ERR_OK; item++) {
        snprintf(value, sizeof value, "item %d of %d", item, number);
        code = send(shop, shop->items, key, value, error);
    }
    /* This puts all items into the log before the order. It is not necessary, because the transaction keeps them
     * together. */
    if (code == OTTLA_ERR_OK) {
        code = ottla_producer_flush(shop->producer, 30000, 0, error);
    }
    if (code == OTTLA_ERR_OK) {
        snprintf(value, sizeof value, "order %d", number);
        code = send(shop, shop->orders, key, value, error);
    }
    return code;
}

/* A commit that timed out goes on, so there is nothing to do but wait for it. */
static ottla_code commit(const struct shop *shop, ottla_error **error) {
    for (;;) {
        ottla_code code = ottla_producer_commit_transaction(shop->producer, 30000, error);
        if (code != OTTLA_ERR_TIMED_OUT) {
            return code;
        }
        fprintf(stderr, "%s\n", ottla_error_message(*error));
        ottla_error_free(*error);
        *error = NULL;
    }
}

static enum next try_order(const struct shop *shop, int number, bool change_of_mind) {
    ottla_error *error = NULL;
    enum next next = judge(ottla_producer_begin_transaction(shop->producer, &error), error, "begin");
    if (next != GO_ON) {
        return GIVE_UP; /* no transaction is open that could be aborted */
    }
    error = NULL;
    next = judge(send_order(shop, number, &error), error, "send");
    if (next == GO_ON && change_of_mind) {
        next = ABORT;
    }
    if (next == GO_ON) {
        error = NULL;
        next = judge(commit(shop, &error), error, "commit");
    }
    if (next == ABORT) {
        error = NULL;
        if (judge(ottla_producer_abort_transaction(shop->producer, -1, &error), error, "abort") != GO_ON) {
            next = GIVE_UP;
        }
    }
    return next;
}

/* Nothing of an aborted transaction is visible, so the whole order can be repeated. */
static bool place_order(const struct shop *shop, int number) {
    for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
        enum next next = try_order(shop, number, number == 2 && attempt == 1);
        if (next == GIVE_UP) {
            return false;
        }
        printf("order %d: %s\n", number, next == GO_ON ? "committed" : "aborted, to be done again");
        if (next == GO_ON) {
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fputs("usage: transactions BROKERS TRANSACTIONAL_ID ORDERS_TOPIC ITEMS_TOPIC\n", stderr);
        return 2;
    }
    struct shop shop = {NULL, NULL, NULL};
    ottla_error *error = NULL;
    ottla_config *config = ottla_config_new();
    ottla_code code = ottla_config_set(config, "bootstrap.servers", argv[1], &error);
    if (code == OTTLA_ERR_OK) {
        code = ottla_config_set(config, "transactional.id", argv[2], &error);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_producer_new(config, &shop.producer, &error);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_producer_topic(shop.producer, argv[3], &shop.orders, &error);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_producer_topic(shop.producer, argv[4], &shop.items, &error);
    }
    if (code == OTTLA_ERR_OK) {
        code = ottla_producer_init_transactions(shop.producer, 60000, &error);
    }
    int placed = 0;
    if (judge(code, error, "cannot start") == GO_ON) {
        while (placed < ORDERS && place_order(&shop, placed + 1)) {
            placed++;
        }
        printf("%d orders, %d items\n", placed, placed * ITEMS);
    }
    ottla_topic_free(shop.orders);
    ottla_topic_free(shop.items);
    if (shop.producer != NULL) {
        code = ottla_producer_free(shop.producer);
    }
    ottla_config_free(config);
    return placed == ORDERS && code == OTTLA_ERR_OK ? 0 : 1;
}
