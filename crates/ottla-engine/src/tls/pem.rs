//! PEM text as people write it: with text around the blocks, with line ends of any kind, or in one line.
#![forbid(unsafe_code)]

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::asn1::Elements;
use rustls::pki_types::CertificateDer;

/// One block, from its BEGIN to its END.
pub struct Block {
    pub label: String,
    /// `DEK-Info`, if the block is encrypted in the way of OpenSSL before 1.0.
    pub encryption: Option<String>,
    pub content: Zeroizing<Vec<u8>>,
}

const BEGIN: &[u8] = b"-----BEGIN ";
const DASHES: &[u8] = b"-----";

pub fn is_pem(text: &[u8]) -> bool {
    position(text, BEGIN).is_some()
}

/// All blocks, in their order. Text between them is skipped.
pub fn blocks(mut text: &[u8]) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    while let Some(begin) = position(text, BEGIN) {
        text = &text[begin + BEGIN.len()..];
        let label_end = position(text, DASHES).filter(|end| *end < 64).ok_or("a line with BEGIN has no end")?;
        let label = String::from_utf8_lossy(&text[..label_end]).into_owned();
        text = &text[label_end + DASHES.len()..];
        let end = format!("-----END {label}-----");
        let length = position(text, end.as_bytes()).ok_or_else(|| format!("'{end}' is missing: is it cut off?"))?;
        let (body, rest) = text.split_at(length);
        text = &rest[end.len()..];
        blocks.push(block(label, body)?);
    }
    Ok(blocks)
}

fn block(label: String, body: &[u8]) -> Result<Block, String> {
    let (headers, body) = split_headers(body);
    let encryption = headers.map(|headers| {
        let header = String::from_utf8_lossy(headers);
        let info = header.lines().find_map(|line| line.trim().strip_prefix("DEK-Info:"));
        info.unwrap_or_default().trim().to_owned()
    });
    let mut digits = Zeroizing::new(Vec::with_capacity(body.len()));
    let mut bytes = body.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        // A line end that was escaped once too often.
        if byte == b'\\' && bytes.next_if(|next| matches!(next, b'n' | b'r')).is_some() {
            continue;
        }
        if !byte.is_ascii_whitespace() {
            digits.push(byte);
        }
    }
    let mut content = Zeroizing::new(vec![0; digits.len() / 4 * 3]);
    let decoded = Base64::decode(&*digits, &mut content).map(<[u8]>::len);
    content.truncate(decoded.map_err(|_| format!("the block '{label}' is damaged: it is not Base64"))?);
    Ok(Block { label, encryption, content })
}

/// Headers stand before an empty line, and each has a colon, which Base64 has not.
fn split_headers(body: &[u8]) -> (Option<&[u8]>, &[u8]) {
    if !body.contains(&b':') {
        return (None, body);
    }
    for empty_line in [&b"\n\n"[..], b"\n\r\n"] {
        if let Some(at) = position(body, empty_line) {
            return (Some(&body[..at]), &body[at + empty_line.len()..]);
        }
    }
    (None, body)
}

fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// The certificates among the blocks.
pub fn certificates(blocks: &[Block]) -> Result<Vec<CertificateDer<'static>>, String> {
    let is_certificate =
        |block: &&Block| matches!(&*block.label, "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE");
    let read = |(index, block): (usize, &Block)| {
        // OpenSSL appends what it trusts the certificate for.
        let certificate = Elements::new(&block.content).any();
        certificate
            .map(|certificate| CertificateDer::from(certificate.whole.to_vec()))
            .map_err(|reason| format!("certificate number {}: {reason}", index + 1))
    };
    blocks.iter().filter(is_certificate).enumerate().map(read).collect()
}

/// What the blocks are, for messages.
pub fn labels(blocks: &[Block]) -> String {
    let labels: Vec<&str> = blocks.iter().map(|block| &*block.label).collect();
    labels.join(", ")
}
