//! Secured clusters: `tests/kafka/kafka --help` lists their listeners, users and files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::{Cluster, DEFAULT_VERSION, Options, folder, lines, output, script, start_shared};

/// Whose property names a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientFiles {
    Java,
    Librdkafka,
}

/// A secured cluster of one broker for all tests that only need topics of their own, as [`super::shared`]. Tests must
/// not stop its servers or change the rights of its users.
pub fn shared_secured(version: &'static str) -> &'static Cluster {
    static SHARED: Mutex<BTreeMap<&str, &Cluster>> = Mutex::new(BTreeMap::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.entry(version).or_insert_with(|| {
        let options = Options { version: version.into(), secured: true, ..Options::default() };
        Box::leak(Box::new(start_shared(&format!("secured-{version}"), &options)))
    })
}

impl Cluster {
    /// A file of a secured cluster, such as `certificates/ca.crt`.
    pub fn secured_file(&self, path: &str) -> PathBuf {
        Path::new(self.setting("SECURED").expect("started with `secured`")).join(path)
    }

    /// The properties files for clients, by name.
    pub fn client_files(&self, kind: ClientFiles) -> Vec<PathBuf> {
        let folder = self.secured_file(match kind {
            ClientFiles::Java => "clients/java",
            ClientFiles::Librdkafka => "clients/rdkafka",
        });
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder can be read").path()).collect();
        files.sort();
        files
    }

    /// For each properties file, produces one record to partition 0 of the topic, with Java's producer or with kcat.
    /// The record's value is the file's name. Returns what failed: the file's name and the reason.
    pub fn produce_with_files(&self, kind: ClientFiles, topic: &str, files: &[PathBuf]) -> Vec<(String, String)> {
        let kerberos = self.setting("KRB5_CONFIG").expect("started with `secured`");
        let mut command = match kind {
            ClientFiles::Java => {
                let mut command = script();
                command.args(["java", DEFAULT_VERSION]);
                command.arg(format!("-Djava.security.krb5.conf={kerberos}")).arg("ProduceEach");
                command
            }
            ClientFiles::Librdkafka => {
                let mut command = Command::new(folder().join("rdkafka-produce"));
                command.env("KRB5_CONFIG", kerberos);
                command
            }
        };
        let results = lines(&output(command.arg(topic).args(files)));
        assert_eq!(results.len(), files.len(), "{results:?}");
        let failure = |(file, line): (&PathBuf, &String)| {
            let result = line.strip_prefix(&format!("{} ", file.display())).expect("one line for each file, in order");
            let name = file.file_name().expect("a file").to_string_lossy().into_owned();
            (result != "ok").then(|| (name, result.to_owned()))
        };
        files.iter().zip(&results).filter_map(failure).collect()
    }

    /// Gives a right, such as `User:guest`, `WRITE`, `topic:name`. Returns when the broker knows of it.
    pub fn allow(&self, principal: &str, operation: &str, resource: &str) {
        self.admin(&["allow", principal, operation, resource]);
    }

    /// Takes a right back.
    pub fn revoke(&self, principal: &str, operation: &str, resource: &str) {
        self.admin(&["revoke", principal, operation, resource]);
    }
}
