//! This crate's programs, built when a test asks for one.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Builds the program and returns its path. `release` chooses the profile.
pub fn build(name: &str, release: bool) -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--package", "ottla-testkit", "--bin", name, "--message-format=json"]);
    if release {
        cargo.arg("--release");
    }
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit()).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {cargo:?}: {error}"));
    assert!(output.status.success(), "{cargo:?}: {}", output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    let marker = "\"executable\":\"";
    let at = text.rfind(marker).expect("cargo names the program") + marker.len();
    text[at..].split('"').next().expect("a path").into()
}
