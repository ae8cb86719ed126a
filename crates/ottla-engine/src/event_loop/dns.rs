//! Resolves host names to addresses.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use ottla_core::allocate;
use ottla_core::error::{Error, ErrorKind, Result};
use ottla_core::sender::HostName;
use ottla_core::sync::Arc;

/// All addresses of a name, in the order that the system prefers.
pub async fn resolve(name: HostName) -> Result<Vec<SocketAddr>> {
    if let Ok(ip) = name.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, name.port)]);
    }
    // The runtime may start a thread for it.
    allocate::expect(allocate::THREAD)?;
    let looked_up = tokio::net::lookup_host((&*name.host, name.port)).await;
    let mut addresses: Vec<SocketAddr> = match looked_up {
        Ok(addresses) => addresses.collect(),
        Err(error) => {
            let message = format!(
                "resolving the name {} failed: {error}; is it spelled right, and known to this machine's resolver?",
                name.host
            );
            return Err(Error::new(ErrorKind::Resolve, message).caused_by(error));
        }
    };
    addresses.dedup();
    Ok(addresses)
}

/// The canonical names of all addresses of a name, without duplicates. An address without a canonical name is named by
/// its digits, as is one whose name is not found within `limit`.
pub async fn canonical_names(name: HostName, limit: Duration) -> Result<Vec<Arc<str>>> {
    let addresses = resolve(name).await?;
    Ok(names_of(addresses.iter().map(SocketAddr::ip), limit, canonical_name).await)
}

async fn names_of(
    addresses: impl Iterator<Item = IpAddr>,
    limit: Duration,
    look_up: fn(IpAddr) -> Option<String>,
) -> Vec<Arc<str>> {
    let deadline = Instant::now() + limit;
    let lookups: Vec<_> = addresses.map(|ip| (ip, spawn_blocking(move || look_up(ip)))).collect();
    let mut names: Vec<Arc<str>> = Vec::new();
    for (ip, lookup) in lookups {
        let name = match timeout_at(deadline, lookup).await {
            Ok(Ok(Some(name))) => name,
            _ => ip.to_string(),
        };
        if !names.iter().any(|known| **known == *name) {
            names.push(name.into());
        }
    }
    names
}

/// Like Java's `InetAddress.getCanonicalHostName`: a name counts only if it resolves to the address.
fn canonical_name(ip: IpAddr) -> Option<String> {
    let name = dns_lookup::lookup_addr(&ip).ok()?;
    let mut addresses = (&*name, 0).to_socket_addrs().ok()?;
    addresses.any(|address| address.ip() == ip).then_some(name)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let result = runtime.block_on(future);
        runtime.shutdown_background();
        result
    }

    fn name(host: &str) -> HostName {
        HostName { host: host.into(), port: 9092 }
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn the_loopback_has_its_canonical_name() {
        for host in ["127.0.0.1", "localhost"] {
            let names = run(canonical_names(name(host), LONG)).expect("it has addresses");
            assert!(names.contains(&"localhost".into()), "{host}: {names:?}");
        }
    }

    #[test]
    fn a_name_without_addresses_has_no_canonical_names() {
        let error = run(canonical_names(name("nowhere.invalid"), LONG)).expect_err("no such name");
        assert_eq!(error.kind(), ErrorKind::Resolve);
    }

    #[test]
    fn each_address_is_named_once_by_its_name_or_by_its_digits() {
        fn look_up(ip: IpAddr) -> Option<String> {
            let IpAddr::V4(ip) = ip else { return None };
            match ip.octets()[3] {
                1 | 3 => Some("a.example".into()),
                4 => Some("b.example".into()),
                5 => panic!("on purpose"),
                _ => None,
            }
        }
        let addresses =
            (1..=5).map(|last| IpAddr::from([192, 0, 2, last])).chain(["2001:db8::1".parse().expect("one")]);
        let names = run(names_of(addresses, LONG, look_up));
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        assert_eq!(names, ["a.example", "192.0.2.2", "b.example", "192.0.2.5", "2001:db8::1"]);
    }

    #[test]
    fn a_lookup_that_hangs_leaves_the_digits() {
        fn look_up(ip: IpAddr) -> Option<String> {
            if ip == Ipv4Addr::new(192, 0, 2, 1) {
                std::thread::sleep(Duration::from_secs(5));
            }
            Some("quick.example".into())
        }
        let addresses = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        let began = std::time::Instant::now();
        let names = run(names_of(addresses.into_iter(), Duration::from_secs(2), look_up));
        assert!(began.elapsed() < Duration::from_secs(5));
        assert_eq!(names, ["192.0.2.1".into(), "quick.example".into()]);
    }
}
