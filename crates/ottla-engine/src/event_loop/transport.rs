//! What carries the bytes of a connection: a socket, or a layer on a socket.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};

use super::SocketSettings;
use crate::tls::TlsStream;

/// An open transport. Dropping it closes the socket.
///
/// Writing has two steps, because a layer such as TLS has a buffer between the connection and the kernel. What
/// `poll_write` took may reach the broker at any time and cannot be taken back. What it took is *written* once
/// `poll_flush` is ready after it.
pub enum Transport {
    Plain(TcpStream),
    Tls(TlsStream),
    #[cfg(test)]
    Holding(tests::Holding),
}

impl Transport {
    /// Takes bytes from the front of `slices`, and returns how many.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Transport::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Transport::Tls(stream) => stream.poll_write(cx, slices),
            #[cfg(test)]
            Transport::Holding(holding) => holding.poll_write(slices),
        }
    }

    /// Ready once the kernel has everything that `poll_write` took.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Transport::Plain(_) => Poll::Ready(Ok(())),
            Transport::Tls(stream) => stream.poll_flush(cx),
            #[cfg(test)]
            Transport::Holding(holding) => holding.poll_flush(),
        }
    }

    /// Reads what has arrived; nothing if the peer closed the connection.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Transport::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Transport::Tls(stream) => stream.poll_read(cx, buffer),
            #[cfg(test)]
            Transport::Holding(_) => Poll::Pending,
        }
    }
}

/// Connects to an address.
pub async fn connect(address: SocketAddr, sockets: SocketSettings) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_nodelay(true)?;
    socket.set_keepalive(true)?;
    // Left to the kernel by default: an explicit size turns its tuning off.
    if let Some(bytes) = sockets.send_buffer {
        socket.set_send_buffer_size(u32::try_from(bytes).unwrap_or(u32::MAX))?;
    }
    if let Some(bytes) = sockets.receive_buffer {
        socket.set_recv_buffer_size(u32::try_from(bytes).unwrap_or(u32::MAX))?;
    }
    socket.connect(address).await
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A layer that takes bytes into a buffer, as TLS does, and passes them on when the test says so.
    #[derive(Default)]
    pub struct Holding {
        /// How many bytes it takes before it has to be flushed.
        pub room: usize,
        pub held: Vec<u8>,
        /// What the kernel got.
        pub passed_on: Vec<u8>,
        /// How many bytes the kernel takes.
        pub kernel_room: usize,
        pub broken: bool,
    }

    impl Holding {
        pub fn poll_write(&mut self, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
            self.pass_on();
            let before = self.held.len();
            for byte in slices.iter().flat_map(|slice| slice.iter()).take(self.room - before) {
                self.held.push(*byte);
            }
            match self.held.len() - before {
                0 => Poll::Pending,
                taken => Poll::Ready(Ok(taken)),
            }
        }

        pub fn poll_flush(&mut self) -> Poll<io::Result<()>> {
            if self.broken {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            self.pass_on();
            if self.held.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
        }

        fn pass_on(&mut self) {
            let passed = self.held.len().min(self.kernel_room);
            self.kernel_room -= passed;
            self.passed_on.extend(self.held.drain(..passed));
        }
    }
}
