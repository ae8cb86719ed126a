//! Real Kafka brokers for the tests, through the scripts of `tests/kafka`.
//!
//! ```no_run
//! use ottla_testkit::kafka::{self, Cluster, Options, Reader};
//!
//! let broker = kafka::shared(); // one broker for all tests that only need a topic of their own
//! let topic = broker.new_topic("greetings", 3);
//! // ... produce to broker.bootstrap() ...
//! let summaries = broker.read_back(&topic, Reader::Librdkafka);
//!
//! let cluster = Cluster::start(Options { brokers: 3, ..Options::default() }); // stopped when dropped
//! cluster.kill(2);
//! ```
//!
//! No function skips: without Java, Maven or a serving broker it panics and says what was tried. Brokers never outlive
//! the test process, however it ends, because a supervisor watches its pid.

mod group;
mod secured;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

pub use group::GroupMember;
pub use secured::{ClientFiles, shared_secured};

/// The version that the project is developed against, and that our Java tools run with.
pub const DEFAULT_VERSION: &str = "4.3.1";

/// The kind of cluster to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// 4.4.0, 4.3.1, 3.9.1 and 2.8.2 (with ZooKeeper) are known to work.
    pub version: String,
    /// Their ids are 1, 2, 3, and so on.
    pub brokers: u32,
    /// Whether the controller is a separate process, so that the cluster survives with one broker of three.
    pub separate_controller: bool,
    /// More broker properties. In a value, `{dir}` is the node's folder and `{id}` its id.
    pub properties: Vec<(String, String)>,
    /// More log directories. Only with one broker.
    pub log_dirs: Vec<PathBuf>,
    /// More listeners: name and protocol. `setting("BOOTSTRAP_<name>")` has their addresses.
    pub listeners: Vec<(String, String)>,
    /// Adds a listener `PROXIED`, advertised at ports where a proxy is to listen. See [`Cluster::proxied`].
    pub proxied: bool,
    /// Adds listeners with TLS and SASL, their users, certificates, token endpoint and KDC. Not with 2.8.2.
    pub secured: bool,
    /// The `-Xmx` of each broker.
    pub broker_heap: String,
    pub ready_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            version: DEFAULT_VERSION.into(),
            brokers: 1,
            separate_controller: false,
            properties: Vec::new(),
            log_dirs: Vec::new(),
            listeners: Vec::new(),
            proxied: false,
            secured: false,
            broker_heap: "256m".into(),
            ready_timeout: Duration::from_secs(120),
        }
    }
}

/// A running cluster. It stops when dropped; if that happens in a panic, its logs are kept.
#[derive(Debug)]
pub struct Cluster {
    name: String,
    settings: BTreeMap<String, String>,
    /// Others may use it, so it is not stopped.
    shared: bool,
}

/// The program that reads a topic back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The Java consumer of that version of Kafka.
    Java(&'static str),
    Librdkafka,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    ReadUncommitted,
    ReadCommitted,
}

/// The contents of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionSummary {
    pub partition: i32,
    pub count: u64,
    /// -1 if there are no records.
    pub first_offset: i64,
    /// -1 if there are no records.
    pub last_offset: i64,
    /// A [`Checksum`] of the records in order.
    pub checksum: u64,
}

/// A record that was read back, or that Java's producer is to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRecord {
    pub partition: i32,
    pub offset: i64,
    pub timestamp: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// The leader and the replicas of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionState {
    pub partition: i32,
    pub leader: Option<i32>,
    pub replicas: Vec<i32>,
    pub in_sync: Vec<i32>,
}

/// A broker of the default version, for all tests that only need a topic to themselves.
///
/// The first test binary that asks starts it. Others that run at the same time or soon after share it. Each of them
/// becomes an owner, and the broker is stopped a few seconds after the last owner has ended. `OTTLA_TEST_CLUSTER` names
/// another cluster to use instead, which is left running. It must be running (`tests/kafka/kafka start --name N`,
/// `tests/kafka/kafka run N -- cargo test`). [`Cluster::new_topic`] gives names that nobody else has. Tests must not
/// kill or reconfigure the broker.
pub fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| {
        let name = std::env::var("OTTLA_TEST_CLUSTER").unwrap_or_else(|_| "shared".into());
        start_shared(&name, &Options::default())
    })
}

fn start_shared(name: &str, options: &Options) -> Cluster {
    let mut command = start_command(name, options);
    command.args(["--reuse", "--linger", "15"]);
    Cluster { settings: settings(&output(&mut command)), name: name.into(), shared: true }
}

impl Cluster {
    pub fn start(options: Options) -> Cluster {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let settings = settings(&output(&mut start_command(&name, &options)));
        Cluster { name, settings, shared: false }
    }

    /// The name by which the script knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `host:port,...` of every broker.
    pub fn bootstrap(&self) -> &str {
        self.setting("BOOTSTRAP").expect("the script prints BOOTSTRAP=")
    }

    /// `host:port` of one broker.
    pub fn address(&self, broker: impl Display) -> &str {
        self.setting(&format!("BROKER_{broker}")).unwrap_or_else(|| panic!("{} has no broker {broker}", self.name))
    }

    /// A setting that `kafka start` printed, such as `BOOTSTRAP6` (with IPv6) or `BOOTSTRAP_<listener>`.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }

    /// For each broker, the address where its proxy is to listen, and the one to which the proxy forwards.
    pub fn proxied(&self) -> Vec<(String, String)> {
        let addresses = |name| self.setting(name).expect("started with `proxied`").split(',').map(str::to_owned);
        addresses("BOOTSTRAP_PROXIED").zip(addresses("BEHIND_PROXIED")).collect()
    }

    /// The folder with the nodes' configurations and logs.
    pub fn folder(&self) -> &Path {
        Path::new(self.setting("DIR").expect("the script prints DIR="))
    }

    /// Sends SIGKILL. `node` is a broker's id, `controller` or `zookeeper`.
    pub fn kill(&self, node: impl Display) {
        self.script(&["kill", &self.name, &node.to_string()]);
    }

    /// Shuts a node down in a controlled way. Returns when the process has ended.
    pub fn terminate(&self, node: impl Display) {
        self.script(&["term", &self.name, &node.to_string()]);
    }

    /// Sends SIGSTOP: the sockets stay open but are silent.
    pub fn pause(&self, node: impl Display) {
        self.script(&["pause", &self.name, &node.to_string()]);
    }

    pub fn resume(&self, node: impl Display) {
        self.script(&["resume", &self.name, &node.to_string()]);
    }

    /// Starts a node again on its ports, after a controlled shutdown if it is running. Returns when a broker serves.
    pub fn restart(&self, node: impl Display) {
        self.script(&["restart", &self.name, &node.to_string()]);
    }

    /// Starts a node again and returns at once, for nodes that can only serve when others are back.
    pub fn restart_no_wait(&self, node: impl Display) {
        self.script(&["restart", &self.name, &node.to_string(), "--no-wait"]);
    }

    /// Waits until every live broker serves and knows all other live ones.
    pub fn wait_serving(&self) {
        self.script(&["wait", &self.name]);
    }

    /// Waits until every partition has a leader and all its replicas in sync.
    pub fn wait_in_sync(&self) {
        self.admin(&["in-sync", "--timeout", "120"]);
    }

    /// Creates a topic. Returns when every partition has a leader.
    pub fn create_topic(&self, topic: &str, partitions: u32, replication: u32, configs: &[(&str, &str)]) {
        let (partitions, replication) = (partitions.to_string(), replication.to_string());
        let mut words = vec!["create", topic, "--partitions", &partitions, "--replication", &replication];
        let configs: Vec<String> = configs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        words.extend(configs.iter().flat_map(|config| ["--config", config]));
        self.admin(&words);
    }

    /// Creates a topic with one replica and a name that no other test has.
    pub fn new_topic(&self, prefix: &str, partitions: u32) -> String {
        self.new_topic_with(prefix, partitions, &[])
    }

    pub fn new_topic_with(&self, prefix: &str, partitions: u32, configs: &[(&str, &str)]) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let topic = format!("{prefix}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.create_topic(&topic, partitions, 1, configs);
        topic
    }

    pub fn delete_topic(&self, topic: &str) {
        self.admin(&["delete", topic]);
    }

    /// Adds partitions until there are `partitions` of them.
    pub fn grow(&self, topic: &str, partitions: u32) {
        self.admin(&["grow", topic, &partitions.to_string()]);
    }

    /// Sets a topic's configuration; an empty value removes it.
    pub fn configure_topic(&self, topic: &str, name: &str, value: &str) {
        self.admin(&["config", topic, &format!("{name}={value}")]);
    }

    /// Moves a partition to other brokers, the first of them as its leader.
    pub fn move_partition(&self, topic: &str, partition: i32, replicas: &[i32]) {
        self.admin(&["move", topic, &partition.to_string(), &join(replicas)]);
    }

    /// Makes the next replica of each partition its preferred leader; [`Cluster::elect`] makes it the leader.
    pub fn rotate(&self, topic: &str) {
        self.admin(&["rotate", topic]);
    }

    /// Elects the preferred leader of each partition. Returns when they lead.
    pub fn elect(&self, topic: &str) {
        self.admin(&["elect", topic]);
    }

    /// Finalizes a level of a feature such as `transaction.version`.
    pub fn finalize(&self, feature: &str, level: i16) {
        self.admin(&["feature", feature, &level.to_string()]);
    }

    /// The state of a topic's partitions, in order.
    pub fn describe(&self, topic: &str) -> Vec<PartitionState> {
        let ids = |text: &str| match text {
            "-" => Vec::new(),
            ids => ids.split(',').map(number).collect(),
        };
        let lines = self.admin(&["describe", topic]);
        let parse = |line: &String| {
            let words: Vec<&str> = line.split(' ').collect();
            let [_, partition, leader, replicas, in_sync] = words[..] else { panic!("not a partition: {line}") };
            PartitionState {
                partition: number(partition),
                leader: Some(number(leader)).filter(|&leader| leader >= 0),
                replicas: ids(replicas),
                in_sync: ids(in_sync),
            }
        };
        lines.iter().map(parse).collect()
    }

    /// Reads a topic from the beginning to its present end, including aborted records. Returns a summary per partition,
    /// in order.
    pub fn read_back(&self, topic: &str, reader: Reader) -> Vec<PartitionSummary> {
        self.read_back_with(topic, reader, Isolation::ReadUncommitted)
    }

    pub fn read_back_with(&self, topic: &str, reader: Reader, isolation: Isolation) -> Vec<PartitionSummary> {
        let lines = self.read(topic, reader, isolation, false);
        let parse = |line: &String| {
            let words: Vec<&str> = line.split(' ').collect();
            let [partition, count, first, last, checksum] = words[..] else { panic!("not a summary: {line}") };
            PartitionSummary {
                partition: number(partition),
                count: number(count),
                first_offset: number(first),
                last_offset: number(last),
                checksum: u64::from_str_radix(checksum, 16).unwrap_or_else(|_| panic!("not a checksum: {line}")),
            }
        };
        lines.iter().filter(|line| !line.starts_with("total ")).map(parse).collect()
    }

    /// Reads the records themselves, by partition and offset. For small topics.
    pub fn read_records(&self, topic: &str) -> Vec<ReadRecord> {
        self.read_records_with(topic, Reader::Java(DEFAULT_VERSION), Isolation::ReadUncommitted)
    }

    pub fn read_records_with(&self, topic: &str, reader: Reader, isolation: Isolation) -> Vec<ReadRecord> {
        let lines = self.read(topic, reader, isolation, true);
        let mut records: Vec<ReadRecord> = lines.iter().map(|line| ReadRecord::parse(line)).collect();
        records.sort_by_key(|record| (record.partition, record.offset));
        records
    }

    /// Writes records with Java's producer, for comparison or to test a test. Offsets are ignored. A negative partition
    /// leaves the choice to its partitioner.
    pub fn produce_with_java(&self, topic: &str, records: &[ReadRecord], properties: &[(&str, &str)]) {
        let mut command = script();
        command.args(["java", DEFAULT_VERSION, "Produce", self.bootstrap(), topic]);
        command.args(properties.iter().map(|(name, value)| format!("{name}={value}")));
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        let mut input = child.stdin.take().expect("a pipe was asked for");
        let lines: String = records.iter().map(ReadRecord::line).collect();
        // A failed write shows in the exit status as well, and there with its reason.
        let _ = input.write_all(lines.as_bytes());
        drop(input);
        let status = child.wait().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        assert!(status.success(), "Java's producer could not write to {topic} of {}: {status}", self.name);
    }

    fn read(&self, topic: &str, reader: Reader, isolation: Isolation, print: bool) -> Vec<String> {
        let mut words = vec![self.bootstrap(), topic];
        words.extend((isolation == Isolation::ReadCommitted).then_some("--committed"));
        words.extend(print.then_some("--print"));
        match reader {
            Reader::Java(DEFAULT_VERSION) => served("read", &words),
            Reader::Java(version) => lines(&output(script().args(["java", version, "ReadBack"]).args(words))),
            Reader::Librdkafka => lines(&output(Command::new(folder().join("rdkafka-read")).args(words))),
        }
    }

    fn admin(&self, words: &[&str]) -> Vec<String> {
        served("admin", &[&[self.bootstrap()], words].concat())
    }

    fn script(&self, words: &[&str]) {
        output(script().args(words));
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.shared {
            return;
        }
        let mut command = script();
        command.args(["stop", &self.name]);
        if std::thread::panicking() {
            command.arg("--keep-logs");
            eprintln!("the brokers' logs are in {}", self.folder().display());
        }
        if !command.status().is_ok_and(|status| status.success()) {
            eprintln!("could not stop {}: its supervisor will, when this process ends", self.name);
        }
    }
}

impl ReadRecord {
    fn parse(line: &str) -> ReadRecord {
        let words: Vec<&str> = line.split('\t').collect();
        let [partition, offset, timestamp, key, value, headers] = words[..] else { panic!("not a record: {line}") };
        let header = |text: &str| {
            let (name, value) = text.split_once(':').unwrap_or_else(|| panic!("not a header: {text}"));
            let name = base64_decode(name).expect("a header has a name");
            (String::from_utf8(name).expect("the readers print UTF-8"), base64_decode(value))
        };
        ReadRecord {
            partition: number(partition),
            offset: number(offset),
            timestamp: number(timestamp),
            key: base64_decode(key),
            value: base64_decode(value),
            headers: headers.split(',').filter(|text| !text.is_empty()).map(header).collect(),
        }
    }

    fn line(&self) -> String {
        let header = |(name, value): &(String, Option<Vec<u8>>)| {
            format!("{}:{}", base64(Some(name.as_bytes())), base64(value.as_deref()))
        };
        let headers: Vec<String> = self.headers.iter().map(header).collect();
        let partition = if self.partition < 0 { "-".into() } else { self.partition.to_string() };
        format!(
            "{}\t{}\t{}\t{}\t{}\t{}\n",
            partition,
            self.offset,
            self.timestamp,
            base64(self.key.as_deref()),
            base64(self.value.as_deref()),
            headers.join(",")
        )
    }
}

/// The checksum of a partition, in record order, as the readers print it: FNV-1a with 64 bits over each record's
/// timestamp (i64), key and value (i32 length, -1 for null, then bytes), number of headers (i32), and each header's
/// name and value (likewise). Integers are little-endian. `tests/kafka/java/Checksum.java` describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksum(u64);

impl Default for Checksum {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Checksum {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn add<'a, H>(&mut self, timestamp: i64, key: Option<&[u8]>, value: Option<&[u8]>, headers: H)
    where
        H: IntoIterator<Item = (&'a str, Option<&'a [u8]>), IntoIter: ExactSizeIterator>,
    {
        let headers = headers.into_iter();
        self.fold(&timestamp.to_le_bytes());
        self.bytes(key);
        self.bytes(value);
        self.length(Some(headers.len()));
        for (name, value) in headers {
            self.bytes(Some(name.as_bytes()));
            self.bytes(value);
        }
    }

    pub fn add_record(&mut self, record: &ReadRecord) {
        let headers = record.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
        self.add(record.timestamp, record.key.as_deref(), record.value.as_deref(), headers);
    }

    pub fn value(self) -> u64 {
        self.0
    }

    fn bytes(&mut self, bytes: Option<&[u8]>) {
        self.length(bytes.map(<[u8]>::len));
        self.fold(bytes.unwrap_or_default());
    }

    fn length(&mut self, length: Option<usize>) {
        let length = length.map_or(-1, |length| i32::try_from(length).expect("Kafka's lengths are 31 bits"));
        self.fold(&length.to_le_bytes());
    }

    fn fold(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/kafka")
}

fn script() -> Command {
    Command::new(folder().join("kafka"))
}

fn start_command(name: &str, options: &Options) -> Command {
    let mut command = script();
    command.args(["start", "--name", name, "--owner-pid", &std::process::id().to_string()]);
    command.args(["--version", &options.version, "--brokers", &options.brokers.to_string()]);
    command.args(["--broker-heap", &options.broker_heap]);
    command.args(["--ready-timeout", &options.ready_timeout.as_secs().to_string()]);
    if options.separate_controller {
        command.arg("--separate-controller");
    }
    if options.proxied {
        command.args(["--proxied", "PROXIED"]);
    }
    if options.secured {
        command.arg("--secured");
    }
    for folder in &options.log_dirs {
        command.arg("--log-dir").arg(folder);
    }
    for (flag, pairs) in [("--property", &options.properties), ("--listener", &options.listeners)] {
        for (name, value) in pairs {
            command.args([flag, &format!("{name}={value}")]);
        }
    }
    command
}

/// Runs a command to its end and returns its output. If it fails, panics with its output.
fn output(command: &mut Command) -> String {
    let output =
        command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{text}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn settings(text: &str) -> BTreeMap<String, String> {
    text.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect()
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("not a number: {text}"))
}

fn join(ids: &[i32]) -> String {
    ids.iter().map(i32::to_string).collect::<Vec<_>>().join(",")
}

/// A JVM with our tools (`Serve.java`), because starting one takes a second. It ends when its input does.
struct Server {
    /// Never waited for: whoever reaps the test process reaps this one.
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Server {
    fn start() -> Server {
        let mut command = script();
        command.args(["java", DEFAULT_VERSION, "Serve"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        let input = child.stdin.take().expect("a pipe was asked for");
        let output = BufReader::new(child.stdout.take().expect("a pipe was asked for"));
        Server { _child: child, input, output }
    }

    fn call(&mut self, command: &str, words: &[&str]) -> Result<Vec<String>, String> {
        let line = format!("{command}\t{}\n", words.join("\t"));
        self.input.write_all(line.as_bytes()).map_err(|error| format!("the Java tools have ended: {error}"))?;
        let mut answer = Vec::new();
        for line in (&mut self.output).lines() {
            let line = line.map_err(|error| format!("the Java tools: {error}"))?;
            match line.strip_prefix('#') {
                Some("ok") => return Ok(answer),
                Some(failed) => return Err(failed.to_owned()),
                None => answer.push(line),
            }
        }
        Err("the Java tools ended without an answer".to_owned())
    }
}

/// Sends one command to a server that no other thread uses meanwhile, so that slow commands delay no other test.
fn served(command: &str, words: &[&str]) -> Vec<String> {
    static IDLE: Mutex<Vec<Server>> = Mutex::new(Vec::new());
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut server = idle.unwrap_or_else(Server::start);
    match server.call(command, words) {
        Ok(lines) => {
            IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(server);
            lines
        }
        Err(reason) => panic!("kafka: {command} {words:?}: {reason}"),
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Null becomes `-`.
fn base64(bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else { return "-".into() };
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().chain(&[0, 0]).take(3).fold(0, |group, &byte| group << 8 | usize::from(byte));
        for digit in 0..4 {
            let shown = digit <= chunk.len();
            text.push(if shown { char::from(DIGITS[group >> (18 - 6 * digit) & 63]) } else { '=' });
        }
    }
    text
}

fn base64_decode(text: &str) -> Option<Vec<u8>> {
    if text == "-" {
        return None;
    }
    let (mut bytes, mut group, mut bits) = (Vec::new(), 0u32, 0);
    for byte in text.bytes().filter(|&byte| byte != b'=') {
        let digit = DIGITS.iter().position(|&digit| digit == byte).unwrap_or_else(|| panic!("not base64: {text}"));
        group = (group << 6 | digit as u32) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((group >> bits) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_goes_both_ways() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(Some(bytes.as_bytes())), text);
            assert_eq!(base64_decode(text).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(base64_decode(&base64(Some(&[255, 0, 254, 1]))), Some(vec![255, 0, 254, 1]));
        assert_eq!(base64_decode(&base64(None)), None);
    }

    #[test]
    fn checksum_is_fnv_1a() {
        let mut checksum = Checksum::new();
        assert_eq!(checksum.value(), 0xcbf2_9ce4_8422_2325);
        checksum.fold(b"foobar");
        assert_eq!(checksum.value(), 0x8594_4171_f739_67e8);
    }
}
