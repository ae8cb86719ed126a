//! Decryption with a password, in all the ways in which OpenSSL and Java encrypt private keys and stores.
#![forbid(unsafe_code)]

use std::num::NonZeroU32;

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, InnerIvInit, KeyInit, KeyIvInit};
use md5::{Digest, Md5};
use ring::{digest, pbkdf2};
use x509_cert::der::asn1::ObjectIdentifier;
use zeroize::Zeroizing;

use super::asn1::{Element, Elements, OCTET_STRING};

/// Decrypted bytes. They are wiped when they are dropped.
pub type Plain = Zeroizing<Vec<u8>>;

/// The iterations that a file may still ask for. A hostile one could ask for hours.
pub struct Effort(u32);

impl Effort {
    /// As many as Java allows for one derivation.
    const MOST: u32 = 5_000_000;

    pub fn new() -> Self {
        Effort(Self::MOST)
    }

    pub fn spend(&mut self, iterations: u32) -> Result<NonZeroU32, String> {
        let most = Self::MOST;
        self.0 = self.0.checked_sub(iterations).ok_or_else(|| {
            format!("it asks for too many iterations to derive its keys ({iterations}); {most} are allowed in one file")
        })?;
        NonZeroU32::new(iterations).ok_or_else(|| "it asks for 0 iterations to derive its key".into())
    }
}

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

const PBES2: ObjectIdentifier = oid("1.2.840.113549.1.5.13");
const PBKDF2: ObjectIdentifier = oid("1.2.840.113549.1.5.12");

/// What PBES2 may name.
#[rustfmt::skip] // Tables.
const PRFS: [(ObjectIdentifier, &pbkdf2::Algorithm); 4] = [
    (oid("1.2.840.113549.2.7"), &pbkdf2::PBKDF2_HMAC_SHA1),
    (oid("1.2.840.113549.2.9"), &pbkdf2::PBKDF2_HMAC_SHA256),
    (oid("1.2.840.113549.2.10"), &pbkdf2::PBKDF2_HMAC_SHA384),
    (oid("1.2.840.113549.2.11"), &pbkdf2::PBKDF2_HMAC_SHA512),
];
#[rustfmt::skip]
const CIPHERS: [(ObjectIdentifier, Cipher); 5] = [
    (oid("2.16.840.1.101.3.4.1.2"), Cipher::Aes128),
    (oid("2.16.840.1.101.3.4.1.22"), Cipher::Aes192),
    (oid("2.16.840.1.101.3.4.1.42"), Cipher::Aes256),
    (oid("1.2.840.113549.3.7"), Cipher::TripleDes),
    (oid("1.3.14.3.2.7"), Cipher::Des),
];

/// How PBES1 derives key and initialisation vector.
#[derive(Clone, Copy)]
enum Derivation {
    /// That of PKCS#12, with SHA-1.
    Pkcs12,
    /// PBKDF1 with MD5, or with SHA-1.
    Md5,
    Sha1,
}

#[rustfmt::skip]
const PBES1: [(ObjectIdentifier, Derivation, Cipher); 6] = [
    (oid("1.2.840.113549.1.12.1.3"), Derivation::Pkcs12, Cipher::TripleDes),
    (oid("1.2.840.113549.1.12.1.4"), Derivation::Pkcs12, Cipher::TwoKeyTripleDes),
    (oid("1.2.840.113549.1.12.1.5"), Derivation::Pkcs12, Cipher::Rc2 { key_len: 16 }),
    (oid("1.2.840.113549.1.12.1.6"), Derivation::Pkcs12, Cipher::Rc2 { key_len: 5 }),
    (oid("1.2.840.113549.1.5.3"), Derivation::Md5, Cipher::Des),
    (oid("1.2.840.113549.1.5.10"), Derivation::Sha1, Cipher::Des),
];

#[rustfmt::skip]
const TRADITIONAL: [(&str, Cipher); 5] = [
    ("AES-128-CBC", Cipher::Aes128),
    ("AES-192-CBC", Cipher::Aes192),
    ("AES-256-CBC", Cipher::Aes256),
    ("DES-EDE3-CBC", Cipher::TripleDes),
    ("DES-CBC", Cipher::Des),
];

const WRONG_PASSWORD: &str = "the password does not fit";

/// Block ciphers, all in CBC mode.
#[derive(Clone, Copy)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
    TwoKeyTripleDes,
    Des,
    /// As many effective bits as the key has.
    Rc2 {
        key_len: usize,
    },
}

impl Cipher {
    fn key_len(self) -> usize {
        match self {
            Cipher::Aes128 | Cipher::TwoKeyTripleDes => 16,
            Cipher::Aes192 | Cipher::TripleDes => 24,
            Cipher::Aes256 => 32,
            Cipher::Des => 8,
            Cipher::Rc2 { key_len } => key_len,
        }
    }

    fn block_len(self) -> usize {
        match self {
            Cipher::Aes128 | Cipher::Aes192 | Cipher::Aes256 => 16,
            _ => 8,
        }
    }

    /// Fails if the padding is wrong, which it nearly always is after a wrong password.
    fn decrypt(self, key: &[u8], iv: &[u8], data: &[u8]) -> Result<Plain, String> {
        let mut plain = Plain::new(data.to_vec());
        let length = match self {
            Cipher::Aes128 => cbc::<aes::Aes128>(key, iv, &mut plain),
            Cipher::Aes192 => cbc::<aes::Aes192>(key, iv, &mut plain),
            Cipher::Aes256 => cbc::<aes::Aes256>(key, iv, &mut plain),
            Cipher::TripleDes => cbc::<des::TdesEde3>(key, iv, &mut plain),
            Cipher::TwoKeyTripleDes => cbc::<des::TdesEde2>(key, iv, &mut plain),
            Cipher::Des => cbc::<des::Des>(key, iv, &mut plain),
            Cipher::Rc2 { key_len } => {
                let cipher = rc2::Rc2::new_with_eff_key_len(key, key_len * 8);
                let decryptor = cbc::Decryptor::inner_iv_slice_init(cipher, iv).ok();
                decryptor.and_then(|decryptor| unpadded(decryptor, &mut plain))
            }
        };
        plain.truncate(length.ok_or(WRONG_PASSWORD)?);
        Ok(plain)
    }
}

fn cbc<C: BlockCipherDecrypt + KeyInit>(key: &[u8], iv: &[u8], data: &mut [u8]) -> Option<usize> {
    unpadded(cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?, data)
}

fn unpadded(decryptor: impl BlockModeDecrypt, data: &mut [u8]) -> Option<usize> {
    decryptor.decrypt_padded::<Pkcs7>(data).ok().map(<[u8]>::len)
}

/// Decrypts an `EncryptedPrivateKeyInfo` of PKCS#8.
pub fn pkcs8(encrypted: &[u8], password: &str, effort: &mut Effort) -> Result<Plain, String> {
    let mut info = Elements::new(encrypted).sequence()?;
    let algorithm = info.sequence()?;
    decrypt(algorithm, info.octets()?, password, effort)
}

/// Decrypts with the algorithm that an `AlgorithmIdentifier` names.
pub fn decrypt(mut algorithm: Elements<'_>, data: &[u8], password: &str, effort: &mut Effort) -> Result<Plain, String> {
    let scheme = algorithm.oid()?;
    let mut parameters = algorithm.sequence().map_err(|_| unknown("encryption", scheme))?;
    if scheme == PBES2 {
        return pbes2(parameters, data, password, effort);
    }
    let known = PBES1.iter().find(|(known, ..)| *known == scheme);
    let (_, derivation, cipher) = *known.ok_or_else(|| unknown("encryption", scheme))?;
    let salt = parameters.octets()?;
    let iterations = effort.spend(parameters.number()?)?;
    let (key, iv) = match derivation {
        Derivation::Pkcs12 => {
            let password = utf16(password);
            let derive = |purpose, length| {
                pkcs12_key(&digest::SHA1_FOR_LEGACY_USE_ONLY, purpose, &password, salt, iterations, length)
            };
            (derive(Purpose::Key, cipher.key_len()), derive(Purpose::Iv, cipher.block_len()))
        }
        Derivation::Md5 => pbkdf1(|data| Md5::digest(data).to_vec(), password, salt, iterations),
        Derivation::Sha1 => pbkdf1(|data| sha1(&[data]), password, salt, iterations),
    };
    cipher.decrypt(&key, &iv, data)
}

fn pbes2(mut parameters: Elements<'_>, data: &[u8], password: &str, effort: &mut Effort) -> Result<Plain, String> {
    let mut derivation = parameters.sequence()?;
    let function = derivation.oid()?;
    if function != PBKDF2 {
        return Err(unknown("key derivation", function));
    }
    let mut derivation = derivation.sequence()?;
    let salt = derivation.octets()?;
    let iterations = effort.spend(derivation.number()?)?;
    derivation.optional(super::asn1::INTEGER)?;
    let prf = match derivation.optional(super::asn1::SEQUENCE)?.map(Element::elements) {
        Some(mut prf) => {
            let named = prf.oid()?;
            PRFS.iter().find(|(prf, _)| *prf == named).ok_or_else(|| unknown("key derivation", named))?.1
        }
        None => &pbkdf2::PBKDF2_HMAC_SHA1,
    };
    let mut encryption = parameters.sequence()?;
    let named = encryption.oid()?;
    let (_, cipher) = *CIPHERS.iter().find(|(cipher, _)| *cipher == named).ok_or_else(|| unknown("cipher", named))?;
    let iv = encryption.next(OCTET_STRING)?.content;
    let mut key = Plain::new(vec![0; cipher.key_len()]);
    pbkdf2::derive(*prf, iterations, salt, password.as_bytes(), &mut key);
    cipher.decrypt(&key, iv, data)
}

fn unknown(what: &str, oid: ObjectIdentifier) -> String {
    format!(
        "its {what} {oid} is not one that Ottla reads (PBES2 with PBKDF2 and AES or 3DES in CBC mode; PBES1); for a key, \
         `openssl pkcs8 -topk8 -v2 aes-256-cbc` writes one that is"
    )
}

/// Decrypts what OpenSSL wrote before PKCS#8: the key comes from one round of MD5. `info` is cipher and initialisation
/// vector, as in `AES-256-CBC,0A1B..`.
pub fn traditional(info: &str, data: &[u8], password: &str) -> Result<Plain, String> {
    let (name, iv) = info.split_once(',').ok_or("its line DEK-Info is damaged")?;
    let known = TRADITIONAL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
    let (_, cipher) = *known.ok_or_else(|| {
        format!(
            "its cipher {name} is not one that Ottla reads; `openssl pkcs8 -topk8 -v2 aes-256-cbc` writes one that is"
        )
    })?;
    let iv = hex(iv.trim()).filter(|iv| iv.len() == cipher.block_len()).ok_or("its line DEK-Info is damaged")?;
    let mut key = Plain::new(Vec::with_capacity(64));
    while key.len() < cipher.key_len() {
        let mut hash = Md5::new();
        hash.update(&key[key.len().saturating_sub(16)..]);
        hash.update(password);
        hash.update(&iv[..8]);
        key.extend_from_slice(&hash.finalize());
    }
    cipher.decrypt(&key[..cipher.key_len()], &iv, data)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    digits.map(|digits| digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

/// Key and initialisation vector for DES.
fn pbkdf1(hash: impl Fn(&[u8]) -> Vec<u8>, password: &str, salt: &[u8], iterations: NonZeroU32) -> (Plain, Plain) {
    let mut derived = Plain::new([password.as_bytes(), salt].concat());
    for _ in 0..iterations.get() {
        derived = Plain::new(hash(&derived));
    }
    (Plain::new(derived[..8].to_vec()), Plain::new(derived[8..16].to_vec()))
}

pub fn sha1(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    parts.iter().for_each(|part| hash.update(part));
    hash.finish().as_ref().to_vec()
}

/// A password as PKCS#12 takes it: UTF-16, and a zero at the end.
pub fn utf16(password: &str) -> Plain {
    let mut bytes = Plain::new(Vec::with_capacity(2 * password.len() + 2));
    password.encode_utf16().chain([0]).for_each(|unit| bytes.extend_from_slice(&unit.to_be_bytes()));
    bytes
}

/// What a key of PKCS#12 is derived for.
#[derive(Clone, Copy)]
pub enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// The key derivation of PKCS#12 (RFC 7292, appendix B.2).
pub fn pkcs12_key(
    hash: &'static digest::Algorithm,
    purpose: Purpose,
    password: &[u8],
    salt: &[u8],
    iterations: NonZeroU32,
    length: usize,
) -> Plain {
    let block = hash.block_len();
    let filled = |bytes: &[u8]| bytes.iter().copied().cycle().take(bytes.len().next_multiple_of(block)).collect();
    let (salt, password): (Vec<u8>, Plain) = (filled(salt), Plain::new(filled(password)));
    let mut input = Plain::new([&salt[..], &password].concat());
    let mut derived = Plain::new(Vec::with_capacity(length + hash.output_len()));
    while derived.len() < length {
        let mut hashed = digest::digest(hash, &Plain::new([&vec![purpose as u8; block][..], &input].concat()));
        for _ in 1..iterations.get() {
            hashed = digest::digest(hash, hashed.as_ref());
        }
        derived.extend_from_slice(hashed.as_ref());
        for part in input.chunks_mut(block) {
            let mut carry = 1;
            for (index, byte) in part.iter_mut().enumerate().rev() {
                let sum = u16::from(*byte) + u16::from(hashed.as_ref()[index % hash.output_len()]) + carry;
                *byte = sum as u8;
                carry = sum >> 8;
            }
        }
    }
    derived.truncate(length);
    derived
}
