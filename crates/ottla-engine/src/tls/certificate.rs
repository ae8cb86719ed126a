//! What a certificate says, for checks that webpki does not make and for messages.
#![forbid(unsafe_code)]

use std::fmt;
use std::net::IpAddr;

use rustls::pki_types::UnixTime;
use x509_cert::der::Decode;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, SubjectAltName};
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_cert::time::Time;

use super::asn1::{CONTEXT_0, Elements, INTEGER, SEQUENCE};

/// The names in a certificate, as they are encoded.
#[derive(PartialEq, Eq)]
pub struct Names<'a> {
    pub issuer: &'a [u8],
    pub subject: &'a [u8],
}

impl<'a> Names<'a> {
    pub fn read(certificate: &'a [u8]) -> Option<Self> {
        let read = || {
            let mut fields = Elements::new(certificate).sequence()?.sequence()?;
            fields.optional(CONTEXT_0)?;
            fields.next(INTEGER)?;
            fields.next(SEQUENCE)?;
            let issuer = fields.next(SEQUENCE)?.content;
            fields.next(SEQUENCE)?;
            Ok::<_, String>(Names { issuer, subject: fields.next(SEQUENCE)?.content })
        };
        read().ok()
    }
}

/// A certificate that could be read.
pub struct Certificate(x509_cert::Certificate);

impl Certificate {
    pub fn read(der: &[u8]) -> Option<Self> {
        x509_cert::Certificate::from_der(der).ok().map(Certificate)
    }

    pub fn is_version_1(&self) -> bool {
        self.0.tbs_certificate().version() == x509_cert::certificate::Version::V1
    }

    pub fn is_authority(&self) -> bool {
        let constraints = self.0.tbs_certificate().get_extension::<BasicConstraints>();
        matches!(constraints, Ok(Some((_, BasicConstraints { ca: true, .. }))))
    }

    pub fn is_self_signed(&self) -> bool {
        self.0.tbs_certificate().issuer() == self.0.tbs_certificate().subject()
    }

    pub fn subject(&self) -> String {
        named(self.0.tbs_certificate().subject())
    }

    pub fn issuer(&self) -> String {
        named(self.0.tbs_certificate().issuer())
    }

    pub fn not_before(&self) -> UnixTime {
        unix_time(self.0.tbs_certificate().validity().not_before)
    }

    pub fn not_after(&self) -> UnixTime {
        unix_time(self.0.tbs_certificate().validity().not_after)
    }

    /// The names and addresses for which it was issued.
    pub fn hosts(&self) -> Vec<String> {
        let Ok(Some((_, names))) = self.0.tbs_certificate().get_extension::<SubjectAltName>() else {
            return Vec::new();
        };
        let host = |name: &GeneralName| match name {
            GeneralName::DnsName(name) => Some(name.to_string()),
            GeneralName::IpAddress(octets) => match *octets.as_bytes() {
                [a, b, c, d] => Some(IpAddr::from([a, b, c, d]).to_string()),
                ref octets => <[u8; 16]>::try_from(octets).ok().map(|octets| IpAddr::from(octets).to_string()),
            },
            _ => None,
        };
        names.0.iter().filter_map(host).collect()
    }

    /// How it was signed.
    pub fn signature_algorithm(&self) -> String {
        algorithm_name(self.0.tbs_certificate().signature())
    }

    /// The kind of its key, and its bits if it is RSA.
    pub fn key(&self) -> (String, Option<usize>) {
        let info = self.0.tbs_certificate().subject_public_key_info();
        let name = algorithm_name(&info.algorithm);
        let modulus = info.subject_public_key.as_bytes().filter(|_| name == "RSA").and_then(|key| {
            let mut key = Elements::new(key).sequence().ok()?;
            key.next(INTEGER).ok().map(|modulus| modulus.content)
        });
        let bits = modulus.map(|modulus| {
            let digits = modulus.iter().position(|digit| *digit != 0).map_or(&[][..], |first| &modulus[first..]);
            digits.len() * 8 - digits.first().map_or(0, |first| first.leading_zeros() as usize)
        });
        (name, bits)
    }
}

/// Shows whose certificate it is, who issued it, and until when it is valid.
impl fmt::Display for Certificate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = self.0.tbs_certificate().validity().not_after;
        write!(out, "the certificate of '{}' (issued by '{}', valid until {until})", self.subject(), self.issuer())
    }
}

fn named(name: &x509_cert::name::Name) -> String {
    if name.is_empty() { "no name".into() } else { name.to_string() }
}

fn unix_time(time: Time) -> UnixTime {
    UnixTime::since_unix_epoch(time.to_unix_duration())
}

/// As people write it.
pub fn time_text(time: UnixTime) -> String {
    let date = x509_cert::der::DateTime::from_unix_duration(std::time::Duration::from_secs(time.as_secs()));
    date.map_or_else(|_| format!("{} s after 1970", time.as_secs()), |date| date.to_string())
}

#[rustfmt::skip] // A table.
const ALGORITHMS: [(&str, &str); 16] = [
    ("1.2.840.113549.1.1.1", "RSA"),
    ("1.2.840.113549.1.1.10", "RSASSA-PSS"),
    ("1.2.840.10045.2.1", "EC"),
    ("1.2.840.10040.4.1", "DSA"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
    ("1.2.840.113549.1.1.4", "MD5 with RSA"),
    ("1.2.840.113549.1.1.5", "SHA-1 with RSA"),
    ("1.2.840.113549.1.1.11", "SHA-256 with RSA"),
    ("1.2.840.113549.1.1.12", "SHA-384 with RSA"),
    ("1.2.840.113549.1.1.13", "SHA-512 with RSA"),
    ("1.2.840.10045.4.1", "SHA-1 with ECDSA"),
    ("1.2.840.10045.4.3.2", "SHA-256 with ECDSA"),
    ("1.2.840.10045.4.3.3", "SHA-384 with ECDSA"),
    ("1.2.840.10045.4.3.4", "SHA-512 with ECDSA"),
    ("1.2.840.10040.4.3", "SHA-1 with DSA"),
];

fn algorithm_name(algorithm: &AlgorithmIdentifierOwned) -> String {
    let is_it = |text: &str| ObjectIdentifier::new(text) == Ok(algorithm.oid);
    let known = ALGORITHMS.iter().find(|(oid, _)| is_it(oid));
    known.map_or_else(|| algorithm.oid.to_string(), |(_, name)| (*name).into())
}
