import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.FeatureUpdate;
import org.apache.kafka.clients.admin.FinalizedVersionRange;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsOptions;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.admin.UpdateFeaturesOptions;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/** Creates, deletes, grows and describes topics. The commands are in {@link #USAGE}. */
public final class Admin implements AutoCloseable {
    private static final String USAGE = String.join("\n",
            "usage: BOOTSTRAP COMMAND",
            "  create TOPIC [--partitions N] [--replication N] [--assign 1,2:2,3] [--config K=V]...",
            "  delete TOPIC...",
            "  grow TOPIC COUNT",
            "  config TOPIC K=V...          (K= removes)",
            "  move TOPIC PARTITION 2,3     (new replicas; the first becomes the leader)",
            "  rotate TOPIC                 (the next replica of each partition becomes its preferred leader)",
            "  elect TOPIC                  (each partition's preferred replica becomes its leader)",
            "  describe [TOPIC...]          (topic partition leader replicas isr; leader -1 if there is none)",
            "  list",
            "  offsets GROUP                (topic partition offset, of what the group committed)",
            "  feature NAME LEVEL           (finalizes it, up or down)",
            "  in-sync [TOPIC...] [--timeout SECONDS]",
            "  allow|revoke [PRINCIPAL OPERATION RESOURCE]...",
            "                               (User:ada WRITE topic:name, topic:prefix*, topic:*, group:.., cluster)");

    /** A KRaft controller refuses to make many thousand partitions at a time. */
    private static final int STEP = 2000;

    private final org.apache.kafka.clients.admin.Admin client;

    public static void main(String[] args) {
        if (args.length < 2) {
            System.err.println(USAGE);
            System.exit(2);
        }
        try (Admin admin = new Admin(args[0])) {
            admin.run(Arrays.copyOfRange(args, 1, args.length), System.out);
        } catch (Exception e) {
            System.err.println("Admin: " + message(e));
            System.exit(1);
        }
    }

    static String message(Exception e) {
        Throwable cause = e instanceof ExecutionException && e.getCause() != null ? e.getCause() : e;
        return cause.toString();
    }

    Admin(String bootstrap) {
        Properties config = new Properties();
        config.put("bootstrap.servers", bootstrap);
        config.put("request.timeout.ms", "10000");
        config.put("default.api.timeout.ms", "60000");
        config.put("reconnect.backoff.max.ms", "200");
        client = org.apache.kafka.clients.admin.Admin.create(config);
    }

    @Override
    public void close() {
        client.close(Duration.ofSeconds(1));
    }

    void run(String[] args, PrintStream out) throws Exception {
        List<String> rest = new ArrayList<>(Arrays.asList(args).subList(1, args.length));
        switch (args[0]) {
            case "create": create(rest); break;
            case "delete": delete(rest); break;
            case "grow": grow(rest.get(0), Integer.parseInt(rest.get(1))); break;
            case "config": config(rest.get(0), rest.subList(1, rest.size())); break;
            case "move": move(rest.get(0), Integer.parseInt(rest.get(1)), replicas(rest.get(2))); break;
            case "rotate": rotate(rest.get(0)); break;
            case "elect": elect(rest.get(0)); break;
            case "describe": describe(rest).forEach(out::println); break;
            case "list": new TreeSet<>(names(false)).forEach(out::println); break;
            case "in-sync": inSync(rest); break;
            case "offsets": offsets(rest.get(0)).forEach(out::println); break;
            case "feature": feature(rest.get(0), Short.parseShort(rest.get(1))); break;
            case "allow": setRights(true, rest); break;
            case "revoke": setRights(false, rest); break;
            default: throw new IllegalArgumentException(USAGE);
        }
    }

    private void setRights(boolean allowed, List<String> args) throws Exception {
        List<AclBinding> bindings = acls(args);
        if (allowed) client.createAcls(bindings).all().get();
        else client.deleteAcls(bindings.stream().map(AclBinding::toFilter).collect(Collectors.toList())).all().get();
        // The controller knows now. Brokers follow.
        long deadline = System.nanoTime() + 30_000_000_000L;
        while (true) {
            Collection<AclBinding> known = client.describeAcls(AclBindingFilter.ANY).values().get();
            if (allowed ? known.containsAll(bindings) : Collections.disjoint(known, bindings)) return;
            if (System.nanoTime() > deadline) throw new IllegalStateException("the broker does not follow: " + known);
            Thread.sleep(20);
        }
    }

    private static List<AclBinding> acls(List<String> args) {
        List<AclBinding> bindings = new ArrayList<>();
        for (int i = 0; i < args.size(); i += 3) {
            AclOperation operation = AclOperation.fromString(args.get(i + 1));
            if (operation.isUnknown()) throw new IllegalArgumentException("no such operation: " + args.get(i + 1));
            bindings.add(new AclBinding(resource(args.get(i + 2)),
                    new AccessControlEntry(args.get(i), "*", operation, AclPermissionType.ALLOW)));
        }
        return bindings;
    }

    private static ResourcePattern resource(String text) {
        String[] words = text.split(":", 2);
        ResourceType type = ResourceType.fromString(words[0].replace('-', '_'));
        if (type.isUnknown()) throw new IllegalArgumentException("no such type of resource: " + words[0]);
        String name = type == ResourceType.CLUSTER ? "kafka-cluster" : words[1];
        boolean prefix = name.length() > 1 && name.endsWith("*");
        if (prefix) name = name.substring(0, name.length() - 1);
        return new ResourcePattern(type, name, prefix ? PatternType.PREFIXED : PatternType.LITERAL);
    }

    private void feature(String name, short level) throws Exception {
        FinalizedVersionRange present = client.describeFeatures().featureMetadata().get().finalizedFeatures().get(name);
        boolean down = present != null && level < present.maxVersionLevel();
        FeatureUpdate.UpgradeType type =
                down ? FeatureUpdate.UpgradeType.SAFE_DOWNGRADE : FeatureUpdate.UpgradeType.UPGRADE;
        FeatureUpdate update = new FeatureUpdate(level, type);
        client.updateFeatures(Collections.singletonMap(name, update), new UpdateFeaturesOptions()).all().get();
    }

    private List<String> offsets(String group) throws Exception {
        // Offsets of an ended transaction count only when its marker is written, so wait for that.
        ListConsumerGroupOffsetsOptions stable = new ListConsumerGroupOffsetsOptions().requireStable(true);
        return client.listConsumerGroupOffsets(group, stable).partitionsToOffsetAndMetadata().get().entrySet().stream()
                .map(e -> e.getKey().topic() + " " + e.getKey().partition() + " " + e.getValue().offset())
                .sorted()
                .collect(Collectors.toList());
    }

    private void create(List<String> args) throws Exception {
        Optional<Integer> partitions = Optional.empty();
        Optional<Short> replication = Optional.empty();
        Map<Integer, List<Integer>> assignment = new LinkedHashMap<>();
        Map<String, String> configs = new HashMap<>();
        String topic = args.get(0);
        for (int i = 1; i < args.size(); i += 2) {
            String value = args.get(i + 1);
            switch (args.get(i)) {
                case "--partitions": partitions = Optional.of(Integer.parseInt(value)); break;
                case "--replication": replication = Optional.of(Short.parseShort(value)); break;
                case "--assign":
                    for (String one : value.split(":")) assignment.put(assignment.size(), replicas(one));
                    break;
                case "--config": configs.put(value.split("=", 2)[0], value.split("=", 2)[1]); break;
                default: throw new IllegalArgumentException(USAGE);
            }
        }
        NewTopic created =
                assignment.isEmpty() ? new NewTopic(topic, partitions, replication) : new NewTopic(topic, assignment);
        int wanted = partitions.orElse(1);
        if (wanted > STEP) created = new NewTopic(topic, Optional.of(STEP), replication);
        client.createTopics(Collections.singleton(created.configs(configs))).all().get();
        if (wanted > STEP) grow(topic, wanted);
        else awaitLeaders(topic);
    }

    private static List<Integer> replicas(String text) {
        return Arrays.stream(text.split(",")).map(Integer::parseInt).collect(Collectors.toList());
    }

    private void delete(List<String> topics) throws Exception {
        client.deleteTopics(topics).all().get();
        long deadline = deadline(30);
        while (names(false).stream().anyMatch(topics::contains)) pause(deadline, "still there: " + topics);
    }

    private void grow(String topic, int count) throws Exception {
        awaitLeaders(topic);
        for (int at = topics(Collections.singleton(topic)).get(topic).partitions().size(); at != count;) {
            // If the count is lower than the present one, the broker says so.
            at = at > count ? count : Math.min(at + STEP, count);
            client.createPartitions(Collections.singletonMap(topic, NewPartitions.increaseTo(at))).all().get();
        }
        long deadline = deadline(120);
        while (true) {
            try {
                if (topics(Collections.singleton(topic)).get(topic).partitions().size() == count) break;
            } catch (ExecutionException notYet) {
                // Another broker responded, which does not know the change yet.
            }
            pause(deadline, topic + " does not grow");
        }
        awaitLeaders(topic);
    }

    private void config(String topic, List<String> settings) throws Exception {
        List<AlterConfigOp> operations = new ArrayList<>();
        for (String setting : settings) {
            String[] parts = setting.split("=", 2);
            operations.add(new AlterConfigOp(new ConfigEntry(parts[0], parts[1]),
                    parts[1].isEmpty() ? AlterConfigOp.OpType.DELETE : AlterConfigOp.OpType.SET));
        }
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        client.incrementalAlterConfigs(Collections.singletonMap(resource, (Collection<AlterConfigOp>) operations))
                .all().get();
        // The controller has the new value. Brokers learn of it later.
        long deadline = deadline(30);
        while (!operations.stream().allMatch(operation -> isSet(resource, operation))) pause(deadline, topic + " does not have " + settings);
    }

    private boolean isSet(ConfigResource resource, AlterConfigOp operation) {
        ConfigEntry wanted = operation.configEntry();
        try {
            ConfigEntry is = client.describeConfigs(Collections.singleton(resource)).all().get().get(resource).get(wanted.name());
            boolean own = is.source() == ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG;
            return operation.opType() == AlterConfigOp.OpType.DELETE ? !own : own && is.value().equals(wanted.value());
        } catch (java.util.concurrent.ExecutionException | InterruptedException e) {
            return false; // The deadline decides.
        }
    }

    private void move(String topic, int partition, List<Integer> replicas) throws Exception {
        TopicPartition moved = new TopicPartition(topic, partition);
        client.alterPartitionReassignments(
                Collections.singletonMap(moved, Optional.of(new NewPartitionReassignment(replicas)))).all().get();
        long deadline = deadline(60);
        while (!client.listPartitionReassignments(Collections.singleton(moved)).reassignments().get().isEmpty()) {
            pause(deadline, moved + " is still moving");
        }
        while (true) {
            TopicPartitionInfo info = topics(Collections.singleton(topic)).get(topic).partitions().get(partition);
            if (info.leader() != null && info.leader().id() == replicas.get(0)) return;
            try {
                client.electLeaders(ElectionType.PREFERRED, Collections.singleton(moved)).all().get();
            } catch (ExecutionException notNeeded) {
                // Elected in the meantime, or not possible yet. The deadline decides.
            }
            pause(deadline, moved + " is not led by " + replicas.get(0));
        }
    }

    private void rotate(String topic) throws Exception {
        Map<TopicPartition, Optional<NewPartitionReassignment>> moved = new HashMap<>();
        for (TopicPartitionInfo p : topics(Collections.singleton(topic)).get(topic).partitions()) {
            List<Integer> replicas = p.replicas().stream().map(Node::id).collect(Collectors.toList());
            Collections.rotate(replicas, -1);
            moved.put(new TopicPartition(topic, p.partition()), Optional.of(new NewPartitionReassignment(replicas)));
        }
        client.alterPartitionReassignments(moved).all().get();
        long deadline = deadline(60);
        while (!client.listPartitionReassignments(moved.keySet()).reassignments().get().isEmpty()) {
            pause(deadline, topic + " is still moving");
        }
    }

    private void elect(String topic) throws Exception {
        long deadline = deadline(60);
        while (true) {
            Set<TopicPartition> others = new HashSet<>();
            for (TopicPartitionInfo p : topics(Collections.singleton(topic)).get(topic).partitions()) {
                if (leader(p) != p.replicas().get(0).id()) others.add(new TopicPartition(topic, p.partition()));
            }
            if (others.isEmpty()) return;
            try {
                client.electLeaders(ElectionType.PREFERRED, others).all().get();
            } catch (ExecutionException notNeeded) {
                // Elected in the meantime, or not possible yet. The deadline decides.
            }
            pause(deadline, "not led by their preferred replicas: " + others);
        }
    }

    private List<String> describe(List<String> wanted) throws Exception {
        Collection<String> names = wanted.isEmpty() ? new TreeSet<>(names(false)) : wanted;
        Map<String, TopicDescription> topics = topics(names);
        List<String> lines = new ArrayList<>();
        for (String name : names) {
            for (TopicPartitionInfo p : topics.get(name).partitions()) {
                lines.add(name + " " + p.partition() + " " + leader(p) + " " + ids(p.replicas()) + " " + ids(p.isr()));
            }
        }
        return lines;
    }

    private void inSync(List<String> args) throws Exception {
        int seconds = 60;
        Set<String> wanted = new HashSet<>();
        for (int i = 0; i < args.size(); i++) {
            if (args.get(i).equals("--timeout")) seconds = Integer.parseInt(args.get(++i));
            else wanted.add(args.get(i));
        }
        long deadline = deadline(seconds);
        while (true) {
            List<String> behind = new ArrayList<>();
            try {
                for (TopicDescription topic : topics(wanted.isEmpty() ? names(true) : wanted).values()) {
                    for (TopicPartitionInfo p : topic.partitions()) {
                        if (leader(p) < 0 || p.isr().size() < p.replicas().size()) {
                            behind.add(topic.name() + "-" + p.partition() + " (leader " + leader(p) + ", replicas "
                                    + ids(p.replicas()) + ", in sync " + ids(p.isr()) + ")");
                        }
                    }
                }
            } catch (ExecutionException e) {
                behind.add(message(e));
            }
            if (behind.isEmpty()) return;
            pause(deadline, "not in sync: " + behind);
        }
    }

    private void awaitLeaders(String topic) throws Exception {
        long deadline = deadline(120);
        while (true) {
            try {
                if (topics(Collections.singleton(topic)).get(topic).partitions().stream()
                        .allMatch(p -> leader(p) >= 0)) {
                    return;
                }
            } catch (ExecutionException notYet) {
                // Another broker responded, which does not know the topic yet.
            }
            pause(deadline, topic + " has partitions without a leader");
        }
    }

    private Set<String> names(boolean internal) throws Exception {
        return client.listTopics(new ListTopicsOptions().listInternal(internal)).names().get();
    }

    private Map<String, TopicDescription> topics(Collection<String> names) throws Exception {
        return client.describeTopics(names).allTopicNames().get();
    }

    private static int leader(TopicPartitionInfo partition) {
        return partition.leader() == null || partition.leader().isEmpty() ? -1 : partition.leader().id();
    }

    private static String ids(List<Node> nodes) {
        return nodes.isEmpty() ? "-" : nodes.stream().map(n -> "" + n.id()).collect(Collectors.joining(","));
    }

    private static long deadline(int seconds) {
        return System.nanoTime() + seconds * 1_000_000_000L;
    }

    private static void pause(long deadline, String complaint) throws Exception {
        if (System.nanoTime() > deadline) throw new IllegalStateException(complaint);
        Thread.sleep(50);
    }
}
