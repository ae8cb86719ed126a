//! PKCS#12 stores, as keytool and OpenSSL write them (RFC 7292).
#![forbid(unsafe_code)]

use ring::{digest, hmac};
use rustls::pki_types::CertificateDer;
use x509_cert::der::asn1::ObjectIdentifier;

use super::asn1::{CONTEXT_0, CONTEXT_0_PRIMITIVE, Element, Elements, OCTET_STRING, SEQUENCE, SET};
use super::certificate::Names;
use super::decrypt::{self, Effort, Plain, Purpose, utf16};
use super::private_key::{self, PrivateKey};
use super::store::{KeyEntry, Store};

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

const DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.6");
const KEY_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.1");
const SHROUDED_KEY_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.2");
const CERTIFICATE_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.3");
const X509: ObjectIdentifier = oid("1.2.840.113549.1.9.22.1");
const LOCAL_KEY_ID: ObjectIdentifier = oid("1.2.840.113549.1.9.21");

#[rustfmt::skip] // A table.
const DIGESTS: [(ObjectIdentifier, &digest::Algorithm, hmac::Algorithm); 4] = [
    (oid("1.3.14.3.2.26"), &digest::SHA1_FOR_LEGACY_USE_ONLY, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
    (oid("2.16.840.1.101.3.4.2.1"), &digest::SHA256, hmac::HMAC_SHA256),
    (oid("2.16.840.1.101.3.4.2.2"), &digest::SHA384, hmac::HMAC_SHA384),
    (oid("2.16.840.1.101.3.4.2.3"), &digest::SHA512, hmac::HMAC_SHA512),
];

/// Whether the bytes begin as a store does: with a version.
pub fn is_pkcs12(bytes: &[u8]) -> bool {
    Elements::new(bytes).sequence().and_then(|mut store| store.number()).is_ok_and(|version| version == 3)
}

/// The contents of a store, before keys and certificates are put together.
#[derive(Default)]
struct Bags {
    keys: Vec<Bag<Result<PrivateKey, String>>>,
    certificates: Vec<Bag<CertificateDer<'static>>>,
}

struct Bag<T> {
    content: T,
    /// A key and its certificate have the same.
    key_id: Option<Vec<u8>>,
}

/// What opens the bags of a store.
struct Opener<'p> {
    password: Option<&'p str>,
    key_password: Option<&'p str>,
    effort: Effort,
}

/// Reads a store. Keys are decrypted with `key_password`, if there is one, else with that of the store.
pub fn read(bytes: &[u8], password: Option<&str>, key_password: Option<&str>) -> Result<Store, String> {
    let mut opener = Opener { password, key_password, effort: Effort::new() };
    let mut store = Elements::new(bytes).sequence()?;
    store.number()?;
    let mut content = store.sequence()?;
    let kind = content.oid()?;
    if kind != DATA {
        return Err(format!("its integrity is protected by {kind}; only a password is known here"));
    }
    let safes = content.next(CONTEXT_0)?.elements().octets()?;
    if let (Some(mac), Some(password)) = (store.optional(SEQUENCE)?, password) {
        check_mac(mac.elements(), safes, password, &mut opener.effort)?;
    }
    let mut bags = Bags::default();
    let mut safes = Elements::new(safes).sequence()?;
    while !safes.is_empty() {
        opener.open_safe(safes.sequence()?, &mut bags)?;
    }
    Ok(bags.into_store())
}

/// The check that the password fits.
fn check_mac(mut mac: Elements<'_>, data: &[u8], password: &str, effort: &mut Effort) -> Result<(), String> {
    let mut info = mac.sequence()?;
    let named = info.sequence()?.oid()?;
    let expected = info.octets()?;
    let known = DIGESTS.iter().find(|(known, ..)| *known == named);
    let (_, hash, algorithm) = known.ok_or_else(|| {
        format!(
            "its MAC {named} is not one that Ottla reads; `openssl pkcs12 -export -macalg SHA256` writes one that is"
        )
    })?;
    let salt = mac.octets()?;
    let iterations = effort.spend(if mac.is_empty() { 1 } else { mac.number()? })?;
    let key = decrypt::pkcs12_key(hash, Purpose::Mac, &utf16(password), salt, iterations, hash.output_len());
    hmac::verify(&hmac::Key::new(*algorithm, &key), data, expected)
        .map_err(|_| "the password of the store does not fit, or it is damaged".into())
}

impl Opener<'_> {
    fn open_safe(&mut self, mut safe: Elements<'_>, bags: &mut Bags) -> Result<(), String> {
        let kind = safe.oid()?;
        let mut content = safe.next(CONTEXT_0)?.elements();
        if kind == DATA {
            return self.open_bags(content.octets()?, bags);
        }
        if kind != ENCRYPTED_DATA {
            return Err(format!("a part of it is encrypted in the way {kind}; only passwords are known here"));
        }
        let mut encrypted = content.sequence()?;
        encrypted.number()?;
        let mut encrypted = encrypted.sequence()?;
        encrypted.oid()?;
        let algorithm = encrypted.sequence()?;
        let data = encrypted.next(CONTEXT_0_PRIMITIVE)?.content;
        let password = self.password.ok_or("its certificates are encrypted, and no password of the store is set")?;
        let plain = decrypt::decrypt(algorithm, data, password, &mut self.effort)?;
        self.open_bags(&plain, bags)
    }

    fn open_bags(&mut self, bytes: &[u8], bags: &mut Bags) -> Result<(), String> {
        let mut elements = Elements::new(bytes).sequence()?;
        while !elements.is_empty() {
            let mut bag = elements.sequence()?;
            let kind = bag.oid()?;
            let mut content = bag.next(CONTEXT_0)?.elements();
            let key_id = local_key_id(bag)?;
            if kind == KEY_BAG {
                let content = Ok(PrivateKey::pkcs8(content.next(SEQUENCE)?.whole));
                bags.keys.push(Bag { content, key_id });
            } else if kind == SHROUDED_KEY_BAG {
                let content = self.decrypt_key(content.next(SEQUENCE)?);
                bags.keys.push(Bag { content, key_id });
            } else if kind == CERTIFICATE_BAG {
                let mut certificate = content.sequence()?;
                if certificate.oid()? == X509 {
                    let der = certificate.next(CONTEXT_0)?.elements().octets()?;
                    bags.certificates.push(Bag { content: der.to_vec().into(), key_id });
                }
            }
        }
        Ok(())
    }

    /// The error is kept with the key: a store of trusted certificates does not need its keys.
    fn decrypt_key(&mut self, encrypted: Element<'_>) -> Result<PrivateKey, String> {
        let password = self.key_password.or(self.password).ok_or("its key is encrypted, and no password is set")?;
        let plain: Plain = decrypt::pkcs8(encrypted.whole, password, &mut self.effort)?;
        private_key::decrypted_pkcs8(&plain)
    }
}

/// The attribute that connects a key with its certificate.
fn local_key_id(mut bag: Elements<'_>) -> Result<Option<Vec<u8>>, String> {
    let Some(mut attributes) = bag.optional(SET)?.map(Element::elements) else { return Ok(None) };
    while !attributes.is_empty() {
        let mut attribute = attributes.sequence()?;
        if attribute.oid()? == LOCAL_KEY_ID {
            let mut values = attribute.next(SET)?.elements();
            return Ok(Some(values.next(OCTET_STRING)?.content.to_vec()));
        }
    }
    Ok(None)
}

impl Bags {
    /// Gives each key its chain: its own certificate first, then the issuers that are there.
    fn into_store(self) -> Store {
        let Bags { keys, certificates } = self;
        let own = |key_id: Option<Vec<u8>>| {
            let of_key = certificates.iter().find(|bag| bag.key_id.is_some() && bag.key_id == key_id);
            of_key.or(certificates.first()).map(|bag| bag.content.clone())
        };
        let all: Vec<_> = certificates.iter().map(|bag| bag.content.clone()).collect();
        let entry = |key: Bag<_>| {
            let chain = own(key.key_id).map_or(Vec::new(), |own| with_issuers(own, &all));
            KeyEntry { key: key.content, chain }
        };
        Store { keys: keys.into_iter().map(entry).collect(), certificates: all }
    }
}

/// The certificate, and above it those of its issuers as far as they are among `all`.
fn with_issuers(own: CertificateDer<'static>, all: &[CertificateDer<'static>]) -> Vec<CertificateDer<'static>> {
    let mut chain = vec![own];
    while let Some(Names { issuer, .. }) = chain.last().and_then(|last| Names::read(last)) {
        let is_next = |certificate: &&CertificateDer<'static>| {
            Names::read(certificate).is_some_and(|names| names.subject == issuer) && !chain.contains(*certificate)
        };
        let Some(next) = all.iter().find(is_next) else { break };
        chain.push(next.clone());
    }
    chain
}
