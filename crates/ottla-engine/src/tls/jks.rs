//! Java's own key stores. Their integrity is checked only if there is a password.
#![forbid(unsafe_code)]

use rustls::pki_types::CertificateDer;
use x509_cert::der::asn1::ObjectIdentifier;

use super::asn1::Elements;
use super::decrypt::{Plain, sha1};
use super::private_key::{self, PrivateKey};
use super::store::{KeyEntry, Store};

pub const MAGIC: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];
/// Its relative with another encryption.
pub const JCEKS_MAGIC: [u8; 4] = [0xce, 0xce, 0xce, 0xce];

const KEY_PROTECTOR: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.42.2.17.1.1");
const DIGEST: usize = 20;
const CUT_OFF: &str = "it is damaged or cut off";

/// A reader of numbers and byte arrays with their lengths in front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(CUT_OFF)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self, bytes: usize) -> Result<usize, String> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    fn bytes(&mut self, length_bytes: usize) -> Result<&'a [u8], String> {
        let length = self.number(length_bytes)?;
        self.take(length)
    }

    fn certificate(&mut self, version: usize) -> Result<CertificateDer<'static>, String> {
        if version == 2 && self.bytes(2)? != b"X.509" {
            return Err("it has a certificate that is not X.509".into());
        }
        Ok(self.bytes(4)?.to_vec().into())
    }
}

/// Reads a store. Keys are decrypted with `key_password`, if there is one, else with that of the store.
pub fn read(bytes: &[u8], password: Option<&str>, key_password: Option<&str>) -> Result<Store, String> {
    let (body, digest) = bytes.split_at_checked(bytes.len().saturating_sub(DIGEST)).ok_or(CUT_OFF)?;
    if let Some(password) = password
        && sha1(&[&characters(password), b"Mighty Aphrodite", body]) != digest
    {
        return Err("the password of the store does not fit, or it is damaged".into());
    }
    let mut fields = Fields(body);
    fields.take(MAGIC.len())?;
    let version = fields.number(4)?;
    if !(1..=2).contains(&version) {
        return Err(format!("it is a JKS store of version {version}, and 1 and 2 are known"));
    }
    let mut store = Store::default();
    for _ in 0..fields.number(4)? {
        let tag = fields.number(4)?;
        let alias = fields.bytes(2)?;
        let _created = fields.take(8)?;
        match tag {
            1 => store.keys.push(key_entry(&mut fields, version, alias, key_password.or(password))?),
            2 => store.certificates.push(fields.certificate(version)?),
            _ => return Err(CUT_OFF.into()),
        }
    }
    Ok(store)
}

fn key_entry(
    fields: &mut Fields<'_>,
    version: usize,
    alias: &[u8],
    password: Option<&str>,
) -> Result<KeyEntry, String> {
    let encrypted = fields.bytes(4)?;
    let count = fields.number(4)?;
    let chain: Result<Vec<_>, String> = (0..count).map(|_| fields.certificate(version)).collect();
    let key = match password {
        Some(password) => decrypt(encrypted, password),
        None => Err("it is encrypted, and no password is set".into()),
    };
    let key = key.map_err(|reason| format!("the key '{}': {reason}", String::from_utf8_lossy(alias)));
    Ok(KeyEntry { key, chain: chain? })
}

/// The protection of keys: a stream of SHA-1 digests, and a digest of the key for a check.
fn decrypt(encrypted: &[u8], password: &str) -> Result<PrivateKey, String> {
    let mut info = Elements::new(encrypted).sequence()?;
    let protection = info.sequence()?.oid()?;
    if protection != KEY_PROTECTOR {
        return Err(format!("its protection {protection} is not that of JKS"));
    }
    let protected = info.octets()?;
    let (salt, protected) = protected.split_at_checked(DIGEST).ok_or(CUT_OFF)?;
    let (protected, check) = protected.split_at_checked(protected.len().saturating_sub(DIGEST)).ok_or(CUT_OFF)?;
    let password = characters(password);
    let mut plain = Plain::new(protected.to_vec());
    let mut stream = salt.to_vec();
    for part in plain.chunks_mut(DIGEST) {
        stream = sha1(&[&password, &stream]);
        part.iter_mut().zip(&stream).for_each(|(byte, mask)| *byte ^= mask);
    }
    if sha1(&[&password, &plain]) != check {
        return Err("the password does not fit".into());
    }
    private_key::decrypted_pkcs8(&plain)
}

/// A password as Java takes it here: UTF-16.
fn characters(password: &str) -> Plain {
    let mut bytes = Plain::new(Vec::with_capacity(2 * password.len()));
    password.encode_utf16().for_each(|unit| bytes.extend_from_slice(&unit.to_be_bytes()));
    bytes
}
