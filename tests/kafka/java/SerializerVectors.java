import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.UUID;
import org.apache.kafka.common.serialization.BooleanSerializer;
import org.apache.kafka.common.serialization.DoubleSerializer;
import org.apache.kafka.common.serialization.FloatSerializer;
import org.apache.kafka.common.serialization.IntegerSerializer;
import org.apache.kafka.common.serialization.LongSerializer;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.serialization.ShortSerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.serialization.UUIDSerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/** Writes crates/ottla-core/tests/vectors/serializers.txt: what Java's serializers make of some values. */
public final class SerializerVectors {
    private static PrintWriter out;

    public static void main(String[] args) throws Exception {
        out = new PrintWriter(Files.newBufferedWriter(Path.of(args[0])));
        out.print("# Values and their bytes in hex, by the serializers of kafka-clients " + AppInfoParser.getVersion() + ".\n");
        out.print("# Written by tests/kafka/java/SerializerVectors.java (tests/kafka/vectors); do not edit.\n");
        out.print("# Each line: the serializer, the value (float and double: their bits in hex), the bytes.\n");
        for (short value : new short[] {0, 1, -1, 258, Short.MIN_VALUE, Short.MAX_VALUE})
            line("short", new ShortSerializer(), value, Short.toString(value));
        for (int value : new int[] {0, 1, -1, 0x01020304, Integer.MIN_VALUE, Integer.MAX_VALUE})
            line("integer", new IntegerSerializer(), value, Integer.toString(value));
        for (long value : new long[] {0, 1, -1, 0x0102030405060708L, Long.MIN_VALUE, Long.MAX_VALUE})
            line("long", new LongSerializer(), value, Long.toString(value));
        for (float value : new float[] {0f, -0f, 1.5f, Float.MIN_VALUE, Float.MAX_VALUE, Float.NaN, Float.NEGATIVE_INFINITY})
            line("float", new FloatSerializer(), value, String.format("%08x", Float.floatToRawIntBits(value)));
        for (double value : new double[] {0, -0.0, -2.5, Double.MIN_VALUE, Double.MAX_VALUE, Double.NaN, Double.POSITIVE_INFINITY})
            line("double", new DoubleSerializer(), value, String.format("%016x", Double.doubleToRawLongBits(value)));
        for (String value : new String[] {"00000000-0000-0000-0000-000000000000", "123e4567-e89b-12d3-a456-42661417400f",
            "ffffffff-ffff-ffff-ffff-ffffffffffff"})
            line("uuid", new UUIDSerializer(), UUID.fromString(value), value);
        for (String value : new String[] {"", "key", "grün", "日本語", "🦦"})
            line("string", new StringSerializer(), value, value);
        line("boolean", new BooleanSerializer(), true, "true");
        line("boolean", new BooleanSerializer(), false, "false");
        out.close();
    }

    private static <T> void line(String name, Serializer<T> serializer, T value, String text) {
        out.print(name + "\t" + text + "\t" + HexFormat.of().formatHex(serializer.serialize("t", value)) + "\n");
    }
}
