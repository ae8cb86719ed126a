//! A connection: one socket, with frames in and frames out.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use ottla_core::error::{Error, ErrorCode, ErrorKind};
use ottla_core::protocol::header;
use ottla_core::sender::Frame;

/// A connected socket. Dropping it closes it.
pub struct Connection {
    stream: TcpStream,
    /// The beginning of a frame that has not arrived completely.
    partial: Vec<u8>,
    outgoing: Option<Outgoing>,
    max_frame: usize,
}

struct Outgoing {
    frame: Frame,
    written: usize,
    /// The sender was told that a part of the frame is written.
    reported: bool,
}

/// Buffers that are handed to the kernel in one call. More cost more than another call does.
const SLICES: usize = 128;

impl Connection {
    pub fn new(stream: TcpStream, max_frame: usize) -> Self {
        Connection { stream, partial: Vec::new(), outgoing: None, max_frame }
    }

    /// Begins to write a frame. The previous one must be written to its end.
    pub fn write(&mut self, frame: Frame) {
        debug_assert!(self.outgoing.is_none(), "the sender hands over one frame at a time");
        self.outgoing = Some(Outgoing { frame, written: 0, reported: false });
    }

    /// Writes as much as the socket takes. Ready with the frame once it is written to its end.
    pub fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Frame>>> {
        let Some(outgoing) = &mut self.outgoing else { return Poll::Ready(Ok(None)) };
        loop {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let count = remaining(&outgoing.frame, outgoing.written, &mut slices);
            if count == 0 {
                return Poll::Ready(Ok(self.outgoing.take().map(|outgoing| outgoing.frame)));
            }
            match Pin::new(&mut self.stream).poll_write_vectored(cx, &slices[..count]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => outgoing.written += written,
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Whether a part of the frame is written by now. Returns true once per frame.
    pub fn has_begun(&mut self) -> bool {
        let begun = self.outgoing.as_mut().filter(|outgoing| outgoing.written > 0);
        begun.is_some_and(|outgoing| !std::mem::replace(&mut outgoing.reported, true))
    }

    /// Drops the frame that is to be written. No byte of it may have been written.
    pub fn recall(&mut self) {
        debug_assert!(self.untouched().is_some(), "what the broker has a part of cannot be taken back");
        self.outgoing = None;
    }

    /// The correlation id of the frame that is to be written, if no byte of it was written.
    pub fn untouched(&self) -> Option<i32> {
        self.outgoing.as_ref().filter(|outgoing| outgoing.written == 0).map(|outgoing| outgoing.frame.correlation)
    }

    /// Reads all that has arrived, and calls `on_frame` with each complete frame. An error ends the connection.
    pub fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut [u8],
        mut on_frame: impl FnMut(&[u8]),
    ) -> Poll<Error> {
        loop {
            let mut buffer = ReadBuf::new(scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => return Poll::Ready(lost(&error.to_string()).caused_by(error)),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() && !self.partial.is_empty() => {
                    let message = "the connection was lost: the broker closed it in the middle of a response";
                    return Poll::Ready(Error::new(ErrorKind::BadResponse, message));
                }
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
                    return Poll::Ready(lost("the broker closed it"));
                }
                Poll::Ready(Ok(())) => {
                    if let Err(error) = self.take(buffer.filled(), &mut on_frame) {
                        return Poll::Ready(error);
                    }
                }
            }
        }
    }

    /// Cuts what arrived into frames. Memory grows by what arrived, not by the length that a frame announces.
    fn take(&mut self, arrived: &[u8], on_frame: &mut impl FnMut(&[u8])) -> Result<(), Error> {
        if self.partial.is_empty() {
            let used = self.cut(arrived, on_frame)?;
            self.partial.extend_from_slice(&arrived[used..]);
            return Ok(());
        }
        self.partial.extend_from_slice(arrived);
        let mut joined = std::mem::take(&mut self.partial);
        let used = self.cut(&joined, on_frame)?;
        joined.drain(..used);
        if joined.is_empty() {
            joined = Vec::new();
        }
        self.partial = joined;
        Ok(())
    }

    /// Calls `on_frame` with each complete frame of `bytes`. Returns how many bytes these frames took.
    fn cut(&self, bytes: &[u8], on_frame: &mut impl FnMut(&[u8])) -> Result<usize, Error> {
        let mut used = 0;
        while let Some(length) = header::frame_len(&bytes[used..], self.max_frame).map_err(|error| {
            error.with_message(format!("it announced {}; {}", error.message(), likely_cause(&bytes[used..])))
        })? {
            let Some(frame) = bytes[used + 4..].get(..length) else { break };
            on_frame(frame);
            used += 4 + length;
        }
        Ok(used)
    }
}

/// Fills `slices` with the unwritten rest of a frame. Returns how many were filled.
fn remaining<'f>(frame: &'f Frame, written: usize, slices: &mut [IoSlice<'f>; SLICES]) -> usize {
    let mut skip = written;
    let mut count = 0;
    for slice in frame.slices() {
        if skip >= slice.len() {
            skip -= slice.len();
            continue;
        }
        slices[count] = IoSlice::new(&slice[skip..]);
        skip = 0;
        count += 1;
        if count == SLICES {
            break;
        }
    }
    count
}

/// The likely reason for an impossible frame length: the first bytes of other protocols are recognised.
fn likely_cause(bytes: &[u8]) -> &'static str {
    match bytes {
        // An alert or a handshake of SSL 3 to TLS 1.3.
        [0x15 | 0x16, 3, ..] => {
            "these are the first bytes of TLS: connect to a plaintext listener of the broker (bootstrap.servers), since \
             this release does not speak TLS"
        }
        [b'H', b'T', b'T', b'P', ..] => {
            "a web server answers there: bootstrap.servers wants the port of a Kafka broker"
        }
        _ => "receive.message.max.bytes bounds it; is this a plaintext listener of a Kafka broker?",
    }
}

fn lost(why: &str) -> Error {
    Error::new(ErrorKind::Broker(ErrorCode::NETWORK_EXCEPTION), format!("the connection was lost: {why}"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn frame(len: usize) -> Frame {
        Frame { bytes: vec![0; len], ..Frame::default() }
    }

    /// A frame that the socket takes only in part is reported once as begun.
    #[test]
    fn a_begun_frame_is_reported_once_and_an_untouched_one_can_be_recalled() {
        let peer = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = peer.local_addr().expect("bound");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
        runtime.block_on(async {
            let stream = TcpStream::connect(address).await.expect("it listens");
            let mut connection = Connection::new(stream, 1000);
            std::future::poll_fn(|cx| {
                write_until_full(&mut connection, cx);
                Poll::Ready(())
            })
            .await;
        });
    }

    fn write_until_full(connection: &mut Connection, cx: &mut Context<'_>) {
        // The peer reads nothing, and this is more than the system buffers.
        connection.write(frame(64 << 20));
        assert_eq!(connection.untouched(), Some(0));
        assert!(!connection.has_begun());
        assert!(connection.poll_write(cx).is_pending());
        assert_eq!(connection.untouched(), None);
        assert!(connection.has_begun() && !connection.has_begun());
        connection.outgoing = None;
        connection.write(frame(10));
        assert!(connection.poll_write(cx).is_pending());
        assert!(!connection.has_begun());
        connection.recall();
        assert!(matches!(connection.poll_write(cx), Poll::Ready(Ok(None))));
    }
}
