import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Java's producer, fed with lines as {@link ReadBack} prints them: {@code BOOTSTRAP TOPIC [PROPERTY=VALUE]...}.
 * The offset is ignored; a partition of {@code -} is left to the partitioner, a timestamp of {@code -} to the clock.
 */
public final class Produce {
    public static void main(String[] args) throws Exception {
        Properties config = new Properties();
        config.put("bootstrap.servers", args[0]);
        for (int i = 2; i < args.length; i++) config.put(args[i].split("=", 2)[0], args[i].split("=", 2)[1]);
        List<Future<?>> sent = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                sent.add(producer.send(record(args[1], line.split("\t", -1))));
            }
            producer.flush();
        }
        for (Future<?> one : sent) one.get();
        System.out.println("sent " + sent.size());
    }

    private static ProducerRecord<byte[], byte[]> record(String topic, String[] words) {
        List<Header> headers = new ArrayList<>();
        for (String header : words[5].isEmpty() ? new String[0] : words[5].split(",")) {
            String[] parts = header.split(":", 2);
            headers.add(new RecordHeader(new String(bytes(parts[0]), StandardCharsets.UTF_8), bytes(parts[1])));
        }
        return new ProducerRecord<>(topic, words[0].equals("-") ? null : Integer.valueOf(words[0]),
                words[2].equals("-") ? null : Long.valueOf(words[2]), bytes(words[3]), bytes(words[4]), headers);
    }

    private static byte[] bytes(String text) {
        return text.equals("-") ? null : Base64.getDecoder().decode(text);
    }
}
