//! Key material as OpenSSL and keytool write it. `tests/fixtures/make` makes it.

use std::fs;
use std::time::{Duration, Instant};

use super::*;
use ottla_core::config::Config;

const STORE_PASSWORD: &str = "store-password";
const KEY_PASSWORD: &str = "key-password";
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/");

/// Values that begin with `@` are files.
fn settings(properties: &[(&str, &str)]) -> (Tls, Vec<String>) {
    let mut config = Config::new();
    let always = [("bootstrap.servers", "localhost:9093"), ("security.protocol", "SSL")];
    for (name, value) in always.iter().chain(properties) {
        let value = value.strip_prefix('@').map_or((*value).to_owned(), |file| format!("{FIXTURES}{file}"));
        config.set(name, &value).expect("a property");
    }
    let settings = config.resolve().expect("consistent");
    (settings.tls.expect("TLS"), settings.notes)
}

fn client(properties: &[(&str, &str)]) -> (Result<Client>, Vec<String>) {
    let (tls, mut notes) = settings(properties);
    (Client::new(&tls, &mut notes), notes)
}

const TRUSTED: (&str, &str) = ("ssl.ca.location", "@authority.pem");

fn usable(properties: &[(&str, &str)]) -> Vec<String> {
    let (client, notes) = client(&[properties, &[TRUSTED]].concat());
    client.unwrap_or_else(|error| panic!("{properties:?}: {error}"));
    notes
}

fn refusal(properties: &[(&str, &str)]) -> String {
    let mut properties = properties.to_vec();
    if !properties.iter().any(|(name, _)| name.starts_with("ssl.ca") || name.starts_with("ssl.trust")) {
        properties.push(TRUSTED);
    }
    let error = client(&properties).0.err().unwrap_or_else(|| panic!("{properties:?} is not refused"));
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(!error.message().contains(STORE_PASSWORD) && !error.message().contains(KEY_PASSWORD), "{error}");
    error.message().to_owned()
}

fn text(file: &str) -> String {
    fs::read_to_string(format!("{FIXTURES}{file}")).expect("a fixture")
}

/// Written to a file of its own, for one test.
fn file(name: &str, content: &[u8]) -> String {
    let path = std::env::temp_dir().join(format!("ottla-{}-{name}", std::process::id()));
    fs::write(&path, content).expect("a temporary file");
    path.display().to_string()
}

#[test]
fn private_keys_are_read_in_every_form() {
    for (key, certificate) in [
        ("client.key", "client.pem"),
        ("client-pkcs1.key", "client.pem"),
        ("client-ec.key", "client-ec.pem"),
        ("client-ec-sec1.key", "client-ec.pem"),
        ("client-ed25519.key", "client-ed25519.pem"),
    ] {
        let files =
            [("ssl.certificate.location", &*format!("@{certificate}")), ("ssl.key.location", &format!("@{key}"))];
        assert_eq!(usable(&files), [""; 0], "{key}");
        let notes = usable(&[files[0], files[1], ("ssl.key.password", "not needed")]);
        assert_eq!(notes, ["ssl.key.password is set, and the private key is not encrypted"], "{key}");
    }
}

#[test]
fn encrypted_private_keys_are_read_in_every_form() {
    for (key, certificate) in [
        ("client-pbes2.key", "client.pem"),
        ("client-pbes2-aes128.key", "client.pem"),
        ("client-pbes2-3des.key", "client.pem"),
        ("client-pbes1-3des.key", "client.pem"),
        ("client-pbes1-2des.key", "client.pem"),
        ("client-pbes1-rc2.key", "client.pem"),
        ("client-pbes1-md5.key", "client.pem"),
        ("client-pbes1-sha1.key", "client.pem"),
        ("client-traditional-aes128.key", "client.pem"),
        ("client-traditional-aes192.key", "client.pem"),
        ("client-traditional-aes256.key", "client.pem"),
        ("client-traditional-des3.key", "client.pem"),
        ("client-traditional-des.key", "client.pem"),
        ("client-ec-traditional.key", "client-ec.pem"),
    ] {
        let files =
            [("ssl.certificate.location", &*format!("@{certificate}")), ("ssl.key.location", &format!("@{key}"))];
        let with = |password| [files[0], files[1], ("ssl.key.password", password)];
        assert_eq!(usable(&with(KEY_PASSWORD)), [""; 0], "{key}");
        let wrong = refusal(&with("something else"));
        assert!(wrong.contains(key) && wrong.contains("ssl.key.password"), "{wrong}");
        let missing = refusal(&files);
        assert!(
            missing.ends_with(&format!("{key} cannot be used: its private key is encrypted: set ssl.key.password"))
        );
    }
}

#[test]
fn key_in_another_form_is_refused_with_the_command_that_converts_it() {
    let with = |key| {
        [("ssl.certificate.location", "@client.pem"), ("ssl.key.location", key), ("ssl.key.password", KEY_PASSWORD)]
    };
    let scrypt = refusal(&with("@client-scrypt.key"));
    assert!(scrypt.contains("1.3.6.1.4.1.11591.4.11") && scrypt.contains("openssl pkcs8 -topk8"), "{scrypt}");
    let openssh =
        file("openssh.key", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n");
    assert!(refusal(&with(&openssh)).contains("ssh-keygen -p -m PKCS8"));
}

#[test]
fn file_that_asks_for_too_much_work_is_refused_at_once() {
    let began = Instant::now();
    let key = [
        ("ssl.certificate.location", "@client.pem"),
        ("ssl.key.location", "@client-hostile.key"),
        ("ssl.key.password", KEY_PASSWORD),
    ];
    assert!(refusal(&key).contains("too many iterations to derive its keys (5000001)"));
    let store = [("ssl.truststore.location", "@openssl-hostile.p12"), ("ssl.truststore.password", STORE_PASSWORD)];
    assert!(refusal(&store).contains("too many iterations"));
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[test]
fn key_stores_of_openssl_and_keytool_are_read() {
    for store in ["openssl.p12", "openssl-legacy.p12", "keytool.p12", "keytool.jks"] {
        let location = format!("@{store}");
        // As with Java, it does not matter which of the two types is named.
        for named in ["JKS", "PKCS12"] {
            let with = |password| {
                [
                    ("ssl.keystore.location", &*location),
                    ("ssl.keystore.password", password),
                    ("ssl.keystore.type", named),
                ]
            };
            assert_eq!(usable(&with(STORE_PASSWORD)), [""; 0], "{store}");
            let wrong = refusal(&with("something else"));
            assert!(wrong.contains(store) && wrong.contains("the password of the store does not fit"), "{wrong}");
        }
        let without = refusal(&[("ssl.keystore.location", &location)]);
        assert!(without.contains("no password"), "{store}: {without}");
    }
}

#[test]
fn key_in_a_store_may_have_its_own_password() {
    let store = [("ssl.keystore.location", "@two-passwords.jks"), ("ssl.keystore.password", STORE_PASSWORD)];
    let own = ("ssl.key.password", KEY_PASSWORD);
    assert_eq!(usable(&[store[0], store[1], own]), [""; 0]);
    let refusal = refusal(&store);
    assert!(refusal.contains("the key 'client'") && refusal.contains("ssl.key.password"), "{refusal}");
}

#[test]
fn store_of_another_kind_is_refused_with_the_command_that_converts_it() {
    let refusal = refusal(&[("ssl.keystore.location", "@keytool.jceks"), ("ssl.keystore.password", STORE_PASSWORD)]);
    assert!(refusal.contains("JCEKS") && refusal.contains("keytool -importkeystore"), "{refusal}");
}

/// How many certificates are trusted.
fn trusted(properties: &[(&str, &str)]) -> usize {
    let (tls, mut notes) = settings(properties);
    let certificates = store::read_trusted(&tls.trusted, &mut notes);
    assert_eq!(notes, [""; 0]);
    certificates.unwrap_or_else(|error| panic!("{properties:?}: {error}")).len()
}

#[test]
fn trust_stores_are_read_in_every_form() {
    let password = ("ssl.truststore.password", STORE_PASSWORD);
    for store in ["keytool-trust.p12", "keytool-trust.jks", "legacy-trust.p12", "openssl-trust.p12"] {
        assert_eq!(trusted(&[("ssl.truststore.location", &format!("@{store}")), password]), 1, "{store}");
    }
    // Certificates are no secret.
    for store in ["keytool-trust.jks", "open-trust.p12", "authority.pem"] {
        assert_eq!(trusted(&[("ssl.truststore.location", &format!("@{store}"))]), 1, "{store}");
    }
    // A key of a store is trusted with its own certificate alone.
    assert_eq!(trusted(&[("ssl.truststore.location", "@keytool.jks"), password]), 1);
    let der = pem::blocks(text("authority.pem").as_bytes()).expect("PEM").remove(0);
    assert_eq!(trusted(&[("ssl.truststore.location", &file("authority.der", &der.content))]), 1);
    let both = [TRUSTED, ("ssl.ca.pem", &text("stranger.pem"))];
    assert_eq!(trusted(&both), 2);
}

#[test]
fn trust_store_with_a_wrong_or_missing_password_is_refused() {
    for store in ["keytool-trust.p12", "keytool-trust.jks", "openssl-trust.p12"] {
        let wrong = refusal(&[("ssl.truststore.location", &format!("@{store}")), ("ssl.truststore.password", "wrong")]);
        assert!(wrong.contains(store) && wrong.contains("the password of the store does not fit"), "{wrong}");
    }
    // Java reads this one as an empty store.
    let missing = refusal(&[("ssl.truststore.location", "@keytool-trust.p12")]);
    assert!(missing.contains("its certificates are encrypted, and no password of the store is set"), "{missing}");
}

#[test]
fn system_s_certificates_are_trusted_if_no_others_are_named() {
    match client(&[]) {
        (Ok(_), _) => {}
        // On a machine without any.
        (Err(error), _) => assert!(error.message().contains("the operating system has no trusted certificates")),
    }
}

#[test]
fn pem_is_read_however_its_lines_end() {
    let (one, other) = (text("authority.pem"), text("stranger.pem"));
    let both = format!("{one}{other}");
    let in_one_line = both.replace('\n', " ");
    for (written, count) in [
        (both.clone(), 2),
        (both.replace('\n', "\r\n"), 2),
        (in_one_line, 2),
        (both.replace('\n', "\\n"), 2),
        (both.replace('\n', ""), 2),
        (format!("# The authority\nsubject=CN=authority\n{}", one.trim_end()), 1),
        (one.replace("CERTIFICATE", "TRUSTED CERTIFICATE"), 1),
        (one.replace("CERTIFICATE", "X509 CERTIFICATE"), 1),
        (format!("{one}{one}"), 2),
    ] {
        assert_eq!(trusted(&[("ssl.ca.pem", &written)]), count, "{written}");
    }
    let in_one_line = [("ssl.certificate.pem", text("client.pem")), ("ssl.key.pem", text("client.key"))]
        .map(|(name, text)| (name, text.replace('\n', " ")));
    let [certificate, key] = in_one_line.each_ref().map(|(name, text)| (*name, &**text));
    assert_eq!(usable(&[certificate, key]), [""; 0]);
}

#[test]
fn damaged_pem_is_refused_as_a_whole() {
    let one = text("authority.pem");
    let cut = &one[..one.len() / 2];
    let damaged = one.replacen("MII", "MI*", 1);
    let short = one.lines().filter(|line| line.len() != 64).collect::<Vec<_>>().join("\n");
    for (text, words) in [
        (format!("{one}{cut}"), "'-----END CERTIFICATE-----' is missing: is it cut off?"),
        (format!("{one}{damaged}"), "it is not Base64"),
        (format!("{one}{short}"), "certificate number 2: its ASN.1 is damaged or cut off"),
        ("no PEM".to_owned(), "expected PEM text, which begins with -----BEGIN"),
        (self::text("client.key"), "it has no certificate, only PRIVATE KEY"),
    ] {
        let refusal = refusal(&[("ssl.ca.pem", &text)]);
        assert!(refusal.contains("ssl.ca.pem") && refusal.contains(words), "{refusal}");
    }
}

#[test]
fn file_that_is_none_of_all_that_is_named_with_what_is_in_it() {
    let garbage = file("garbage", b"\x7fELF garbage");
    let refused = refusal(&[("ssl.truststore.location", &garbage)]);
    let words = format!(
        "ssl.truststore.location={garbage} cannot be used: expected PEM, PKCS12 or JKS, and found 12 bytes that begin with \
         '\\x7fELF gar'"
    );
    assert_eq!(refused, words);
    assert!(refusal(&[("ssl.truststore.location", &file("empty", b""))]).contains("found 0 bytes"));
    assert!(refusal(&[("ssl.truststore.location", "@no-such-file")]).contains("reading it failed: No such file"));
    let folder = std::env::temp_dir().join(format!("ottla-{}-no-files", std::process::id()));
    fs::create_dir_all(&folder).expect("a temporary folder");
    let refused = refusal(&[("ssl.ca.location", folder.to_str().expect("ASCII"))]);
    assert!(refused.contains("no file in it has a certificate in PEM"), "{refused}");
}

#[test]
fn truncated_and_changed_stores_are_refused() {
    for (store, property) in
        [("keytool.jks", "ssl.keystore"), ("keytool.p12", "ssl.keystore"), ("openssl-legacy.p12", "ssl.keystore")]
    {
        let whole = fs::read(format!("{FIXTURES}{store}")).expect("a fixture");
        for length in (0..whole.len()).step_by(whole.len() / 12) {
            let path = file("truncated", &whole[..length]);
            refusal(&[(&*format!("{property}.location"), &path), (&format!("{property}.password"), STORE_PASSWORD)]);
        }
        // The last bytes say how the store is protected, some of them without meaning.
        for at in (0..whole.len() * 9 / 10).step_by(whole.len() / 12) {
            let mut changed = whole.clone();
            changed[at] ^= 0x55;
            let path = file("changed", &changed);
            let (client, _) = client(&[
                (&*format!("{property}.location"), &path),
                (&format!("{property}.password"), STORE_PASSWORD),
                TRUSTED,
            ]);
            assert!(client.is_err(), "byte {at} of {store} does not matter");
        }
    }
}

#[test]
fn key_of_another_certificate_is_refused() {
    let refusal = refusal(&[("ssl.certificate.location", "@client.pem"), ("ssl.key.location", "@client-ec.key")]);
    assert!(refusal.contains("the private key does not belong to the (first) certificate"), "{refusal}");
}

#[test]
fn key_and_certificates_may_be_in_one_file() {
    let one = file("one.pem", (text("client.key") + &text("client.pem") + &text("authority.pem")).as_bytes());
    assert_eq!(usable(&[("ssl.keystore.location", &one), ("ssl.keystore.type", "PEM")]), [""; 0]);
    assert_eq!(usable(&[("ssl.certificate.location", &one)]), [""; 0]);
    assert_eq!(usable(&[("ssl.key.location", &one)]), [""; 0]);
    let notes = usable(&[("ssl.keystore.location", &one), ("ssl.keystore.type", "JKS")]);
    assert!(notes[0].ends_with("is PEM, and not of the type that is named"), "{notes:?}");
    let refused = refusal(&[("ssl.keystore.location", &one), ("ssl.keystore.password", STORE_PASSWORD)]);
    assert!(
        refused.contains("it is PEM, which has no password; that of the private key is ssl.key.password"),
        "{refused}"
    );
    let two = file("two.pem", (text("client.key") + &text("client-ec.key") + &text("client.pem")).as_bytes());
    assert!(refusal(&[("ssl.keystore.location", &two)]).contains("more than one private key"));
    assert!(refusal(&[("ssl.keystore.location", "@client.pem")]).contains("it has no private key, only CERTIFICATE"));
    assert!(refusal(&[("ssl.keystore.location", "@client.key")]).contains("it has no certificate, only PRIVATE KEY"));
}

#[test]
fn key_that_is_too_small_is_refused_with_what_is_needed() {
    let refusal = refusal(&[("ssl.certificate.location", "@small.pem"), ("ssl.key.location", "@small.key")]);
    assert!(refusal.contains("RSA keys of 2048 to 8192 bits"), "{refusal}");
}

#[test]
fn names_for_which_no_certificate_can_be_are_refused() {
    let (client, _) = client(&[TRUSTED]);
    let client = client.expect("usable");
    let sends_name =
        |host: &str| client.config_for(host).map(|(config, name)| (config.enable_sni, name.to_str().into_owned()));
    assert_eq!(sends_name("broker.example.").expect("a name"), (true, "broker.example".into()));
    assert_eq!(sends_name("broker_1.example").expect("a name"), (false, "broker_1.example".into()));
    assert_eq!(sends_name("127.0.0.1").expect("an address"), (true, "127.0.0.1".into()));
    let refused = sends_name("no name").expect_err("a space");
    assert!(Failure::is(&refused) && refused.to_string().contains("'no name' is not a host name"), "{refused}");
}
