// Writes java-metrics.txt: every metric of a Java producer that has sent a record, by the names that the producer gives
// them.
//   java -cp 'libs/*' MetricsVectors.java BOOTSTRAP > java-metrics.txt
// Fields, with a tab between: group, name.
import java.util.*;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class MetricsVectors {
    public static void main(String[] arguments) throws Exception {
        Properties config = new Properties();
        config.put("bootstrap.servers", arguments[0]);
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>("metrics", new byte[10])).get();
            TreeSet<String> names = new TreeSet<>();
            for (Metric metric : producer.metrics().values()) {
                names.add(metric.metricName().group() + "\t" + metric.metricName().name());
            }
            names.forEach(System.out::println);
        }
    }
}
