import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads a topic from its beginning to the end it has at the start.
 * Prints one line for each partition, {@code partition count first_offset last_offset checksum} (offsets -1 if it is
 * empty; see {@link Checksum}), then {@code total count key_bytes value_bytes}.
 * With {@code --print}, one line for each record instead, tab separated:
 * {@code partition offset timestamp key value headers}; bytes in base64, null as {@code -}, headers as
 * {@code name:value} separated by commas.
 */
public final class ReadBack {
    public static void main(String[] args) {
        PrintStream out = new PrintStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16));
        try {
            run(args, out);
            out.flush();
        } catch (Exception e) {
            out.flush();
            System.err.println("ReadBack: " + e);
            System.exit(1);
        }
    }

    static void run(String[] args, PrintStream out) throws Exception {
        String isolation = "read_uncommitted";
        boolean print = false;
        long timeoutMs = 60_000;
        List<String> plain = new ArrayList<>();
        for (int i = 0; i < args.length; i++) {
            switch (args[i]) {
                case "--committed": isolation = "read_committed"; break;
                case "--print": print = true; break;
                case "--timeout": timeoutMs = Long.parseLong(args[++i]) * 1000; break;
                default: plain.add(args[i]);
            }
        }
        if (plain.size() != 2) {
            throw new IllegalArgumentException("usage: BOOTSTRAP TOPIC [--committed] [--print] [--timeout SECONDS]");
        }
        Properties config = new Properties();
        config.put("bootstrap.servers", plain.get(0));
        config.put("isolation.level", isolation);
        config.put("enable.auto.commit", "false");
        config.put("allow.auto.create.topics", "false");
        config.put("auto.offset.reset", "none");
        config.put("max.poll.records", "5000");
        config.put("max.partition.fetch.bytes", "4194304");
        config.put("fetch.max.bytes", "16777216");
        config.put("fetch.max.wait.ms", "50");
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            read(consumer, plain.get(1), print, timeoutMs, out);
        }
    }

    private static final class Partition {
        final Checksum checksum = new Checksum();
        long count;
        long first = -1;
        long last = -1;
    }

    private static void read(
            KafkaConsumer<byte[], byte[]> consumer, String topic, boolean print, long timeoutMs, PrintStream out)
            throws Exception {
        long deadline = System.nanoTime() + timeoutMs * 1_000_000;
        List<PartitionInfo> infos = consumer.partitionsFor(topic);
        while (infos == null || infos.isEmpty()) {
            if (System.nanoTime() > deadline) throw new IllegalStateException("no such topic: " + topic);
            Thread.sleep(50);
            infos = consumer.partitionsFor(topic);
        }
        Map<Integer, Partition> partitions = new TreeMap<>();
        List<TopicPartition> open = new ArrayList<>();
        for (PartitionInfo info : infos) {
            partitions.put(info.partition(), new Partition());
            open.add(new TopicPartition(topic, info.partition()));
        }
        consumer.assign(open);
        consumer.seekToBeginning(open);
        Map<TopicPartition, Long> ends = consumer.endOffsets(open, Duration.ofMillis(timeoutMs));
        long keys = 0;
        long values = 0;
        long total = 0;
        while (true) {
            // Positions, not records: transaction markers take up offsets as well.
            long positions = 0;
            List<TopicPartition> left = new ArrayList<>();
            for (TopicPartition partition : open) {
                long position = consumer.position(partition, Duration.ofMillis(timeoutMs));
                positions += position;
                if (position < ends.get(partition)) left.add(partition);
            }
            if (left.size() < open.size()) consumer.assign(left);
            open = left;
            if (open.isEmpty()) break;
            boolean progress = false;
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
                progress = true;
                // A poll may return records that were written after the start.
                if (record.offset() >= ends.get(new TopicPartition(topic, record.partition()))) continue;
                Partition partition = partitions.get(record.partition());
                if (partition.count++ == 0) partition.first = record.offset();
                partition.last = record.offset();
                total++;
                keys += record.key() == null ? 0 : record.key().length;
                values += record.value() == null ? 0 : record.value().length;
                if (print) print(record, out);
                else partition.checksum.record(record);
            }
            long now = 0;
            for (TopicPartition partition : open) now += consumer.position(partition, Duration.ofMillis(timeoutMs));
            if (progress || now > positions) deadline = System.nanoTime() + timeoutMs * 1_000_000;
            else if (System.nanoTime() > deadline) throw new IllegalStateException("nothing more to read from " + open);
        }
        if (print) return;
        for (Map.Entry<Integer, Partition> entry : partitions.entrySet()) {
            Partition p = entry.getValue();
            out.println(entry.getKey() + " " + p.count + " " + p.first + " " + p.last + " " + p.checksum);
        }
        out.println("total " + total + " " + keys + " " + values);
    }

    private static void print(ConsumerRecord<byte[], byte[]> record, PrintStream out) {
        StringBuilder line = new StringBuilder();
        line.append(record.partition()).append('\t').append(record.offset()).append('\t').append(record.timestamp());
        line.append('\t').append(base64(record.key())).append('\t').append(base64(record.value())).append('\t');
        String separator = "";
        for (Header header : record.headers()) {
            line.append(separator).append(base64(header.key().getBytes(StandardCharsets.UTF_8)));
            line.append(':').append(base64(header.value()));
            separator = ",";
        }
        out.println(line);
    }

    private static String base64(byte[] bytes) {
        return bytes == null ? "-" : Base64.getEncoder().encodeToString(bytes);
    }
}
