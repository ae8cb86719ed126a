import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/**
 * Drives Java's producer as examples-c/perf drives Ottla: the same options, and the same JSON object at the end. At
 * full speed one callback serves all records, and without keys one record does: objects for each would be the driver's
 * cost, not the producer's.
 */
public class Driver {
    private static final Properties PROPERTIES = new Properties();
    private static String topic, valuesFile;
    private static int size, threads = 1;
    private static long count, rate, keys, warmUp;
    private static boolean oneByOne;

    private static KafkaProducer<byte[], byte[]> producer;
    private static byte[][] values;
    private static final AtomicLong failed = new AtomicLong();
    // Callbacks run on the producer's only thread. Other threads read this after `flush`.
    private static volatile long delivered;
    private static long deliveredByThread;
    private static long[] latencies = new long[0];
    private static int latencyCount;
    private static long acceptedKb; // in memory when the last record was accepted

    public static void main(String[] words) throws Exception {
        read(words);
        PROPERTIES.put("key.serializer", ByteArraySerializer.class.getName());
        PROPERTIES.put("value.serializer", ByteArraySerializer.class.getName());
        producer = new KafkaProducer<>(PROPERTIES);
        values = valuesFile == null ? new byte[][] {letters(size)} : slices(Files.readAllBytes(Path.of(valuesFile)));
        sendAll(warmUp, 0, false);
        if (rate > 0 || oneByOne) {
            latencies = new long[Math.toIntExact(count)];
        }
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long before = delivered, beforeKb = residentKb(), cpuBefore = system.getProcessCpuTime(), begin = System.nanoTime();
        sendAll(count, rate, oneByOne);
        double seconds = (System.nanoTime() - begin) / 1e9, cpu = (system.getProcessCpuTime() - cpuBefore) / 1e9;
        long arrived = delivered - before;
        double mean = Arrays.stream(latencies, 0, latencyCount).average().orElse(0) / 1e3;
        Arrays.sort(latencies, 0, latencyCount);
        System.out.printf(
            "{\"version\":\"%s\",\"delivered\":%d,\"failed\":%d,\"seconds\":%.6f,\"cpu_seconds\":%.6f,"
                + "\"latency_ms\":{\"mean\":%.4f,\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f},"
                + "\"resident_kb\":{\"before\":%d,\"accepted\":%d}}%n",
            AppInfoParser.getVersion(), arrived, failed.get(), seconds, cpu, mean,
            percentile(50), percentile(99), percentile(99.9), beforeKb, acceptedKb);
        producer.close();
        System.exit(arrived == count ? 0 : 1);
    }

    private static void read(String[] words) {
        for (int i = 0; i < words.length; i += 2) {
            String next = i + 1 < words.length ? words[i + 1] : "";
            switch (words[i]) {
                case "-b" -> PROPERTIES.put("bootstrap.servers", next);
                case "-t" -> topic = next;
                case "-s" -> size = Integer.parseInt(next);
                case "-c" -> count = Long.parseLong(next);
                case "-r" -> rate = Long.parseLong(next);
                case "-T" -> threads = Integer.parseInt(next);
                case "-k" -> keys = Long.parseLong(next);
                case "--one-by-one" -> {
                    oneByOne = true;
                    i--; // it has no value
                }
                case "--values" -> valuesFile = next;
                case "--warm-up" -> warmUp = Long.parseLong(next);
                case "-X" -> {
                    int equals = next.indexOf('=');
                    PROPERTIES.put(next.substring(0, equals), next.substring(equals + 1));
                }
                default -> throw new IllegalArgumentException(words[i]);
            }
        }
    }

    private static long residentKb() throws IOException {
        return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ")[1]) * 4; // pages of 4 KiB
    }

    private static void sendAll(long records, long perSecond, boolean waiting) throws Exception {
        Thread[] senders = new Thread[threads];
        long begin = System.nanoTime();
        for (int i = 0; i < threads; i++) {
            int index = i;
            long share = records / threads + (i < records % threads ? 1 : 0);
            senders[i] = new Thread(() -> send(index, share, perSecond, waiting, begin));
            senders[i].start();
        }
        for (Thread sender : senders) {
            sender.join();
        }
        acceptedKb = residentKb();
        producer.flush();
    }

    private static void send(int index, long records, long perSecond, boolean waiting, long begin) {
        Callback plain = (metadata, exception) -> arrived(exception);
        ProducerRecord<byte[], byte[]> unkeyed = new ProducerRecord<>(topic, values[0]);
        long random = 88172645463325252L + index * 0x9e3779b97f4a7c15L;
        for (long i = 0; i < records; i++) {
            Callback callback = plain;
            if (perSecond > 0) {
                long due = begin + (long) ((i * threads + index) * 1e9 / perSecond);
                for (long wait = due - System.nanoTime(); wait > 0; wait = due - System.nanoTime()) {
                    LockSupport.parkNanos(wait);
                }
                callback = (metadata, exception) -> {
                    latencies[latencyCount++] = (System.nanoTime() - due) / 1000;
                    arrived(exception);
                };
            }
            ProducerRecord<byte[], byte[]> record = unkeyed;
            if (keys > 0) {
                random ^= random << 13;
                random ^= random >>> 7;
                random ^= random << 17;
                byte[] key = ByteBuffer.allocate(8).putLong(Long.remainderUnsigned(random, keys)).array();
                record = new ProducerRecord<>(topic, key, values[0]);
            } else if (values.length > 1) {
                record = new ProducerRecord<>(topic, values[(int) (i % values.length)]);
            }
            if (waiting) {
                sendAndWait(record);
            } else {
                producer.send(record, callback);
            }
        }
    }

    private static void sendAndWait(ProducerRecord<byte[], byte[]> record) {
        long begin = System.nanoTime();
        try {
            producer.send(record).get();
            latencies[latencyCount++] = (System.nanoTime() - begin) / 1000;
            arrived(null);
        } catch (ExecutionException | InterruptedException exception) {
            arrived(exception);
        }
    }

    private static void arrived(Exception exception) {
        if (exception == null) {
            delivered = ++deliveredByThread;
        } else if (failed.incrementAndGet() == 1) {
            System.err.println("Java driver: the first failure: " + exception);
        }
    }

    private static double percentile(double percent) {
        int rank = (int) (latencyCount * percent / 100 + 0.5);
        return latencyCount == 0 ? 0 : latencies[Math.max(rank, 1) - 1] / 1e3;
    }

    /** The values that a file holds, one behind the other. */
    private static byte[][] slices(byte[] file) {
        byte[][] slices = new byte[file.length / size][];
        for (int i = 0; i < slices.length; i++) {
            slices[i] = Arrays.copyOfRange(file, i * size, (i + 1) * size);
        }
        return slices;
    }

    private static byte[] letters(int length) {
        byte[] letters = new byte[length];
        long random = 88172645463325252L;
        for (int i = 0; i < length; i++) {
            random ^= random << 13;
            random ^= random >>> 7;
            random ^= random << 17;
            letters[i] = (byte) ('A' + Long.remainderUnsigned(random, 26));
        }
        return letters;
    }
}
