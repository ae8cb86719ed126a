//! Rules of the source that the compiler does not check: dependencies between the rooms run one way, and errors keep what they are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The rooms from the top down. A room may use any below it; `ffi` is used by none.
const ROOMS: &[&str] = &[
    "ffi",
    "producer",
    "driver",
    "core",
    "front",
    "batch",
    "compress",
    "partition",
    "serialize",
    "protocol",
    "statistics",
    "config",
    "record",
    "loan",
    "allocate",
    "error",
    "text",
    "sync",
    "planted",
];

/// Uses that lie below but are not wanted, with the reason.
const FORBIDDEN: [(&str, &str, &str); 4] = [
    ("compress", "sync", "a codec is a function of bytes"),
    ("partition", "sync", "a partitioner is a function of its arguments"),
    ("core", "producer", "the core is given what it needs"),
    ("protocol", "config", "the wire does not depend on how we are configured"),
];

/// Makers of new errors, and what nobody may hand to them: a part of an error that exists. See `Error::context`.
const MAKERS: [&str; 3] = ["Error::new(", "invalid(", "wrong("];
const PARTS: [&str; 2] = [".kind()", ".message()"];

fn rust_files(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("src can be read").flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The rooms that a file names by `crate::<room>` or `crate::{<room>..}`, outside comments.
fn uses(text: &str) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.match_indices("crate::").map(move |(at, found)| &line[at + found.len()..]))
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => list.split(',').collect::<Vec<_>>(),
            None => vec![rest],
        })
        .map(|rest| rest.trim_start().split(|c| !is_name(c)).next().unwrap_or_default())
        .collect()
}

#[test]
fn dependencies_run_downhill() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let level = |room: &str| ROOMS.iter().position(|&known| known == room);
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&src).expect("below src");
        let first = relative.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
        let room = first.trim_end_matches(".rs");
        if room == "lib" {
            continue;
        }
        let from = level(room).unwrap_or_else(|| panic!("{room} is not in the table of rooms"));
        let text = fs::read_to_string(&file).expect("a source file can be read");
        for used in uses(&text) {
            let reason = FORBIDDEN.iter().find(|(a, b, _)| *a == room && *b == used).map(|(_, _, reason)| *reason);
            match level(used) {
                // Names at the root of the crate are re-exports of `error` and `record`.
                None => continue,
                Some(to) if to < from => wrong.push(format!("{}: {room} uses {used}, uphill", relative.display())),
                Some(_) => wrong.extend(reason.map(|why| format!("{}: {room} uses {used}: {why}", relative.display()))),
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What stands between a parenthesis that `text` begins behind and the one that closes it.
fn arguments(text: &str) -> &str {
    let mut depth = 1;
    let end = text.find(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth == 0
    });
    &text[..end.unwrap_or(text.len())]
}

/// An error that passes through keeps its class and its source. One that is made anew of its parts loses them.
#[test]
fn no_error_is_rebuilt_from_the_parts_of_another() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a source file can be read");
        for maker in MAKERS {
            for (at, _) in text.match_indices(maker) {
                let given = arguments(&text[at + maker.len()..]);
                if PARTS.iter().any(|part| given.contains(part)) {
                    let line = text[..at].lines().count();
                    wrong
                        .push(format!("{}:{line}: {maker}{given})", file.strip_prefix(&src).expect("below").display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "use Error::context, note or with_message:\n{}", wrong.join("\n"));
}

/// The files of src that use `unsafe`, but for the C layer and tests. The compiler refuses it elsewhere.
#[test]
fn contributing_lists_every_file_with_unsafe() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    rust_files(&root.join("src"), &mut files);
    let is_used = |text: &str| text.lines().any(|line| line.contains("unsafe_code") && !line.contains("forbid("));
    let found: BTreeSet<String> = files
        .into_iter()
        .filter(|file| is_used(&fs::read_to_string(file).expect("a source file can be read")))
        .map(|file| file.strip_prefix(root).expect("below the root").display().to_string())
        .filter(|file| !file.starts_with("src/ffi/") && !file.contains("/tests/"))
        .collect();
    let contributing = fs::read_to_string(root.join("CONTRIBUTING.md")).expect("CONTRIBUTING.md can be read");
    let (_, from) = contributing.split_once("\n- `unsafe`").expect("it says where unsafe is");
    let (about_unsafe, _) = from.split_once("\n- ").expect("it says more");
    let quoted = about_unsafe.split('`').skip(1).step_by(2);
    let listed: BTreeSet<String> =
        quoted.filter(|word| word.starts_with("src/") && word.ends_with(".rs")).map(str::to_owned).collect();
    assert_eq!(found, listed);
}
