import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * {@link Admin} and {@link ReadBack} without a JVM start each time: one command per line on the standard input, its
 * words separated by tabs, {@code admin BOOTSTRAP ...} or {@code read BOOTSTRAP TOPIC ...}. The answer is the
 * command's output, then a line {@code #ok} or {@code #failed REASON}. Ends when the input does, so it never outlives
 * the test that started it.
 */
public final class Serve {
    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split("\t", -1);
            String[] rest = Arrays.copyOfRange(words, 1, words.length);
            try {
                if (words[0].equals("admin")) {
                    // Not kept for the next command, because it would go on calling brokers that are gone.
                    try (Admin admin = new Admin(rest[0])) {
                        admin.run(Arrays.copyOfRange(rest, 1, rest.length), out);
                    }
                } else if (words[0].equals("read")) {
                    ReadBack.run(rest, out);
                } else {
                    throw new IllegalArgumentException("unknown command: " + words[0]);
                }
                out.println("#ok");
            } catch (Exception e) {
                out.println("#failed " + Admin.message(e).replace('\n', ' '));
            }
            out.flush();
        }
        System.exit(0);
    }
}
