//! tests/CHECKLIST.md names each behaviour once, and only tests that exist.

use std::fs;
use std::path::Path;

const CHECKLIST: &str = include_str!("CHECKLIST.md");

/// The only text that may stand in place of both a test and a difference.
const LATER: &str = "telemetry push (KIP-714): a later issue";

struct Row {
    number: u32,
    tests: Vec<&'static str>,
    difference: &'static str,
}

fn rows() -> Vec<Row> {
    let row = |line: &'static str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [number, _, tests, difference] = cells[..] else { panic!("a row has four cells: {line}") };
        let number = number.parse().ok()?;
        Some(Row { number, tests: tests_of(tests), difference })
    };
    let (numbered, _) = parts();
    numbered.lines().filter(|line| line.starts_with('|')).filter_map(row).collect()
}

/// The table of numbers, and the table of holes.
fn parts() -> (&'static str, &'static str) {
    CHECKLIST.split_once("## Known holes").expect("the holes come last")
}

fn tests_of(cell: &'static str) -> Vec<&'static str> {
    cell.split("<br>").map(|test| test.trim_matches('`')).filter(|test| !test.is_empty()).collect()
}

#[test]
fn each_number_is_there_once_and_in_order() {
    let numbers: Vec<u32> = rows().iter().map(|row| row.number).collect();
    let expected: Vec<u32> = (1..=209).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn each_named_test_exists() {
    for row in rows() {
        row.tests.iter().for_each(|test| assert_is_there(test));
    }
}

#[test]
fn each_hole_has_a_test() {
    let (_, holes) = parts();
    let rows: Vec<_> = holes.lines().filter(|line| line.contains("::")).collect();
    assert_eq!(rows.len(), 9);
    for line in rows {
        let (_, tests) = line.trim_matches('|').split_once('|').expect("two cells");
        tests_of(tests.trim()).iter().for_each(|test| assert_is_there(test));
    }
}

fn assert_is_there(test: &str) {
    let (file, name) = test.split_once("::").unwrap_or_else(|| panic!("{test} names no file"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert!(defines(file, &text, name), "{file} has no test {name}");
}

/// In Rust a function with `#[test]`, in C any function, because the whole program runs.
fn defines(file: &str, text: &str, name: &str) -> bool {
    if file.ends_with(".c") {
        return text
            .lines()
            .any(|line| !line.starts_with(' ') && line.contains(&format!(" {name}(")) && line.ends_with('{'));
    }
    let mut attributes = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.strip_prefix("fn ").is_some_and(|rest| rest.starts_with(&format!("{name}("))) {
            return attributes.contains(&"#[test]");
        }
        match line.starts_with("#[") || line.starts_with("//") {
            true => attributes.push(line),
            false => attributes.clear(),
        }
    }
    false
}

#[test]
fn each_behaviour_has_a_test_or_says_when_it_will() {
    for row in rows() {
        let later = row.difference == LATER;
        let explained = row.difference.is_empty() || row.difference.ends_with('.');
        assert!(later != explained, "{}: \"{}\" is neither a sentence nor later", row.number, row.difference);
        assert!(later == row.tests.is_empty(), "{}: a test, or when there will be one", row.number);
    }
}
