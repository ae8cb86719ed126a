//! Rules that the compiler does not check: dependencies inside a crate run one way, errors keep their class and source,
//! and CONTRIBUTING.md lists the files with `unsafe`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The parts of ottla-core from the top down. A part may use any part below it.
const CORE: &[&str] = &[
    "sender",
    "accumulator",
    "batch",
    "partition",
    "serialize",
    "protocol",
    "statistics",
    "config",
    "compress",
    "record",
    "loan",
    "allocate",
    "error",
    "secret",
    "text",
    "sync",
    "planted",
];

const ENGINE: &[&str] = &["producer", "event_loop", "tls"];

const HOST: &[&str] = &["queue", "pending", "descriptor", "handle", "log", "text", "userdata", "arguments", "boundary"];

/// Uses that point downwards and are unwanted all the same, with the reason.
const FORBIDDEN: [(&str, &str, &str); 3] = [
    ("compress", "sync", "a codec is a function of bytes"),
    ("partition", "sync", "a partitioner is a function of its arguments"),
    ("protocol", "config", "the wire format does not depend on the configuration"),
];

/// Functions that make a new error, and parts of an existing error that must not be passed to them. See
/// `Error::context`.
const MAKERS: [&str; 3] = ["Error::new(", "invalid(", "wrong("];
const PARTS: [&str; 2] = [".kind()", ".message()"];

/// The source of the library.
const SOURCES: [&str; 4] = ["src", "crates/ottla-core/src", "crates/ottla-engine/src", "crates/ottla-host/src"];

fn source_files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    SOURCES.iter().for_each(|folder| rust_files(&root.join(folder), &mut files));
    files
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src can be read").flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The parts that a file names by `crate::<part>` or `crate::{<part>..}`, outside comments.
fn uses(text: &str) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.match_indices("crate::").map(move |(index, found)| &line[index + found.len()..]))
        .flat_map(|path| match path.strip_prefix('{') {
            Some(list) => list.split(',').collect::<Vec<_>>(),
            None => vec![path],
        })
        .map(|path| path.trim_start().split(|c| !is_name(c)).next().unwrap_or_default())
        .collect()
}

fn check(crate_name: &str, parts: &[&str]) {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates").join(crate_name).join("src");
    let level = |part: &str| parts.iter().position(|&known| known == part);
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&src).expect("below src");
        let first = relative.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
        let part = first.trim_end_matches(".rs");
        if part == "lib" {
            continue;
        }
        let from = level(part).unwrap_or_else(|| panic!("{part} is not in the list of {crate_name}'s parts"));
        let text = fs::read_to_string(&file).expect("a source file can be read");
        for used in uses(&text) {
            let reason = FORBIDDEN.iter().find(|(a, b, _)| *a == part && *b == used).map(|(_, _, reason)| *reason);
            match level(used) {
                // Other names at the root of the crate are re-exports of `error` and `record`.
                None => continue,
                Some(to) if to < from => wrong.push(format!("{}: {part} uses {used}, upwards", relative.display())),
                Some(_) => wrong.extend(reason.map(|why| format!("{}: {part} uses {used}: {why}", relative.display()))),
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The text up to the parenthesis that closes the one before it.
fn arguments(text: &str) -> &str {
    let mut depth = 1;
    let end = text.find(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth == 0
    });
    &text[..end.unwrap_or(text.len())]
}

/// An error that passes through keeps its class and its source. One that is made from its parts loses them.
#[test]
fn no_error_is_rebuilt_from_the_parts_of_another() {
    let mut wrong = Vec::new();
    for file in source_files() {
        let text = fs::read_to_string(&file).expect("a source file can be read");
        for maker in MAKERS {
            for (at, _) in text.match_indices(maker) {
                let given = arguments(&text[at + maker.len()..]);
                if PARTS.iter().any(|part| given.contains(part)) {
                    let line = text[..at].lines().count();
                    wrong.push(format!("{}:{line}: {maker}{given})", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "use Error::context, note or with_message:\n{}", wrong.join("\n"));
}

/// The source files with `unsafe`, except those of the C layer and tests. The compiler rejects it elsewhere.
#[test]
fn contributing_lists_every_file_with_unsafe() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_used = |text: &str| text.lines().any(|line| line.contains("unsafe_code") && !line.contains("forbid("));
    let found: BTreeSet<String> = source_files()
        .into_iter()
        .filter(|file| is_used(&fs::read_to_string(file).expect("a source file can be read")))
        .map(|file| file.strip_prefix(root).expect("below the root").display().to_string())
        .filter(|file| !file.starts_with("src/") && !file.contains("/tests/"))
        .collect();
    let contributing = fs::read_to_string(root.join("CONTRIBUTING.md")).expect("CONTRIBUTING.md can be read");
    let (_, from) = contributing.split_once("\n- `unsafe`").expect("it says where unsafe is");
    let (about_unsafe, _) = from.split_once("\n- ").expect("it says more");
    let quoted = about_unsafe.split('`').skip(1).step_by(2);
    let listed: BTreeSet<String> =
        quoted.filter(|word| word.starts_with("crates/") && word.ends_with(".rs")).map(str::to_owned).collect();
    assert_eq!(found, listed);
}

#[test]
fn dependencies_inside_the_crates_run_downhill() {
    check("ottla-core", CORE);
    check("ottla-engine", ENGINE);
    check("ottla-host", HOST);
}

/// The folders in which DESIGN.md looks for a path that it names.
const READ_FROM: [&str; 5] =
    ["", "crates/ottla-core/", "crates/ottla-core/src/", "crates/ottla-core/src/sender/", "crates/ottla-engine/src/"];

#[test]
fn the_guides_name_files_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut missing = Vec::new();
    for guide in ["DESIGN.md", "CONTRIBUTING.md", "README.md"] {
        let text = fs::read_to_string(root.join(guide)).expect("a guide can be read");
        let quoted = text.split('`').skip(1).step_by(2);
        let paths = quoted.filter(|word| word.contains('/') && word.ends_with(".rs"));
        missing.extend(
            paths
                .filter(|path| !READ_FROM.iter().any(|folder| root.join(folder).join(path).exists()))
                .map(|path| format!("{guide}: {path}")),
        );
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
