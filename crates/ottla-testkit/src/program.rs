//! Programs of the workspace, built when a test asks for them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Builds a program of this crate and returns its path. `release` chooses the profile.
pub fn build(name: &str, release: bool) -> PathBuf {
    let profile = if release { "release" } else { "dev" };
    cargo_build(&["--package", "ottla-testkit", "--bin", name, "--profile", profile])
}

/// Builds an example of a crate and returns its path.
pub fn build_example(package: &str, name: &str) -> PathBuf {
    cargo_build(&["--package", package, "--example", name])
}

fn cargo_build(what: &[&str]) -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.arg("build").args(what).arg("--message-format=json");
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit()).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {cargo:?}: {error}"));
    assert!(output.status.success(), "{cargo:?}: {}", output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    let marker = "\"executable\":\"";
    let index = text.rfind(marker).expect("cargo names the program") + marker.len();
    text[index..].split('"').next().expect("a path").into()
}
