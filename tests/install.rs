//! `make install` as users and packagers run it, without cargo, and the notices that it installs.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ottla_testkit::sink::{Sink, SinkOptions};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder with libottla.so and libottla.a.
fn libraries() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c-library");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--lib", "--quiet"]).current_dir(root()).env("CARGO_TARGET_DIR", &target);
    assert!(cargo.status().expect("cargo runs").success());
    target.join("debug")
}

/// An empty folder for one test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("install-{name}"));
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("it was left by an earlier run");
    }
    fs::create_dir(&folder).expect("the target folder is writable");
    folder
}

/// A command with an empty environment in which there is no cargo.
fn without_cargo(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").current_dir(root());
    command
}

/// `make` with variables. The loader's cache of this machine is not changed.
fn make(target: &str, variables: &[(&str, &Path)]) -> Command {
    let mut make = without_cargo("make");
    make.args(["--no-print-directory", target, "CARGO=cargo-must-not-run", "LDCONFIG=:"]);
    make.args(variables.iter().map(|(name, value)| format!("{name}={}", value.display())));
    make
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// What the command prints on standard output. The command must succeed.
#[track_caller]
fn printed(command: &mut Command) -> String {
    let output = output(command);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// All files and links below a folder, with relative paths.
fn files(folder: &Path) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("it can be read") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                let inside = path.strip_prefix(folder).expect("it is inside");
                found.push(inside.to_str().expect("names are UTF-8").to_owned());
            }
        }
    }
    found.sort();
    found
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("there is a README")
}

/// The C program of the README.
fn greet(readme: &str) -> &str {
    readme.split_once("```c\n").expect("a block of C").1.split_once("```").expect("its end").0
}

/// The only line of the README's code blocks with this beginning, without its comment.
fn line<'a>(readme: &'a str, start: &str) -> &'a str {
    let mut lines = readme.lines().filter(|line| line.starts_with(start));
    let line = lines.next().unwrap_or_else(|| panic!("the README has no line '{start}'"));
    assert_eq!(lines.next(), None, "the README has two lines '{start}'");
    line.split(" #").next().expect("the first part").trim_end()
}

#[test]
fn installing_before_building_says_to_build_and_builds_nothing() {
    let (empty, prefix) = (folder("nothing-built"), folder("nothing-installed"));
    let ended = output(&mut make("install", &[("PROFILE_DIR", &empty), ("PREFIX", &prefix)]));
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success());
    assert!(errors.contains("there is no libottla.so in "), "{errors}");
    assert!(errors.contains("Run make first"), "{errors}");
    assert!(!errors.contains("cargo-must-not-run"), "it tried to build: {errors}");
    assert_eq!(files(&prefix), [""; 0]);
}

#[test]
fn packagers_install_below_a_destdir_and_uninstall_leaves_no_file() {
    let (libraries, staging) = (libraries(), folder("staging"));
    let lib = Path::new("/usr/lib/x86_64-linux-gnu");
    let variables: [(&str, &Path); 4] =
        [("PROFILE_DIR", &libraries), ("DESTDIR", &staging), ("PREFIX", Path::new("/usr")), ("LIBDIR", lib)];
    let output = printed(&mut make("install", &variables));
    assert!(!output.contains("loader") && !output.contains("PKG_CONFIG_PATH"), "a package needs no hints: {output}");
    let expected = [
        "usr/include/ottla.cdef.h",
        "usr/include/ottla.h",
        "usr/lib/x86_64-linux-gnu/libottla.a",
        "usr/lib/x86_64-linux-gnu/libottla.so",
        "usr/lib/x86_64-linux-gnu/libottla.so.0",
        "usr/lib/x86_64-linux-gnu/libottla.so.0.1.0",
        "usr/lib/x86_64-linux-gnu/pkgconfig/ottla.pc",
        "usr/share/doc/ottla/LICENSE",
        "usr/share/doc/ottla/THIRD-PARTY",
        "usr/share/ottla/helgrind.supp",
        "usr/share/ottla/tsan.supp",
    ];
    assert_eq!(files(&staging), expected);
    let pc = fs::read_to_string(staging.join(expected[6])).expect("it was installed");
    assert!(pc.contains("\nlibdir=/usr/lib/x86_64-linux-gnu\n"), "{pc}");
    assert!(!pc.contains(staging.to_str().expect("names are UTF-8")), "{pc}");
    printed(&mut make("uninstall", &variables));
    assert_eq!(files(&staging), [""; 0]);
    for folder in ["usr/share/doc/ottla", "usr/share/ottla"] {
        assert!(!staging.join(folder).exists(), "a folder of ours is left: {folder}");
    }
}

#[test]
fn the_notices_are_those_of_the_crates_in_the_lock_file() {
    let mut check = Command::new(root().join("packaging/third-party"));
    printed(check.arg("--check").env("CARGO", env!("CARGO")));
}

/// The archive names the crate of each object file, including those of Rust's standard library.
#[test]
fn the_notices_name_every_crate_that_is_linked() {
    const OURS_AND_STD: [&str; 12] = [
        "ottla",
        "ottla_core",
        "ottla_engine",
        "ottla_host",
        "std",
        "core",
        "alloc",
        "panic_unwind",
        "unwind",
        "std_detect",
        "rustc_std_workspace_core",
        "rustc_std_workspace_alloc",
    ];
    /// Libraries whose packages have another name.
    const RENAMED: [(&str, &str); 2] = [("md5", "md_5"), ("webpki", "rustls_webpki")];
    let package = |library: &str| RENAMED.iter().find(|(name, _)| *name == library).map(|(_, package)| *package);
    let notices = fs::read_to_string(root().join("THIRD-PARTY")).expect("it is committed");
    let headings: BTreeSet<String> = notices
        .lines()
        .filter_map(|line| line.split_once(": ").map(|(of, _)| of.replace("Rust's standard library, ", "")))
        .filter_map(|of| of.split(' ').next().map(|name| name.replace('-', "_")))
        .collect();
    let members = printed(Command::new("ar").arg("t").arg(libraries().join("libottla.a")));
    let linked: BTreeSet<&str> = members
        .lines()
        .filter_map(|member| member.split_once('.')?.0.rsplit_once('-'))
        .filter(|(_, hash)| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .map(|(name, _)| name)
        .filter(|name| !OURS_AND_STD.contains(name))
        .collect();
    assert!(linked.contains("tokio") && linked.contains("gimli"), "ar does not tell: {members}");
    let missing: Vec<_> = linked.iter().filter(|name| !headings.contains(package(name).unwrap_or(name))).collect();
    assert!(missing.is_empty(), "THIRD-PARTY says nothing of {missing:?}");
}

#[test]
fn an_installation_outside_the_search_paths_prints_what_to_set() {
    let (libraries, prefix) = (libraries(), folder("prefix"));
    let output = printed(&mut make("install", &[("PROFILE_DIR", &libraries), ("PREFIX", &prefix)]));
    fs::write(prefix.join("greet.c"), greet(&readme())).expect("the folder is writable");

    // The README's command line, with the printed settings and nothing else.
    let settings: Vec<&str> = output.lines().filter_map(|line| line.split("export ").nth(1)).collect();
    assert_eq!(settings.len(), 2, "{output}");
    let build_and_run = |settings: &str, link: &str| {
        let script =
            format!("cd {}; export {settings}; {} {link} && ./greet", prefix.display(), line(&readme(), "cc -std="));
        self::output(without_cargo("sh").args(["-c", &script]))
    };
    let usage = |ended: &Output| String::from_utf8_lossy(&ended.stderr).contains("usage: greet");
    let set = build_and_run(&settings.join(" "), "");
    assert!(usage(&set), "{set:?}");
    let pkg_config = settings.iter().find(|setting| setting.starts_with("PKG_CONFIG_PATH=")).expect("it is printed");
    let rpath = output.split_whitespace().find(|word| word.starts_with("-Wl,-rpath,")).expect("it is printed");
    let linked = build_and_run(pkg_config, rpath);
    assert!(usage(&linked), "{linked:?}");
    let neither = build_and_run(pkg_config, "");
    assert!(!usage(&neither), "the loader of this machine finds a libottla.so.0 of its own: {neither:?}");
}

/// Runs in a mount namespace with an empty /usr/local and a private /etc, so this machine is not changed.
#[test]
fn the_program_in_the_readme_finds_the_library_in_usr_local() {
    let (libraries, scratch) = (libraries(), folder("fresh"));
    let readme = readme();
    let sink = Sink::start(SinkOptions { default_partitions: 1, ..SinkOptions::default() });
    fs::write(scratch.join("greet.c"), greet(&readme)).expect("the folder is writable");
    symlink(&libraries, scratch.join("release")).expect("the folder is writable");
    let run = line(&readme, "./greet ").replace("localhost:9092", &sink.addr().to_string());
    // The namespace runs as root, so only sudo is left out.
    let install = line(&readme, "sudo make install").replace("sudo ", "");
    let script = format!(
        "mkdir {scratch}/etc
         cp -r --preserve=mode,links /etc/. {scratch}/etc 2>/dev/null || true  # some may not be readable
         mount --bind {scratch}/etc /etc
         mount -t tmpfs tmpfs /usr/local
         export CARGO_TARGET_DIR={scratch}
         {install}
         cd {scratch}
         {}
         {run}",
        line(&readme, "cc -std="),
        scratch = scratch.display(),
    );
    let output = printed(without_cargo("unshare").args(["--mount", "--map-root-user", "sh", "-euc", &script]));
    assert!(!output.contains("export "), "there is nothing to set: {output}");
    assert!(output.ends_with("greetings 0 0\ngreetings 0 1\ngreetings 0 2\n"), "{output}");
    assert_eq!(sink.counters().records, 3);
}
