//! Consumer groups: a member that is Java's consumer, and committed offsets.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::{Cluster, DEFAULT_VERSION, base64_decode, number, script};

/// A member of a group (`Group.java`), until it leaves. It reads committed records and commits no offsets.
pub struct GroupMember {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    pub member_id: String,
    pub generation_id: i32,
    /// The records that it has read: partition, offset and value.
    pub records: Vec<(i32, i64, Vec<u8>)>,
}

impl Cluster {
    /// Joins a group and reads at least `count` records of the topic, beginning at the group's offsets.
    pub fn join_group(&self, group: &str, topic: &str, count: usize) -> GroupMember {
        let mut command = script();
        command.args(["java", DEFAULT_VERSION, "Group", self.bootstrap(), group, topic, &count.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a pipe was asked for"));
        let (member_id, generation_id) = (String::new(), -1);
        let mut member = GroupMember { child, input, output, member_id, generation_id, records: Vec::new() };
        member.read();
        assert!(member.records.len() >= count, "{command:?} ended early");
        member
    }

    /// The offsets that a group committed, by topic and partition.
    pub fn group_offsets(&self, group: &str) -> BTreeMap<(String, i32), i64> {
        let offset = |line: &String| {
            let words: Vec<&str> = line.split(' ').collect();
            let [topic, partition, offset] = words[..] else { panic!("not an offset: {line}") };
            ((topic.to_owned(), number(partition)), number(offset))
        };
        self.admin(&["offsets", group]).iter().map(offset).collect()
    }
}

impl GroupMember {
    /// Reads lines until the member has printed its id.
    fn read(&mut self) {
        for line in (&mut self.output).lines() {
            let line = line.expect("a program of ours prints UTF-8");
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["member", id, generation] => {
                    (self.member_id, self.generation_id) = (id.to_owned(), number(generation));
                    return;
                }
                [partition, offset, value] => {
                    let value = base64_decode(value).expect("a value");
                    self.records.push((number(partition), number(offset), value));
                }
                _ => panic!("neither a record nor a member: {line}"),
            }
        }
    }

    /// Leaves the group and waits until that is done.
    pub fn leave(&mut self) {
        drop(self.input.take());
        let status = self.child.wait().expect("it was started");
        assert!(status.success(), "a member of a group: {status}");
    }
}

impl Drop for GroupMember {
    fn drop(&mut self) {
        drop(self.input.take());
        // Either its exit was reported already, or it does not matter any more.
        let _ = self.child.wait();
    }
}
