//! Toxiproxy, controlled by its HTTP interface.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Proxies;

/// A running Toxiproxy with one proxy per broker. It ends when dropped.
pub struct Toxiproxy {
    child: Child,
    port: u16,
}

impl Toxiproxy {
    /// Listens at the first address of each pair and forwards connections to the second.
    pub fn start(addresses: &[(String, String)]) -> Toxiproxy {
        let program = program();
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let mut command = Command::new(&program);
        command.args(["-host", "127.0.0.1", "-port", &port.to_string()]).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
        let toxiproxy = Toxiproxy { child, port };
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < deadline, "{program} does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        for (broker, (address, behind)) in (1..).zip(addresses) {
            let proxy =
                format!(r#"{{"name":"broker-{broker}","listen":"{address}","upstream":"{behind}","enabled":true}}"#);
            toxiproxy.post("/proxies", &proxy);
        }
        toxiproxy
    }

    fn post(&self, path: &str, body: &str) {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("Toxiproxy listens");
        let length = body.len();
        let head = "Host: localhost\r\nContent-Type: application/json";
        let request = format!("POST {path} HTTP/1.0\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).expect("Toxiproxy reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("Toxiproxy answers");
        assert!(answer.split(' ').nth(1).is_some_and(|code| code.starts_with('2')), "{path} {body}: {answer}");
    }
}

impl Proxies for Toxiproxy {
    fn cut(&self, broker: u32) {
        self.post(&format!("/proxies/broker-{broker}"), r#"{"enabled":false}"#);
    }

    fn delay(&self, broker: u32, by: Duration) {
        for stream in ["upstream", "downstream"] {
            let (path, by) = (format!("/proxies/broker-{broker}/toxics"), by.as_millis());
            let toxic = r#""type":"latency","toxicity":1.0"#;
            self.post(&path, &format!(r#"{{{toxic},"stream":"{stream}","attributes":{{"latency":{by}}}}}"#));
        }
    }

    fn restore(&self) {
        self.post("/reset", "");
    }
}

impl Drop for Toxiproxy {
    fn drop(&mut self) {
        // It may have ended already. In any case it must be waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Builds the program unless it exists. Returns its path.
fn program() -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/toxiproxy");
    let output = Command::new(&script)
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", script.display()));
    assert!(output.status.success(), "{}: {}", script.display(), output.status);
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
