//! The C library as C programs use it. The programs of tests/c are compiled against the committed header with warnings
//! as errors, and run with the shared and the static library, under valgrind, and with the address and
//! undefined-behaviour sanitizers.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use ottla_core::partition::murmur2::partition_for_key;
use ottla_mock::server::ModelServer;
use ottla_mock::{Api, Cluster, Fault, On, codes};
use ottla_testkit::kafka;
use ottla_testkit::sink::{Sink, SinkOptions};

/// Programs without a broker.
const ALONE: &[&str] =
    &["api_null", "api_config", "api_purge", "life_closed", "life_threads", "life_lent", "leak_loop", "abi_layout"];
/// Programs that get the address of a broker.
const WITH_BROKER: &[&str] = &[
    "api_send",
    "api_options",
    "api_flat",
    "api_poll",
    "api_retained",
    "api_flush",
    "api_event",
    "api_debug",
    "api_styles",
    "api_topic_with",
    "plugin_partitioner",
    "plugin_serializer",
    "plugin_interceptor",
    "api_statistics",
    "api_lent",
    "api_handle",
    "api_metadata",
    "api_brokers",
    "api_zero",
    "api_unpolled",
    HANDING_OVER,
    "life_memory",
];
/// Programs that show what a process does to its producers. They get the address of a broker.
const OF_THE_HOST: &[&str] =
    &["life_inside", "life_fork", "life_atfork", "life_signals", DLOPENED, "life_thousand", "life_clock"];
/// A program whose broker responds for the topic "answered" and never for "full".
const STUCK: &str = "life_full";
/// A program whose broker has no topic "absent".
const MISSING: &str = "api_missing";
/// Programs that get a broker made by [`transacting_broker`].
const TRANSACTING: &[&str] = &["api_transaction", "api_log"];
/// A program that gets a broker made by [`refusing_broker`].
const REFUSED: &str = "transaction_errors";
/// A program that passes its own data to completions and back. With a second argument it has a race itself.
const HANDING_OVER: &str = "life_userdata";
/// A program that loads the library itself.
const DLOPENED: &str = "life_dlopen";

const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];

/// The libraries that the static library needs, as in ottla.pc.
const STATIC_NEEDS: [&str; 4] = ["-lpthread", "-ldl", "-lm", "-lgcc_s"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder with libottla.so and libottla.a, built as packagers do, but with less optimization to save time.
fn libraries() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c-library");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--lib", "--quiet"]).current_dir(root()).env("CARGO_TARGET_DIR", &target);
        run("cargo build --lib", &mut cargo);
        let folder = target.join("debug");
        let soname = folder.join("libottla.so.0");
        if !soname.exists() {
            std::os::unix::fs::symlink("libottla.so", &soname).expect("the target folder is writable");
        }
        folder
    })
}

fn run(what: &str, command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{what}: {command:?}: {error}"));
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{what}: {}\n{command:?}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
}

#[derive(Clone, Copy)]
enum Linked {
    Shared,
    Static,
}

/// Compiles a program of tests/c and returns its path.
fn compile(name: &str, variant: &str, flags: &[&str], linked: Linked) -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{variant}"));
    let mut cc = Command::new("cc");
    cc.args(["-std=c99", "-g", "-pthread"]).args(WARNINGS).args(["-Wno-unused-function"]).args(flags);
    cc.arg("-I").arg(root().join("include")).arg(root().join(format!("tests/c/{name}.c"))).arg("-o").arg(&program);
    match linked {
        _ if name == DLOPENED => cc.arg("-ldl"),
        Linked::Shared => cc.arg("-L").arg(libraries()).arg("-lottla"),
        Linked::Static => cc.arg(libraries().join("libottla.a")).args(STATIC_NEEDS),
    };
    run(name, &mut cc);
    program
}

/// Compiles and runs all programs. `before` is the command line of a checker that runs them.
fn run_all(variant: &str, flags: &[&str], linked: Linked, before: &[&str]) {
    let sink = Sink::start(SinkOptions::default());
    let stuck = stuck_broker();
    let transacting = transacting_broker();
    let refusing = refusing_broker();
    let address = |name: &&str| match *name {
        name if ALONE.contains(&name) => None,
        STUCK | MISSING => Some(stuck.bootstrap()),
        name if TRANSACTING.contains(&name) => Some(transacting.bootstrap()),
        REFUSED => Some(refusing.bootstrap()),
        _ => Some(sink.addr().to_string()),
    };
    let special = [&STUCK, &MISSING, &REFUSED];
    for name in ALONE.iter().chain(WITH_BROKER).chain(OF_THE_HOST).chain(TRANSACTING).chain(special) {
        let program = compile(name, variant, flags, linked);
        let mut words = before.iter().map(std::ffi::OsString::from).chain([program.into_os_string()]);
        let mut command = Command::new(words.next().expect("at least the program"));
        command.args(words).env("LD_LIBRARY_PATH", libraries());
        if !(flags.is_empty() && before.is_empty()) {
            command.env("OTTLA_CHECKER", variant);
        }
        command.args(address(name));
        run(&format!("{name} ({variant})"), &mut command);
    }
}

/// The broker of [`STUCK`].
fn stuck_broker() -> ModelServer {
    let mut cluster = Cluster::new(1);
    cluster.create_topic("answered", 1);
    cluster.create_topic("full", 1);
    cluster.on_request(|request| match request.partitions.iter().any(|at| at.topic == "full") {
        true => Fault::NeverAnswer { handled: false },
        false => Fault::None,
    });
    ModelServer::start(cluster, 1)
}

/// The broker that the comment at the head of api_transaction.c describes.
fn transacting_broker() -> ModelServer {
    let mut cluster = Cluster::new(1);
    cluster.create_topic("t", 1);
    cluster.create_topic("refused", 1);
    cluster.set_transaction_version(2);
    cluster.group_mut("members").members.insert("m".into(), 3);
    cluster.on_request(|request| match request.api {
        Api::InitProducerId | Api::EndTxn | Api::TxnOffsetCommit => Fault::Delay(300),
        _ if request.partitions.iter().any(|at| at.topic == "refused") => {
            Fault::Error(codes::TOPIC_AUTHORIZATION_FAILED, On::Topic("refused".into()))
        }
        _ => Fault::None,
    });
    ModelServer::start(cluster, 1)
}

/// The broker that the comment at the head of transaction_errors.c describes.
fn refusing_broker() -> ModelServer {
    let topics = ["all-29", "all-20", "all--1", "all-999", "all-31", "all-90", "all-49", "all-48", "t"];
    let once = ["once-19", "once-6", "once-51", "once-47"];
    let end = ["end-14", "end-16", "end-51", "end-48", "end-49", "end-120"];
    let mut cluster = Cluster::new(1);
    topics.into_iter().chain(once).chain(end).for_each(|topic| {
        cluster.create_topic(topic, 1);
    });
    cluster.set_transaction_version(2);
    cluster.script(Api::FindCoordinator, [Fault::Error(codes::INVALID_REQUEST, On::All)]);
    cluster.script(Api::InitProducerId, [Fault::Error(codes::TRANSACTIONAL_ID_AUTHORIZATION_FAILED, On::All)]);
    let mut seen = BTreeSet::new();
    let mut at_the_end = None;
    cluster.on_request(move |request| {
        let refuse = |code: i16| Fault::Error(code, On::All);
        let topic = request.partitions.first().map_or("", |at| &at.topic);
        match (request.api, topic.split_once('-').map(|(when, code)| (when, code.parse().expect("a code")))) {
            (Api::Produce, Some(("all", code))) => refuse(code),
            (Api::Produce, Some(("once", code))) if seen.insert(topic.to_owned()) => refuse(code),
            (Api::Produce, Some(("end", code))) => {
                at_the_end = Some(code);
                Fault::None
            }
            (Api::EndTxn, _) => at_the_end.take().map_or(Fault::None, refuse),
            (Api::TxnOffsetCommit, _) => refuse(codes::GROUP_AUTHORIZATION_FAILED),
            _ => Fault::None,
        }
    });
    ModelServer::start(cluster, 1)
}

#[test]
fn the_header_stands_alone_in_c_and_in_cpp() {
    let header = root().join("include/ottla.h");
    for (compiler, language, standard) in
        [("cc", "c", "-std=c99"), ("cc", "c", "-std=c11"), ("c++", "c++", "-std=c++17"), ("c++", "c++", "-std=c++11")]
    {
        let mut check = Command::new(compiler);
        check.args(["-fsyntax-only", "-x", language, standard]).args(WARNINGS).arg(&header);
        run(&format!("the header as {standard}"), &mut check);
    }
}

/// The sizes of the structures in C, one per line.
fn structure_sizes() -> String {
    let declarations = std::fs::read_to_string(root().join("include/ottla.cdef.h")).expect("it is committed");
    let names = declarations.lines().filter_map(|line| line.strip_prefix("typedef struct ")?.strip_suffix(" {"));
    let prints: String = names.map(|name| format!("printf(\"{name} %zu\\n\", sizeof({name}));")).collect();
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sizes.c");
    std::fs::write(&source, format!("#include <ottla.h>\n#include <stdio.h>\nint main(void) {{{prints}}}\n"))
        .expect("the target folder is writable");
    let program = source.with_extension("");
    run("sizes", Command::new("cc").arg("-I").arg(root().join("include")).arg(&source).arg("-o").arg(&program));
    let output = Command::new(program).output().expect("it was compiled");
    String::from_utf8(output.stdout).expect("names and numbers")
}

#[test]
fn a_binding_that_loads_the_declarations_sends_and_polls() {
    let sink = Sink::start(SinkOptions::default());
    let sizes = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sizes.txt");
    std::fs::write(&sizes, structure_sizes()).expect("the target folder is writable");
    let mut python = Command::new("python3");
    python.arg(root().join("tests/c/declarations.py")).arg(root().join("include/ottla.cdef.h"));
    python.arg(libraries().join("libottla.so")).arg(sink.addr().to_string());
    python.stdin(std::fs::File::open(&sizes).expect("just written"));
    run("declarations.py (scripts/setup gets Python's cffi)", &mut python);
}

#[test]
fn programs_do_what_they_say() {
    run_all("shared", &[], Linked::Shared, &[]);
}

/// Another client reads back what `api_zero` sent. Keys are in the partitions that Java's hash chooses, and only
/// records that ask for it have a time of 1970.
#[test]
fn records_of_zeros_use_the_partitioner_and_the_present_time_on_a_real_broker() {
    let cluster = kafka::shared();
    let topic = cluster.new_topic_with("zeros", 3, &[("retention.ms", "-1")]);
    let began = now_ms();
    let mut program = Command::new(compile("api_zero", "kafka", &[], Linked::Shared));
    program.args([cluster.bootstrap(), &topic]).env("LD_LIBRARY_PATH", libraries());
    run("api_zero", &mut program);
    let records = cluster.read_records(&topic);
    let mut letters = 0;
    for record in &records {
        match record.key.as_deref() {
            Some(key @ [_]) => {
                assert_eq!(record.partition.cast_unsigned(), partition_for_key(key, 3), "{record:?}");
                letters += 1;
            }
            Some(b"flagged") => assert_eq!((record.partition, record.timestamp), (0, 0), "{record:?}"),
            _ => {}
        }
        let is_now = (began - 1000..=now_ms()).contains(&record.timestamp);
        assert!(is_now || record.timestamp == 0 && record.partition == 0, "{record:?}");
    }
    assert_eq!(letters, 2 * 8 * 20, "two rounds, eight ways, twenty keys");
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is right");
    i64::try_from(since.as_millis()).expect("the clock is right")
}

#[test]
fn programs_do_what_they_say_with_the_static_library() {
    run_all("static", &[], Linked::Static, &[]);
}

#[test]
fn programs_are_clean_under_valgrind() {
    let valgrind = [
        "valgrind",
        "--quiet",
        "--leak-check=full",
        "--show-leak-kinds=definite,indirect,possible",
        "--errors-for-leak-kinds=definite,indirect,possible",
        "--error-exitcode=9",
        "--child-silent-after-fork=yes",
        "--fair-sched=yes",
    ];
    run_all("valgrind", &[], Linked::Shared, &valgrind);
}

#[test]
fn programs_are_clean_under_sanitizers() {
    run_all("sanitized", &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"], Linked::Shared, &[]);
}

/// Runs [`HANDING_OVER`] under a race detector, which must report the application's own race and nothing else.
fn only_the_applications_own_race_is_reported(variant: &str, flags: &[&str], before: &[&str], reports: &str) {
    let sink = Sink::start(SinkOptions::default());
    let program = compile(HANDING_OVER, variant, flags, Linked::Shared);
    let run = |race: Option<&str>| {
        let mut command = Command::new(before[0]);
        command.args(&before[1..]).arg(&program).arg(sink.addr().to_string()).args(race);
        command.env("LD_LIBRARY_PATH", libraries());
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (clean, said) = run(None);
    assert!(clean && said.is_empty(), "{variant}: the hand-over is reported\n{said}");
    let (clean, said) = run(Some("race"));
    assert!(!clean && said.contains(reports), "{variant}: the application's race is not reported\n{said}");
    assert!(said.contains("life_userdata.c"), "{variant}: the report does not lead to the application\n{said}");
}

#[test]
fn thread_sanitizer_reports_no_race_for_data_passed_to_a_completion_and_back() {
    let options = format!("TSAN_OPTIONS=suppressions={}", root().join("packaging/suppressions/tsan.supp").display());
    only_the_applications_own_race_is_reported(
        "tsan",
        &["-fsanitize=thread"],
        &["env", &options],
        "ThreadSanitizer: data race",
    );
}

#[test]
fn helgrind_reports_no_race_for_data_passed_to_a_completion_and_back() {
    let suppressions = root().join("packaging/suppressions/helgrind.supp");
    let suppressions = format!("--suppressions={}", suppressions.display());
    let helgrind = ["valgrind", "--tool=helgrind", "--quiet", &suppressions, "--error-exitcode=9", "--fair-sched=yes"];
    only_the_applications_own_race_is_reported("helgrind", &[], &helgrind, "Possible data race");
}
