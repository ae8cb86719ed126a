//! `bootstrap.servers`: where to find the first brokers.

use super::{invalid, trim};
use crate::Result;

/// An address as it was written; the host is not resolved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// A name, an IPv4 address, or an IPv6 address without its brackets.
    pub host: String,
    pub port: u16,
}

impl HostPort {
    /// Reads a list in the form of `bootstrap.servers`.
    pub fn parse_list(list: &str) -> Result<Vec<HostPort>> {
        parse("the list of brokers", list)
    }
}

impl std::fmt::Display for HostPort {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(out, "[{}]:{}", self.host, self.port)
        } else {
            write!(out, "{}:{}", self.host, self.port)
        }
    }
}

/// Reads a list. Empty entries are passed over and repeated ones kept once; a list without any entry is an error.
pub(super) fn parse(property: &str, list: &str) -> Result<Vec<HostPort>> {
    let mut servers = Vec::new();
    for (index, entry) in list.split(',').map(trim).enumerate().filter(|(_, entry)| !entry.is_empty()) {
        let server = parse_one(entry)
            .map_err(|reason| invalid(format!("{property}: entry {} ('{entry}') {reason}", index + 1)))?;
        if !servers.contains(&server) {
            servers.push(server);
        }
    }
    if servers.is_empty() {
        return Err(invalid(format!("{property} holds no address: expected host:port pairs separated by commas")));
    }
    Ok(servers)
}

fn parse_one(entry: &str) -> Result<HostPort, String> {
    if let Some(between) = entry.chars().find(|&c| c == ';' || c.is_whitespace()) {
        return Err(format!("has '{}' in it: separate addresses by commas", between.escape_default()));
    }
    let (host, port) = split(without_scheme(entry)?)?;
    if host.is_empty() {
        return Err("has no host before the port".into());
    }
    if let Some(odd) = host.chars().find(|c| !c.is_alphanumeric() && !"-._%:".contains(*c)) {
        return Err(format!("has a character that no host name has: '{}'", odd.escape_default()));
    }
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(port) if digits && port > 0 => Ok(HostPort { host: host.into(), port }),
        _ => Err("has no valid port: expected a number from 1 to 65535".into()),
    }
}

fn without_scheme(entry: &str) -> Result<&str, String> {
    match entry.split_once("://") {
        None => Ok(entry),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("PLAINTEXT") => Ok(rest),
        Some((scheme, _)) => Err(format!("asks for {scheme}, which this release does not speak; only PLAINTEXT://")),
    }
}

fn split(address: &str) -> Result<(&str, &str), String> {
    const NO_PORT: &str = "has no port: write host:port, usually port 9092";
    if let Some(rest) = address.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or("opens a bracket that is not closed")?;
        if host.parse::<std::net::Ipv6Addr>().is_err() && !host.contains('%') {
            return Err("has something else than an IPv6 address in its brackets".into());
        }
        return after.strip_prefix(':').map(|port| (host, port)).ok_or_else(|| NO_PORT.into());
    }
    match address.rsplit_once(':') {
        None => Err(NO_PORT.into()),
        Some((host, _)) if host.contains(':') => {
            Err("is an IPv6 address without brackets: write [address]:port".into())
        }
        Some(pair) => Ok(pair),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> String {
        match parse("bootstrap.servers", text) {
            Ok(servers) => servers.iter().map(|s| s.to_string()).collect::<Vec<_>>().join(" "),
            Err(error) => format!("! {}", error.message()),
        }
    }

    #[test]
    fn names_and_addresses_of_both_kinds_are_read() {
        assert_eq!(list("kafka-1.example.com:9092"), "kafka-1.example.com:9092");
        assert_eq!(list(" 10.0.0.1:9092 , b:1,, a:65535,"), "10.0.0.1:9092 b:1 a:65535");
        assert_eq!(list("[::1]:9092,[fe80::1%eth0]:9093"), "[::1]:9092 [fe80::1%eth0]:9093");
        assert_eq!(list("PLAINTEXT://a:1,plaintext://[::1]:2"), "a:1 [::1]:2");
        assert_eq!(list("a:1,a:1,a:2"), "a:1 a:2");
    }

    #[test]
    fn an_error_names_the_entry_and_what_is_wrong_with_it() {
        let cases = [
            ("a:1,b", "entry 2 ('b') has no port: write host:port, usually port 9092"),
            ("a:1,,b:x", "entry 3 ('b:x') has no valid port: expected a number from 1 to 65535"),
            ("a:0", "entry 1 ('a:0') has no valid port: expected a number from 1 to 65535"),
            ("a:+1", "entry 1 ('a:+1') has no valid port: expected a number from 1 to 65535"),
            ("a:65536", "entry 1 ('a:65536') has no valid port: expected a number from 1 to 65535"),
            ("a:", "entry 1 ('a:') has no valid port: expected a number from 1 to 65535"),
            (":9092", "entry 1 (':9092') has no host before the port"),
            ("::1:9092", "entry 1 ('::1:9092') is an IPv6 address without brackets: write [address]:port"),
            ("[::1", "entry 1 ('[::1') opens a bracket that is not closed"),
            ("[::1]", "entry 1 ('[::1]') has no port: write host:port, usually port 9092"),
            ("[a]:1", "entry 1 ('[a]:1') has something else than an IPv6 address in its brackets"),
            ("a b:1", "entry 1 ('a b:1') has ' ' in it: separate addresses by commas"),
            ("a:1 b:2", "entry 1 ('a:1 b:2') has ' ' in it: separate addresses by commas"),
            ("c:3,a:1;b:2", "entry 2 ('a:1;b:2') has ';' in it: separate addresses by commas"),
            ("[::1]:1; [::2]:1", "entry 1 ('[::1]:1; [::2]:1') has ';' in it: separate addresses by commas"),
            ("PLAINTEXT://a:1;b:2", "entry 1 ('PLAINTEXT://a:1;b:2') has ';' in it: separate addresses by commas"),
            ("a:1\tb:2", "entry 1 ('a:1\tb:2') has '\\t' in it: separate addresses by commas"),
            ("a|b:1", "entry 1 ('a|b:1') has a character that no host name has: '|'"),
            ("SSL://a:1", "entry 1 ('SSL://a:1') asks for SSL, which this release does not speak; only PLAINTEXT://"),
        ];
        for (text, reason) in cases {
            assert_eq!(list(text), format!("! bootstrap.servers: {reason}"));
        }
        for empty in ["", " , "] {
            assert_eq!(
                list(empty),
                "! bootstrap.servers holds no address: expected host:port pairs separated by commas"
            );
        }
    }
}
