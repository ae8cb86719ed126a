//! The check of a broker's certificate, and what is said when it fails.
#![forbid(unsafe_code)]

use std::fmt;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};

use super::certificate::{Certificate, time_text};
use ottla_core::config::Verification;
use ottla_core::sync::Arc;

/// Checks certificates as the configuration asks for.
#[derive(Debug)]
pub struct Verifier {
    verification: Verification,
    roots: RootCertStore,
    /// The certificates that the configuration names. A broker may present one of them as its own.
    trusted: Vec<CertificateDer<'static>>,
    /// Where they come from, for messages.
    origin: String,
    algorithms: WebPkiSupportedAlgorithms,
}

/// Why a certificate is refused, in words for the operator.
#[derive(Debug)]
struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

fn refuse(reason: String) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(Refusal(reason)))))
}

/// RSA keys that the cryptography takes.
const LEAST_RSA_BITS: usize = 2048;

impl Verifier {
    /// `system`: the certificates are the operating system's, of which none is a broker's own.
    pub fn new(
        verification: Verification,
        certificates: Vec<CertificateDer<'static>>,
        origin: String,
        system: bool,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            let added = roots.add(certificate.clone());
            if system {
                continue;
            }
            added.map_err(|error| match Certificate::read(certificate) {
                Some(certificate) => format!("{certificate} cannot be used: {error}"),
                None => format!("one of its certificates cannot be read: {error}"),
            })?;
        }
        let trusted = if system { Vec::new() } else { certificates };
        Ok(Verifier { verification, roots, trusted, origin, algorithms })
    }

    /// A certificate that the configuration names needs no issuer, as in Java.
    fn check_issuer(
        &self,
        certificate: &CertificateDer<'_>,
        parsed: &ParsedCertificate<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        if self.trusted.contains(certificate) {
            return check_dates(certificate, now);
        }
        verify_server_cert_signed_by_trust_anchor(parsed, &self.roots, intermediates, now, self.algorithms.all)
    }

    fn explain(
        &self,
        error: Error,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        now: UnixTime,
    ) -> Error {
        let Error::InvalidCertificate(reason) = error else { return error };
        let Some(own) = Certificate::read(certificate) else {
            return refuse(format!("the broker's certificate cannot be read: {reason}"));
        };
        let chain: Vec<Certificate> =
            std::iter::once(certificate).chain(intermediates).filter_map(|der| Certificate::read(der)).collect();
        refuse(match reason {
            CertificateError::UnknownIssuer => self.unknown_issuer(&own, &chain),
            CertificateError::ExpiredContext { not_after, .. } => {
                let expired = chain.iter().find(|link| link.not_after() == not_after).unwrap_or(&own);
                format!("{expired} has expired; it is {} now; the broker needs a new one", time_text(now))
            }
            CertificateError::NotValidYetContext { not_before, .. } => {
                let early = chain.iter().find(|link| link.not_before() == not_before).unwrap_or(&own);
                let (begin, now) = (time_text(not_before), time_text(now));
                format!("{early} is not valid before {begin}, and it is {now} now; is this machine's clock right?")
            }
            CertificateError::NotValidForNameContext { .. } => wrong_host(&own, host),
            CertificateError::InvalidPurposeContext { .. } => format!(
                "{own} is not for servers: its extended key usage does not have serverAuth; the broker needs another one"
            ),
            other => format!("{own} is refused: {}", special_cause(&chain).unwrap_or_else(|| other.to_string())),
        })
    }

    fn unknown_issuer(&self, own: &Certificate, chain: &[Certificate]) -> String {
        let last = chain.last().unwrap_or(own);
        let sent = match chain.len() {
            1 => "the broker sent no other certificate with it".into(),
            count => format!("the broker sent {count} certificates, the last of them issued by '{}'", last.issuer()),
        };
        let known: Vec<String> =
            self.trusted.iter().filter_map(|der| Certificate::read(der)).map(|one| one.subject()).collect();
        let known = match known.len() {
            0 => String::new(),
            1..=3 => format!(" (it has '{}')", known.join("', '")),
            count => format!(" (it has {count} certificates)"),
        };
        format!(
            "{own} was not issued by a trusted authority: {sent}, and '{}' is not in {}{known}; add its certificate \
             there, or let the broker send the certificates in between",
            last.issuer(),
            self.origin
        )
    }
}

fn check_dates(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let Some(certificate) = Certificate::read(certificate) else { return Err(CertificateError::BadEncoding.into()) };
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    if now.as_secs() > not_after.as_secs() {
        return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
    }
    if now.as_secs() < not_before.as_secs() {
        return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
    }
    Ok(())
}

fn wrong_host(own: &Certificate, host: &ServerName<'_>) -> String {
    let host = host.to_str();
    let off = "ssl.endpoint.identification.algorithm= (empty) would switch this check off";
    match &own.hosts()[..] {
        [] => format!(
            "{own} has no subject alternative name, and is therefore for no host; its common name does not count; issue \
             it anew with '{host}' as a subject alternative name; {off}"
        ),
        hosts => format!(
            "{own} is for {}, and the broker was looked up as '{host}'; use one of its names (bootstrap.servers, or \
             advertised.listeners of the broker), or issue it anew; {off}",
            hosts.join(", ")
        ),
    }
}

/// Faults for which webpki has no words, or the wrong ones.
fn special_cause(chain: &[Certificate]) -> Option<String> {
    let own = chain.first()?;
    if own.is_version_1() {
        return Some(
            "it is X.509 version 1, which cannot name its hosts; issue it anew with extensions (openssl x509 -req \
             -extfile)"
                .into(),
        );
    }
    if own.is_authority() {
        let remedy = match own.is_self_signed() {
            true => "trust this very certificate (ssl.truststore.location), or issue one with CA:FALSE",
            false => "issue one with CA:FALSE",
        };
        return Some(format!("it is that of an authority (basicConstraints CA:TRUE), and no server's; {remedy}"));
    }
    chain.iter().find_map(weakness)
}

fn weakness(certificate: &Certificate) -> Option<String> {
    let (key, bits) = certificate.key();
    if let Some(bits) = bits.filter(|bits| *bits < LEAST_RSA_BITS) {
        return Some(format!(
            "the RSA key of '{}' has {bits} bits, and at least {LEAST_RSA_BITS} are needed; issue it anew",
            certificate.subject()
        ));
    }
    let signature = certificate.signature_algorithm();
    if signature.starts_with("SHA-1") || signature.starts_with("MD5") {
        return Some(format!(
            "'{}' is signed by {signature}, which is not secure; issue it anew with SHA-256",
            certificate.subject()
        ));
    }
    let is_known = matches!(&*key, "RSA" | "EC" | "Ed25519");
    (!is_known).then(|| format!("the key of '{}' is of the kind {key}, which is not supported", certificate.subject()))
}

/// A signature made by the key of a certificate was refused. It may be the key's fault.
fn explain_signature(error: Error, certificate: &CertificateDer<'_>) -> Error {
    let own: Vec<Certificate> = Certificate::read(certificate).into_iter().collect();
    match (own.first(), special_cause(&own)) {
        (Some(own), Some(cause)) => refuse(format!("{own} is refused: {cause}")),
        _ => error,
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let check = || {
            if self.verification == Verification::Nothing {
                return Ok(());
            }
            let parsed = ParsedCertificate::try_from(certificate)?;
            self.check_issuer(certificate, &parsed, intermediates, now)?;
            match self.verification {
                Verification::Full => verify_server_name(&parsed, host),
                _ => Ok(()),
            }
        };
        check().map_err(|error| self.explain(error, certificate, intermediates, host, now))?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
            .map_err(|error| explain_signature(error, certificate))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
            .map_err(|error| explain_signature(error, certificate))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
