//! The header is what src/ffi says. `OTTLA_BLESS=1 cargo test --test header` writes it anew.

use std::path::Path;

use ottla::ErrorCode;
use ottla::statistics::{BrokerFigures, Figures, Kind, ProducerFigures, TopicFigures};

/// The files, in the order in which the header is read.
const NOUNS: &[&str] = &[
    "version",
    "error",
    "userdata",
    "log",
    "property",
    "delivery",
    "poll",
    "event",
    "plugin",
    "partitioner",
    "serializer",
    "config",
    "handle",
    "producer",
    "topic",
    "record",
    "send",
    "send_handle",
    "loan",
    "objects",
    "purge",
    "check",
    "partitions",
    "transaction",
    "interceptor",
    "report",
    "statistics",
];
const LAST: &str = "counters";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn generate() -> String {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("cbindgen.toml is well-formed");
    let builder = NOUNS.iter().chain([&LAST]).fold(cbindgen::Builder::new().with_config(config), |builder, noun| {
        builder.with_src(root().join(format!("src/ffi/{noun}.rs")))
    });
    let mut header = Vec::new();
    builder.generate().expect("cbindgen reads src/ffi").write(&mut header);
    polish(&String::from_utf8(header).expect("the sources are UTF-8"))
}

/// What cbindgen cannot: no "# Safety" sections, which are for Rust's readers; OTTLA_API on the line of its function; and
/// OTTLA_CALL in front of the name, where MSVC wants it.
fn polish(header: &str) -> String {
    let mut done: Vec<String> = Vec::new();
    let mut in_safety = false;
    for line in header.lines().map(str::trim_end) {
        if line == " * # Safety" {
            in_safety = true;
            while done.last().is_some_and(|last| last == " *") {
                done.pop();
            }
        }
        in_safety &= line != " */";
        let is_second_blank = line.is_empty() && done.last().is_some_and(String::is_empty);
        if in_safety || is_second_blank {
            continue;
        }
        match done.last_mut() {
            Some(last) if last == "OTTLA_API" => *last = with_calling_convention(&format!("OTTLA_API {line}")),
            _ => done.push(with_calling_convention(line)),
        }
    }
    done.join("\n") + "\n"
}

fn with_calling_convention(line: &str) -> String {
    if let Some((before, after)) = line.strip_prefix("OTTLA_API ").and_then(|line| line.split_once('('))
        && let Some(at) = before.rfind([' ', '*'])
    {
        let (returned, name) = before.split_at(at + 1);
        return format!("OTTLA_API {returned}OTTLA_CALL {name}({after}");
    }
    if line.starts_with("typedef") { line.replacen("(*ottla_", "(OTTLA_CALL *ottla_", 1) } else { line.to_owned() }
}

#[test]
fn the_committed_header_is_what_the_source_says() {
    let path = root().join("include/ottla.h");
    let generated = generate();
    if std::env::var_os("OTTLA_BLESS").is_some() {
        std::fs::write(&path, &generated).expect("include/ottla.h is writable");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if let Some((line, (was, is))) =
        committed.lines().zip(generated.lines()).enumerate().find(|(_, (was, is))| was != is)
    {
        panic!("include/ottla.h:{}: is\n  {was}\nand should be\n  {is}\nOTTLA_BLESS=1 accepts", line + 1);
    }
    assert_eq!(committed.len(), generated.len(), "include/ottla.h ends early or late; OTTLA_BLESS=1 accepts");
}

#[test]
fn every_name_of_a_code_is_the_engines() {
    let header = std::fs::read_to_string(root().join("include/ottla.h")).expect("include/ottla.h is committed");
    let mut kafkas = vec![ErrorCode::UNKNOWN_SERVER_ERROR, ErrorCode::NONE];
    for line in header.lines() {
        let Some((name, number)) = line.trim().strip_prefix("OTTLA_ERR_").and_then(|line| line.split_once(" = "))
        else {
            continue;
        };
        let number: i16 = number.trim_end_matches(',').parse().expect("a code is a number");
        if number > 0 {
            // Ottla has an INVALID_CONFIG of its own.
            let name = if name == "KAFKA_INVALID_CONFIG" { "INVALID_CONFIG" } else { name };
            assert_eq!(ErrorCode::name(number), Some(name));
            kafkas.push(number);
        }
    }
    assert_eq!(kafkas, ErrorCode::all().collect::<Vec<_>>(), "the header names every code of the table");
}

#[test]
fn every_exported_function_is_in_the_header_and_on_the_list() {
    let header = std::fs::read_to_string(root().join("include/ottla.h")).expect("include/ottla.h is committed");
    let mut declared: Vec<_> = header
        .lines()
        .filter_map(|line| line.strip_prefix("OTTLA_API "))
        .filter_map(|line| line.split_once("OTTLA_CALL ")?.1.split_once('('))
        .map(|(name, _)| name)
        .collect();
    declared.sort_unstable();
    let list = std::fs::read_to_string(root().join("exports/ottla.symbols")).expect("the list is committed");
    let listed: Vec<_> =
        list.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(declared, listed);
}

/// A member of a structure in the header: its type, its name and what is said of it.
type Member = (String, String, String);

/// The members of a structure as the header has them.
fn members(header: &str, structure: &str) -> Vec<Member> {
    let begin = format!("typedef struct {structure} {{\n");
    let at = header.find(&begin).unwrap_or_else(|| panic!("{structure} is in the header")) + begin.len();
    let (mut members, mut words) = (Vec::new(), Vec::new());
    for line in header[at..].lines().map(str::trim) {
        if line.starts_with('}') {
            break;
        }
        match line.strip_suffix(';').and_then(|member| member.rsplit_once(' ')) {
            Some((kind, name)) if !line.starts_with('*') => {
                members.push((kind.to_owned(), name.to_owned(), words.join(" ")));
                words.clear();
            }
            _ => words.push(line.trim_start_matches(['/', '*']).trim_end_matches('/').trim_end_matches('*').trim()),
        }
        words.retain(|word| !word.is_empty());
    }
    members
}

/// The table of figures and the C structures say the same.
fn check_figures<F: Figures>(header: &str, structure: &str, own: usize) {
    let members = members(header, structure);
    assert_eq!(members.len(), F::ROWS.len() + own, "{structure}: {members:#?}");
    for row in F::ROWS {
        let (kind, _, words) = members
            .iter()
            .find(|(_, name, _)| name == row.name)
            .unwrap_or_else(|| panic!("{structure} has no {}", row.name));
        assert_eq!(words, row.doc, "{structure}.{}", row.name);
        let expected = match row.kind {
            Kind::Counter => "uint64_t",
            Kind::Gauge if row.unit == "ratio" => "double",
            Kind::Gauge => "int64_t",
            Kind::Histogram => "struct ottla_histogram",
        };
        assert!(expected.ends_with(kind.as_str()), "{structure}.{}: {kind}", row.name);
    }
}

#[test]
fn every_figure_is_a_member_with_the_same_words() {
    let header = std::fs::read_to_string(root().join("include/ottla.h")).expect("include/ottla.h is committed");
    check_figures::<ProducerFigures>(&header, "ottla_producer_figures", 1);
    check_figures::<BrokerFigures>(&header, "ottla_broker_figures", 3);
    check_figures::<TopicFigures>(&header, "ottla_topic_figures", 2);
}
