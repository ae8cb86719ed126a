//! A connection: frames in and frames out, over a transport.

use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use tokio::io::ReadBuf;

use super::transport::Transport;
use crate::tls::Failure;
use ottla_core::error::{Error, ErrorCode, ErrorKind};
use ottla_core::protocol::header;
use ottla_core::sender::Frame;
use ottla_core::sync::Arc;

/// An open connection. Dropping it closes it.
pub struct Connection {
    transport: Transport,
    /// The name by which the server was looked up.
    server_name: Arc<str>,
    /// The beginning of a frame that has not arrived completely.
    partial: Vec<u8>,
    outgoing: Option<Outgoing>,
    max_frame: usize,
}

struct Outgoing {
    frame: Frame,
    /// How many of its bytes the transport took. They may reach the broker even if the connection ends.
    taken: usize,
    /// Whether the sender got `Input::Begun` for it.
    reported: bool,
}

/// Buffers that are handed to the transport in one call. For the kernel, more buffers cost more than another call.
const SLICES: usize = 128;

impl Connection {
    pub fn new(transport: Transport, server_name: Arc<str>, max_frame: usize) -> Self {
        Connection { transport, server_name, partial: Vec::new(), outgoing: None, max_frame }
    }

    /// Begins to write a frame. The previous one must be written to its end.
    pub fn write(&mut self, frame: Frame) {
        debug_assert!(self.outgoing.is_none(), "the sender hands over one frame at a time");
        self.outgoing = Some(Outgoing { frame, taken: 0, reported: false });
    }

    /// Writes what the transport takes. Ready with the frame once the kernel has all of it.
    pub fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Frame>>> {
        let Some(outgoing) = &mut self.outgoing else { return Poll::Ready(Ok(None)) };
        loop {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let count = remaining(&outgoing.frame, outgoing.taken, &mut slices);
            if count == 0 {
                ready!(self.transport.poll_flush(cx))?;
                return Poll::Ready(Ok(self.outgoing.take().map(|outgoing| outgoing.frame)));
            }
            match self.transport.poll_write(cx, &slices[..count]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(taken)) => outgoing.taken += taken,
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Whether the transport has taken a part of the frame by now. Returns true once per frame.
    pub fn has_begun(&mut self) -> bool {
        let begun = self.outgoing.as_mut().filter(|outgoing| outgoing.taken > 0);
        begun.is_some_and(|outgoing| !std::mem::replace(&mut outgoing.reported, true))
    }

    /// Drops the frame under way, of which the transport has taken nothing.
    pub fn recall(&mut self) {
        debug_assert!(self.untouched().is_some(), "what the broker has a part of cannot be taken back");
        self.outgoing = None;
    }

    /// The frame under way, if the transport has taken nothing of it: then no byte of it can have reached the broker.
    pub fn untouched(&self) -> Option<i32> {
        self.outgoing.as_ref().filter(|outgoing| outgoing.taken == 0).map(|outgoing| outgoing.frame.correlation)
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
            match self.transport.poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => return Poll::Ready(lost_by(error)),
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
            error.with_message(format!("it announced {}; {}", error.message(), self.likely_cause(&bytes[used..])))
        })? {
            let Some(frame) = bytes[used + 4..].get(..length) else { break };
            on_frame(frame);
            used += 4 + length;
        }
        Ok(used)
    }

    /// The likely reason for an impossible frame length: the first bytes of other protocols are recognised.
    fn likely_cause(&self, bytes: &[u8]) -> String {
        match bytes {
            // An alert or a handshake of SSL 3 to TLS 1.3.
            [0x15 | 0x16, 3, ..] => format!(
                "these are the first bytes of TLS: does the listener of {} want security.protocol=SSL (or SASL_SSL)?",
                self.server_name
            ),
            [b'H', b'T', b'T', b'P', ..] => {
                "a web server answers there: bootstrap.servers wants the port of a Kafka broker".into()
            }
            _ => {
                "receive.message.max.bytes bounds it; is this a listener of a Kafka broker, for this security.protocol?"
                    .into()
            }
        }
    }
}

/// Fills `slices` with the rest of a frame. Returns how many were filled.
fn remaining<'f>(frame: &'f Frame, taken: usize, slices: &mut [IoSlice<'f>; SLICES]) -> usize {
    let mut skip = taken;
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

fn lost(why: &str) -> Error {
    Error::new(ErrorKind::Broker(ErrorCode::NETWORK_EXCEPTION), format!("the connection was lost: {why}"))
}

/// The error for a transport that failed. TLS names its own causes, so the sender guesses none.
pub fn lost_by(error: io::Error) -> Error {
    let lost = lost(&error.to_string());
    let lost = if Failure::is(&error) { lost.with_kind(ErrorKind::Io) } else { lost };
    lost.caused_by(error)
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::super::transport::tests::Holding;
    use super::super::{SocketSettings, transport};
    use super::*;

    fn frame(correlation: i32, bytes: &[u8]) -> Frame {
        Frame { correlation, bytes: bytes.to_vec(), ..Frame::default() }
    }

    fn connection(holding: Holding) -> Connection {
        Connection::new(Transport::Holding(holding), "broker".into(), 1000)
    }

    fn layer(connection: &mut Connection) -> &mut Holding {
        let Transport::Holding(holding) = &mut connection.transport else { panic!("a layer that holds bytes back") };
        holding
    }

    fn poll(connection: &mut Connection) -> Poll<io::Result<Option<i32>>> {
        let written = connection.poll_write(&mut Context::from_waker(Waker::noop()));
        written.map_ok(|frame| frame.map(|frame| frame.correlation))
    }

    fn is_written(connection: &mut Connection, correlation: i32) -> bool {
        matches!(poll(connection), Poll::Ready(Ok(Some(written))) if written == correlation)
    }

    #[test]
    fn frame_in_the_buffer_of_the_transport_is_begun_and_not_written() {
        let mut connection = connection(Holding { room: 100, ..Holding::default() });
        connection.write(frame(7, b"request"));
        assert!(poll(&mut connection).is_pending());
        assert!(connection.has_begun() && !connection.has_begun());
        assert_eq!((layer(&mut connection).held.len(), layer(&mut connection).passed_on.len()), (7, 0));
        // All but its last byte.
        layer(&mut connection).kernel_room = 6;
        assert!(poll(&mut connection).is_pending());
        layer(&mut connection).kernel_room = 1;
        assert!(is_written(&mut connection, 7));
        assert_eq!(layer(&mut connection).passed_on, b"request");
    }

    #[test]
    fn frame_in_the_buffer_of_the_transport_may_reach_the_broker() {
        let mut connection = connection(Holding { room: 100, ..Holding::default() });
        connection.write(frame(7, b"request"));
        assert_eq!(connection.untouched(), Some(7));
        assert!(poll(&mut connection).is_pending());
        // The kernel has no byte of it. But it cannot be taken back from the transport.
        assert_eq!(connection.untouched(), None);
        layer(&mut connection).broken = true;
        assert!(matches!(poll(&mut connection), Poll::Ready(Err(_))));
        assert_eq!(connection.untouched(), None);
    }

    #[test]
    fn recalled_frame_never_reaches_the_kernel() {
        let mut connection = connection(Holding { room: 0, kernel_room: 100, ..Holding::default() });
        connection.write(frame(7, b"first"));
        assert!(poll(&mut connection).is_pending());
        assert!(!connection.has_begun());
        assert_eq!(connection.untouched(), Some(7));
        connection.recall();
        layer(&mut connection).room = 100;
        assert!(matches!(poll(&mut connection), Poll::Ready(Ok(None))));
        connection.write(frame(8, b"second"));
        assert!(is_written(&mut connection, 8));
        assert_eq!(layer(&mut connection).passed_on, b"second");
    }

    #[test]
    fn frame_larger_than_the_buffer_of_the_transport_is_written_in_pieces() {
        let mut connection = connection(Holding { room: 3, ..Holding::default() });
        connection.write(frame(7, b"request"));
        let mut polls = 0;
        while !is_written(&mut connection, 7) {
            assert!(b"request".starts_with(&layer(&mut connection).passed_on));
            layer(&mut connection).kernel_room = 2;
            polls += 1;
        }
        assert_eq!(polls, 4, "seven bytes, two at a time");
        assert_eq!(layer(&mut connection).passed_on, b"request");
    }

    /// A frame that the socket takes only in part is reported once as begun.
    #[test]
    fn a_begun_frame_is_reported_once_and_an_untouched_one_can_be_recalled() {
        let peer = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = peer.local_addr().expect("bound");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
        runtime.block_on(async {
            let sockets = SocketSettings { send_buffer: None, receive_buffer: None, receive_message_max: 1000 };
            let stream = transport::connect(address, sockets).await.expect("it listens");
            let mut connection = Connection::new(Transport::Plain(stream), "localhost".into(), 1000);
            std::future::poll_fn(|cx| {
                write_until_full(&mut connection, cx);
                Poll::Ready(())
            })
            .await;
        });
    }

    fn write_until_full(connection: &mut Connection, cx: &mut Context<'_>) {
        // The peer reads nothing, and this is more than the system buffers.
        connection.write(frame(0, &vec![0; 64 << 20]));
        assert_eq!(connection.untouched(), Some(0));
        assert!(!connection.has_begun());
        assert!(connection.poll_write(cx).is_pending());
        assert_eq!(connection.untouched(), None);
        assert!(connection.has_begun() && !connection.has_begun());
        connection.outgoing = None;
        connection.write(frame(0, &[0; 10]));
        assert!(connection.poll_write(cx).is_pending());
        assert!(!connection.has_begun());
        connection.recall();
        assert!(matches!(connection.poll_write(cx), Poll::Ready(Ok(None))));
    }
}
