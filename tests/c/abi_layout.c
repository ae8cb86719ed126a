/* The layout that compiled programs rely on does not change. A new member at the end of a structure that may grow
 * adds a line. */
#include "check.h"

#include <stddef.h>

#define AT(type, member, offset) CHECK(offsetof(type, member) == (offset))

int main(void) {
    CHECK(sizeof(ottla_code) == 4);
    CHECK(OTTLA_FATE_UNKNOWN == 0 && OTTLA_FATE_WRITTEN == 1 && OTTLA_FATE_NOT_WRITTEN == 2);
    CHECK(OTTLA_ERR_OK == 0 && OTTLA_ERR_INVALID_ARGUMENT == -2 && OTTLA_ERR_CLOSED == -4 && OTTLA_ERR_TIMED_OUT == -5);
    CHECK(OTTLA_ERR_BUFFER_FULL == -6 && OTTLA_ERR_IN_CALLBACK == -8 && OTTLA_ERR_FORKED == -10);
    CHECK(OTTLA_ERR_NOT_LEADER_OR_FOLLOWER == 6 && OTTLA_ERR_KAFKA_INVALID_CONFIG == 40);
    if (sizeof(void *) != 8) {
        return 0;
    }
    CHECK(sizeof(ottla_header) == 40);
    AT(ottla_header, name, 0); AT(ottla_header, name_len, 8); AT(ottla_header, value, 16);
    AT(ottla_header, value_len, 24); AT(ottla_header, reserved, 32);
    CHECK(sizeof(ottla_record) == 88);
    AT(ottla_record, struct_size, 0); AT(ottla_record, flags, 8); AT(ottla_record, partition, 12);
    AT(ottla_record, timestamp, 16); AT(ottla_record, key, 24); AT(ottla_record, key_len, 32);
    AT(ottla_record, value, 40); AT(ottla_record, value_len, 48); AT(ottla_record, headers, 56);
    AT(ottla_record, header_count, 64); AT(ottla_record, timeout_ms, 72); AT(ottla_record, reserved, 76);
    AT(ottla_record, reserved_pointer, 80);
    CHECK(OTTLA_RECORD_PARTITION == 1 && OTTLA_RECORD_TIMESTAMP == 2 && OTTLA_FLAT_KEY == 4 && OTTLA_FLAT_VALUE == 8);
    CHECK(sizeof(ottla_delivery_entry) == 48);
    AT(ottla_delivery_entry, userdata, 0); AT(ottla_delivery_entry, tag, 8); AT(ottla_delivery_entry, offset, 16);
    AT(ottla_delivery_entry, timestamp, 24); AT(ottla_delivery_entry, value, 32);
    AT(ottla_delivery_entry, value_len, 40);
    CHECK(OTTLA_SEND_NO_WAIT == 1 && OTTLA_FLUSH_POLLED == 1);
    AT(ottla_send_options, struct_size, 0); AT(ottla_send_options, flags, 8); AT(ottla_send_options, reserved, 12);
    AT(ottla_send_options, on_delivery, 16); AT(ottla_send_options, on_release, 24);
    AT(ottla_send_options, release_userdata, 32); AT(ottla_send_options, handle_out, 40);
    CHECK(sizeof(ottla_delivery) == 120);
    AT(ottla_delivery, code, 8); AT(ottla_delivery, fate, 12); AT(ottla_delivery, topic, 16);
    AT(ottla_delivery, partition, 24); AT(ottla_delivery, attempts, 28); AT(ottla_delivery, offset, 32);
    AT(ottla_delivery, timestamp, 40); AT(ottla_delivery, userdata, 48); AT(ottla_delivery, tag, 56);
    AT(ottla_delivery, error, 64); AT(ottla_delivery, latency_us, 72); AT(ottla_delivery, reserved, 80);
    AT(ottla_delivery, value, 96); AT(ottla_delivery, value_len, 104);
    AT(ottla_delivery, record, 112);
    CHECK(offsetof(ottla_batch, code) == 8 && offsetof(ottla_batch, topic) == 16);
    AT(ottla_batch, partition, 24); AT(ottla_batch, attempts, 28); AT(ottla_batch, base_offset, 32);
    AT(ottla_batch, error, 40); AT(ottla_batch, latency_us, 48); AT(ottla_batch, entries, 56); AT(ottla_batch, count, 64);
    AT(ottla_batch, reserved, 72); AT(ottla_batch, records, 88);
    AT(ottla_counters, records_delivered, 8); AT(ottla_counters, records_failed, 16);
    AT(ottla_property, name, 8); AT(ottla_property, importance, 64);

    CHECK(sizeof(ottla_histogram) == 96);
    CHECK(sizeof(ottla_offset) == 48 && OTTLA_OFFSET_LEADER_EPOCH == 1);
    AT(ottla_offset, topic, 0); AT(ottla_offset, partition, 8); AT(ottla_offset, flags, 12); AT(ottla_offset, offset, 16);
    AT(ottla_offset, leader_epoch, 24); AT(ottla_offset, reserved, 28); AT(ottla_offset, metadata, 32);
    AT(ottla_offset, reserved_pointer, 40);
    CHECK(sizeof(ottla_group_metadata) == 40 && OTTLA_GROUP_GENERATION == 1);
    AT(ottla_group_metadata, flags, 8); AT(ottla_group_metadata, generation_id, 12);
    AT(ottla_group_metadata, group_id, 16); AT(ottla_group_metadata, member_id, 24);
    AT(ottla_group_metadata, group_instance_id, 32);
    AT(ottla_histogram, count, 0); AT(ottla_histogram, p50, 32); AT(ottla_histogram, p999, 72);
    AT(ottla_histogram, reserved, 80);
    AT(ottla_producer_figures, records_sent, 8); AT(ottla_producer_figures, compression_ratio, 88);
    AT(ottla_producer_figures, batch_bytes, 128); AT(ottla_producer_figures, request_latency_us, 608);
    AT(ottla_producer_figures, producer_id, 912); AT(ottla_producer_figures, turns, 1208);
    AT(ottla_producer_figures, buffer_report_bytes, 1216);
    AT(ottla_broker_figures, address, 8); AT(ottla_broker_figures, id, 16); AT(ottla_broker_figures, state, 24);
    AT(ottla_broker_figures, bytes_waiting, 352);
    AT(ottla_topic_figures, name, 8); AT(ottla_topic_figures, records_sent, 16);
    AT(ottla_topic_figures, records_taken, 344);
    AT(ottla_error_figures, code, 8); AT(ottla_error_figures, batches_refused, 16);
    AT(ottla_error_figures, records_failed, 24);

    /* The function sets the same defaults as the initializer. */
    ottla_record by_hand = {.struct_size = sizeof(ottla_record)};
    ottla_record by_function;
    memset(&by_function, 0x55, sizeof by_function);
    ottla_record_init(&by_function, sizeof by_function);
    CHECK(memcmp(&by_hand, &by_function, sizeof by_hand) == 0);
    return 0;
}
