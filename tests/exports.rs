//! The shared library exports exactly what exports/ottla.symbols lists, and contains no test code.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("names are UTF-8")
}

/// The shared library with the features with which it is shipped.
fn library() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c-library");
    output(
        Command::new(env!("CARGO"))
            .args(["build", "--lib", "--quiet"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("CARGO_TARGET_DIR", &target),
    );
    target.join("debug/libottla.so")
}

#[test]
fn the_library_exports_exactly_the_listed_symbols() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = library();
    let symbols = output(Command::new("nm").args(["-D", "--defined-only", "--format=posix"]).arg(&library));
    let mut exported: Vec<_> = symbols.lines().filter_map(|line| line.split(' ').next()).collect();
    exported.sort_unstable();
    let list = std::fs::read_to_string(root.join("exports/ottla.symbols")).expect("the list is committed");
    let listed: Vec<_> =
        list.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(exported, listed, "left: exported by {}; right: exports/ottla.symbols", library.display());

    let dynamic = output(Command::new("readelf").arg("-d").arg(&library));
    assert!(dynamic.contains("[libottla.so.0]"), "the soname is missing:\n{dynamic}");
    assert!(dynamic.contains("NODELETE"), "the library could be unmapped under its threads:\n{dynamic}");
}

#[test]
fn the_library_has_no_planted_faults() {
    let symbols = output(Command::new("nm").arg(library()));
    assert!(symbols.contains("produce_received"), "nm does not tell of inner functions");
    let planted: Vec<_> = symbols.lines().filter(|line| line.contains("planted")).collect();
    assert!(planted.is_empty(), "the switch of crates/ottla-core/src/planted.rs is in the library: {planted:#?}");
}
