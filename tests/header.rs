//! The header is what src says, and ottla.cdef.h is the header without a preprocessor.
//! `OTTLA_BLESS=1 cargo test -p ottla --test header` writes both anew.

use std::collections::BTreeSet;
use std::path::Path;

use ottla_core::error::{ErrorCode, ErrorKind};
use ottla_core::statistics::{BrokerFigures, Figures, Kind, ProducerFigures, TopicFigures};

/// A section of the header. Its declarations are in the order of these files of src.
struct Section {
    title: &'static str,
    about: &'static str,
    files: &'static [&'static str],
}

const SECTIONS: &[Section] = &[
    section("Version", "the release of the header and of the library", &["version"]),
    section("Errors", "codes, and error objects with details", &["error"]),
    section("Configuration", "properties by name, user data", &["userdata", "config", "property"]),
    section("Log", "log lines, by function or to standard error", &["log"]),
    section("Producer", "new, free, what it holds", &["handle", "producer"]),
    section("Topics", "handles to send by", &["topic"]),
    section(
        "Records and sending",
        "one record, many, flat form, objects; options; waiting for one",
        &["record", "loan", "send_handle", "send_options", "send", "flat", "objects"],
    ),
    section("Deliveries and polling", "what became of records: by callback or polled", &["delivery", "poll", "report"]),
    section("Flush, purge and close", "waiting for all records, giving them up, the end", &["flush", "purge"]),
    section("Transactions", "begin, send offsets, commit, abort", &["transaction"]),
    section("Metadata", "checks at start-up, partitions", &["check", "partitions"]),
    section("Events", "brokers up and down, throttling, room again", &["event"]),
    section("Statistics", "counters; snapshots of counts, levels and latencies", &["counters", "statistics"]),
    section(
        "Plug-ins",
        "partitioners, serializers, interceptors of the application",
        &["plugin", "partitioner", "serializer", "interceptor"],
    ),
];

const fn section(title: &'static str, about: &'static str, files: &'static [&'static str]) -> Section {
    Section { title, about, files }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A declaration with its description.
struct Item {
    name: String,
    doc: String,
    declaration: String,
}

impl Item {
    /// `declaration` without the comments of its members.
    fn code(&self) -> String {
        let mut code = String::new();
        let mut in_comment = false;
        for line in self.declaration.lines() {
            in_comment |= line.trim_start().starts_with("/**");
            if !in_comment {
                code += line;
                code.push('\n');
            }
            in_comment &= !line.ends_with("*/");
        }
        code
    }

    fn words(&self) -> Vec<String> {
        let is_boundary = |c: char| !(c.is_alphanumeric() || c == '_');
        self.code()
            .replace('*', " * ")
            .split(|c| is_boundary(c) && c != '*')
            .filter(|w| !w.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// The types that must be complete before this declaration. C can refer to structures by pointer before their
    /// declaration, but to no other types.
    fn needs(&self) -> Vec<String> {
        let words = self.words();
        let is_type = |word: &str| word == "ottla_code" || (word.starts_with("ottla_") && word.ends_with("_fn"));
        let by_name = words.iter().filter(|word| is_type(word)).cloned();
        let by_value =
            words.windows(3).filter(|three| three[0] == "struct" && three[2] != "*").map(|three| three[1].clone());
        by_name.chain(by_value).filter(|name| *name != self.name).collect()
    }

    /// The structures that this declaration refers to.
    fn structures(&self) -> Vec<String> {
        self.words().windows(2).filter(|two| two[0] == "struct").map(|two| two[1].clone()).collect()
    }
}

/// The declarations that cbindgen makes of src, and the text before them.
fn items() -> (Vec<Item>, String) {
    let mut config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("cbindgen.toml is well-formed");
    let head =
        config.header.take().expect("the header's introduction") + &config.after_includes.take().expect("its macros");
    let files = SECTIONS.iter().flat_map(|section| section.files);
    let builder = files.fold(cbindgen::Builder::new().with_config(config), |builder, file| {
        builder.with_src(root().join(format!("src/{file}.rs")))
    });
    let mut written = Vec::new();
    builder.generate().expect("cbindgen reads src").write(&mut written);
    (split(&polish(&String::from_utf8(written).expect("the sources are UTF-8"))), head)
}

fn split(header: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let (mut doc, mut declaration) = (String::new(), String::new());
    let (mut in_doc, mut depth) = (false, 0);
    for line in header.lines() {
        let is_doc = declaration.is_empty() && (in_doc || line.starts_with("/**"));
        if is_doc {
            doc += line;
            doc.push('\n');
            in_doc = !line.ends_with("*/");
        } else if !(line.is_empty() && declaration.is_empty()) {
            declaration += line;
            declaration.push('\n');
            let is_comment = line.trim_start().starts_with(['*', '/']);
            depth += if is_comment { 0 } else { line.matches('{').count() as i32 - line.matches('}').count() as i32 };
            if depth == 0 && !is_comment && (line.ends_with(';') || line.starts_with("#define")) {
                let declaration = wrapped(&std::mem::take(&mut declaration));
                items.push(Item { name: name_of(&declaration), doc: std::mem::take(&mut doc), declaration });
            }
        }
    }
    assert!(declaration.is_empty() && items.len() > 150, "cbindgen's text is not understood: {declaration}");
    items
}

/// A function's declaration, with its parameters wrapped at a hundred columns. Other declarations stay as they are.
fn wrapped(declaration: &str) -> String {
    if !declaration.starts_with("OTTLA_API") {
        return declaration.to_owned();
    }
    let mut lines = vec![String::new()];
    for word in
        declaration.split_inclusive([',', '(']).map(|word| word.split_whitespace().collect::<Vec<_>>().join(" "))
    {
        let last = lines.last_mut().expect("never empty");
        let space = if last.is_empty() || last.ends_with('(') { "" } else { " " };
        if last.len() + space.len() + word.len() <= 100 {
            *last += &format!("{space}{word}");
        } else {
            lines.push(format!("    {word}"));
        }
    }
    lines.join("\n") + "\n"
}

fn name_of(declaration: &str) -> String {
    let first = declaration.lines().next().expect("it has a line");
    let before = match first {
        _ if first.starts_with("#define") || first.contains('{') => first.splitn(3, ' ').collect::<Vec<_>>().join(" "),
        _ if first.starts_with("OTTLA_API") => first.split('(').next().expect("a function").to_owned(),
        _ if first.contains("(OTTLA_CALL") => first.split(")(").next().expect("a function pointer").to_owned(),
        _ => first.trim_end_matches(';').to_owned(),
    };
    let words = before.replace('{', " ");
    if let Some(define) = words.strip_prefix("#define ") {
        return define.split(' ').next().expect("a name").to_owned();
    }
    words.rsplit([' ', '*']).find(|word| !word.is_empty()).expect("a name").to_owned()
}

/// What cbindgen cannot do: removes the "# Safety" sections, which are for readers of the Rust source, moves OTTLA_API
/// to the function's line, and puts OTTLA_CALL in front of the name, where MSVC expects it.
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
        if in_safety {
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

/// The declarations in the order of the sections and their files, except that types move up to where something needs
/// them. Each has the index of its section.
fn in_order(items: &[Item]) -> Vec<(usize, &Item)> {
    let mut placed: Vec<(usize, usize, usize, &Item)> = Vec::new();
    for (section, Section { files, .. }) in SECTIONS.iter().enumerate() {
        for (file, name) in files.iter().enumerate() {
            let source = read(&format!("src/{name}.rs"));
            placed.extend(items.iter().filter_map(|item| Some((section, file, position(&source, &item.name)?, item))));
        }
    }
    placed.sort_by_key(|&(section, file, at, _)| (section, file, at));
    let mut names: Vec<_> = placed.iter().map(|(.., item)| &item.name).collect();
    let mut all: Vec<_> = items.iter().map(|item| &item.name).collect();
    names.sort_unstable();
    all.sort_unstable();
    assert_eq!(names, all, "each declaration has one place in one file of a section");
    let (mut done, mut order) = (BTreeSet::new(), Vec::new());
    for (section, _, _, item) in placed {
        place(section, item, items, &mut done, &mut order);
    }
    order
}

fn place<'a>(
    section: usize,
    item: &'a Item,
    items: &'a [Item],
    done: &mut BTreeSet<&'a str>,
    order: &mut Vec<(usize, &'a Item)>,
) {
    if !done.insert(&item.name) {
        return;
    }
    for need in item.needs() {
        let needed = items.iter().find(|item| item.name == need).unwrap_or_else(|| panic!("{need} is declared"));
        place(section, needed, items, done, order);
    }
    order.push((section, item));
}

/// Where a source file defines a name.
fn position(source: &str, name: &str) -> Option<usize> {
    let forms = [("const ", ":"), ("enum ", " {"), ("struct ", " {"), ("struct ", "<"), ("type ", " ="), ("fn ", "(")];
    forms.iter().find_map(|(before, after)| source.find(&format!("{before}{name}{after}")))
}

/// The structures that some declaration refers to before their own declaration.
fn forward_declared(order: &[(usize, &Item)]) -> Vec<String> {
    let (mut known, mut early) = (BTreeSet::new(), BTreeSet::new());
    for (_, item) in order {
        early.extend(item.structures().into_iter().filter(|name| *name != item.name && !known.contains(name)));
        known.insert(item.name.clone());
    }
    early.into_iter().map(|name| format!("struct {name};\n")).collect()
}

fn generate() -> String {
    let (items, head) = items();
    let order = in_order(&items);
    let contents =
        SECTIONS.iter().zip(1..).map(|(Section { title, about, .. }, n)| format!(" *   {n:>2}. {title:<24}{about}\n"));
    let head = head.trim_start().replacen(" *   @CONTENTS@\n", &contents.collect::<String>(), 1);
    let (introduction, macros) = head.split_once("*/").expect("the introduction is a comment");
    let mut header = format!("{introduction}*/\n\n#ifndef OTTLA_H\n#define OTTLA_H\n\n{}\n", macros.trim());
    header += "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
    header += "/* Structures that are named before their description. */\n";
    header.extend(forward_declared(&order));
    let mut current = None;
    for (section, Item { doc, declaration, .. }) in order {
        if current.replace(section) != Some(section) {
            let rule = "=".repeat(92);
            let title = SECTIONS[section].title;
            header += &format!("\n/* {rule}\n * {}. {title}\n * {rule} */\n", section + 1);
        }
        header += &format!("\n{doc}{declaration}");
    }
    header + "\n#ifdef __cplusplus\n} /* extern \"C\" */\n#endif\n\n#endif /* OTTLA_H */\n"
}

const ABOUT_DECLARATIONS: &str = "\
/* The declarations of ottla.h for tools that read C without a preprocessor, for example Python's cffi. They have to know
 * size_t and the types of <stdint.h>. Constants are enumerators. The descriptions are in ottla.h.
 *
 * Generated from src by tests/header.rs: do not edit. */
";

fn generate_declarations() -> String {
    let (items, _) = items();
    let order = in_order(&items);
    let mut text = ABOUT_DECLARATIONS.to_owned();
    text.extend(forward_declared(&order));
    for (_, item) in order {
        let code = item.code();
        match code.strip_prefix("#define ").and_then(|define| define.trim_end().split_once(' ')) {
            Some((name, value)) => text += &format!("enum {{ {name} = {value} }};\n"),
            None => text += &code.replace("OTTLA_API ", "").replace("OTTLA_CALL ", ""),
        }
    }
    text
}

fn compare(path: &str, generated: &str) {
    if std::env::var_os("OTTLA_BLESS").is_some() {
        std::fs::write(root().join(path), generated).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    let committed = std::fs::read_to_string(root().join(path)).unwrap_or_default();
    let lines = committed.lines().zip(generated.lines()).enumerate();
    if let Some((line, (was, is))) = lines.into_iter().find(|(_, (was, is))| was != is) {
        panic!("{path}:{}: is\n  {was}\nand should be\n  {is}\nOTTLA_BLESS=1 accepts", line + 1);
    }
    assert_eq!(committed.len(), generated.len(), "{path} ends early or late; OTTLA_BLESS=1 accepts");
}

#[test]
fn the_committed_header_matches_the_source() {
    compare("include/ottla.h", &generate());
}

#[test]
fn the_committed_declarations_are_those_of_the_header_without_a_preprocessor() {
    let declarations = generate_declarations();
    compare("include/ottla.cdef.h", &declarations);
    let code = declarations.strip_prefix(ABOUT_DECLARATIONS).expect("it begins so");
    for what in ["#", "/*", "OTTLA_API", "OTTLA_CALL", "__cplusplus"] {
        assert!(!code.contains(what), "{what} in the declarations");
    }
}

#[test]
fn the_contents_at_the_top_are_the_sections_in_their_order() {
    let header = read("include/ottla.h");
    let (introduction, rest) = header.split_once("*/").expect("it begins with a comment");
    let mut at = 0;
    for (Section { title, .. }, number) in SECTIONS.iter().zip(1..) {
        assert!(introduction.contains(&format!("{number:>2}. {title}")), "{title} is not among the contents");
        let found = rest.match_indices(&format!("\n * {number}. {title}\n")).collect::<Vec<_>>();
        let &[(place, _)] = &found[..] else { panic!("{title}: {} headings", found.len()) };
        assert!(place > at, "{title} is not in order");
        at = place;
    }
}

#[test]
fn every_name_of_a_code_is_the_engines() {
    let header = read("include/ottla.h");
    let mut kafkas = vec![ErrorCode::UNKNOWN_SERVER_ERROR, ErrorCode::NONE];
    let mut own = Vec::new();
    for line in header.lines() {
        let Some((name, number)) = line.trim().strip_prefix("OTTLA_ERR_").and_then(|line| line.split_once(" = "))
        else {
            continue;
        };
        let number: i16 = number.trim_end_matches(',').parse().expect("a code is a number");
        if number > 0 {
            // The engine's name would be that of Ottla's own INVALID_CONFIG.
            let name = if name == "KAFKA_INVALID_CONFIG" { "INVALID_CONFIG" } else { name };
            assert_eq!(ErrorCode::name(number), Some(name));
            kafkas.push(number);
        } else if number < 0 {
            own.push((name, number.into()));
        }
    }
    let kinds: Vec<_> = ErrorKind::OWN.iter().map(|kind| (kind.name(), kind.code())).collect();
    assert_eq!(own, kinds, "the header names every kind of Ottla's own");
    assert_eq!(kafkas, ErrorCode::all().collect::<Vec<_>>(), "the header names every code of the table");
}

#[test]
fn every_exported_function_is_in_the_header_and_on_the_list() {
    let header = read("include/ottla.h");
    let mut declared: Vec<_> = header
        .lines()
        .filter_map(|line| line.strip_prefix("OTTLA_API "))
        .filter_map(|line| line.split_once("OTTLA_CALL ")?.1.split_once('('))
        .map(|(name, _)| name)
        .collect();
    declared.sort_unstable();
    let list = read("exports/ottla.symbols");
    let listed: Vec<_> =
        list.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(declared, listed);
}

/// A member of a structure in the header: its type, its name and its description.
type Member = (String, String, String);

/// The members of a structure in the header.
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

/// Checks that the table of figures and the C structure agree.
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
    let header = read("include/ottla.h");
    check_figures::<ProducerFigures>(&header, "ottla_producer_figures", 1);
    check_figures::<BrokerFigures>(&header, "ottla_broker_figures", 3);
    check_figures::<TopicFigures>(&header, "ottla_topic_figures", 2);
}
