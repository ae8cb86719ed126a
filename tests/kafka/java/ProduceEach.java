import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Java's producer, once for each properties file: {@code TOPIC FILE...}. Each sends one record to partition 0, whose
 * value is the file's name. Prints {@code FILE ok} or {@code FILE REASON} for each file.
 */
public final class ProduceEach {
    public static void main(String[] args) throws Exception {
        Set<String> urls = new LinkedHashSet<>();
        Set<String> files = new LinkedHashSet<>();
        Properties[] configs = new Properties[args.length];
        for (int i = 1; i < args.length; i++) {
            configs[i] = new Properties();
            try (Reader reader = Files.newBufferedReader(Path.of(args[i]), StandardCharsets.UTF_8)) {
                configs[i].load(reader);
            }
            String endpoint = configs[i].getProperty("sasl.oauthbearer.token.endpoint.url", "");
            urls.add(endpoint);
            files.add(endpoint.replaceFirst("^file://", ""));
            files.add(configs[i].getProperty("sasl.oauthbearer.assertion.private.key.file", ""));
        }
        // Since Kafka 4.0, an application must name what its configuration may refer to.
        System.setProperty("org.apache.kafka.sasl.oauthbearer.allowed.urls", String.join(",", urls));
        System.setProperty("org.apache.kafka.sasl.oauthbearer.allowed.files", String.join(",", files));
        for (int i = 1; i < args.length; i++) {
            System.out.println(args[i] + " " + produce(configs[i], args[0], Path.of(args[i]).getFileName().toString()));
        }
    }

    private static String produce(Properties config, String topic, String value) throws InterruptedException {
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(topic, 0, null, value)).get();
            return "ok";
        } catch (ExecutionException e) {
            return reason(e.getCause());
        } catch (RuntimeException e) {
            return reason(e);
        }
    }

    private static String reason(Throwable error) {
        Throwable root = error;
        while (root.getCause() != null) root = root.getCause();
        String text = root == error ? "" + error : error + ": " + root;
        // Some messages contain a stack trace.
        return text.replaceAll("\n\\s+(at |\\.\\.\\.).*", "").replace('\n', ' ');
    }
}
