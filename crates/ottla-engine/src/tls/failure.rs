//! Failures of TLS in words: what happened, what it usually means, and what to do.
#![forbid(unsafe_code)]

use std::{fmt, io};

use rustls::{AlertDescription, CertificateError, Error, InconsistentKeys, OtherError};

/// A failure of TLS, as a socket reports failures.
#[derive(Debug)]
pub struct Failure {
    message: String,
    source: Option<Error>,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

impl Failure {
    /// Whether an error of a transport is one.
    pub fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Failure>())
    }
}

pub fn error(message: impl Into<String>) -> io::Error {
    io::Error::other(Failure { message: message.into(), source: None })
}

/// The failure of a handshake, or of the session after it.
///
/// `heard`: the first bytes that the peer sent. `identity`: the client's certificate, in words.
pub fn of_session(error: Error, heard: &[u8], identity: Option<&str>) -> io::Error {
    let message = match &error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(reason))) => reason.to_string(),
        Error::InvalidCertificate(reason) => format!("the broker's certificate is refused: {reason}"),
        Error::AlertReceived(alert) => of_alert(*alert, identity),
        Error::InvalidMessage(_) if heard.starts_with(b"HTTP") => {
            "a web server answers there, without TLS: bootstrap.servers wants the port of a Kafka broker".into()
        }
        Error::InvalidMessage(_) => format!(
            "what it sent is not TLS (it begins with '{}'): is it a listener for TLS (security.protocol)?",
            heard.escape_ascii()
        ),
        Error::PeerIncompatible(what) => format!(
            "the broker chose something that was not offered ({what:?}): do ssl.enabled.protocols and ssl.cipher.suites \
             fit those of the broker?"
        ),
        other => other.to_string(),
    };
    io::Error::other(Failure { message, source: Some(error) })
}

/// The peer closed the connection in the handshake.
pub fn closed(heard: &[u8]) -> io::Error {
    error(match heard {
        [] => {
            "the connection was closed at the first bytes of TLS: is it a listener without TLS? Then security.protocol is \
             PLAINTEXT or SASL_PLAINTEXT"
        }
        _ => "the connection was closed in the middle of the handshake; the log of the broker may say why",
    })
}

fn of_alert(alert: AlertDescription, identity: Option<&str>) -> String {
    use AlertDescription as Alert;
    let meaning = match alert {
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::CertificateRequired
        | Alert::UnknownCA
        | Alert::AccessDenied => match identity {
            None => "it requires a certificate of the client: set ssl.keystore.location".into(),
            Some(identity) => format!(
                "it refuses {identity}: does the broker trust its issuer (its own ssl.truststore), and is it still valid?"
            ),
        },
        Alert::HandshakeFailure | Alert::InsufficientSecurity => {
            "it has no cipher suite, curve or signature algorithm in common with those offered (ssl.cipher.suites); Ottla \
             has no suites with CBC, RSA key exchange or DHE, and no keys on the curve P-521"
                .into()
        }
        Alert::ProtocolVersion => "it speaks none of the TLS versions that were offered (ssl.enabled.protocols)".into(),
        Alert::InternalError => {
            "Java's brokers say so if none of the offered cipher suites and curves fits their certificate, for example if \
             its key is on the curve P-521"
                .into()
        }
        Alert::UnrecognisedName => "it has no certificate for this host name".into(),
        _ => "the log of the broker may say why".into(),
    };
    format!("the broker ended TLS with the alert {alert:?}: {meaning}")
}

/// Why a key and a certificate of the client cannot be used.
pub fn of_identity(error: &Error) -> String {
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            "the private key does not belong to the (first) certificate: are both of the same renewal?".into()
        }
        Error::General(reason) => format!(
            "the private key cannot be used: {reason}; RSA keys of 2048 to 8192 bits, and keys on P-256, P-384 and Ed25519 \
             can"
        ),
        other => format!("the private key or its certificate cannot be used: {other}"),
    }
}
