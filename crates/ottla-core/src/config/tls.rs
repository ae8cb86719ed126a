//! TLS as the properties describe it: `security.protocol` and `ssl.*`, checked against each other. Reading the files is
//! the engine's part.

use std::sync::Arc;

use super::settings::Reader;
use super::{Config, invalid, trim};
use crate::Result;
use crate::secret::Secret;

/// The settings of TLS for `security.protocol=SSL`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tls {
    pub versions: TlsVersions,
    /// In the table's order. At least one of them belongs to one of the versions.
    pub suites: Vec<CipherSuite>,
    pub verification: Verification,
    /// The certificates that are trusted. Empty: those of the operating system.
    pub trusted: Vec<Material>,
    /// Without one, the broker cannot tell the client by its certificate.
    pub identity: Option<Identity>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsVersions {
    pub tls12: bool,
    pub tls13: bool,
}

/// What is checked of a broker's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// That a trusted authority issued it, and that it is for the broker's host name.
    Full,
    /// That a trusted authority issued it.
    AnyHost,
    Nothing,
}

/// The client's own certificate and key.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    pub certificates: Material,
    /// None: the key is where the certificates are.
    pub key: Option<Material>,
    pub key_password: Option<Password>,
}

/// Certificates or a key, and the property that says where they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Material {
    /// The property, as the user wrote it.
    pub property: &'static str,
    pub place: Place,
    /// The type that the user named.
    pub named_type: Option<StoreType>,
    /// The password of the store.
    pub password: Option<Password>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    File(String),
    /// PEM text.
    Inline(Password),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreType {
    Jks,
    Pkcs12,
    Pem,
}

/// A secret that the configuration shares with what is made from it. Two are equal if they are the same one.
#[derive(Clone, Debug)]
pub struct Password(pub Arc<Secret>);

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A cipher suite that Ottla has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CipherSuite {
    /// Its number in the registry of IANA.
    pub number: u16,
    /// The name that Java uses.
    pub iana: &'static str,
    pub openssl: &'static str,
    pub tls13: bool,
}

const fn suite(number: u16, iana: &'static str, openssl: &'static str) -> CipherSuite {
    CipherSuite { number, iana, openssl, tls13: number >> 8 == 0x13 }
}

#[rustfmt::skip] // A table.
const SUITES: [CipherSuite; 9] = [
    suite(0x1302, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
    suite(0x1301, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
    suite(0x1303, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
    suite(0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    suite(0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    suite(0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    suite(0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
    suite(0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
    suite(0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"),
];

/// librdkafka's word for the trusted certificates of the operating system.
const SYSTEM: &str = "probe";

/// Properties of TLS that were set although the protocol has no TLS.
const PREFIXES: [&str; 2] = ["ssl.", "enable.ssl."];

/// `None`: connections are not encrypted.
pub(super) fn resolve(reader: &Reader, notes: &mut Vec<String>) -> Result<Option<Tls>> {
    let Reader(config) = reader;
    match reader.text("security.protocol").as_str() {
        "PLAINTEXT" => {
            let set = config.values.keys().filter(|name| PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
            let idle: Vec<&str> = set.copied().collect();
            if !idle.is_empty() {
                notes.push(format!("security.protocol=PLAINTEXT does not encrypt: {} have no effect", idle.join(", ")));
            }
            return Ok(None);
        }
        "SSL" => {}
        other => return Err(invalid(format!("security.protocol={other} is refused: SASL is not in this release"))),
    }
    let versions = versions(reader, notes)?;
    Ok(Some(Tls {
        versions,
        suites: suites(reader, versions, notes)?,
        verification: verification(reader, notes)?,
        trusted: trusted(config)?,
        identity: identity(config)?,
    }))
}

/// `ssl.protocol` names the newest version, and `ssl.enabled.protocols` those that may be used.
fn versions(reader: &Reader, notes: &mut Vec<String>) -> Result<TlsVersions> {
    let newest = reader.text("ssl.protocol");
    let newest_is_tls13 = match newest.as_str() {
        "TLSv1.3" | "TLS" => true,
        "TLSv1.2" => false,
        _ => return Err(invalid(format!("ssl.protocol='{newest}' is not valid: expected TLSv1.3, TLSv1.2 or TLS"))),
    };
    let enabled = reader.text("ssl.enabled.protocols");
    let mut versions = TlsVersions { tls12: enabled.is_empty(), tls13: enabled.is_empty() };
    for word in enabled.split(',').filter(|word| !word.is_empty()) {
        match word {
            "TLSv1.3" => versions.tls13 = true,
            "TLSv1.2" => versions.tls12 = true,
            "TLSv1.1" | "TLSv1" | "SSLv3" | "SSLv2Hello" => {
                notes.push(format!("ssl.enabled.protocols: {word} is never offered, since it is not secure"));
            }
            _ => {
                let message = format!("ssl.enabled.protocols: '{word}' is not valid: expected TLSv1.2 and TLSv1.3");
                return Err(invalid(message));
            }
        }
    }
    versions.tls13 &= newest_is_tls13;
    if !versions.tls12 && !versions.tls13 {
        return Err(invalid(format!(
            "ssl.enabled.protocols={enabled} with ssl.protocol={newest} leaves no version of TLS: there are TLSv1.2 and \
             TLSv1.3"
        )));
    }
    Ok(versions)
}

/// Java's list names suites of all versions. OpenSSL's, in its own names, does not concern TLS 1.3.
fn suites(reader: &Reader, versions: TlsVersions, notes: &mut Vec<String>) -> Result<Vec<CipherSuite>> {
    let listed = reader.text("ssl.cipher.suites");
    let of_versions = |suite: &CipherSuite| if suite.tls13 { versions.tls13 } else { versions.tls12 };
    let available = SUITES.iter().copied().filter(of_versions);
    let words: Vec<&str> = listed.split([',', ':', ' ']).map(trim).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Ok(available.collect());
    }
    let is_java_s = words.iter().any(|word| word.starts_with("TLS_") || word.starts_with("SSL_"));
    let mut suites: Vec<CipherSuite> = SUITES.iter().copied().filter(|suite| suite.tls13 && !is_java_s).collect();
    for word in words {
        match meaning(word) {
            Listed::Add(named) => suites.extend(SUITES.iter().filter(|suite| named.is(suite))),
            Listed::Remove(named) => suites.retain(|suite| !named.is(suite)),
            Listed::Nothing => {}
            Listed::Unknown => notes.push(format!("ssl.cipher.suites: {word} is not one that Ottla has")),
        }
    }
    let suites: Vec<CipherSuite> = available.filter(|suite| suites.contains(suite)).collect();
    if suites.is_empty() {
        let known: Vec<&str> = SUITES.iter().filter(|suite| of_versions(suite)).map(|suite| suite.iana).collect();
        return Err(invalid(format!(
            "ssl.cipher.suites={listed} leaves no cipher suite: there are {}",
            known.join(", ")
        )));
    }
    Ok(suites)
}

/// What a word of `ssl.cipher.suites` does.
enum Listed<'a> {
    Add(Named<'a>),
    Remove(Named<'a>),
    /// Excludes only suites that Ottla does not have.
    Nothing,
    Unknown,
}

#[derive(Clone, Copy)]
enum Named<'a> {
    One(&'a str),
    /// OpenSSL's words for all that are good.
    All,
}

impl Named<'_> {
    fn is(self, suite: &CipherSuite) -> bool {
        match self {
            Named::One(name) => suite.iana == name || suite.openssl == name,
            // In OpenSSL such words do not concern TLS 1.3.
            Named::All => !suite.tls13,
        }
    }
}

fn meaning(word: &str) -> Listed<'_> {
    let named = |word| match word {
        "DEFAULT" | "ALL" | "HIGH" | "ECDHE" | "EECDH" | "kECDHE" | "AESGCM" => Some(Named::All),
        _ => SUITES.iter().any(|suite| Named::One(word).is(suite)).then_some(Named::One(word)),
    };
    match word.chars().next() {
        // Of what is excluded in other words, such as aNULL or MD5, nothing is there. `@STRENGTH` is the table's order.
        Some('!' | '-') => named(&word[1..]).map_or(Listed::Nothing, Listed::Remove),
        Some('@' | '+') => Listed::Nothing,
        _ => named(word).map_or(Listed::Unknown, Listed::Add),
    }
}

fn verification(reader: &Reader, notes: &mut Vec<String>) -> Result<Verification> {
    let algorithm = reader.text("ssl.endpoint.identification.algorithm");
    let checks_host = match algorithm.to_ascii_lowercase().as_str() {
        "https" => true,
        "" | "none" => false,
        _ => {
            return Err(invalid(format!(
                "ssl.endpoint.identification.algorithm='{algorithm}' is not valid: expected https, or nothing to switch \
                 the check of host names off"
            )));
        }
    };
    if !reader.bool("enable.ssl.certificate.verification") {
        notes.push(
            "enable.ssl.certificate.verification=false: anybody who can intercept the connection can pose as the broker"
                .into(),
        );
        return Ok(Verification::Nothing);
    }
    if !checks_host {
        notes.push(format!(
            "ssl.endpoint.identification.algorithm={algorithm}: any server with a certificate of a trusted authority can \
             pose as the broker"
        ));
        return Ok(Verification::AnyHost);
    }
    Ok(Verification::Full)
}

fn trusted(config: &Config) -> Result<Vec<Material>> {
    let named_type = store_type(config, "ssl.truststore.type")?;
    let (location, password) = ("ssl.truststore.location", "ssl.truststore.password");
    let is_system_s = |file: &Material| matches!(&file.place, Place::File(path) if path == SYSTEM);
    let file = file(config, location, named_type, password)?.filter(|file| !is_system_s(file));
    let inline = inline(config, "ssl.truststore.certificates", named_type)?;
    Ok(file.into_iter().chain(inline).collect())
}

/// A store has certificate and key together. Otherwise each has its property.
fn identity(config: &Config) -> Result<Option<Identity>> {
    let named_type = store_type(config, "ssl.keystore.type")?;
    let key_password = config.secret("ssl.key.password").map(Password);
    let store = file(config, "ssl.keystore.location", named_type, "ssl.keystore.password")?;
    let part = |location, text| match (file(config, location, None, "")?, inline(config, text, named_type)?) {
        (Some(one), Some(other)) => Err(both(&one, &other)),
        (one, other) => Ok(one.or(other)),
    };
    let certificates = part("ssl.certificate.location", "ssl.keystore.certificate.chain")?;
    let key = part("ssl.key.location", "ssl.keystore.key")?;
    let (certificates, key) = match (store, certificates, key) {
        (None, None, None) if key_password.is_some() => {
            return Err(invalid(
                "ssl.key.password is set, and no key: set ssl.keystore.location or ssl.key.location too",
            ));
        }
        (None, None, None) => return Ok(None),
        (Some(store), None, None) => (store, None),
        (Some(store), Some(part), _) | (Some(store), None, Some(part)) => return Err(both(&store, &part)),
        (None, Some(certificates), Some(key)) => (certificates, Some(key)),
        // A file may hold both; a text is one of the two.
        (None, Some(part), None) | (None, None, Some(part)) if matches!(part.place, Place::File(_)) => (part, None),
        (None, Some(part), None) => return Err(missing(&part, "the key", "ssl.keystore.key")),
        (None, None, Some(part)) => return Err(missing(&part, "the certificate", "ssl.keystore.certificate.chain")),
    };
    Ok(Some(Identity { certificates, key, key_password }))
}

fn both(one: &Material, other: &Material) -> crate::Error {
    invalid(format!("{} and {} say the same in two ways: keep one of them", one.property, other.property))
}

fn missing(part: &Material, what: &str, property: &str) -> crate::Error {
    invalid(format!("{} is set, and {what} is not: set {property} too", part.property))
}

fn store_type(config: &Config, name: &'static str) -> Result<Option<StoreType>> {
    if !config.is_set(name) {
        return Ok(None);
    }
    let value = config.get(name).unwrap_or_default();
    match value.to_ascii_uppercase().as_str() {
        "JKS" => Ok(Some(StoreType::Jks)),
        "PKCS12" => Ok(Some(StoreType::Pkcs12)),
        "PEM" => Ok(Some(StoreType::Pem)),
        _ => Err(invalid(format!(
            "{name}='{value}' cannot be read here: expected JKS, PKCS12 or PEM; keytool -importkeystore -deststoretype \
             PKCS12 converts other stores"
        ))),
    }
}

/// A file, and the password of the store that it is.
fn file(
    config: &Config,
    location: &'static str,
    named_type: Option<StoreType>,
    password: &'static str,
) -> Result<Option<Material>> {
    let secret = config.secret(password).map(Password);
    let Some(path) = config.get(location).filter(|path| !path.is_empty()) else {
        return match secret {
            Some(_) => Err(invalid(format!("{password} is set, and {location} is not: set both, or neither"))),
            None => Ok(None),
        };
    };
    if named_type == Some(StoreType::Pem) && secret.is_some() {
        return Err(invalid(format!(
            "{password} is set, and a store of type PEM has no password; that of a private key is ssl.key.password"
        )));
    }
    Ok(Some(Material {
        property: written_as(config, location),
        place: Place::File(path),
        named_type,
        password: secret,
    }))
}

fn inline(config: &Config, name: &'static str, named_type: Option<StoreType>) -> Result<Option<Material>> {
    let Some(text) = config.secret(name) else { return Ok(None) };
    let property = written_as(config, name);
    if !matches!(named_type, None | Some(StoreType::Pem)) {
        return Err(invalid(format!(
            "{property} is PEM text, and the type of the store is set to another: set it to PEM"
        )));
    }
    Ok(Some(Material { property, place: Place::Inline(Password(text)), named_type, password: None }))
}

fn written_as(config: &Config, name: &'static str) -> &'static str {
    config.values.get(name).map_or(name, |value| value.written_as)
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    fn resolved(pairs: &[(&str, &str)]) -> Result<Settings> {
        let mut config = Config::new();
        for (name, value) in [("bootstrap.servers", "localhost:9093"), ("security.protocol", "ssl")].iter().chain(pairs)
        {
            config.set(name, value).unwrap();
        }
        config.resolve()
    }

    fn tls(pairs: &[(&str, &str)]) -> Tls {
        resolved(pairs).unwrap().tls.expect("it is chosen")
    }

    fn notes(pairs: &[(&str, &str)]) -> Vec<String> {
        resolved(pairs).unwrap().notes
    }

    fn refusal(pairs: &[(&str, &str)]) -> String {
        resolved(pairs).unwrap_err().message().to_owned()
    }

    fn suites(pairs: &[(&str, &str)]) -> Vec<u16> {
        tls(pairs).suites.iter().map(|suite| suite.number).collect()
    }

    #[test]
    fn tls_checks_everything_by_default_and_trusts_the_system() {
        let tls = tls(&[]);
        assert_eq!(tls.versions, TlsVersions { tls12: true, tls13: true });
        assert_eq!((tls.suites.len(), tls.verification), (9, Verification::Full));
        assert_eq!((tls.trusted, tls.identity), (vec![], None));
        assert_eq!(notes(&[]), [""; 0]);
    }

    #[test]
    fn properties_of_tls_without_tls_are_noted() {
        let notes = notes(&[("security.protocol", "PLAINTEXT"), ("ssl.key.password", "x"), ("ssl.ca.location", "/ca")]);
        let words =
            "security.protocol=PLAINTEXT does not encrypt: ssl.key.password, ssl.truststore.location have no effect";
        assert_eq!(notes, [words]);
    }

    #[test]
    fn sasl_is_refused_with_its_name() {
        let refusal = refusal(&[("security.protocol", "SASL_SSL")]);
        assert_eq!(refusal, "security.protocol=SASL_SSL is refused: SASL is not in this release");
    }

    #[test]
    fn versions_are_those_that_are_enabled_up_to_the_newest() {
        let versions = |protocol, enabled| {
            let versions = tls(&[("ssl.protocol", protocol), ("ssl.enabled.protocols", enabled)]).versions;
            (versions.tls12, versions.tls13)
        };
        assert_eq!(versions("TLSv1.3", "TLSv1.2,TLSv1.3"), (true, true));
        assert_eq!(versions("TLSv1.2", "TLSv1.2,TLSv1.3"), (true, false));
        assert_eq!(versions("TLS", "TLSv1.3"), (false, true));
        assert_eq!(versions("TLSv1.2", ""), (true, false));
        assert_eq!(versions("TLSv1.3", "TLSv1.2, TLSv1.1 ,TLSv1"), (true, false));
        let old = notes(&[("ssl.enabled.protocols", "TLSv1.2,TLSv1.1")]);
        assert_eq!(old, ["ssl.enabled.protocols: TLSv1.1 is never offered, since it is not secure"]);
        assert!(refusal(&[("ssl.enabled.protocols", "TLSv1")]).contains("leaves no version of TLS"));
        assert!(
            refusal(&[("ssl.protocol", "TLSv1.2"), ("ssl.enabled.protocols", "TLSv1.3")]).contains("leaves no version")
        );
        assert!(refusal(&[("ssl.protocol", "TLSv1.1")]).contains("expected TLSv1.3, TLSv1.2 or TLS"));
        assert!(refusal(&[("ssl.enabled.protocols", "TLS1.3")]).contains("'TLS1.3' is not valid"));
    }

    #[test]
    fn suites_have_java_s_names_for_all_versions() {
        let chosen = suites(&[("ssl.cipher.suites", "TLS_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")]);
        assert_eq!(chosen, [0x1301, 0xc030]);
        assert_eq!(suites(&[("ssl.cipher.suites", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")]), [0xc030]);
        let with_old = [("ssl.cipher.suites", "TLS_RSA_WITH_AES_128_CBC_SHA,TLS_AES_256_GCM_SHA384")];
        assert_eq!(suites(&with_old), [0x1302]);
        assert_eq!(notes(&with_old), ["ssl.cipher.suites: TLS_RSA_WITH_AES_128_CBC_SHA is not one that Ottla has"]);
        let refused = refusal(&[("ssl.cipher.suites", "TLS_RSA_WITH_AES_128_CBC_SHA")]);
        assert!(refused.contains("leaves no cipher suite: there are TLS_AES_256_GCM_SHA384, "), "{refused}");
    }

    #[test]
    fn suites_in_openssl_s_syntax_leave_tls_1_3_alone() {
        let tls13 = [0x1302, 0x1301, 0x1303];
        let listed = |list| suites(&[("ssl.cipher.suites", list)]);
        assert_eq!(listed("ECDHE-RSA-AES128-GCM-SHA256"), [&tls13[..], &[0xc02f]].concat());
        assert_eq!(listed("HIGH:!aNULL:!MD5:@STRENGTH").len(), 9);
        assert_eq!(listed("DEFAULT:!ECDHE-RSA-CHACHA20-POLY1305").len(), 8);
        assert_eq!(listed("ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA").len(), 4);
        let only_tls12 = [("ssl.protocol", "TLSv1.2"), ("ssl.cipher.suites", "AES128-SHA")];
        assert!(refusal(&only_tls12).contains("leaves no cipher suite"));
    }

    #[test]
    fn checks_that_are_switched_off_are_noted() {
        for (value, verification) in [
            ("https", Verification::Full),
            ("HTTPS", Verification::Full),
            ("", Verification::AnyHost),
            ("none", Verification::AnyHost),
        ] {
            let pairs = [("ssl.endpoint.identification.algorithm", value)];
            assert_eq!(tls(&pairs).verification, verification);
            assert_eq!(notes(&pairs).len(), usize::from(verification != Verification::Full));
        }
        let off = [("enable.ssl.certificate.verification", "false")];
        assert_eq!((tls(&off).verification, notes(&off).len()), (Verification::Nothing, 1));
        assert!(refusal(&[("ssl.endpoint.identification.algorithm", "LDAPS")]).contains("expected https, or nothing"));
    }

    fn path(material: &Material) -> &str {
        let Place::File(path) = &material.place else { panic!("{material:?}") };
        path
    }

    #[test]
    fn trusted_certificates_come_from_a_file_a_text_or_both() {
        let it = tls(&[
            ("ssl.truststore.location", "/t"),
            ("ssl.truststore.password", "p"),
            ("ssl.truststore.type", "PKCS12"),
        ]);
        let [file] = &it.trusted[..] else { panic!("{it:?}") };
        assert_eq!(
            (file.property, path(file), file.named_type),
            ("ssl.truststore.location", "/t", Some(StoreType::Pkcs12))
        );
        assert_eq!(file.password.as_ref().map(|password| password.0.expose()), Some("p"));
        let it = tls(&[("ssl.ca.location", "/t"), ("ssl.ca.pem", "text")]);
        assert_eq!(it.trusted.iter().map(|one| one.property).collect::<Vec<_>>(), ["ssl.ca.location", "ssl.ca.pem"]);
        assert_eq!(tls(&[("ssl.ca.location", "probe")]).trusted, []);
        let alone = refusal(&[("ssl.truststore.password", "p")]);
        assert_eq!(alone, "ssl.truststore.password is set, and ssl.truststore.location is not: set both, or neither");
        let pem = [("ssl.truststore.type", "PEM"), ("ssl.truststore.location", "/t"), ("ssl.truststore.password", "p")];
        assert!(refusal(&pem).contains("a store of type PEM has no password"));
        assert!(refusal(&[("ssl.truststore.type", "BCFKS")]).contains("expected JKS, PKCS12 or PEM"));
        assert!(
            refusal(&[("ssl.truststore.type", "JKS"), ("ssl.truststore.certificates", "x")]).contains("set it to PEM")
        );
    }

    #[test]
    fn the_client_s_key_comes_with_its_certificate_or_by_itself() {
        let identity = |pairs: &[(&str, &str)]| tls(pairs).identity.expect("it is set");
        let store =
            identity(&[("ssl.keystore.location", "/k"), ("ssl.keystore.password", "p"), ("ssl.key.password", "q")]);
        assert_eq!((path(&store.certificates), store.key), ("/k", None));
        assert!(store.certificates.password.is_some() && store.key_password.is_some());
        let files = identity(&[("ssl.certificate.location", "/c"), ("ssl.key.location", "/k")]);
        assert_eq!((path(&files.certificates), files.key.as_ref().map(path)), ("/c", Some("/k")));
        let inline = identity(&[("ssl.certificate.pem", "c"), ("ssl.key.pem", "k")]);
        assert_eq!(inline.certificates.property, "ssl.certificate.pem");
        assert_eq!(inline.key.map(|key| key.property), Some("ssl.key.pem"));
        let mixed = identity(&[("ssl.certificate.location", "/c"), ("ssl.keystore.key", "k")]);
        assert_eq!(mixed.key.map(|key| key.property), Some("ssl.keystore.key"));
        assert_eq!(identity(&[("ssl.certificate.location", "/both")]).key, None);
    }

    #[test]
    fn half_a_key_pair_and_two_of_them_are_refused() {
        let cases: [(&[(&str, &str)], &str); 6] = [
            (&[("ssl.keystore.password", "p")], "ssl.keystore.password is set, and ssl.keystore.location is not"),
            (&[("ssl.key.password", "p")], "ssl.key.password is set, and no key"),
            (&[("ssl.keystore.key", "k")], "ssl.keystore.key is set, and the certificate is not"),
            (
                &[("ssl.certificate.pem", "c")],
                "ssl.certificate.pem is set, and the key is not: set ssl.keystore.key too",
            ),
            (&[("ssl.keystore.location", "/s"), ("ssl.key.location", "/k")], "say the same in two ways"),
            (&[("ssl.key.location", "/k"), ("ssl.key.pem", "k")], "ssl.key.location and ssl.key.pem say the same"),
        ];
        for (pairs, words) in cases {
            let refusal = refusal(pairs);
            assert!(refusal.contains(words), "{refusal}");
        }
    }
}
