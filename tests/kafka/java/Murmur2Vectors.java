import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.utils.Utils;

/**
 * Writes crates/ottla-core/tests/vectors/murmur2.txt: what Java's producer makes of 10,000 keys. The keys are not in the file; they are
 * generated as its head says.
 */
public final class Murmur2Vectors {
    private static final int KEYS = 10_000;
    private static final int[] PARTITIONS = {1, 6, 7, 100};
    private static final String[] HEAD = {
        "# Keys, their murmur2 hash and their partition, computed by kafka-clients " + version() + ".",
        "# Written by tests/kafka/java/Murmur2Vectors.java (tests/kafka/vectors); do not edit.",
        "#",
        "# Line number i (from 0, without these comments) is the key number i:",
        "#   kind length hash partition-of-6 partition-of-7 partition-of-100        (of 1 partition it is always 0)",
        "# hash: Utils.murmur2, 32 bits in hex. partition: BuiltInPartitioner.partitionForKey.",
        "# kind t: the text key-<i>, i in decimal.",
        "# kind b: `length` bytes. state = (i + 1) * 0x9e3779b97f4a7c15 (64 bits, wrapping). For each byte, xorshift64*:",
        "#   state ^= state >> 12; state ^= state << 25; state ^= state >> 27;",
        "#   byte = (state * 0x2545f4914f6cdd1d) >> 56               (wrapping, shifts unsigned)",
    };

    public static void main(String[] args) throws Exception {
        try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(Path.of(args[0])))) {
            for (String line : HEAD) out.print(line + "\n");
            for (int i = 0; i < KEYS; i++) {
                boolean text = i % 10 == 3;
                byte[] key = text ? ("key-" + i).getBytes(StandardCharsets.UTF_8) : bytes(i, length(i));
                StringBuilder line = new StringBuilder(text ? "t " : "b ").append(key.length);
                line.append(String.format(" %08x", Utils.murmur2(key)));
                for (int count : PARTITIONS) {
                    int partition = BuiltInPartitioner.partitionForKey(key, count);
                    if (count != 1) line.append(' ').append(partition);
                    else if (partition != 0) throw new AssertionError("one partition has the number 0");
                }
                out.print(line.append('\n'));
            }
        }
    }

    /** Every length from 0 to 70 many times, some around a kilobyte. */
    private static int length(int i) {
        return i % 100 == 99 ? 1022 + i / 100 % 5 : i % 71;
    }

    private static byte[] bytes(int i, int length) {
        long state = (i + 1) * 0x9e3779b97f4a7c15L;
        byte[] bytes = new byte[length];
        for (int at = 0; at < length; at++) {
            state ^= state >>> 12;
            state ^= state << 25;
            state ^= state >>> 27;
            bytes[at] = (byte) ((state * 0x2545f4914f6cdd1dL) >>> 56);
        }
        return bytes;
    }

    private static String version() {
        return org.apache.kafka.common.utils.AppInfoParser.getVersion();
    }
}
