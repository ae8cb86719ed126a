//! Streams against a server on a thread, with a socket that the test fills, breaks and closes.

use std::net::TcpListener;
use std::sync::mpsc;
use std::task::Waker;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion};

use super::*;
use ottla_core::config::Config;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/");

fn certificates(file: &str) -> Vec<CertificateDer<'static>> {
    let path = format!("{FIXTURES}{file}");
    CertificateDer::pem_file_iter(path).expect("a fixture").map(|one| one.expect("a certificate")).collect()
}

fn server_session(version: &'static SupportedProtocolVersion, requires_certificate: bool) -> ServerConnection {
    let provider = std::sync::Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(&[version]);
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates("authority.pem"));
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build().expect("an authority");
    let builder = match requires_certificate {
        true => builder.expect("versions").with_client_cert_verifier(verifier),
        false => builder.expect("versions").with_no_client_auth(),
    };
    let key = PrivateKeyDer::from_pem_file(format!("{FIXTURES}good.key")).expect("a key");
    let config = builder.with_single_cert(certificates("good.pem"), key).expect("they fit");
    ServerConnection::new(config.into()).expect("usable")
}

/// Runs `serve` on a thread with one connection, and gives the client's end to `test`.
fn with_server<S: Send + 'static>(
    serve: impl FnOnce(std::net::TcpStream) -> S + Send + 'static,
    test: impl AsyncFnOnce(TlsStream),
) -> JoinHandle<S> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let served = thread::spawn(move || serve(listener.accept().expect("a client").0));
    let mut config = Config::new();
    let authority = format!("{FIXTURES}authority.pem");
    for (name, value) in
        [("bootstrap.servers", "localhost:1"), ("security.protocol", "SSL"), ("ssl.ca.location", &authority)]
    {
        config.set(name, value).expect("a property");
    }
    let tls = config.resolve().expect("consistent").tls.expect("TLS");
    let client = Client::new(&tls, &mut Vec::new()).unwrap_or_else(|error| panic!("{error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let socket = TcpStream::connect(address).await.expect("it listens");
        test(TlsStream::connect(socket, client, "localhost".into()).await.expect("a handshake")).await;
    });
    served
}

/// Shakes hands and reads to the end. Returns what arrived, and whether the end was announced.
fn read_all(mut session: ServerConnection, mut socket: std::net::TcpStream) -> (Vec<u8>, bool) {
    let mut arrived = Vec::new();
    let ended = loop {
        while session.wants_write() {
            session.write_tls(&mut socket).expect("the client reads");
        }
        session.read_tls(&mut socket).expect("the client writes");
        session.process_new_packets().expect("TLS");
        match session.reader().read_to_end(&mut arrived) {
            Ok(_) => break true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => break false,
        }
    };
    (arrived, ended)
}

fn no_wait() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

#[test]
fn written_bytes_arrive_in_order_and_the_end_is_announced() {
    for version in [&TLS12, &TLS13] {
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number / 7) as u8).collect();
        let expected = bytes.clone();
        let served = with_server(
            move |socket| read_all(server_session(version, false), socket),
            async |mut stream| {
                let mut written = 0;
                while written < bytes.len() {
                    // Small slices, and one that alone is more than is taken at once.
                    let rest: Vec<&[u8]> = match written {
                        0..1_000_000 => bytes[written..1_000_000].chunks(997).collect(),
                        _ => vec![&bytes[written..]],
                    };
                    let slices: Vec<IoSlice<'_>> = rest.into_iter().take(128).map(IoSlice::new).collect();
                    let taken = poll_fn(|cx| stream.poll_write(cx, &slices)).await.expect("the server reads");
                    assert!((1..=CHUNK).contains(&taken), "{taken}");
                    written += taken;
                }
                poll_fn(|cx| stream.poll_flush(cx)).await.expect("the server reads");
                // What is unread at the end would reset the connection. The runtime learns of it while it waits.
                tokio::time::sleep(Duration::from_millis(10)).await;
                let mut scratch = [0; 100];
                let read = |cx: &mut Context<'_>| Poll::Ready(stream.poll_read(cx, &mut ReadBuf::new(&mut scratch)));
                assert!(poll_fn(read).await.is_pending(), "the server said nothing");
            },
        );
        let (arrived, announced) = served.join().expect("no panic");
        assert!(arrived == expected && announced);
    }
}

/// The server refuses after the client's handshake has ended, and closes while bytes of the client are unread.
#[test]
fn refusal_is_reported_although_a_write_fails_first() {
    let (close, closing) = mpsc::channel::<()>();
    let (closed, has_closed) = mpsc::channel::<()>();
    let serve = move |mut socket: std::net::TcpStream| {
        let mut session = server_session(&TLS13, true);
        loop {
            while session.wants_write() {
                session.write_tls(&mut socket).expect("the client reads");
            }
            session.read_tls(&mut socket).expect("the client writes");
            if session.process_new_packets().is_err() {
                session.write_tls(&mut socket).expect("the client reads");
                closing.recv().expect("the test goes on");
                drop(socket);
                closed.send(()).expect("the test goes on");
                return;
            }
        }
    };
    let served = with_server(serve, async move |mut stream| {
        let bytes = vec![7; CHUNK];
        let slices = [IoSlice::new(&bytes)];
        poll_fn(|cx| stream.poll_write(cx, &slices)).await.expect("nothing is known yet");
        poll_fn(|cx| stream.poll_flush(cx)).await.expect("nothing is known yet");
        close.send(()).expect("the server waits");
        has_closed.recv().expect("the server closes");
        // Until the reset has arrived.
        thread::sleep(Duration::from_millis(50));
        assert!(matches!(stream.poll_write(&mut no_wait(), &slices), Poll::Ready(Ok(_))));
        assert!(stream.poll_flush(&mut no_wait()).is_pending(), "what arrived was not read yet");
        let mut scratch = [0; 100];
        let read = poll_fn(|cx| stream.poll_read(cx, &mut ReadBuf::new(&mut scratch))).await;
        let refusal = read.expect_err("the server refused").to_string();
        assert!(refusal.contains("requires a certificate of the client"), "{refusal}");
    });
    served.join().expect("no panic");
}

#[test]
fn failed_write_is_reported_if_nothing_was_said_before() {
    let serve = |mut socket: std::net::TcpStream| {
        let mut session = server_session(&TLS13, false);
        while session.is_handshaking() || session.wants_write() {
            while session.wants_write() {
                session.write_tls(&mut socket).expect("the client reads");
            }
            if session.is_handshaking() {
                session.read_tls(&mut socket).expect("the client writes");
                session.process_new_packets().expect("TLS");
            }
        }
        thread::sleep(Duration::from_millis(50));
    };
    let served = with_server(serve, async |mut stream| {
        let bytes = vec![7; CHUNK];
        let slices = [IoSlice::new(&bytes)];
        let failed = loop {
            let written = poll_fn(|cx| stream.poll_write(cx, &slices)).await;
            if let Err(failed) = written {
                break failed;
            }
        };
        assert!(!Failure::is(&failed), "{failed}");
    });
    served.join().expect("no panic");
}

#[test]
fn session_whose_keys_are_used_up_takes_nothing() {
    let served = with_server(
        |socket| read_all(server_session(&TLS12, false), socket),
        async |mut stream| {
            stream.records_left = 5;
            let bytes = vec![7; RECORD + 1];
            let slices = [IoSlice::new(&bytes)];
            for _ in 0..2 {
                let taken = poll_fn(|cx| stream.poll_write(cx, &slices)).await.expect("keys are left");
                assert_eq!(taken, RECORD + 1);
            }
            let refused = poll_fn(|cx| stream.poll_write(cx, &slices)).await.expect_err("one record is left");
            assert!(Failure::is(&refused) && refused.to_string().contains("keys of TLS 1.2"), "{refused}");
            poll_fn(|cx| stream.poll_flush(cx)).await.expect("the server reads");
        },
    );
    assert_eq!(served.join().expect("no panic").0.len(), 2 * (RECORD + 1));
}
