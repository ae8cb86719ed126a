import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/**
 * The checksum of a partition: FNV-1a with 64 bits (offset basis 0xcbf29ce484222325, prime 0x100000001b3) over its
 * records in order. Of each record, all integers little-endian:
 * <pre>
 *   i64 timestamp
 *   i32 length of the key, -1 for null;    the key
 *   i32 length of the value, -1 for null;  the value
 *   i32 number of headers; of each:
 *     i32 length of the name;              the name in UTF-8
 *     i32 length of the value, -1 for null;  the value
 * </pre>
 * The same fold is in tests/kafka/c/rdkafka_read.c and crates/ottla-testkit/src/kafka.rs.
 */
final class Checksum {
    private long hash = 0xcbf29ce484222325L;

    void record(ConsumerRecord<byte[], byte[]> record) {
        integer(record.timestamp(), 8);
        bytes(record.key());
        bytes(record.value());
        int count = 0;
        for (Header ignored : record.headers()) count++;
        integer(count, 4);
        for (Header header : record.headers()) {
            bytes(header.key().getBytes(StandardCharsets.UTF_8));
            bytes(header.value());
        }
    }

    private void integer(long value, int size) {
        for (int i = 0; i < size; i++) one((byte) (value >>> (8 * i)));
    }

    private void bytes(byte[] bytes) {
        integer(bytes == null ? -1 : bytes.length, 4);
        if (bytes == null) return;
        long h = hash;
        for (byte b : bytes) h = (h ^ (b & 0xff)) * 0x100000001b3L;
        hash = h;
    }

    private void one(byte b) {
        hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
    }

    @Override
    public String toString() {
        return String.format("%016x", hash);
    }
}
