/* Writes crates/ottla-core/tests/vectors/rdkafka-partitioners.txt: the partitions that librdkafka's own partitioners
 * choose for 1,000 keys. The file does not have the keys; its head says how they are generated.
 *   rdkafka_partitioners > crates/ottla-core/tests/vectors/rdkafka-partitioners.txt
 *
 * Built and run by tests/kafka/rdkafka-vectors. */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 1000, LONGEST = 1100 };

typedef int32_t (*partitioner)(const rd_kafka_topic_t *, const void *, size_t, int32_t, void *, void *);

static const int32_t COUNTS[] = {6, 100, INT32_MAX};
static const partitioner PARTITIONERS[] = {
    rd_kafka_msg_partitioner_consistent,
    rd_kafka_msg_partitioner_murmur2,
    rd_kafka_msg_partitioner_fnv1a,
};
static const partitioner WITH_RANDOM[] = {
    rd_kafka_msg_partitioner_consistent_random,
    rd_kafka_msg_partitioner_murmur2_random,
    rd_kafka_msg_partitioner_fnv1a_random,
};

static const char HEAD[] =
    "# Keys and their partitions, by librdkafka %s.\n"
    "# Written by tests/kafka/c/rdkafka_partitioners.c (tests/kafka/rdkafka-vectors); do not edit.\n"
    "#\n"
    "# The first line is the null key, line number i + 1 (without these comments) the key number i:\n"
    "#   kind length  consistent of 6, of 100, of 2147483647  murmur2 of the same  fnv1a of the same\n"
    "# kind n: null. kind t: the text key-<i>, i in decimal. kind b: `length` bytes, made as in murmur2.txt.\n"
    "# Each key that is not empty was checked to have the same partitions by consistent_random, murmur2_random and\n"
    "# fnv1a_random, and each that is not null by the latter two.\n";

static size_t make_bytes(unsigned char *key, uint64_t number, size_t length) {
    uint64_t state = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    for (size_t at = 0; at < length; at++) {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        key[at] = (unsigned char)((state * UINT64_C(0x2545f4914f6cdd1d)) >> 56);
    }
    return length;
}

static void print_line(char kind, const void *key, size_t length) {
    printf("%c %zu", kind, length);
    for (size_t which = 0; which < sizeof PARTITIONERS / sizeof *PARTITIONERS; which++) {
        for (size_t at = 0; at < sizeof COUNTS / sizeof *COUNTS; at++) {
            int32_t partition = PARTITIONERS[which](NULL, key, length, COUNTS[at], NULL, NULL);
            /* Without a key these partitioners choose at random, for which they need a topic. */
            int is_hashed = which == 0 ? length > 0 : key != NULL;
            if (is_hashed && WITH_RANDOM[which](NULL, key, length, COUNTS[at], NULL, NULL) != partition) {
                fprintf(stderr, "a partitioner and its random form differ\n");
                exit(1);
            }
            printf(" %" PRId32, partition);
        }
    }
    putchar('\n');
}

int main(void) {
    unsigned char key[LONGEST];
    printf(HEAD, rd_kafka_version_str());
    print_line('n', NULL, 0);
    for (unsigned number = 0; number < KEYS; number++) {
        if (number % 10 == 3) {
            int length = snprintf((char *)key, sizeof key, "key-%u", number);
            print_line('t', key, (size_t)length);
        } else {
            size_t length = number % 100 == 99 ? 1022 + number / 100 % 5 : number % 71;
            print_line('b', key, make_bytes(key, number, length));
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
