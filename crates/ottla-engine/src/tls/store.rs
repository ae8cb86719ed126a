//! Reads certificates and keys from where the configuration says they are. The content decides what a file is.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::private_key::{self, Found, PrivateKey};
use super::{jks, pem, pkcs12};
use ottla_core::config::{Identity, Material, Password, Place, StoreType};
use ottla_core::error::{Error, ErrorKind, Result};

/// More is no key store.
const LARGEST: u64 = 16 << 20;

/// What a JKS or PKCS#12 store has.
#[derive(Default)]
pub struct Store {
    pub keys: Vec<KeyEntry>,
    /// Certificates outside the chains of keys; in PKCS#12 all.
    pub certificates: Vec<CertificateDer<'static>>,
}

pub struct KeyEntry {
    /// Or why it cannot be decrypted.
    pub key: Result<PrivateKey, String>,
    /// Its own certificate first.
    pub chain: Vec<CertificateDer<'static>>,
}

/// The client's key, and the certificates that it presents.
pub struct KeyAndChain {
    pub key: PrivateKey,
    pub chain: Vec<CertificateDer<'static>>,
}

/// What a file or a text is.
enum Content {
    Pem(Vec<pem::Block>),
    Jks,
    Pkcs12,
    Certificate,
}

/// The certificates to trust. What deserves a line in the log is added to `notes`.
pub fn read_trusted(trusted: &[Material], notes: &mut Vec<String>) -> Result<Vec<CertificateDer<'static>>> {
    if trusted.is_empty() {
        return system(notes);
    }
    let mut certificates = Vec::new();
    for material in trusted {
        let read = match &material.place {
            Place::File(path) if Path::new(path).is_dir() => directory(path),
            _ => certificates_in(material, notes),
        };
        certificates.extend(read.map_err(|reason| unusable(material, reason))?);
    }
    Ok(certificates)
}

/// The operating system's. A damaged file among them is passed over.
fn system(notes: &mut Vec<String>) -> Result<Vec<CertificateDer<'static>>> {
    let found = rustls_native_certs::load_native_certs();
    notes.extend(found.errors.iter().map(|error| format!("the system's trusted certificates: {error}")));
    if found.certs.is_empty() {
        let message = "the operating system has no trusted certificates: install its package ca-certificates, or set \
                       ssl.truststore.location";
        return Err(Error::new(ErrorKind::InvalidConfig, message));
    }
    Ok(found.certs)
}

fn directory(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = rustls_native_certs::load_certs_from_paths(None, Some(Path::new(path)));
    match found.errors.first() {
        _ if !found.certs.is_empty() => Ok(found.certs),
        Some(error) => Err(error.to_string()),
        None => Err("no file in it has a certificate in PEM".into()),
    }
}

fn certificates_in(material: &Material, notes: &mut Vec<String>) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = bytes_of(material)?;
    let password = exposed(&material.password);
    let certificates = match content(&bytes)? {
        Content::Pem(blocks) => {
            note_type(material, StoreType::Pem, notes);
            let certificates = pem::certificates(&blocks)?;
            if certificates.is_empty() {
                return Err(format!("it has no certificate, only {}", pem::labels(&blocks)));
            }
            certificates
        }
        Content::Certificate => vec![bytes.to_vec().into()],
        store => {
            let read = if matches!(store, Content::Jks) { jks::read } else { pkcs12::read };
            let Store { keys, mut certificates } = read(&bytes, password, password)?;
            // As in Java, the certificate of a key is trusted, too.
            certificates.extend(keys.into_iter().filter_map(|entry| entry.chain.into_iter().next()));
            certificates
        }
    };
    if certificates.is_empty() {
        return Err("it has no certificate".into());
    }
    Ok(certificates)
}

/// The client's own key and certificates.
pub fn read_identity(identity: &Identity, notes: &mut Vec<String>) -> Result<KeyAndChain> {
    let Identity { certificates: material, key, key_password } = identity;
    let failed = |reason| unusable(material, reason);
    let bytes = bytes_of(material).map_err(failed)?;
    match content(&bytes).map_err(failed)? {
        Content::Pem(blocks) => {
            if material.password.is_some() {
                return Err(failed(
                    "it is PEM, which has no password; that of the private key is ssl.key.password".into(),
                ));
            }
            note_type(material, StoreType::Pem, notes);
            let chain = pem::certificates(&blocks).map_err(failed)?;
            if chain.is_empty() {
                return Err(failed(format!("it has no certificate, only {}", pem::labels(&blocks))));
            }
            let key = match key {
                Some(key) => private_key_in(key, key_password, notes)?,
                None => key_among(&blocks, key_password, notes).map_err(failed)?,
            };
            Ok(KeyAndChain { key, chain })
        }
        Content::Certificate => Err(failed("it is a certificate without a key: set ssl.certificate.location".into())),
        _ if key.is_some() => Err(failed("it is a store with its own key: set ssl.keystore.location alone".into())),
        store => {
            let read = if matches!(store, Content::Jks) { jks::read } else { pkcs12::read };
            let password = exposed(&material.password);
            let store = read(&bytes, password, exposed(key_password)).map_err(failed)?;
            first_key(store, notes, material).map_err(failed)
        }
    }
}

fn first_key(store: Store, notes: &mut Vec<String>, material: &Material) -> Result<KeyAndChain, String> {
    let count = store.keys.len();
    let Some(KeyEntry { key, chain }) = store.keys.into_iter().next() else {
        return Err("it has no private key, only certificates".into());
    };
    if count > 1 {
        notes.push(format!("{} has {count} private keys, of which the first is used", place_of(material)));
    }
    if chain.is_empty() {
        return Err("its private key has no certificate".into());
    }
    Ok(KeyAndChain { key: key.map_err(|reason| format!("{reason} (ssl.key.password, or that of the store)"))?, chain })
}

fn private_key_in(material: &Material, password: &Option<Password>, notes: &mut Vec<String>) -> Result<PrivateKey> {
    let mut read = || match content(&bytes_of(material)?)? {
        Content::Pem(blocks) => key_among(&blocks, password, notes),
        _ => Err("expected a private key in PEM, and it is in another form; `openssl pkey` converts it".into()),
    };
    read().map_err(|reason| unusable(material, reason))
}

fn key_among(
    blocks: &[pem::Block],
    password: &Option<Password>,
    notes: &mut Vec<String>,
) -> Result<PrivateKey, String> {
    match private_key::find(blocks, password.as_ref().map(|password| &*password.0))? {
        Found::None => Err(format!("it has no private key, only {}", pem::labels(blocks))),
        Found::Decrypted(key) => Ok(key),
        Found::Open(key) => {
            if password.is_some() {
                notes.push("ssl.key.password is set, and the private key is not encrypted".into());
            }
            Ok(key)
        }
    }
}

fn content(bytes: &[u8]) -> Result<Content, String> {
    if bytes.starts_with(&jks::MAGIC) {
        return Ok(Content::Jks);
    }
    if bytes.starts_with(&jks::JCEKS_MAGIC) {
        return Err("it is a JCEKS store; keytool -importkeystore -deststoretype PKCS12 converts it".into());
    }
    if pkcs12::is_pkcs12(bytes) {
        return Ok(Content::Pkcs12);
    }
    if pem::is_pem(bytes) {
        return pem::blocks(bytes).map(Content::Pem);
    }
    if super::certificate::Names::read(bytes).is_some() {
        return Ok(Content::Certificate);
    }
    let beginning = bytes[..bytes.len().min(8)].escape_ascii();
    Err(format!("expected PEM, PKCS12 or JKS, and found {} bytes that begin with '{beginning}'", bytes.len()))
}

/// Java decides by the type that is named, except between JKS and PKCS12.
fn note_type(material: &Material, found: StoreType, notes: &mut Vec<String>) {
    if material.named_type.is_some_and(|named| named != found) {
        notes.push(format!("{} is PEM, and not of the type that is named", place_of(material)));
    }
}

fn bytes_of(material: &Material) -> Result<Zeroizing<Vec<u8>>, String> {
    let path = match &material.place {
        // Nothing of another text may be shown.
        Place::Inline(text) if !pem::is_pem(text.0.expose().as_bytes()) => {
            return Err("expected PEM text, which begins with -----BEGIN".into());
        }
        Place::Inline(text) => return Ok(Zeroizing::new(text.0.expose().as_bytes().to_vec())),
        Place::File(path) => path,
    };
    let read = || {
        let file = File::open(path)?;
        // Room for all of it, so that it does not grow and leave copies.
        let length = file.metadata()?.len().min(LARGEST);
        let mut bytes = Zeroizing::new(Vec::with_capacity(length as usize + 1));
        file.take(LARGEST + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error: std::io::Error| format!("reading it failed: {error}"))?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("it is larger than {LARGEST} bytes, and no key store"));
    }
    Ok(bytes)
}

fn exposed(password: &Option<Password>) -> Option<&str> {
    password.as_ref().map(|password| password.0.expose())
}

fn place_of(material: &Material) -> String {
    match &material.place {
        Place::File(path) => format!("{}={path}", material.property),
        Place::Inline(_) => material.property.into(),
    }
}

fn unusable(material: &Material, reason: String) -> Error {
    Error::new(ErrorKind::InvalidConfig, format!("{} cannot be used: {reason}", place_of(material)))
}
