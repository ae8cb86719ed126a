//! An encrypted connection, without waiting.
#![forbid(unsafe_code)]

use std::future::poll_fn;
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::{ClientConnection, ProtocolVersion};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::Client;
use super::failure::{self, Failure};

/// A connection with TLS. Bytes that were written are held back until the socket takes them.
pub struct TlsStream {
    socket: TcpStream,
    session: Box<ClientConnection>,
    /// The first bytes that the peer sent.
    heard: Vec<u8>,
    identity: Option<Arc<str>>,
    /// Why the socket takes no more. What the peer said before is read first.
    failed: Option<io::Error>,
    /// Records that may still be written with the keys of TLS 1.2.
    records_left: u64,
}

/// Plaintext that is encrypted at once. More would only wait in memory.
const CHUNK: usize = 64 * 1024;
const RECORD: usize = 16 * 1024;
/// AES-GCM is safe for so many records. A session of TLS 1.2 cannot change its keys.
const RECORDS_OF_TLS12: u64 = (1 << 24) - 1024;
/// Enough to tell other protocols.
const HEARD: usize = 8;

impl TlsStream {
    /// Shakes hands. The caller bounds the time.
    pub async fn connect(socket: TcpStream, client: Client, host: Arc<str>) -> io::Result<Self> {
        let (config, name) = client.config_for(&host)?;
        let session = ClientConnection::new(config, name).map_err(io::Error::other)?;
        let mut stream = TlsStream {
            socket,
            session: Box::new(session),
            heard: Vec::new(),
            identity: client.identity,
            failed: None,
            records_left: RECORDS_OF_TLS12,
        };
        poll_fn(|cx| stream.poll_handshake(cx)).await?;
        Ok(stream)
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let had_failed = self.failed.is_some();
        loop {
            if self.failed.is_none() && self.poll_flush(cx)?.is_ready() && !self.session.is_handshaking() {
                return Poll::Ready(Ok(()));
            }
            match self.receive(cx) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Err(error)) if Failure::is(&error) => return Poll::Ready(Err(error)),
                Poll::Ready(_) => return Poll::Ready(Err(failure::closed(&self.heard))),
                Poll::Pending if had_failed => return Poll::Ready(Err(failure::closed(&self.heard))),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Takes bytes from the front of `slices`, and returns how many. They may reach the peer from then on.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        ready!(self.poll_flush(cx))?;
        let mut total = 0;
        let is_enough = |slice: &IoSlice<'_>| {
            total += slice.len();
            total >= CHUNK
        };
        // A session goes through all slices for each record, so it gets no more than it can take.
        let count = slices.iter().position(is_enough).map_or(slices.len(), |last| last + 1);
        if self.session.protocol_version() == Some(ProtocolVersion::TLSv1_2) {
            // A session without keys would take bytes and drop them.
            let records = total.min(CHUNK).div_ceil(RECORD) as u64;
            let used_up = || failure::error("its keys of TLS 1.2 are used up, and it is replaced");
            self.records_left = self.records_left.checked_sub(records).ok_or_else(used_up)?;
        }
        Poll::Ready(self.session.writer().write_vectored(&slices[..count]))
    }

    /// Ready once the socket has everything.
    ///
    /// A refusal may have been sent before the socket failed. So the failure is reported only after another look at what
    /// arrived, in the next turn of the loop.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(failed) = self.failed.take() {
            return Poll::Ready(Err(failed));
        }
        while self.session.wants_write() {
            match self.session.write_tls(&mut Polled { socket: &mut self.socket, cx }) {
                Ok(0) => self.failed = Some(io::ErrorKind::WriteZero.into()),
                Ok(_) => continue,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => self.failed = Some(error),
            }
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads what has arrived; nothing if the peer closed the connection. Many do so without saying so in TLS.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            match self.session.reader().read(buffer.initialize_unfilled()) {
                Ok(read) => {
                    buffer.advance(read);
                    return self.read_ended(read);
                }
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return self.read_ended(0),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            // An answer to a change of keys, for example.
            if self.failed.is_none() && self.session.wants_write() {
                let _ = self.poll_flush(cx)?;
            }
            ready!(self.receive(cx))?;
        }
    }

    fn read_ended(&mut self, read: usize) -> Poll<io::Result<()>> {
        match self.failed.take() {
            Some(failed) if read == 0 => Poll::Ready(Err(failed)),
            failed => {
                self.failed = failed;
                Poll::Ready(Ok(()))
            }
        }
    }

    /// Reads from the socket what there is, and returns how much it was.
    fn receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut polled = Heard { polled: Polled { socket: &mut self.socket, cx }, heard: &mut self.heard };
        let read = match self.session.read_tls(&mut polled) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            Err(error) => return Poll::Ready(Err(self.failed.take().unwrap_or(error))),
        };
        if let Err(error) = self.session.process_new_packets() {
            // Tells the peer why, if the socket takes it.
            let _ = self.session.write_tls(&mut Polled { socket: &mut self.socket, cx });
            return Poll::Ready(Err(failure::of_session(error, &self.heard, self.identity.as_deref())));
        }
        Poll::Ready(Ok(read))
    }
}

impl Drop for TlsStream {
    /// Says that the connection ends here, if the socket takes it at once. A part of a request that the socket has not
    /// taken is not sent any more.
    fn drop(&mut self) {
        if self.session.is_handshaking() || self.session.wants_write() {
            return;
        }
        self.session.send_close_notify();
        let _ = self.session.write_tls(&mut Unpolled(&self.socket));
    }
}

/// A socket as a session uses it: it never waits.
struct Polled<'s, 'c, 'w> {
    socket: &'s mut TcpStream,
    cx: &'c mut Context<'w>,
}

fn now<T>(polled: Poll<io::Result<T>>) -> io::Result<T> {
    match polled {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

impl Read for Polled<'_, '_, '_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(bytes);
        now(Pin::new(&mut *self.socket).poll_read(self.cx, &mut buffer))?;
        Ok(buffer.filled().len())
    }
}

impl Write for Polled<'_, '_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        now(Pin::new(&mut *self.socket).poll_write(self.cx, bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        now(Pin::new(&mut *self.socket).poll_write_vectored(self.cx, slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps the first bytes that are read.
struct Heard<'h, 's, 'c, 'w> {
    polled: Polled<'s, 'c, 'w>,
    heard: &'h mut Vec<u8>,
}

impl Read for Heard<'_, '_, '_, '_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.polled.read(bytes)?;
        let missing = HEARD - self.heard.len();
        self.heard.extend_from_slice(&bytes[..read.min(missing)]);
        Ok(read)
    }
}

/// A socket outside the event loop.
struct Unpolled<'s>(&'s TcpStream);

impl Write for Unpolled<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, not(ottla_loom)))]
mod tests;
