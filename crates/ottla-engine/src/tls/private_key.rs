//! Private keys of PEM text, in all their forms.
#![forbid(unsafe_code)]

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use zeroize::Zeroize;

use super::asn1::Elements;
use super::decrypt::{self, Effort, Plain};
use super::pem::Block;
use ottla_core::secret::Secret;

/// A private key. It is wiped when it is dropped.
pub struct PrivateKey(pub PrivateKeyDer<'static>);

impl Drop for PrivateKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl PrivateKey {
    pub fn pkcs8(der: &[u8]) -> Self {
        PrivateKey(PrivatePkcs8KeyDer::from(der.to_vec()).into())
    }
}

/// What the blocks of a PEM text have of keys.
pub enum Found {
    None,
    /// The password was not needed.
    Open(PrivateKey),
    Decrypted(PrivateKey),
}

/// Finds the one private key among the blocks.
pub fn find(blocks: &[Block], password: Option<&Secret>) -> Result<Found, String> {
    let mut keys = blocks.iter().filter(|block| block.label.ends_with("PRIVATE KEY"));
    let Some(block) = keys.next() else { return Ok(Found::None) };
    if keys.next().is_some() {
        return Err("it has more than one private key: keep the one that belongs to the certificate".into());
    }
    let is_encrypted = block.encryption.is_some() || block.label == "ENCRYPTED PRIVATE KEY";
    if !is_encrypted {
        return read(&block.label, &block.content).map(Found::Open);
    }
    let Some(password) = password else {
        return Err("its private key is encrypted: set ssl.key.password".into());
    };
    let decrypted = match &block.encryption {
        Some(info) => {
            let plain = decrypt::traditional(info, &block.content, password.expose());
            plain.and_then(|plain| read(&block.label, &plain))
        }
        None => {
            let plain = decrypt::pkcs8(&block.content, password.expose(), &mut Effort::new());
            plain.and_then(|plain| decrypted_pkcs8(&plain))
        }
    };
    decrypted.map(Found::Decrypted).map_err(|reason| format!("decrypting its private key (ssl.key.password): {reason}"))
}

/// Wrong padding is not the only sign of a wrong password.
pub fn decrypted_pkcs8(plain: &Plain) -> Result<PrivateKey, String> {
    let is_whole = Elements::new(plain).sequence().and_then(|mut key| key.number()).is_ok();
    if is_whole { Ok(PrivateKey::pkcs8(plain)) } else { Err("the password does not fit".into()) }
}

fn read(label: &str, content: &[u8]) -> Result<PrivateKey, String> {
    let content = || content.to_vec();
    Ok(PrivateKey(match label {
        "PRIVATE KEY" => PrivatePkcs8KeyDer::from(content()).into(),
        "RSA PRIVATE KEY" => PrivatePkcs1KeyDer::from(content()).into(),
        "EC PRIVATE KEY" => PrivateSec1KeyDer::from(content()).into(),
        _ => {
            return Err(format!(
                "its private key is of the form '{label}', which is not read; `openssl pkcs8 -topk8` (for OPENSSH keys \
                 `ssh-keygen -p -m PKCS8`) converts it"
            ));
        }
    }))
}
