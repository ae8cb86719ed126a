//! Java's `.properties` syntax, as `java.util.Properties` reads it, except the encoding: the text is UTF-8. A file may
//! hold secrets, so every copy of its text is wiped.

use super::invalid;
use crate::secret::append;
use crate::{Error, ErrorKind, Result};
use std::io::Read;
use std::path::Path;
use zeroize::Zeroizing;

/// A key and its value, unescaped.
pub(super) struct Entry {
    pub key: String,
    pub value: Zeroizing<String>,
    /// Where it begins, from 1.
    pub line: usize,
}

const MAX_BYTES: u64 = 1 << 20;

/// The file's text. A byte order mark in front is dropped.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>> {
    let name = path.display();
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Io, format!("reading the configuration {name}: {error}")).caused_by(error)
    };
    // Asked first: opening a directory fails differently on each system.
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(invalid(format!("the configuration {name} is a directory: expected a .properties file")));
    }
    // Large enough from the start: what grows leaves its former bytes behind. But the length that the system reports is
    // not trusted: a pipe has none.
    let expected = metadata.len().min(MAX_BYTES) as usize + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(expected));
    std::fs::File::open(path).map_err(failed)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(invalid(format!("the configuration {name} is larger than {MAX_BYTES} bytes")));
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let valid = &bytes[..error.valid_up_to()];
        let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
        invalid(format!("{name}:{line}: not UTF-8; save the file as UTF-8, or write \\uXXXX for what is not ASCII"))
    })?;
    Ok(Zeroizing::new(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()))
}

/// All entries in order, repeated keys too. Values are taken as they stand: what they ask of the environment is filled in
/// by who knows which of them are ours.
pub(super) fn parse(text: &str, origin: &str) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for (line, logical) in LogicalLines::new(text) {
        let (key, value) = split(&logical);
        let unescaped = |part| unescape(part).map_err(|reason| invalid(format!("{origin}:{line}: {reason}")));
        entries.push(Entry { key: unescaped(key)?.to_string(), value: unescaped(value)?, line });
    }
    Ok(entries)
}

/// Cuts the text into lines that hold an entry: comments and blank lines gone, continuations joined. A state machine
/// over characters, because that is what Java's is, and its corners (a lone backslash before a comment, `\` at the
/// end of the file) follow from it.
struct LogicalLines<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    /// The line that the next character is on.
    at: usize,
}

impl<'a> LogicalLines<'a> {
    fn new(text: &'a str) -> Self {
        LogicalLines { rest: text.chars().peekable(), at: 1 }
    }

    /// The next character; `\r\n` comes as `\n`.
    fn next_char(&mut self) -> Option<char> {
        let mut c = self.rest.next()?;
        if c == '\r' {
            self.rest.next_if_eq(&'\n');
            c = '\n';
        }
        self.at += usize::from(c == '\n');
        Some(c)
    }

    fn skip_comment(&mut self) {
        while self.next_char().is_some_and(|c| c != '\n') {}
    }
}

impl Iterator for LogicalLines<'_> {
    type Item = (usize, Zeroizing<String>);

    fn next(&mut self) -> Option<Self::Item> {
        let mut logical = Zeroizing::new(String::new());
        let mut line = self.at;
        let mut skip_white = true;
        let mut continued = false;
        let mut escaped = false;
        loop {
            let at = self.at;
            let Some(c) = self.next_char() else {
                let dangling = escaped;
                if logical.is_empty() {
                    return None;
                }
                if dangling {
                    logical.pop();
                }
                return Some((line, logical));
            };
            if skip_white {
                if is_white(c) || (c == '\n' && !continued) {
                    continue;
                }
                (skip_white, continued) = (false, false);
            }
            if logical.is_empty() {
                line = at;
                if c == '#' || c == '!' {
                    self.skip_comment();
                    skip_white = true;
                    continue;
                }
            }
            if c != '\n' {
                append(&mut logical, c.encode_utf8(&mut [0; 4]));
                escaped = c == '\\' && !escaped;
            } else if escaped {
                logical.pop();
                if logical.is_empty() && self.rest.peek().is_none() {
                    // To Java, a lone backslash on the last line is an entry with an empty key.
                    return Some((line, logical));
                }
                (skip_white, continued, escaped) = (true, true, false);
            } else if logical.is_empty() {
                skip_white = true;
            } else {
                return Some((line, logical));
            }
        }
    }
}

fn is_white(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x0c')
}

/// Key and value, both still escaped. The key ends at the first `=`, `:` or white space that is not escaped; around
/// the separator white space does not count.
fn split(logical: &str) -> (&str, &str) {
    let mut escaped = false;
    let key_end = logical
        .char_indices()
        .find(|&(_, c)| {
            let ends = !escaped && (is_white(c) || c == '=' || c == ':');
            escaped = c == '\\' && !escaped;
            ends
        })
        .map_or(logical.len(), |(index, _)| index);
    let (key, rest) = logical.split_at(key_end);
    let value = rest.trim_start_matches(is_white);
    let value = value.strip_prefix(['=', ':']).unwrap_or(value).trim_start_matches(is_white);
    (key, value)
}

fn unescape(text: &str) -> Result<Zeroizing<String>, &'static str> {
    if !text.contains('\\') {
        return Ok(Zeroizing::new(text.into()));
    }
    // In UTF-16 until the end: an escape may be half of a surrogate pair.
    let mut units = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = if c == '\\' { chars.next().map(meant) } else { Some(Escape::Char(c)) };
        match c {
            Some(Escape::Char(c)) => units.extend_from_slice(c.encode_utf16(&mut [0; 2])),
            Some(Escape::Unit) => units.push(unit(&mut chars)?),
            None => {}
        }
    }
    let mut unescaped = Zeroizing::new(String::with_capacity(text.len()));
    for decoded in char::decode_utf16(units.iter().copied()) {
        let c = decoded.map_err(|_| "a \\u escape is half of a surrogate pair whose other half is missing")?;
        append(&mut unescaped, c.encode_utf8(&mut [0; 4]));
    }
    Ok(unescaped)
}

enum Escape {
    Char(char),
    /// `\u`: a UTF-16 unit follows.
    Unit,
}

/// What the character after a backslash stands for; most stand for themselves.
fn meant(c: char) -> Escape {
    match c {
        'u' => Escape::Unit,
        't' => Escape::Char('\t'),
        'n' => Escape::Char('\n'),
        'r' => Escape::Char('\r'),
        'f' => Escape::Char('\x0c'),
        other => Escape::Char(other),
    }
}

fn unit(chars: &mut std::str::Chars<'_>) -> Result<u16, &'static str> {
    let mut value = 0;
    for _ in 0..4 {
        let digit = chars.next().and_then(|c| c.to_digit(16));
        value = value * 16 + digit.ok_or("malformed \\u escape: four hexadecimal digits have to follow")?;
    }
    Ok(u16::try_from(value).expect("four hexadecimal digits fit in 16 bits"))
}

/// For the fuzzer: whatever the bytes are, loading ends without a panic, and what was loaded reads back.
pub fn fuzz_properties(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut config = super::Config::new();
    if config.load_properties_str(&text, "fuzz").is_ok() {
        for property in super::properties().iter().filter(|property| !property.is_secret()) {
            if let Some(value) = config.get(property.name) {
                property.check(&value, super::Dialect::Java).expect("a value that was accepted is accepted again");
            }
        }
        let _ = config.resolve();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// Undoes the vector file's own escapes.
    fn plain(text: &str) -> String {
        unescape(text).unwrap().to_string()
    }

    #[test]
    fn reads_what_java_reads() {
        let vectors = include_str!("../../tests/vectors/properties.txt");
        let mut count = 0;
        for vector in vectors.lines().filter(|line| !line.starts_with("//")) {
            let mut fields = vector.split('\t').map(plain);
            let input = fields.next().unwrap();
            let expected: Vec<_> = fields.collect();
            let ours = match parse(&input, "vector") {
                Ok(entries) => entries.into_iter().flat_map(|entry| [entry.key, entry.value.to_string()]).collect(),
                Err(_) => vec!["ERROR".to_owned()],
            };
            assert_eq!(ours, expected, "{input:?}");
            count += 1;
        }
        assert!(count > 300, "only {count} vectors");
    }

    #[test]
    fn nothing_that_is_loaded_makes_trouble_later() {
        // A small taste of what the fuzzer does at length: names that are known, values that may not fit.
        let values =
            ["", "0", "-1", "1", "4999", "2147483647", "9223372036854775807", "true", "a:1", "all", "none", "NaN"];
        let names = crate::config::properties().iter().map(|property| property.name);
        for name in names.chain(crate::config::foreign_names().iter().map(|foreign| foreign.name)) {
            for value in values {
                fuzz_properties(format!("{name}={value}\nbootstrap.servers=b:2\n").as_bytes());
                fuzz_properties(format!("bootstrap.servers=b:2\n{name}={value}\nlinger.ms={value}").as_bytes());
            }
        }
        fuzz_properties(b"a=\xff\xfe\\u12");
    }

    #[test]
    fn entries_know_their_line() {
        let lines = |text| parse(text, "f").unwrap().iter().map(|entry| entry.line).collect::<Vec<_>>();
        assert_eq!(lines("a=1\n# c\n\nb=\\\n  2\r\nc=3\rd=4"), [1, 4, 6, 7]);
    }

    #[test]
    fn half_a_surrogate_pair_is_an_error() {
        assert_eq!(parse("a=\\uD83D\\uDE00", "f").unwrap()[0].value.as_str(), "\u{1F600}");
        assert_eq!(
            parse("x=1\na=\\uD83D", "f").err().unwrap().message(),
            "f:2: a \\u escape is half of a surrogate pair whose other half is missing"
        );
    }

    #[test]
    fn what_is_no_file_of_properties_is_a_clear_error() {
        let folder = std::env::temp_dir().join(format!("ottla-config-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut config = Config::new();
        let mut message = |path: &Path| config.load_properties(path).unwrap_err().message().to_owned();
        let shown = folder.display().to_string();
        assert_eq!(message(&folder), format!("the configuration {shown} is a directory: expected a .properties file"));
        let file = folder.join("f.properties");
        assert!(message(&file).starts_with(&format!("reading the configuration {shown}/f.properties: ")));
        std::fs::write(&file, vec![b'#'; (1 << 20) + 1]).unwrap();
        assert_eq!(message(&file), format!("the configuration {shown}/f.properties is larger than 1048576 bytes"));
        std::fs::write(&file, b"a=1\nclient.id=caf\xe9\n").unwrap();
        assert_eq!(
            message(&file),
            format!(
                "{shown}/f.properties:2: not UTF-8; save the file as UTF-8, or write \\uXXXX for what is not ASCII"
            )
        );
        std::fs::write(&file, "\u{feff}acks=0\nclient.id=caf\u{e9}").unwrap();
        assert_eq!(config.load_properties(&file).unwrap(), [""; 0]);
        assert_eq!(config.get("acks").as_deref(), Some("0"));
        assert_eq!(config.get("client.id").as_deref(), Some("caf\u{e9}"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
