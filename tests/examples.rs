//! The programs of examples-c, built by their script against the installed library and run against a real Kafka.
#![cfg(target_os = "linux")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use ottla_testkit::kafka::{self, ClientFiles, Cluster, ReadRecord, Reader};
use ottla_testkit::sink::{Sink, SinkOptions};

const EXAMPLES: &[&str] = &[
    "produce",
    "perf",
    "callbacks",
    "sync",
    "event_loop",
    "partitioner",
    "serializer",
    "statistics",
    "borrowed",
    "transactions",
    "cpp17",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Cargo's target folder, which the environment may set.
fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the folder for temporary files is in the target folder")
}

/// The folder of the programs.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut build = Command::new(root().join("examples-c/build"));
        build.env("CARGO_TARGET_DIR", target()).env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
        let ended = Ended::of(&mut build, b"");
        assert!(ended.status.success(), "examples-c/build: {}\n{}{}", ended.status, ended.output, ended.errors);
        target().join("examples-c")
    })
}

fn example(name: &str) -> Command {
    Command::new(built().join(name))
}

fn produce(cluster: &Cluster, topic: &str) -> Command {
    let mut command = example("produce");
    command.args(["-b", cluster.bootstrap(), "-t", topic]);
    command
}

/// The output and status of a program that has ended.
struct Ended {
    status: ExitStatus,
    output: String,
    errors: String,
}

impl Ended {
    fn of(command: &mut Command, input: &[u8]) -> Ended {
        let mut child = start(command);
        let mut stdin = child.stdin.take().expect("a pipe was asked for");
        thread::scope(|scope| {
            // If a program ends before it has read everything, its exit status tells why.
            scope.spawn(move || stdin.write_all(input));
            Ended::wait(child)
        })
    }

    fn wait(mut child: Child) -> Ended {
        let mut pipe = child.stderr.take().expect("a pipe was asked for");
        let errors = thread::spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).map(|_| text)
        });
        let mut output = String::new();
        let mut pipe = child.stdout.take().expect("a pipe was asked for");
        pipe.read_to_string(&mut output).expect("the examples print UTF-8");
        let errors = errors.join().expect("the thread reads").expect("the examples print UTF-8");
        Ended { status: child.wait().expect("it was started"), output, errors }
    }

    #[track_caller]
    fn expect(&self, exit_status: i32) -> &Ended {
        assert_eq!(self.status.code(), Some(exit_status), "{}\n{}", self.output, self.errors);
        self
    }

    /// Checks the last line that `produce` prints to standard error when it refused no line.
    #[track_caller]
    fn expect_counts(&self, accepted: u64, delivered: u64, failed: u64) -> &Ended {
        self.expect_lines(accepted, delivered, failed, 0)
    }

    #[track_caller]
    fn expect_lines(&self, accepted: u64, delivered: u64, failed: u64, refused: u64) -> &Ended {
        let counts = format!("{accepted} accepted, {delivered} delivered, {failed} failed, {refused} refused");
        assert_eq!(self.errors.lines().last(), Some(counts.as_str()), "{}", self.errors);
        self
    }
}

fn start(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"))
}

fn interrupt(child: &Child) {
    let mut kill = Command::new("kill");
    kill.args(["-INT", &child.id().to_string()]);
    Ended::of(&mut kill, b"").expect(0);
}

fn text(bytes: Option<&[u8]>) -> Option<&str> {
    bytes.map(|bytes| std::str::from_utf8(bytes).expect("the test sends text"))
}

fn values(records: &[ReadRecord]) -> Vec<&str> {
    records.iter().map(|record| text(record.value.as_deref()).expect("no value is null")).collect()
}

/// A file that only this process and test use.
fn file(name: &str, contents: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("examples-{}-{name}", std::process::id()));
    std::fs::write(&path, contents).expect("the target folder is writable");
    path
}

#[test]
fn produce_sends_keys_and_headers_and_distinguishes_null_from_empty() {
    let cluster = kafka::shared();
    let topic = cluster.new_topic("produce-keys", 3);
    let mut command = produce(cluster, &topic);
    command.args(["-K", "::", "-H", "a=1", "-H", "nothing", "-H", "a=", "-v"]);
    let ended = Ended::of(&mut command, b"k::v\nno key: at all\n::empty key\nempty value::\n\nk::v::w\nlast");
    ended.expect(0).expect_counts(7, 7, 0);

    let records = cluster.read_records(&topic);
    let sent: BTreeSet<(Option<&str>, Option<&str>)> =
        records.iter().map(|record| (text(record.key.as_deref()), text(record.value.as_deref()))).collect();
    let expected = [
        (Some("k"), Some("v")),
        (None, Some("no key: at all")),
        (Some(""), Some("empty key")),
        (Some("empty value"), Some("")),
        (None, Some("")),
        (Some("k"), Some("v::w")),
        (None, Some("last")),
    ];
    assert_eq!(sent, BTreeSet::from(expected));
    let header = |name: &str, value: Option<&str>| (name.to_owned(), value.map(|value| value.as_bytes().to_vec()));
    let headers = [header("a", Some("1")), header("nothing", None), header("a", Some(""))];
    assert!(records.iter().all(|record| record.headers == headers), "{records:?}");

    // With -v, each record is printed with its place.
    let reported: BTreeSet<&str> = ended.output.lines().collect();
    let places = records.iter().map(|r| format!("{topic} {} {} {}", r.partition, r.offset, r.timestamp));
    let places: Vec<String> = places.collect();
    assert_eq!(reported, places.iter().map(String::as_str).collect());
}

#[test]
fn produce_sends_to_the_given_partition() {
    let cluster = kafka::shared();
    let topic = cluster.new_topic("produce-partition", 3);
    Ended::of(produce(cluster, &topic).args(["-p", "2"]), b"a\nb\n").expect(0).expect_counts(2, 2, 0);
    let counts: Vec<u64> = cluster.read_back(&topic, Reader::Librdkafka).iter().map(|summary| summary.count).collect();
    assert_eq!(counts, [0, 0, 2]);

    let outside = Ended::of(produce(cluster, &topic).args(["-p", "3"]), b"a\nb\n");
    outside.expect(1).expect_counts(2, 0, 2);
    assert!(outside.errors.contains("3 partitions"), "{}", outside.errors);
    Ended::of(produce(cluster, &topic).args(["-p", "x"]), b"").expect(2);
}

#[test]
fn produce_takes_properties_from_files_and_arguments_in_turn() {
    let cluster = kafka::shared();
    let topic = cluster.new_topic("produce-file", 1);
    let servers = cluster.bootstrap();
    let properties = file("properties", &format!("bootstrap.servers = {servers}\nacks: 1\nmy.application=here\n"));
    let mut command = example("produce");
    command.args(["-t", &topic, "-v", "-X", "acks=0", "-F"]).arg(&properties);
    let ended = Ended::of(&mut command, b"a\n");
    ended.expect(0).expect_counts(1, 1, 0);
    assert!(ended.errors.contains("my.application"), "names that are not known are reported: {}", ended.errors);
    // The file says acks=1 after -X said 0, so there is an offset.
    assert!(ended.output.starts_with(&format!("{topic} 0 0 ")), "{}", ended.output);

    let absent = Ended::of(example("produce").args(["-t", &topic, "-F", "/nowhere/at-all"]), b"a\n");
    absent.expect(2);
    assert!(absent.errors.contains("/nowhere/at-all"), "{}", absent.errors);
    std::fs::remove_file(properties).expect("it was written");
}

/// Files as applications have them, except for the brokers' addresses.
#[test]
fn produce_takes_the_files_of_java_and_librdkafka_applications_unchanged() {
    let cluster = kafka::shared();
    for (name, text, reported) in [
        ("java-app", include_str!("../crates/ottla-core/tests/vectors/java-app.properties"), "shop.orders.topic"),
        (
            "java-3-app",
            include_str!("../crates/ottla-core/tests/vectors/java-3-app.properties"),
            "spring.application.name",
        ),
        (
            "librdkafka-app",
            include_str!("../crates/ottla-core/tests/vectors/librdkafka-app.properties"),
            "queue.buffering.max.messages",
        ),
    ] {
        let topic = cluster.new_topic(&format!("produce-{name}"), 3);
        let servers = cluster.bootstrap();
        let text = text.replace("kafka-1:9092", servers).replace("kafka-2:9092", servers);
        let properties = file(&format!("{name}.properties"), &text);
        let mut command = example("produce");
        command.args(["-t", &topic, "-K", "=", "-F"]).arg(&properties);
        let ended = Ended::of(&mut command, b"a=1\nb=2\nc=3\n");
        ended.expect(0).expect_counts(3, 3, 0);
        assert!(ended.errors.contains(reported), "{name}: names that are not known are reported: {}", ended.errors);
        let mut records = values(&cluster.read_records(&topic)).into_iter().map(str::to_owned).collect::<Vec<_>>();
        records.sort_unstable();
        assert_eq!(records, ["1", "2", "3"], "{name}");
        if name == "java-app" {
            let counts: Vec<u64> =
                cluster.read_back(&topic, Reader::Librdkafka).iter().map(|summary| summary.count).collect();
            assert_eq!(counts, [1, 1, 1], "its partitioner takes the partitions in turn");
        }
        std::fs::remove_file(properties).expect("it was written");
    }
}

/// Each store and key form of the client files, on listeners with and without client certificates.
fn each_file_for_tls_delivers(version: &'static str) {
    let cluster = kafka::shared_secured(version);
    let topic = cluster.new_topic("produce-tls", 1);
    let mut files = cluster.client_files(ClientFiles::Java);
    files.extend(cluster.client_files(ClientFiles::Librdkafka));
    let name = |file: &Path| file.file_name().expect("a file").to_string_lossy().into_owned();
    files.retain(|file| name(file).starts_with("ssl"));
    assert_eq!(files.len(), 11, "{files:?}");
    for file in &files {
        let mut command = example("produce");
        command.args(["-t", &topic, "-F"]).arg(file);
        Ended::of(&mut command, format!("{}\n", name(file)).as_bytes()).expect(0).expect_counts(1, 1, 0);
    }
    let names: Vec<String> = files.iter().map(|file| name(file)).collect();
    assert_eq!(values(&cluster.read_records(&topic)), names);
}

#[test]
fn produce_takes_the_files_of_java_and_librdkafka_for_tls_on_4_4() {
    each_file_for_tls_delivers("4.4.0");
}

#[test]
#[ignore = "long: scripts/soak runs it"]
fn produce_takes_the_files_of_java_and_librdkafka_for_tls_on_3_9() {
    each_file_for_tls_delivers("3.9.1");
}

#[test]
fn produce_names_the_cause_when_tls_fails() {
    let cluster = kafka::shared_secured("4.4.0");
    let topic = cluster.new_topic("produce-tls-refused", 1);
    let certificate = cluster.secured_file("clients/java/ssl-certificate-pem.properties");
    let text = std::fs::read_to_string(certificate).expect("each cluster has this file");
    let setting = |name| cluster.setting(name).expect("a secured cluster").to_owned();
    let (mtls, plaintext) = (setting("BOOTSTRAP_MTLS"), setting("BOOTSTRAP"));
    assert!(text.contains("ada.pem") && text.contains("ca.crt") && text.contains(&mtls), "{text}");
    for (what, old, new, cause) in [
        ("an expired client certificate", "ada.pem", "ada-expired.pem", "CN=ada"),
        ("a client certificate of an unknown authority", "ada.pem", "ada-of-stranger.pem", "CN=ada"),
        ("a broker of an unknown authority", "ca.crt", "stranger.crt", "was not issued by a trusted authority"),
        ("a plaintext listener", &*mtls, &*plaintext, "security.protocol is PLAINTEXT"),
    ] {
        let properties = file("produce-tls-refused.properties", &text.replace(old, new));
        let mut command = example("produce");
        command.args(["-t", &topic, "-X", "max.block.ms=3000", "-X", "delivery.timeout.ms=3000"]);
        command.args(["-X", "request.timeout.ms=2000", "-F"]).arg(&properties);
        let ended = Ended::of(&mut command, b"lost\n");
        assert!(!ended.status.success() && ended.errors.contains(cause), "{what}: {}", ended.errors);
    }
    assert_eq!(cluster.read_records(&topic), []);
}

#[test]
fn produce_replaces_environment_variables_in_its_file() {
    let cluster = kafka::shared();
    let topic = cluster.new_topic("produce-environment", 1);
    let properties = file("environment.properties", "\nbootstrap.servers=${env:OTTLA_EXAMPLE_BROKERS}\nacks=1\n");
    let mut command = example("produce");
    command.args(["-t", &topic, "-F"]).arg(&properties);
    let missing = Ended::of(command.env_remove("OTTLA_EXAMPLE_BROKERS"), b"a\n");
    missing.expect(2);
    let place = format!("{}:2: bootstrap.servers: the environment variable", properties.display());
    assert!(missing.errors.contains(&place), "{}", missing.errors);
    let wrong = Ended::of(command.env("OTTLA_EXAMPLE_BROKERS", "s3cret"), b"a\n");
    wrong.expect(2);
    assert!(!wrong.errors.contains("s3cret"), "{}", wrong.errors);
    let ended = Ended::of(command.env("OTTLA_EXAMPLE_BROKERS", cluster.bootstrap()), b"a\n");
    ended.expect(0).expect_counts(1, 1, 0);
    std::fs::remove_file(properties).expect("it was written");
}

#[test]
fn produce_compresses_with_every_codec() {
    let cluster = kafka::shared();
    let topic = cluster.new_topic("produce-codecs", 1);
    let line = "all work and no play ".repeat(50);
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let property = format!("compression.type={codec}");
        let input = format!("{codec} {line}\n").repeat(20);
        Ended::of(produce(cluster, &topic).args(["-X", &property]), input.as_bytes())
            .expect(0)
            .expect_counts(20, 20, 0);
    }
    let records = cluster.read_records_with(&topic, Reader::Librdkafka, kafka::Isolation::ReadUncommitted);
    let codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
    let expected: Vec<String> = codecs.iter().flat_map(|codec| vec![format!("{codec} {line}"); 20]).collect();
    assert_eq!(values(&records), expected);

    // A consumer cannot tell that the records were compressed.
    for codec in codecs {
        let sink = Sink::start(SinkOptions { verify: true, ..SinkOptions::default() });
        let (address, property) = (sink.addr().to_string(), format!("compression.type={codec}"));
        let mut command = example("produce");
        command.args(["-b", &address, "-t", "any", "-X", &property, "-X", "linger.ms=100"]);
        Ended::of(&mut command, format!("{line}\n").repeat(20).as_bytes()).expect(0).expect_counts(20, 20, 0);
        let bytes = sink.counters().record_bytes;
        assert_eq!(bytes < 5_000, codec != "none", "{codec}: {bytes} bytes for 21 KB");
    }
}

#[test]
fn produce_sends_long_lines_and_many() {
    let cluster = kafka::shared();
    let topic = cluster.new_topic("produce-long", 1);
    let mut input = String::new();
    for length in [500_000, 0, 65_535, 65_536, 65_537, 1, 131_072, 500_000] {
        input.extend((0..length).map(|i| char::from(b'a' + (i % 23) as u8)));
        input.push('\n');
    }
    Ended::of(&mut produce(cluster, &topic), input.as_bytes()).expect(0).expect_counts(8, 8, 0);
    assert!(values(&cluster.read_records(&topic)) == input.lines().collect::<Vec<_>>(), "long lines differ");

    let topic = cluster.new_topic("produce-many", 1);
    let mut input = String::new();
    for i in 0..10_000 {
        writeln!(input, "line {i}").expect("to a string");
    }
    let ended = Ended::of(produce(cluster, &topic).arg("-v"), input.as_bytes());
    ended.expect(0).expect_counts(10_000, 10_000, 0);
    let offsets: Vec<&str> = ended.output.lines().map(|line| line.split(' ').nth(2).expect("an offset")).collect();
    assert!(offsets.iter().enumerate().all(|(i, offset)| *offset == i.to_string()), "reported in order, each once");
    assert!(values(&cluster.read_records(&topic)) == input.lines().collect::<Vec<_>>(), "lines differ");
}

#[test]
fn produce_joins_lines_that_arrive_in_pieces() {
    let cluster = kafka::shared();
    let topic = cluster.new_topic("produce-pieces", 1);
    let mut child = start(&mut produce(cluster, &topic));
    let mut stdin = child.stdin.take().expect("a pipe was asked for");
    for piece in ["ab", "\nc", "d\n", "\n", "e", "f"] {
        stdin.write_all(piece.as_bytes()).expect("the program reads");
        thread::sleep(Duration::from_millis(50)); // so that each piece is read separately
    }
    drop(stdin);
    Ended::wait(child).expect(0).expect_counts(4, 4, 0);
    assert_eq!(values(&cluster.read_records(&topic)), ["ab", "cd", "", "ef"]);
}

#[test]
fn produce_refuses_a_line_that_is_too_long_and_goes_on() {
    let cluster = kafka::shared();
    let topic = cluster.new_topic("produce-too-long", 1);
    let input = format!("a\n{}\n{}\nb\n", "x".repeat(2000), "y".repeat(2000));
    let ended = Ended::of(produce(cluster, &topic).args(["-X", "max.request.size=1000"]), input.as_bytes());
    ended.expect(1).expect_lines(2, 2, 0, 2);
    assert!(ended.errors.contains("line 2: not sent"), "{}", ended.errors);
    assert!(!ended.errors.contains("line 3"), "the second of a kind is only counted: {}", ended.errors);
    assert!(ended.errors.contains("RECORD_TOO_LARGE: 2 records"), "{}", ended.errors);
    assert_eq!(values(&cluster.read_records(&topic)), ["a", "b"]);
}

#[test]
fn produce_reports_what_failed() {
    let cluster = kafka::shared();
    let short = ["-X", "delivery.timeout.ms=2000", "-X", "linger.ms=0", "-X", "allow.auto.create.topics=false"];

    let missing = Ended::of(produce(cluster, "this-topic-does-not-exist").args(short), b"a\nb\nc\n");
    missing.expect(1).expect_counts(3, 0, 3);
    assert!(missing.errors.contains("line 1: not delivered"), "{}", missing.errors);
    assert!(missing.errors.contains("UNKNOWN_TOPIC_OR_PARTITION"), "{}", missing.errors);
    assert!(missing.errors.contains(": 3 records in all"), "{}", missing.errors);

    // A port on which nothing listens: that of the discard service.
    let unreachable = Ended::of(example("produce").args(["-b", "127.0.0.1:9", "-t", "any"]).args(short), b"a\nb\n");
    unreachable.expect(1).expect_counts(2, 0, 2);
    assert!(unreachable.errors.contains("127.0.0.1:9"), "{}", unreachable.errors);

    let unknown = Ended::of(produce(cluster, "any").args(["-X", "linger.msec=5"]), b"a\n");
    unknown.expect(2);
    assert!(unknown.errors.contains("linger.ms"), "{}", unknown.errors);
    Ended::of(produce(cluster, "any").args(["-X", "acks=2"]), b"").expect(2);
    Ended::of(produce(cluster, "any").args(["-X", "nothing"]), b"").expect(2);
    Ended::of(produce(cluster, "any").args(["surplus"]), b"").expect(2);
    Ended::of(example("produce").args(["-t", "any"]), b"").expect(2);
    Ended::of(example("produce").args(["-b", "localhost:9"]), b"").expect(2);
}

#[test]
fn produce_without_acks_counts_what_was_written_to_the_socket() {
    let cluster = kafka::shared();
    let topic = cluster.new_topic("produce-acks-0", 1);
    let ended = Ended::of(produce(cluster, &topic).args(["-X", "acks=0", "-v"]), b"a\nb\n");
    ended.expect(0).expect_counts(2, 2, 0);
    assert!(ended.output.lines().all(|line| line.starts_with(&format!("{topic} 0 -1 "))), "{}", ended.output);
    // No broker has confirmed the records yet.
    let deadline = Instant::now() + Duration::from_secs(20);
    while values(&cluster.read_records(&topic)) != ["a", "b"] {
        assert!(Instant::now() < deadline, "what acks=0 wrote did not arrive");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn produce_delivers_what_it_read_when_interrupted() {
    let cluster = kafka::shared();
    let topic = cluster.new_topic("produce-interrupted", 1);
    let mut child = start(&mut produce(cluster, &topic));
    let mut stdin = child.stdin.take().expect("a pipe was asked for");
    let writer = thread::spawn(move || {
        let lines = (0u64..).map(|i| format!("{i}\n")).take_while(|line| stdin.write_all(line.as_bytes()).is_ok());
        lines.count() // counts until the program has ended, because its input never does
    });
    thread::sleep(Duration::from_millis(700));
    interrupt(&child);
    let ended = Ended::wait(child);
    let written = writer.join().expect("the writer ends with the program");
    let accepted = ended.errors.lines().last().and_then(|line| line.split(' ').next()).expect("a count");
    let accepted: u64 = accepted.parse().unwrap_or_else(|_| panic!("{}", ended.errors));
    ended.expect(0).expect_counts(accepted, accepted, 0);
    assert!(0 < accepted && accepted <= written as u64, "{accepted} of {written}");
    let summary = cluster.read_back(&topic, Reader::Librdkafka)[0];
    assert_eq!((summary.count, summary.last_offset), (accepted, accepted as i64 - 1));
}

#[test]
fn produce_says_what_it_waits_for_when_interrupted_and_gives_up_when_interrupted_again() {
    let cluster = kafka::shared();
    let missing = ["-t", "missing-when-interrupted", "-X", "allow.auto.create.topics=false"];
    for (servers, reason) in [("127.0.0.1:9", "127.0.0.1:9"), (cluster.bootstrap(), "UNKNOWN_TOPIC_OR_PARTITION")] {
        let mut child =
            start(example("produce").args(["-b", servers, "-X", "delivery.timeout.ms=60000"]).args(missing));
        let mut stdin = child.stdin.take().expect("a pipe was asked for");
        stdin.write_all(b"a\nb\nc\n").expect("the program reads");
        thread::sleep(Duration::from_millis(500));
        interrupt(&child);
        thread::sleep(Duration::from_millis(1000));
        assert!(child.try_wait().expect("it is ours").is_none(), "it waits for delivery.timeout.ms");
        let begun = Instant::now();
        interrupt(&child);
        let ended = Ended::wait(child);
        ended.expect(1).expect_counts(3, 0, 3);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!(
            ended.errors.contains("interrupted: no more input is read; 3 accepted and not delivered"),
            "{}",
            ended.errors
        );
        let waits = ended.errors.lines().find(|line| line.contains("it waits for the topic: "));
        assert!(waits.is_some_and(|line| line.contains(reason)), "{}", ended.errors);
        drop(stdin);
    }
}

/// `produce` with transactions.
fn transact(cluster: &Cluster, topic: &str, options: &[&str]) -> Command {
    let mut command = produce(cluster, topic);
    command.args(["--transactional-id", topic]).args(options);
    command
}

fn committed(cluster: &Cluster, topic: &str) -> Vec<ReadRecord> {
    cluster.read_records_with(topic, Reader::Librdkafka, kafka::Isolation::ReadCommitted)
}

#[track_caller]
fn expect_committed(ended: &Ended, records: usize, transactions: usize) {
    let line = format!("{records} committed in {transactions} transactions");
    assert!(ended.errors.lines().any(|reported| reported == line), "{}", ended.errors);
}

#[test]
fn produce_commits_every_n_records_and_the_rest_at_the_end() {
    let cluster = kafka::shared();
    let topic = cluster.new_topic("produce-transactions", 1);
    let ended = Ended::of(&mut transact(cluster, &topic, &["--commit-every", "3"]), b"1\n2\n3\n4\n5\n6\n7\n8\n");
    ended.expect(0).expect_counts(8, 8, 0);
    expect_committed(&ended, 8, 3);
    assert_eq!(values(&committed(cluster, &topic)), ["1", "2", "3", "4", "5", "6", "7", "8"]);
    // A marker follows each transaction.
    let offsets: Vec<i64> = committed(cluster, &topic).iter().map(|record| record.offset).collect();
    assert_eq!(offsets, [0, 1, 2, 4, 5, 6, 8, 9]);

    let all = Ended::of(&mut transact(cluster, &topic, &[]), b"9\n10\n");
    all.expect(0).expect_counts(2, 2, 0);
    expect_committed(&all, 2, 1);
    expect_committed(Ended::of(&mut transact(cluster, &topic, &[]), b"").expect(0), 0, 0);
    assert_eq!(committed(cluster, &topic).len(), 10);

    Ended::of(transact(cluster, &topic, &[]).args(["--commit-every", "0"]), b"").expect(2);
    Ended::of(produce(cluster, &topic).args(["--commit-every", "3"]), b"").expect(2);
}

#[test]
fn produce_aborts_the_open_transaction_when_a_line_fails() {
    let cluster = kafka::shared();
    let topic = cluster.new_topic("produce-aborts", 1);
    let input = format!("a\nb\nc\n{}\nd\n", "x".repeat(2000));
    let options = ["--commit-every", "2", "-X", "max.request.size=1000"];
    let ended = Ended::of(&mut transact(cluster, &topic, &options), input.as_bytes());
    ended.expect(1);
    expect_committed(&ended, 2, 1);
    assert!(ended.errors.contains("line 4: not sent"), "{}", ended.errors);
    assert!(ended.errors.contains("aborted: 1 record"), "{}", ended.errors);
    assert!(ended.errors.contains("3 accepted"), "the line behind it is not sent: {}", ended.errors);

    // A record that the broker refuses fails the commit.
    cluster.configure_topic(&topic, "max.message.bytes", "1000");
    let ended = Ended::of(&mut transact(cluster, &topic, &[]), format!("e\n{}\nf\n", "x".repeat(5000)).as_bytes());
    ended.expect(1);
    expect_committed(&ended, 0, 0);
    assert!(ended.errors.contains("MESSAGE_TOO_LARGE"), "{}", ended.errors);
    assert_eq!(values(&committed(cluster, &topic)), ["a", "b"]);
}

#[test]
fn produce_commits_the_rest_when_interrupted() {
    let cluster = kafka::shared();
    let topic = cluster.new_topic("produce-commits-interrupted", 1);
    let mut child = start(&mut transact(cluster, &topic, &["--commit-every", "2"]));
    let mut stdin = child.stdin.take().expect("a pipe was asked for");
    stdin.write_all(b"a\nb\nc\n").expect("the program reads");
    let deadline = Instant::now() + Duration::from_secs(20);
    while cluster.read_back(&topic, Reader::Librdkafka)[0].count < 3 {
        assert!(Instant::now() < deadline, "the lines did not arrive");
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(values(&committed(cluster, &topic)), ["a", "b"]);
    interrupt(&child);
    let ended = Ended::wait(child);
    ended.expect(0).expect_counts(3, 3, 0);
    expect_committed(&ended, 3, 2);
    assert_eq!(values(&committed(cluster, &topic)), ["a", "b", "c"]);
    drop(stdin);
}

#[test]
fn transactions_keeps_an_order_and_its_items_together() {
    let cluster = kafka::shared();
    let (orders, items) = (cluster.new_topic("orders", 2), cluster.new_topic("items", 2));
    for runs in 1..=2 {
        let ended = Ended::of(example("transactions").args([cluster.bootstrap(), &orders, &orders, &items]), b"");
        ended.expect(0);
        assert_eq!(ended.output.lines().collect::<Vec<_>>(), promised("transactions.c"), "{}", ended.errors);
        assert_eq!((committed(cluster, &orders).len(), committed(cluster, &items).len()), (3 * runs, 9 * runs));
        let all = cluster.read_records_with(&items, Reader::Librdkafka, kafka::Isolation::ReadUncommitted);
        assert_eq!(all.len(), 12 * runs, "three items of an order that was aborted are in the log, and not seen");
    }
    Ended::of(&mut example("transactions"), b"").expect(2);
}

/// The members of an object of numbers and nested objects, named like `latency_ms.p50`. Panics at anything else.
fn json_numbers(json: &str) -> BTreeMap<String, f64> {
    fn object<'a>(mut rest: &'a str, prefix: &str, members: &mut BTreeMap<String, f64>) -> &'a str {
        rest = rest.strip_prefix('{').expect("an object");
        loop {
            let (name, value) = rest.strip_prefix('"').and_then(|r| r.split_once("\":")).expect("a member");
            let name = format!("{prefix}{name}");
            if value.starts_with('{') {
                rest = object(value, &format!("{name}."), members);
            } else {
                let end = value.find([',', '}']).expect("an end");
                let number = value[..end].parse().unwrap_or_else(|_| panic!("{name} is not a number: {value}"));
                assert!(members.insert(name, number).is_none(), "a member twice: {value}");
                rest = &value[end..];
            }
            match rest.as_bytes().first() {
                Some(b',') => rest = &rest[1..],
                Some(b'}') => return &rest[1..],
                _ => panic!("neither , nor }} at {rest}"),
            }
        }
    }
    let mut members = BTreeMap::new();
    assert_eq!(object(json, "", &mut members), "", "more than an object: {json}");
    members
}

#[test]
fn perf_prints_what_it_measured() {
    let sink = Sink::start(SinkOptions::default());
    let address = sink.addr().to_string();
    let cases: [(&[&str], u64); 12] = [
        (&[], 20_000),
        (&["--batch", "64"], 20_001),
        (&["-T", "4"], 20_003),
        (&["-k", "10"], 20_000),
        (&["-T", "4", "--batch", "100", "-k", "1000", "-X", "compression.type=lz4"], 20_000),
        (&["-r", "2000"], 1000),
        (&["-r", "2000", "--batch", "50", "-T", "2", "--warm-up", "7"], 1000),
        (&["--unlike", "20"], 21 * 50),
        (&["--unlike", "20", "--batch", "21"], 21 * 50),
        (&["--values", concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"), "-X", "compression.type=gzip"], 20_000),
        (&["--one-by-one", "-T", "2", "-X", "linger.ms=1000"], 101),
        (&["--try-send", "-k", "10", "-X", "buffer.memory=1000000", "-X", "batch.size=1000"], 20_000),
    ];
    let mut sent = 0;
    for (options, count) in cases {
        let mut command = example("perf");
        command.args(["-b", &address, "-t", "load", "-s", "100", "-c", &count.to_string()]).args(options);
        let ended = Ended::of(&mut command, b"");
        ended.expect(0);
        let line = ended.output.lines().last().expect("a line");
        let is = json_numbers(line);
        let names: Vec<&str> = is.keys().map(String::as_str).collect();
        let tries = options.contains(&"--try-send");
        let calls = ["call_ns.max", "call_ns.mean", "call_ns.p50", "call_ns.p99", "call_ns.p999"];
        let nothing = ["empty_ns.max", "empty_ns.mean", "empty_ns.p50", "empty_ns.p99", "empty_ns.p999"];
        let latencies = ["max", "mean", "p50", "p95", "p99", "p999"].map(|name| format!("latency_ms.{name}"));
        let mut expected = vec!["accepted", "bytes", "cpu_seconds", "delivered", "failed"];
        expected.extend(latencies.iter().map(String::as_str));
        expected.extend(["records", "records_per_second", "resident_kb.accepted", "resident_kb.before", "seconds"]);
        expected.extend(calls.iter().chain(&nothing).filter(|_| tries));
        expected.sort_unstable();
        assert_eq!(names, expected, "{line}");
        for (name, value) in [("records", count), ("accepted", count), ("delivered", count), ("failed", 0)] {
            assert_eq!(is[name], value as f64, "{name} with {options:?}: {line}");
        }
        let mean = if options.contains(&"--unlike") { 90 } else { 100 };
        assert_eq!(is["bytes"], (mean * count) as f64, "{line}");
        assert!((is["records_per_second"] * is["seconds"] - count as f64).abs() < 1.0 + count as f64 / 1e4, "{line}");
        assert!(is["cpu_seconds"] > 0.0, "{line}");
        assert!(is["resident_kb.before"] > 100.0 && is["resident_kb.accepted"] > is["resident_kb.before"], "{line}");
        if tries {
            assert!(0.0 < is["empty_ns.p50"] && is["empty_ns.p50"] <= is["call_ns.p50"], "{line}");
            assert!(is["call_ns.p50"] <= is["call_ns.p999"] && is["call_ns.p999"] <= is["call_ns.max"], "{line}");
            sent += count;
            continue;
        }
        let rising = ["latency_ms.p50", "latency_ms.p95", "latency_ms.p99", "latency_ms.p999", "latency_ms.max"];
        assert!(rising.windows(2).all(|pair| is[pair[0]] <= is[pair[1]]), "{line}");
        assert!((0.0..=is["latency_ms.max"]).contains(&is["latency_ms.mean"]), "{line}");
        assert!(is["latency_ms.p50"] > 0.0 && is["latency_ms.max"] / 1e3 <= is["seconds"] + 0.001, "{line}");
        if options.contains(&"-r") {
            assert!((0.4..5.0).contains(&is["seconds"]), "1000 at 2000 a second take half a second: {line}");
        }
        if options.contains(&"--one-by-one") {
            assert!(is["latency_ms.mean"] * count as f64 / 1e3 <= is["seconds"] * 2.0, "two threads that wait: {line}");
            assert!(is["latency_ms.p50"] < 500.0, "what is waited for does not linger: {line}");
        }
        sent += count + if options.contains(&"--warm-up") { 7 } else { 0 };
        assert_eq!(sink.counters().records, sent, "with {options:?}");
    }
}

#[test]
fn perf_warms_up_with_keys_if_keys_are_requested() {
    let sink = Sink::start(SinkOptions::default());
    let address = sink.addr().to_string();
    let words = ["-b", &address, "-t", "load", "-s", "100", "-c", "1000", "--warm-up", "1000", "-k", "10"];
    Ended::of(example("perf").args(words), b"").expect(0);
    let seen = sink.counters();
    assert_eq!(seen.records, 2000);
    assert!(seen.record_bytes >= 2000 * 117, "a record of 100 bytes with a key of 8 takes 117: {seen:?}");
}

#[test]
fn perf_reports_what_failed() {
    let base = ["-b", "127.0.0.1:9", "-t", "any", "-s", "10", "-c", "100", "-X", "delivery.timeout.ms=1000"];
    let ended = Ended::of(example("perf").args(base).args(["-X", "linger.ms=0"]), b"");
    ended.expect(1);
    let is = json_numbers(ended.output.lines().last().expect("a line"));
    assert_eq!((is["accepted"], is["delivered"], is["failed"]), (100.0, 0.0, 100.0));
    assert!(ended.errors.contains("perf: the first failure: "), "{}", ended.errors);
    let ended = Ended::of(example("perf").args(base).args(["--one-by-one", "-c", "2"]), b"");
    ended.expect(1);
    assert!(ended.errors.contains("perf: the first failure: "), "{}", ended.errors);
    Ended::of(example("perf").args(["-t", "any", "-s", "10"]), b"").expect(2);
    Ended::of(example("perf").args(base).args(["--one-by-one", "--try-send"]), b"").expect(2);
    Ended::of(example("perf").args(["-t", "any", "-s", "ten", "-c", "1"]), b"").expect(2);
}

#[test]
fn perf_takes_counts_and_sizes_as_people_write_them() {
    let sink = Sink::start(SinkOptions::default());
    let address = sink.addr().to_string();
    let perf = |count: &str, size: &str| {
        Ended::of(example("perf").args(["-b", &address, "-t", "load", "-c", count, "-s", size]), b"")
    };
    for (count, size, records, bytes) in
        [("1e3", "100", 1000.0, 100_000.0), ("1.2k", "2.3k", 1200.0, 2_760_000.0), ("25", "0.1M", 25.0, 2_500_000.0)]
    {
        let ended = perf(count, size);
        ended.expect(0);
        let is = json_numbers(ended.output.lines().last().expect("a line"));
        assert_eq!((is["delivered"], is["bytes"]), (records, bytes), "-c {count} -s {size}");
    }
    for number in ["", "0", "-1", "0.5", "ten", "1e", "1kk", "1K", "0x10", "1e16", "1e400", "inf"] {
        let refused = perf(number, "1");
        refused.expect(2);
        let reported = format!("-c takes a whole number from 1 to 1e+15, such as 2000, 2e3 or 2k, not '{number}'");
        assert!(refused.errors.contains(&reported), "{}", refused.errors);
    }
}

#[test]
fn perf_reports_its_progress_and_its_results_when_interrupted() {
    let sink = Sink::start(SinkOptions::default());
    let address = sink.addr().to_string();
    let base = ["-b", &address, "-t", "load", "-s", "100", "-c", "1e6"];
    let interrupted = |options: &[&str], after: Duration| {
        let child = start(example("perf").args(base).args(options));
        thread::sleep(after);
        interrupt(&child);
        let ended = Ended::wait(child);
        ended.expect(1);
        let is = json_numbers(ended.output.lines().last().expect("a line"));
        assert_eq!((is["delivered"], is["failed"]), (is["accepted"], 0.0), "{}", ended.output);
        assert!(0.0 < is["accepted"] && is["accepted"] < is["records"], "{}", ended.output);
        assert!(ended.errors.contains("perf: interrupted: "), "{}", ended.errors);
        assert!(!ended.errors.contains("stopped sending"), "{}", ended.errors);
        ended.errors
    };
    let errors = interrupted(&["-r", "1000", "-T", "2"], Duration::from_millis(6500));
    let progress =
        errors.lines().find(|line| line.contains(" of 1000000 delivered, ")).expect("a line in five seconds");
    assert_eq!(shape(progress, "load"), "perf: # of # delivered, # a second, # failed");
    interrupted(&["-r", "10", "--batch", "10"], Duration::from_millis(1500));
    let slow = Sink::start(SinkOptions { delay: Duration::from_millis(2), ..SinkOptions::default() });
    let slow = slow.addr().to_string();
    interrupted(&["-b", &slow, "--one-by-one"], Duration::from_millis(500));
    interrupted(
        &["-b", &slow, "--try-send", "-X", "buffer.memory=100000", "-X", "batch.size=1000"],
        Duration::from_millis(500),
    );
}

#[test]
fn perf_gives_up_when_interrupted_again() {
    for options in [&[][..], &["--one-by-one"]] {
        let child =
            start(example("perf").args(["-b", "127.0.0.1:9", "-t", "any", "-s", "100", "-c", "1e6"]).args(options));
        thread::sleep(Duration::from_millis(500));
        interrupt(&child);
        thread::sleep(Duration::from_millis(500));
        let begun = Instant::now();
        interrupt(&child);
        let ended = Ended::wait(child);
        ended.expect(1);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        let is = json_numbers(ended.output.lines().last().expect("a line"));
        assert_eq!((is["delivered"], is["failed"]), (0.0, is["accepted"]), "{}", ended.output);
    }
}

#[test]
fn statistics_says_that_it_waits_when_interrupted_and_ends_when_interrupted_again() {
    let child = start(example("statistics").args(["-b", "127.0.0.1:9", "-t", "any"]));
    thread::sleep(Duration::from_millis(500));
    interrupt(&child);
    thread::sleep(Duration::from_millis(500));
    let begun = Instant::now();
    interrupt(&child);
    let ended = Ended::wait(child);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(!ended.status.success() && ended.errors.contains("interrupted: waiting"), "{}", ended.errors);
}

#[test]
fn tools_print_their_options() {
    for (name, options) in [("produce", "btXFKHpv"), ("perf", "btscrTkX")] {
        let ended = Ended::of(example(name).arg("--help"), b"");
        ended.expect(0);
        assert!(options.chars().all(|option| ended.output.contains(&format!("  -{option}, --"))), "{}", ended.output);
        assert_eq!(Ended::of(example(name).arg("-h"), b"").output, ended.output);
    }
}

#[test]
fn statistics_shows_what_the_producer_measured() {
    let sink = Sink::start(SinkOptions::default());
    let address = sink.addr().to_string();
    let run = |options: &[&str]| {
        let mut command = example("statistics");
        command.args(["-b", &address, "-t", "greetings,others", "-r", "500", "-d", "2.5"]).args(options);
        let ended = Ended::of(&mut command, b"");
        ended.expect(0);
        ended.output
    };
    let squeezed = |line: &str| shape(&line.split_whitespace().collect::<Vec<_>>().join(" "), "greetings");
    let table = run(&[]);
    let kinds: BTreeSet<String> = table.lines().filter(|line| !line.is_empty()).map(squeezed).collect();
    let promised = promised("statistics.c");
    let expected: BTreeSet<String> = promised.iter().map(|line| squeezed(line)).collect();
    assert_eq!(kinds, &expected - &BTreeSet::from(["...".to_owned()]), "{table}");
    assert_eq!(table.lines().filter(|line| line.starts_with("second ")).count(), 2, "{table}");
    let sent = sink.counters().records;
    assert_eq!(table.lines().last(), Some(format!("{sent} sent, {sent} delivered, 0 failed").as_str()));
    assert!((1000..=1250).contains(&sent), "500 a second for 2.5 seconds: {sent}");

    let json: serde_json::Value = serde_json::from_str(&run(&["--json"])).expect("JSON");
    let total = json["producer"]["records_sent"].as_u64().expect("a number");
    assert_eq!(sink.counters().records, sent + total);
    assert_eq!(json["producer"]["records_delivered"], total);
    assert_eq!(json["topics"].as_array().map(Vec::len), Some(2));

    let before = sink.counters().records;
    let text = run(&["--prometheus"]);
    let line = text.lines().find(|line| line.starts_with("ottla_records_delivered_total{"));
    let value = line.and_then(|line| line.rsplit_once(' ')).map(|(_, value)| value);
    let value: u64 = value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{text}"));
    assert_eq!(sink.counters().records, before + value);
    Ended::of(&mut example("statistics"), b"").expect(2);
}

/// The output promised by the comment at the head of an example.
fn promised(source: &str) -> Vec<String> {
    let source = std::fs::read_to_string(root().join("examples-c").join(source)).expect("it is in examples-c");
    let head = source.split_once("Prints:").expect("the head says what it prints").1;
    let head = head.split("\n\n").next().expect("the head ends");
    let lines = head.lines().filter_map(|line| line.strip_prefix(" *     ").or(line.strip_prefix("//     ")));
    lines.map(|line| line.trim_end_matches(" */").to_owned()).collect()
}

/// The line with `#` for each number and `T` for the topic.
fn shape(line: &str, topic: &str) -> String {
    let mut shape = String::new();
    for character in line.replace(topic, "T").chars() {
        match character {
            '0'..='9' if shape.ends_with('#') => {}
            '0'..='9' => shape.push('#'),
            other => shape.push(other),
        }
    }
    shape
}

#[test]
fn examples_print_what_their_head_comments_promise() {
    let cluster = kafka::shared();
    for source in ["callbacks.c", "sync.c", "event_loop.c", "partitioner.c", "serializer.c", "borrowed.c", "cpp17.cpp"]
    {
        let name = source.split_once('.').expect("a name").0;
        let topic = cluster.new_topic(name, 2);
        let ended = Ended::of(example(name).args([cluster.bootstrap(), &topic]), b"");
        ended.expect(0);
        let promised = promised(source);
        assert_eq!(ended.output.lines().last(), promised.last().map(String::as_str), "{name}: the last line");
        let kinds = |lines: &mut dyn Iterator<Item = &str>, topic: &str| -> BTreeSet<String> {
            lines.filter(|line| *line != "...").map(|line| shape(line, topic)).collect()
        };
        let expected = kinds(&mut promised.iter().map(String::as_str), "greetings");
        assert_eq!(kinds(&mut ended.output.lines(), &topic), expected, "{name} printed\n{}", ended.output);
        let count: u64 = cluster.read_back(&topic, Reader::Librdkafka).iter().map(|summary| summary.count).sum();
        let sent = [("callbacks", 104), ("sync", 3), ("event_loop", 200), ("cpp17", 5)];
        let sent =
            BTreeMap::from_iter(sent.into_iter().chain([("partitioner", 9), ("serializer", 3), ("borrowed", 64)]));
        assert_eq!(count, sent[name], "{name}");
        Ended::of(&mut example(name), b"").expect(2);
        if name == "serializer" {
            let records = cluster.read_records(&topic);
            let cellar = records.iter().find(|record| record.key.as_deref() == Some(b"cellar")).expect("it was sent");
            assert_eq!(cellar.value.as_deref(), Some(&br#"{"place":"cellar","celsius":9.0}"#[..]));
            assert_eq!(cellar.headers.len(), 1, "{cellar:?}");
        }
    }
}

#[test]
fn borrowed_payloads_are_not_copied() {
    let sink = Sink::start(SinkOptions::default());
    let ended = Ended::of(example("borrowed").args([&sink.addr().to_string(), "large", "200"]), b"");
    ended.expect(0);
    let grown = ended.output.lines().nth(1).and_then(|line| line.split(' ').nth(4)).expect("by how much it grew");
    let grown: u64 = grown.parse().expect("a number");
    assert!(grown < 5_000, "{}", ended.output);
    assert_eq!(sink.counters().records, 200);
}

#[test]
fn the_program_in_the_readme_works() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("there is a README");
    let code = readme.split_once("```c\n").expect("a block of C").1.split_once("```").expect("its end").0;
    // The missing topic below need not be waited for so long.
    let source = file("readme.c", &code.replace("producer, 30000,", "producer, 10000,"));
    let program = source.with_extension("");
    let installed = built().join("install/lib");
    let mut compile = Command::new("sh");
    // The README's command line, plus warnings as errors.
    let line = readme.lines().find(|line| line.starts_with("cc ") && line.contains("pkg-config")).expect("a link line");
    let line =
        line.replace("greet.c", "\"$SOURCE\"").replace("-o greet ", "-o \"$PROGRAM\" -Wall -Wextra -Werror -pedantic ");
    compile.args(["-c", &line]).env("SOURCE", &source).env("PROGRAM", &program);
    compile.env("PKG_CONFIG_PATH", installed.join("pkgconfig"));
    let compiled = Ended::of(&mut compile, b"");
    assert!(compiled.status.success(), "{line}\n{}", compiled.errors);

    let cluster = kafka::shared();
    let topic = cluster.new_topic("readme", 1);
    let mut run = Command::new(&program);
    run.args([cluster.bootstrap(), &topic]).env("LD_LIBRARY_PATH", &installed);
    let ended = Ended::of(&mut run, b"");
    ended.expect(0);
    assert_eq!(ended.output, format!("{topic} 0 0\n{topic} 0 1\n{topic} 0 2\n"));
    let records = cluster.read_records(&topic);
    assert_eq!(values(&records), ["hello", "hello", "hello"]);
    assert!(records.iter().all(|record| record.key.as_deref() == Some(b"ada")), "{records:?}");

    // The end of the flush and each record name the missing topic, and a log line does before that.
    run = Command::new(&program);
    let absent = format!("absent-{}", std::process::id());
    let mut child = start(run.args([cluster.bootstrap(), &absent]).env("LD_LIBRARY_PATH", &installed));
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe was asked for")).lines();
    let begin = Instant::now();
    let mut line = || lines.next().expect("another line").expect("UTF-8");
    let reported = [line(), line(), line()];
    child.kill().expect("it runs");
    child.wait().expect("it was started");
    assert!(begin.elapsed() < Duration::from_secs(60));
    assert!(reported[0].starts_with("ottla: ") && reported[1].starts_with("flush: "), "{reported:#?}");
    assert!(reported[2].starts_with("not delivered: "), "{reported:#?}");
    for line in &reported {
        assert!(line.contains(&format!("UNKNOWN_TOPIC_OR_PARTITION for topic {absent}")), "{reported:#?}");
        assert!(!line.contains("would"), "{reported:#?}");
    }
    for path in [source, program] {
        std::fs::remove_file(path).expect("it was made");
    }
}

#[test]
fn examples_are_clean_under_valgrind() {
    let cluster = kafka::shared();
    let servers = cluster.bootstrap();
    let topic = cluster.new_topic("examples-valgrind", 2);
    for &name in EXAMPLES {
        let mut command = Command::new("valgrind");
        command.args(["--quiet", "--leak-check=full", "--error-exitcode=9", "--fair-sched=yes"]);
        command.args(["--show-leak-kinds=definite,indirect,possible"]);
        command.args(["--errors-for-leak-kinds=definite,indirect,possible"]).arg(built().join(name));
        match name {
            "produce" => command.args(["-b", servers, "-t", &topic, "-K", ":", "-H", "a=b", "-v"]),
            "perf" => command.args(["-b", servers, "-t", &topic, "-s", "100", "-c", "2000", "-T", "2", "-k", "5"]),
            "transactions" => command.args([servers, &topic, &topic, &topic]),
            "statistics" => command.args(["-b", servers, "-t", &topic, "-d", "3", "-r", "200"]),
            _ => command.args([servers, &topic]),
        };
        let input = "key:value\n".repeat(100) + &"x".repeat(100_000);
        let ended = Ended::of(&mut command, if name == "produce" { input.as_bytes() } else { b"" });
        assert!(ended.status.success(), "{name}: {}\n{}\n{}", ended.status, ended.output, ended.errors);
        assert!(!ended.errors.contains("=="), "{name}: {}", ended.errors);
    }
}
