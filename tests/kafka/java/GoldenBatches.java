import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.utils.AppInfoParser;

/**
 * Writes crates/ottla-core/tests/vectors/batches/NAME.txt: record batches made by Java's own builder, each with the fields and records
 * that Java reads out of it. The form is described in crates/ottla-core/tests/vectors/batches/README.md.
 */
public final class GoldenBatches {
    private static final long TIME = 1_700_000_000_000L;

    /** What a batch is made of besides its records. */
    private static final class Shape {
        final String name;
        List<SimpleRecord> records = new ArrayList<>();
        TimestampType timestampType = TimestampType.CREATE_TIME;
        long baseOffset;
        long producerId = RecordBatch.NO_PRODUCER_ID;
        short epoch = RecordBatch.NO_PRODUCER_EPOCH;
        int sequence = RecordBatch.NO_SEQUENCE;
        boolean transactional;
        int leaderEpoch = RecordBatch.NO_PARTITION_LEADER_EPOCH;

        Shape(String name) {
            this.name = name;
        }

        Shape add(long timestamp, String key, String value, Header... headers) {
            records.add(new SimpleRecord(timestamp, utf8(key), utf8(value), headers));
            return this;
        }

        Shape producer(long id, int epoch, int sequence, boolean transactional) {
            producerId = id;
            this.epoch = (short) epoch;
            this.sequence = sequence;
            this.transactional = transactional;
            return this;
        }
    }

    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[0]);
        Files.createDirectories(folder);
        for (Shape shape : shapes()) {
            for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
                write(folder, codec + "-" + shape.name, codec, shape, build(shape, codec));
            }
        }
        for (ControlRecordType type : List.of(ControlRecordType.COMMIT, ControlRecordType.ABORT)) {
            Shape marker = new Shape("").producer(4711, 3, RecordBatch.NO_SEQUENCE, true);
            ByteBuffer buffer = ByteBuffer.allocate(256);
            MemoryRecords.writeEndTransactionalMarker(
                    buffer, 77, TIME, 5, marker.producerId, marker.epoch, new EndTransactionMarker(type, 9));
            buffer.flip();
            write(folder, "control-" + type.name().toLowerCase(), "none", marker, MemoryRecords.readableRecords(buffer));
        }
    }

    private static List<Shape> shapes() {
        List<Shape> shapes = new ArrayList<>();
        shapes.add(new Shape("one").add(TIME, "key", "value"));
        shapes.add(new Shape("null-and-empty")
                .add(TIME, null, null).add(TIME, "", "").add(TIME, null, "").add(TIME, "", null)
                .add(TIME, "k", null).add(TIME, null, "v"));
        shapes.add(new Shape("headers")
                .add(TIME, "k", "v", header("a", "1"))
                .add(TIME + 1, "k", "v", header("a", "1"), header("a", "2"), header("a", "1"))
                .add(TIME + 2, "k", "v", header("null", null), header("empty", ""), header("", "no name"))
                .add(TIME + 3, "k", "v", header("gr\u00fc\u00dfe \u2603 \ud83e\udd86", "wert"))
                .add(TIME + 4, null, null, header("x", repeat("header", 40))));
        shapes.add(new Shape("timestamps")
                .add(TIME, "first", "1").add(TIME - 1, "one back", "2").add(TIME - 86_400_000L, "a day back", "3")
                .add(0, "epoch", "4").add(TIME + 3_000_000_000L, "far ahead", "5").add(TIME, "again", "6"));
        shapes.add(new Shape("no-timestamp").add(RecordBatch.NO_TIMESTAMP, "k", "v")
                .add(RecordBatch.NO_TIMESTAMP, "k", "w"));
        shapes.add(new Shape("idempotent").add(TIME, "k", "1").add(TIME + 5, "k", "2").add(TIME + 5, "k", "3")
                .producer(123_456_789_012L, 7, 2_147_483_646, false));
        shapes.add(new Shape("transactional").add(TIME, "k", "1").add(TIME + 5, "k", "2")
                .producer(4711, 3, 0, true));
        Shape appended = new Shape("log-append-time").add(TIME, "k", "1").add(TIME + 9, "k", "2");
        appended.timestampType = TimestampType.LOG_APPEND_TIME;
        appended.baseOffset = 5_000_000_000L;
        appended.leaderEpoch = 12;
        shapes.add(appended);
        Shape many = new Shape("many");
        // Enough for varints of several lengths, up to offset deltas over 63. Deltas over 8191 would make the file too
        // large.
        for (int i = 0; i < 150; i++) many.add(TIME + i * 37, "key-" + i % 10, repeat("value " + i + " ", i % 12));
        shapes.add(many);
        // Larger than the blocks of Java's snappy (32 KB) and lz4 (64 KB) streams, yet small when compressed.
        shapes.add(new Shape("blocks").add(TIME, "before", "x").add(TIME, "long", repeat("0123456789abcdef", 8200))
                .add(TIME, "after", "y"));
        return shapes;
    }

    private static MemoryRecords build(Shape s, String codec) {
        MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(1024), RecordBatch.MAGIC_VALUE_V2,
                Compression.of(codec).build(), s.timestampType, s.baseOffset, TIME + 1234, s.producerId, s.epoch,
                s.sequence, s.transactional, s.leaderEpoch);
        for (SimpleRecord record : s.records) builder.append(record);
        return builder.build();
    }

    private static void write(Path folder, String name, String codec, Shape shape, MemoryRecords records)
            throws Exception {
        ByteBuffer bytes = records.buffer();
        // Uncompressed, this shape would only be long.
        if (bytes.remaining() > 60_000) return;
        MutableRecordBatch batch = records.batches().iterator().next();
        batch.ensureValid();
        try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(folder.resolve(name + ".txt")))) {
            line(out, "# made by kafka-clients", AppInfoParser.getVersion());
            line(out, "name", name);
            line(out, "codec", codec);
            line(out, "base_offset", batch.baseOffset());
            line(out, "last_offset", batch.lastOffset());
            line(out, "partition_leader_epoch", batch.partitionLeaderEpoch());
            line(out, "timestamp_type", batch.timestampType() == TimestampType.LOG_APPEND_TIME ? "append" : "create");
            line(out, "base_timestamp", bytes.getLong(27));
            line(out, "max_timestamp", batch.maxTimestamp());
            line(out, "transactional", batch.isTransactional());
            line(out, "control", batch.isControlBatch());
            line(out, "producer_id", batch.producerId());
            line(out, "producer_epoch", batch.producerEpoch());
            line(out, "base_sequence", batch.baseSequence());
            line(out, "crc", String.format("%08x", batch.checksum()));
            int i = 0;
            for (Record record : batch) {
                StringBuilder text = new StringBuilder();
                text.append(record.offset()).append(' ').append(record.timestamp()).append(' ');
                text.append(hex(array(record.key()))).append(' ').append(hex(array(record.value()))).append(' ');
                List<String> headers = new ArrayList<>();
                for (Header header : record.headers()) {
                    headers.add(hex(header.key().getBytes(StandardCharsets.UTF_8)) + ":" + hex(header.value()));
                }
                text.append(headers.isEmpty() ? "." : String.join(",", headers));
                line(out, "record", text);
                if (!shape.records.isEmpty() && !Arrays.equals(array(record.key()), array(shape.records.get(i).key()))) {
                    throw new AssertionError(name + ": Java reads something else than it wrote");
                }
                i++;
            }
            byte[] all = new byte[bytes.remaining()];
            bytes.duplicate().get(all);
            line(out, "batch", hex(all));
        }
    }

    private static void line(PrintWriter out, String name, Object value) {
        out.print(name + " " + value + "\n");
    }

    /** Bytes of which long runs repeat are written as {@code UNIT*COUNT}. */
    private static String hex(byte[] bytes) {
        if (bytes == null) return "-";
        if (bytes.length == 0) return ".";
        if (bytes.length > 100_000) {
            byte[] unit = Arrays.copyOf(bytes, 16);
            for (int i = 0; i < bytes.length; i++) if (bytes[i] != unit[i % 16]) throw new AssertionError("no run");
            return hex(unit) + "*" + bytes.length / 16;
        }
        StringBuilder text = new StringBuilder();
        for (byte b : bytes) text.append(String.format("%02x", b));
        return text.toString();
    }

    private static Header header(String name, String value) {
        return new RecordHeader(name, utf8(value));
    }

    private static byte[] utf8(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    private static String repeat(String text, int times) {
        return text.repeat(times);
    }

    private static byte[] array(ByteBuffer buffer) {
        if (buffer == null) return null;
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }
}
