// Writes properties.txt: what java.util.Properties reads from many inputs.
//   java PropertiesVectors.java > properties.txt
// A line has an input, and then its keys and values or ERROR, separated by tabs and escaped as in .properties files.
import java.io.StringReader;
import java.util.*;

public class PropertiesVectors {
    static final List<String> seen = new ArrayList<>();

    static class Ordered extends Properties {
        @Override public synchronized Object put(Object key, Object value) {
            seen.add((String) key);
            seen.add((String) value);
            return null;
        }
    }

    static String escaped(String text) {
        StringBuilder out = new StringBuilder();
        for (char c : text.toCharArray()) {
            switch (c) {
                case '\\': out.append("\\\\"); break;
                case '\t': out.append("\\t"); break;
                case '\n': out.append("\\n"); break;
                case '\r': out.append("\\r"); break;
                case '\f': out.append("\\f"); break;
                default:
                    if (c > ' ' && c < 127 || c == ' ') out.append(c);
                    else out.append(String.format("\\u%04x", (int) c));
            }
        }
        return out.toString();
    }

    static void vector(String input) {
        seen.clear();
        try {
            new Ordered().load(new StringReader(input));
        } catch (IllegalArgumentException error) {
            seen.clear();
            seen.add("ERROR");
        } catch (java.io.IOException error) {
            throw new IllegalStateException(error);
        }
        StringBuilder line = new StringBuilder(escaped(input));
        for (String field : seen) line.append('\t').append(escaped(field));
        System.out.println(line);
    }

    public static void main(String[] arguments) {
        System.out.println("// Written by PropertiesVectors.java with Java " + System.getProperty("java.specification.version"));
        String[] chosen = {
            "", "\n", "a", "a\n", "a=", "=", "=a", ":", " = ", "a=b", "a:b", "a b", "a\tb", "a\fb", "a = b", "a : b",
            "a  =  b", "a == b", "a=:b", "a :=b", "a  b c", "  a=b", "\ta=b", "\fa=b", "a=b ", "a=b\t ", "a=b=c",
            "#a=b", "!a=b", "  #a=b", "a=#b", "a=b#c", "#a\\\nb=c", "!a\\\nb=c", "a\\=b=c", "a\\:b=c", "a\\ b=c",
            "a\\#b=c", "\\#a=b", "\\!a=b", "a=\\#b", "a=\\!b", "a=\\=b", "a=\\:b", "a=\\ b", "a=b\\ ", "a=\\tb\\n\\r\\f",
            "a=\\q\\z\\\"\\'", "a=\\\\", "a=\\\\\\\\", "a=C:\\\\dir\\\\f", "a=C:\\dir", "a=b\\\nc", "a=b\\\n   c",
            "a=b\\\r\n\tc", "a=b\\\rc", "a=b\\\n\nc=d", "a=b\\\n#c", "a=b\\\n  !c=d", "a\\\nb=c", "a\\\n  =b", "a=\\\nb",
            "a=b\\\\\nc=d", "a=b\\\\\\\nc=d", "a=b\\", "a=b\\\n", "a\\", "\\", "\\\n", "\\\n#a\nb=c", "\\\n\na=b", "\\\na=b",
            " \\\n a=b", "a=b\rc=d", "a=b\r\nc=d", "a=b\n\rc=d", "a=b\r\r\nc=d", "\r\n\r\na=b", "a=\\u0041", "\\u0041=b",
            "a=\\u00e9\\u20AC", "a=\\uD83D\\uDE00", "a=\u00e9\u20ac", "a=\\u004", "a=\\u", "a=\\u00g0", "a=\\u 041",
            "a=\\U0041", "a=\\u00411", "\\u=b", "a=\\\\u0041", "a=\\u003d", "a\\u003db=c", "a\\u0020b=c", "a=\\u005cn",
            "a=b\nb=c\na=d", "a=\\uuuu0041", "a=b\\\n\\u0041", "a=\\u00\\\n41", "\ufeffa=b", "a=b\u0000c", "a\u000bb=c",
            "a=b\u0085c=d", "a=b\u2028c", "a\u00a0b=c", "key.with.dots = a, b ,c", "a=\\", "a=\\ \\\n  b", "a\\\\=b",
            "a\\\\\\=b=c", "a \\=b", "a \\:b", "a= \\ b", "a=b \\\n c", "a\\ =b", "\\ a=b", "\\\ta=b", "\\n=b",
        };
        for (String input : chosen) vector(input);
        String[] pieces = {
            "a", "b", "=", ":", " ", "\t", "\f", "\\", "\\", "\n", "\n", "\r", "\r\n", "#", "!", "\\u0041", "u", "0",
        };
        Random random = new Random(20250101);
        for (int i = 0; i < 400; i++) {
            StringBuilder input = new StringBuilder();
            for (int n = 1 + random.nextInt(14); n > 0; n--) input.append(pieces[random.nextInt(pieces.length)]);
            vector(input.toString());
        }
    }
}
