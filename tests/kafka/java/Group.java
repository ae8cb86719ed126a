import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Collections;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * A member of a consumer group that commits nothing itself: {@code BOOTSTRAP GROUP TOPIC COUNT}. It reads COUNT records,
 * one line {@code PARTITION OFFSET VALUE} each, the value in base 64, then prints {@code member ID GENERATION}, and stays
 * in the group until its standard input ends.
 */
public final class Group {
    public static void main(String[] args) throws Exception {
        Properties config = new Properties();
        config.put("bootstrap.servers", args[0]);
        config.put("group.id", args[1]);
        config.put("enable.auto.commit", "false");
        config.put("auto.offset.reset", "earliest");
        config.put("isolation.level", "read_committed");
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(Collections.singleton(args[2]));
            for (int left = Integer.parseInt(args[3]); left > 0;) left -= print(consumer, out);
            ConsumerGroupMetadata member = consumer.groupMetadata();
            out.println("member " + member.memberId() + " " + member.generationId());
            Thread end = new Thread(Group::awaitEnd);
            end.start();
            while (end.isAlive()) print(consumer, out);
        }
    }

    private static int print(KafkaConsumer<byte[], byte[]> consumer, PrintStream out) {
        ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(50));
        for (ConsumerRecord<byte[], byte[]> record : records) {
            String value = new String(Base64.getEncoder().encode(record.value()), StandardCharsets.US_ASCII);
            out.println(record.partition() + " " + record.offset() + " " + value);
        }
        return records.count();
    }

    private static void awaitEnd() {
        try {
            while (System.in.read() >= 0) { }
        } catch (java.io.IOException e) {
            // An error ends the wait, too.
        }
    }
}
