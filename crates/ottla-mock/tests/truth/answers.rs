//! Recorded responses as a file, and the differences between two recordings.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

/// All scenarios of a pairing, with their names and lines.
pub struct Run {
    pub pairing: &'static str,
    pub lines: Vec<(&'static str, Vec<String>)>,
}

/// Lines by pairing and scenario.
pub struct Answers(BTreeMap<(String, String), Vec<String>>);

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/truth/answers.txt")
}

impl Answers {
    pub fn read() -> Answers {
        let text = fs::read_to_string(file()).unwrap_or_default();
        let mut answers = BTreeMap::new();
        let mut place = (String::new(), String::new());
        for line in text.lines() {
            if let Some(pairing) = line.strip_prefix("# ") {
                place.0 = pairing.to_owned();
            } else if let Some(scenario) = line.strip_prefix("## ") {
                place.1 = scenario.to_owned();
                answers.insert(place.clone(), Vec::new());
            } else if !line.is_empty() {
                answers.get_mut(&place).expect("a line is of a scenario").push(line.to_owned());
            }
        }
        Answers(answers)
    }

    pub fn write(runs: &[Run]) {
        let mut text = String::new();
        for run in runs {
            writeln!(text, "# {}", run.pairing).expect("a string takes all");
            for (scenario, lines) in &run.lines {
                writeln!(text, "## {scenario}\n{}\n", lines.join("\n")).expect("a string takes all");
            }
        }
        fs::write(file(), text).expect("the file is written");
    }

    /// Prints a table of scenarios and pairings. Fails with every line that differs.
    pub fn compare(&self, peer: &str, runs: &[Run]) {
        let mut differences = String::new();
        let width = runs.iter().flat_map(|run| &run.lines).map(|(name, _)| name.len()).max().unwrap_or_default();
        let pairings: Vec<String> = runs.iter().map(|run| format!("{:16}", run.pairing)).collect();
        let mut table = format!("{:width$}  {}\n", format!("{peer}, against"), pairings.join("  "));
        for scenario in crate::scenarios().map(|scenario| scenario.name) {
            write!(table, "{scenario:width$}").expect("a string takes all");
            for run in runs {
                let Some((_, told)) = run.lines.iter().find(|(name, _)| *name == scenario) else {
                    write!(table, "  {:16}", "-").expect("a string takes all");
                    continue;
                };
                let place = (run.pairing.to_owned(), scenario.to_owned());
                let expected = self.0.get(&place).map(Vec::as_slice).unwrap_or_default();
                let differing = differ(expected, told);
                let verdict = match differing.len() {
                    0 => format!("{} agree", told.len()),
                    count => format!("{count} DIFFER"),
                };
                write!(table, "  {verdict:16}").expect("a string takes all");
                if !differing.is_empty() {
                    let lines = differing.join("\n");
                    writeln!(differences, "{} / {scenario}\n{lines}", run.pairing).expect("a string takes all");
                }
            }
            table.push('\n');
        }
        println!("{table}");
        let count: usize = runs.iter().map(|run| run.lines.len()).sum();
        assert_eq!(self.0.len(), count, "tests/truth/answers.txt has other scenarios: OTTLA_BLESS=1 writes it anew");
        assert!(differences.is_empty(), "{peer} (right) and tests/truth/answers.txt (left) differ\n{differences}");
    }
}

fn differ(expected: &[String], told: &[String]) -> Vec<String> {
    let lines = expected.len().max(told.len());
    let line = |lines: &[String], number: usize| lines.get(number).cloned().unwrap_or_default();
    (0..lines)
        .map(|number| (line(expected, number), line(told, number)))
        .filter(|(expected, told)| expected != told)
        .map(|(expected, told)| format!("    {expected}  |  {told}"))
        .collect()
}
