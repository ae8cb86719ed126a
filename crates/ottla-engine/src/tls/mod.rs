//! TLS for connections to brokers: key material, the checks of certificates, and the encrypted stream.
//!
//! A [`Client`] is made where the producer is made, on the application's thread, because reading files and decrypting
//! keys take time. From then on it does not change.
#![forbid(unsafe_code)]

mod asn1;
mod certificate;
mod decrypt;
mod failure;
mod jks;
mod pem;
mod pkcs12;
mod private_key;
mod store;
mod stream;
mod verifier;

pub use failure::Failure;
pub use stream::TlsStream;

use std::io;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, InconsistentKeys, SupportedProtocolVersion, version};

use certificate::Certificate;
use ottla_core::config::{CipherSuite, Identity, Tls, TlsVersions, Verification};
use ottla_core::error::{Error, ErrorKind, Result};
use verifier::Verifier;

/// What the connections of a producer have in common.
#[derive(Clone)]
pub struct Client {
    config: Arc<ClientConfig>,
    /// For servers whose name must not be sent.
    nameless: Arc<ClientConfig>,
    /// The client's certificate, in words.
    identity: Option<Arc<str>>,
}

impl Client {
    /// Reads what the configuration names. What deserves a line in the log is added to `notes`.
    pub fn new(tls: &Tls, notes: &mut Vec<String>) -> Result<Self> {
        // The process's default is the application's business.
        let provider = Arc::new(provider(&tls.suites));
        let verifier = verifier(tls, &provider, notes)?;
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&versions(tls.versions))
            .map_err(|error| Error::new(ErrorKind::InvalidConfig, format!("ssl.enabled.protocols: {error}")))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let identity = tls.identity.as_ref().map(|identity| certified_key(identity, notes)).transpose()?;
        let in_words = identity.as_ref().map(in_words);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(certified) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified))),
        };
        let mut nameless = config.clone();
        nameless.enable_sni = false;
        Ok(Client { config: Arc::new(config), nameless: Arc::new(nameless), identity: in_words })
    }

    /// The configuration for a server, and its name in the form in which certificates are checked for it.
    fn config_for(&self, host: &str) -> io::Result<(Arc<ClientConfig>, ServerName<'static>)> {
        // A dot at the end makes a name absolute. Certificates do not have it.
        let name = host.strip_suffix('.').unwrap_or(host).to_owned();
        // Java's brokers refuse a name with an underscore.
        let config = if name.contains('_') { &self.nameless } else { &self.config };
        let name = ServerName::try_from(name).map_err(|_| {
            failure::error(format!("'{host}' is not a host name for which a certificate can be checked"))
        })?;
        Ok((config.clone(), name))
    }
}

/// Reads the client's key and certificates, and checks that they belong together.
fn certified_key(identity: &Identity, notes: &mut Vec<String>) -> Result<CertifiedKey> {
    let store::KeyAndChain { key, chain } = store::read_identity(identity, notes)?;
    let checked = ring::sign::any_supported_type(&key.0).and_then(|key| {
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            // Some keys cannot be compared with their certificates.
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
            Err(error) => Err(error),
        }
    });
    checked.map_err(|error| {
        let message = format!("{}: {}", identity.certificates.property, failure::of_identity(&error));
        Error::new(ErrorKind::InvalidConfig, message).caused_by(error)
    })
}

fn in_words(certified: &CertifiedKey) -> Arc<str> {
    let own = certified.cert.first().and_then(|own| Certificate::read(own));
    own.map_or_else(|| "the certificate of the client".into(), |own| own.to_string().into())
}

fn provider(suites: &[CipherSuite]) -> CryptoProvider {
    let mut provider = ring::default_provider();
    let is_chosen = |number: u16| suites.iter().any(|suite| suite.number == number);
    provider.cipher_suites.retain(|suite| is_chosen(suite.suite().into()));
    provider
}

fn versions(versions: TlsVersions) -> Vec<&'static SupportedProtocolVersion> {
    let TlsVersions { tls12, tls13 } = versions;
    [(tls13, &version::TLS13), (tls12, &version::TLS12)]
        .into_iter()
        .filter(|(on, _)| *on)
        .map(|(_, version)| version)
        .collect()
}

fn verifier(tls: &Tls, provider: &CryptoProvider, notes: &mut Vec<String>) -> Result<Verifier> {
    let system = tls.trusted.is_empty();
    let properties: Vec<&str> = tls.trusted.iter().map(|material| material.property).collect();
    let origin = if system { "the operating system's trusted certificates".into() } else { properties.join(" and ") };
    let certificates = match tls.verification {
        Verification::Nothing => Vec::new(),
        _ => store::read_trusted(&tls.trusted, notes)?,
    };
    let algorithms = provider.signature_verification_algorithms;
    Verifier::new(tls.verification, certificates, origin.clone(), system, algorithms)
        .map_err(|reason| Error::new(ErrorKind::InvalidConfig, format!("{origin}: {reason}")))
}

#[cfg(all(test, not(ottla_loom)))]
mod tests;
