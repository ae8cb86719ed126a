//! Listeners for TLS: before a modelled broker, or with something wrong.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/");

pub fn fixture(file: &str) -> String {
    format!("{FIXTURES}{file}")
}

/// What a listener presents and requires.
pub struct Front {
    pub certificate: &'static str,
    /// Certificates that it sends after its own.
    pub above: &'static [&'static str],
    /// The authority of the clients' certificates that it requires.
    pub clients_of: Option<&'static str>,
    pub versions: &'static [&'static SupportedProtocolVersion],
}

impl Default for Front {
    fn default() -> Self {
        Front { certificate: "good", above: &[], clients_of: None, versions: rustls::ALL_VERSIONS }
    }
}

fn certificates(name: &str) -> Vec<CertificateDer<'static>> {
    let path = fixture(&format!("{name}.pem"));
    CertificateDer::pem_file_iter(path).expect("a fixture").map(|one| one.expect("a certificate")).collect()
}

impl Front {
    fn config(&self) -> ServerConfig {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(self.versions);
        let builder = builder.expect("versions");
        let builder = match self.clients_of {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(certificates(authority));
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build();
                builder.with_client_cert_verifier(verifier.expect("an authority"))
            }
        };
        let key = PrivateKeyDer::from_pem_file(fixture(&format!("{}.key", self.certificate))).expect("a key");
        let mut chain = certificates(self.certificate);
        chain.extend(self.above.iter().flat_map(|name| certificates(name)));
        // Unlike `with_single_cert`, it presents what no server should.
        let certified = CertifiedKey::new(chain, ring::sign::any_supported_type(&key).expect("a usable key"));
        builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
    }

    /// Listens, and passes what arrives on to `behind`.
    pub fn start(self, behind: Option<SocketAddr>) -> SocketAddr {
        let config = Arc::new(self.config());
        listen(move |stream| {
            let session = ServerConnection::new(config.clone()).expect("a usable configuration");
            // A connection that fails is the client's to report.
            let _ = serve(session, stream, behind);
        })
    }
}

/// Calls `serve` on a thread of its own for each connection.
pub fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("bound");
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Looks at both sides in turn.
fn serve(mut session: ServerConnection, mut client: TcpStream, behind: Option<SocketAddr>) -> io::Result<()> {
    let mut broker = behind.map(TcpStream::connect).transpose()?;
    for stream in [Some(&client), broker.as_ref()].into_iter().flatten() {
        stream.set_read_timeout(Some(Duration::from_millis(1)))?;
        stream.set_nodelay(true)?;
    }
    let mut bytes = vec![0; 64 * 1024];
    loop {
        while session.wants_write() {
            session.write_tls(&mut client)?;
        }
        if let Some(0) = unless_silent(session.read_tls(&mut client))? {
            return Ok(());
        }
        if let Err(error) = session.process_new_packets() {
            session.write_tls(&mut client)?;
            return Err(io::Error::other(error));
        }
        let Some(broker) = &mut broker else { continue };
        while let Some(read @ 1..) = unless_silent(session.reader().read(&mut bytes))? {
            broker.write_all(&bytes[..read])?;
        }
        match unless_silent(broker.read(&mut bytes))? {
            Some(0) => return Ok(()),
            Some(read) => session.writer().write_all(&bytes[..read])?,
            None => {}
        }
    }
}

fn unless_silent(read: io::Result<usize>) -> io::Result<Option<usize>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Ok(None),
        Err(error) => Err(error),
    }
}

/// OpenSSL's server, for keys that rustls does not take.
pub struct OpenSslServer(Child, pub SocketAddr);

impl OpenSslServer {
    pub fn start(certificate: &str, options: &[&str]) -> Self {
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-cert", &fixture(&format!("{certificate}.pem"))]);
        command.args(["-key", &fixture(&format!("{certificate}.key"))]).args(options);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("openssl is installed");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let accepts = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("ACCEPT ")?.trim().parse().ok());
        OpenSslServer(child, accepts.expect("it says where it listens"))
    }
}

impl Drop for OpenSslServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
