//! Names to addresses.

use std::net::{IpAddr, SocketAddr};

use crate::core::HostName;
use crate::error::{Error, ErrorKind, Result};

/// All addresses of a name (`client.dns.lookup=use_all_dns_ips`), in the order the system prefers. Runs on a helper
/// thread, which nobody waits for when the producer closes.
///
/// `resolve_canonical_bootstrap_servers_only` leads to the same addresses; the canonical names matter to TLS and
/// Kerberos alone.
pub async fn resolve(name: HostName) -> Result<Vec<SocketAddr>> {
    if let Ok(ip) = name.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, name.port)]);
    }
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
