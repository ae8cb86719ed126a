// Writes producer-config.txt: every property of the Java producer, from its definition.
//   java -cp kafka-clients-4.3.1.jar:slf4j-api.jar ConfigVectors.java > producer-config.txt
// Fields, with tabs between: name, type, default ("<none>" if there is none), importance, range or words.
import java.util.*;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigDef;

public class ConfigVectors {
    static String text(ConfigDef.ConfigKey key) {
        if (!key.hasDefault() || key.defaultValue == null) return "<none>";
        if (key.defaultValue instanceof List) {
            StringJoiner joined = new StringJoiner(",");
            for (Object each : (List<?>) key.defaultValue) joined.add(each.toString());
            return joined.toString();
        }
        return key.defaultValue instanceof Class ? ((Class<?>) key.defaultValue).getName() : key.defaultValue.toString();
    }

    public static void main(String[] arguments) {
        for (ConfigDef.ConfigKey key : new TreeMap<>(ProducerConfig.configDef().configKeys()).values()) {
            String valid = key.validator == null ? "" : key.validator.toString();
            System.out.println(String.join("\t", key.name, key.type.toString().toLowerCase(Locale.ROOT), text(key),
                key.importance.toString().toLowerCase(Locale.ROOT), valid));
        }
    }
}
