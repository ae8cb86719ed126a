//! Every stream is read back by our decoder, and by one that shares no code with the encoder.

use super::*;

/// Java's default of `compression.<codec>.level`.
fn default_level(codec: Codec) -> i32 {
    match codec {
        Codec::None | Codec::Snappy => 0,
        Codec::Gzip => -1,
        Codec::Lz4 => 9,
        Codec::Zstd => 3,
    }
}

use std::io::Read;

const CODECS: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];
const SIZES: [usize; 16] =
    [0, 1, 2, 12, 13, 14, 100, 16_384, 32_767, 32_768, 32_769, 65_534, 65_535, 65_536, 65_537, 1 << 20];

/// Knuth's linear congruential generator. Its upper bits are good enough here.
struct Rng(u64);

impl Rng {
    fn draw(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.draw() % bound
    }
}

/// Like JSON records: compresses to about a third.
fn text(length: usize) -> Vec<u8> {
    let mut rng = Rng(1);
    let mut bytes = Vec::with_capacity(length + 100);
    while bytes.len() < length {
        let (user, event) = (rng.below(10_000), ["login", "logout", "purchase"][rng.below(3) as usize]);
        bytes.extend(format!(r#"{{"user":"u-{user:05}","event":"{event}","at":{}}}"#, rng.draw()).bytes());
    }
    bytes.truncate(length);
    bytes
}

fn noise(length: usize) -> Vec<u8> {
    let mut rng = Rng(2);
    std::iter::repeat_with(|| (rng.draw() >> 24) as u8).take(length).collect()
}

fn compressor(codec: Codec) -> Compressor {
    Compressor::new(codec, default_level(codec)).unwrap()
}

fn stream(compressor: &mut Compressor, chunks: &[&[u8]]) -> Vec<u8> {
    let mut out = b"before".to_vec();
    compressor.compress(chunks.iter().copied(), &mut out).unwrap();
    assert_eq!(out[..6], *b"before", "the stream is appended");
    out.split_off(6)
}

/// Decompresses with code of other authors.
fn read_elsewhere(codec: Codec, stream: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match codec {
        Codec::None => plain.extend(stream),
        Codec::Gzip => plain = read_gzip(stream),
        Codec::Snappy => plain = read_xerial(stream),
        Codec::Lz4 => {
            let mut decoder = ::lz4::Decoder::new(stream).unwrap();
            decoder.read_to_end(&mut plain).unwrap();
            let (rest, outcome) = decoder.finish();
            outcome.unwrap();
            assert_eq!(rest.len(), 0);
        }
        Codec::Zstd => {
            let mut source = stream;
            ruzstd::decoding::StreamingDecoder::new(&mut source).unwrap().read_to_end(&mut plain).unwrap();
            assert_eq!(source.len(), 0);
        }
    }
    plain
}

fn read_gzip(stream: &[u8]) -> Vec<u8> {
    let body = stream.strip_prefix(&gzip::HEADER).unwrap();
    let (body, trailer) = body.split_last_chunk::<8>().unwrap();
    let plain = miniz_oxide::inflate::decompress_to_vec(body).unwrap();
    let crc = plain.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    });
    let expected = [(!crc).to_le_bytes(), (plain.len() as u32).to_le_bytes()].concat();
    assert_eq!(*trailer, *expected);
    plain
}

fn read_xerial(mut stream: &[u8]) -> Vec<u8> {
    assert_eq!(stream.split_off(..16).unwrap(), b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01");
    let mut plain = Vec::new();
    while !stream.is_empty() {
        let length = i32::from_be_bytes(stream.split_off(..4).unwrap().try_into().unwrap());
        let block = read_snappy_block(stream.split_off(..length as usize).unwrap());
        let is_last = stream.is_empty() && (1..65_536).contains(&block.len());
        assert!(block.len() == 65_536 || is_last, "{}", block.len());
        plain.extend(block);
    }
    plain
}

/// Written from the format's description.
fn read_snappy_block(mut block: &[u8]) -> Vec<u8> {
    let little_endian = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte));
    let (mut expected, mut shift) = (0, 0);
    loop {
        let byte = *block.split_off_first().unwrap();
        expected |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            break;
        }
    }
    let mut plain = Vec::new();
    while let Some(&tag) = block.split_off_first() {
        let high = usize::from(tag >> 2);
        let (offset, length) = match tag & 3 {
            0 => {
                let wide = high.saturating_sub(59);
                let length = if wide == 0 { high } else { little_endian(block.split_off(..wide).unwrap()) };
                plain.extend(block.split_off(..length + 1).unwrap());
                continue;
            }
            1 => ((high >> 3) << 8 | usize::from(*block.split_off_first().unwrap()), (high & 7) + 4),
            2 => (little_endian(block.split_off(..2).unwrap()), high + 1),
            _ => (little_endian(block.split_off(..4).unwrap()), high + 1),
        };
        for _ in 0..length {
            plain.push(plain[plain.len() - offset]);
        }
    }
    assert_eq!(plain.len(), expected);
    plain
}

fn assert_read_back(codec: Codec, stream: &[u8], plain: &[u8]) {
    // Not `assert_eq`, which would print a megabyte.
    assert!(decompress(codec, stream, plain.len()).unwrap() == plain, "{codec:?}, {} bytes", plain.len());
    assert!(read_elsewhere(codec, stream) == plain, "{codec:?}, {} bytes, elsewhere", plain.len());
}

#[test]
fn batches_of_any_size_are_read_back() {
    for codec in CODECS {
        let mut compressor = compressor(codec);
        for length in SIZES {
            for plain in [text(length), noise(length), vec![b'x'; length]] {
                let stream = stream(&mut compressor, &[&plain]);
                assert_read_back(codec, &stream, &plain);
            }
        }
    }
}

#[test]
fn chunks_are_one_batch_wherever_they_are_cut() {
    let plain = [text(150_000), noise(50_000)].concat();
    let mut rng = Rng(9);
    for codec in CODECS {
        let mut compressor = compressor(codec);
        let whole = stream(&mut compressor, &[&plain]);
        for longest in [1 << 16, 16_384, 5_000, 77] {
            let mut chunks: Vec<&[u8]> = vec![&[]];
            let mut rest = plain.as_slice();
            while !rest.is_empty() {
                let length = rng.below(longest + 1) as usize;
                chunks.push(rest.split_off(..length.min(rest.len())).unwrap());
            }
            chunks.push(&[]);
            let stream = stream(&mut compressor, &chunks);
            assert_read_back(codec, &stream, &plain);
            if matches!(codec, Codec::None | Codec::Snappy | Codec::Lz4) {
                assert!(stream == whole, "{codec:?}: blocks do not depend on the chunks");
            }
        }
    }
}

#[test]
fn text_shrinks_and_noise_hardly_grows() {
    for codec in CODECS.into_iter().filter(|&codec| codec != Codec::None) {
        let mut compressor = compressor(codec);
        for length in [16_384, 65_536, 1 << 20] {
            let shrunk = stream(&mut compressor, &[&text(length)]).len();
            assert!(shrunk * 10 < length * 7, "{codec:?}: {length} to {shrunk}");
            let grown = stream(&mut compressor, &[&noise(length)]).len();
            assert!(grown < length + length / 1000 + 32, "{codec:?}: {length} to {grown}");
        }
    }
}

#[test]
fn every_level_is_read_back() {
    let plain = text(100_000);
    for (codec, levels) in [
        (Codec::Gzip, vec![-1, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (Codec::Lz4, (1..=17).collect()),
        (Codec::Zstd, vec![-131_072, -5, -1, 0, 1, 2, 3, 9, 15, 19, 22]),
    ] {
        for level in levels {
            let mut compressor = Compressor::new(codec, level).unwrap();
            for chunks in [vec![plain.as_slice()], plain.chunks(30_000).collect()] {
                let stream = stream(&mut compressor, &chunks);
                assert_read_back(codec, &stream, &plain);
            }
        }
    }
}

#[test]
fn levels_matter_where_a_codec_has_them() {
    let plain = text(100_000);
    let length = |codec, level| stream(&mut Compressor::new(codec, level).unwrap(), &[&plain]).len();
    assert!(length(Codec::Gzip, 9) < length(Codec::Gzip, 1));
    assert_eq!(length(Codec::Gzip, -1), length(Codec::Gzip, 6));
    assert!(length(Codec::Zstd, 19) < length(Codec::Zstd, 1));
    assert!(length(Codec::Zstd, 1) < length(Codec::Zstd, -50));
    // As documented, not as one might wish.
    assert_eq!(length(Codec::Lz4, 17), length(Codec::Lz4, 1));
}

#[test]
fn levels_out_of_range_are_refused() {
    let refused = [(Codec::Gzip, 0), (Codec::Gzip, 10), (Codec::Gzip, -2), (Codec::Lz4, 0), (Codec::Lz4, 18)];
    for (codec, level) in refused.into_iter().chain([(Codec::Zstd, 23), (Codec::Zstd, -131_073)]) {
        let error = Compressor::new(codec, level).err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert_eq!(error.message(), format!("{} has no compression level {level}", codec.name()));
    }
    assert!(Compressor::new(Codec::Snappy, 99).is_ok());
}

#[test]
fn a_compressor_may_move_to_a_helper_thread() {
    let mut compressor = compressor(Codec::Zstd);
    let helper = std::thread::spawn(move || stream(&mut compressor, &[b"abc"]));
    assert_read_back(Codec::Zstd, &helper.join().unwrap(), b"abc");
}

#[test]
fn attribute_bits_are_those_of_the_record_batch() {
    assert_eq!(CODECS.map(Codec::attribute_bits), [0, 1, 2, 3, 4]);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn small_batches_have_these_bytes() {
    let golden = |codec, plain: &[u8]| hex(&stream(&mut compressor(codec), &[plain]));
    let (a, run) = (b"a".as_slice(), [b'a'; 64]);
    let xerial = "82534e41505059000000000100000001";
    assert_eq!(golden(Codec::None, a), "61");
    assert_eq!(golden(Codec::Snappy, b""), xerial);
    assert_eq!(golden(Codec::Snappy, a), format!("{xerial}00000003010061"));
    assert_eq!(golden(Codec::Snappy, &run), format!("{xerial}00000006400061fa0100"));
    assert_eq!(golden(Codec::Lz4, b""), "04224d1860408200000000");
    // Stored: the high bit of the length is set.
    assert_eq!(golden(Codec::Lz4, a), "04224d18604082010000806100000000");
    // One literal, a match of 57 bytes at distance 1, six literals.
    assert_eq!(golden(Codec::Lz4, &run), "04224d186040820c0000001f610100266061616161616100000000");
    assert_eq!(golden(Codec::Gzip, b""), "1f8b08000000000000ff03000000000000000000");
    assert_eq!(golden(Codec::Gzip, a), "1f8b08000000000000ff4b040043beb7e801000000");
    assert_eq!(golden(Codec::Zstd, b""), "28b52ffd2000010000");
    assert_eq!(golden(Codec::Zstd, a), "28b52ffd200109000061");
}

#[test]
fn a_zstd_frame_tells_its_size_however_it_is_chunked() {
    let plain = text(100_000);
    for chunks in [vec![plain.as_slice()], plain.chunks(16_384).collect()] {
        let stream = stream(&mut compressor(Codec::Zstd), &chunks);
        assert_eq!(zstd_safe::get_frame_content_size(&stream).unwrap(), Some(100_000));
    }
}

#[test]
fn an_exact_limit_is_enough_and_one_less_is_not() {
    for codec in CODECS {
        for length in [1, 70_000, 200_000] {
            let stream = stream(&mut compressor(codec), &[&text(length)]);
            assert!(decompress(codec, &stream, length).is_ok());
            let error = decompress(codec, &stream, length - 1).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            let message = format!("decompressing {} data: it holds more than {} bytes", codec.name(), length - 1);
            assert_eq!(error.message(), message);
        }
    }
}

#[test]
fn damaged_streams_are_errors_or_other_bytes_but_no_panic() {
    let mut rng = Rng(5);
    for codec in CODECS.into_iter().filter(|&codec| codec != Codec::None) {
        let whole = stream(&mut compressor(codec), &[&text(3_000), &noise(500)]);
        for length in 0..whole.len() {
            // Snappy's framing has no end mark. After the header, a cut between blocks cannot be detected.
            let between_blocks = codec == Codec::Snappy && length == 16;
            assert_eq!(decompress(codec, &whole[..length], 3_500).is_ok(), between_blocks, "{codec:?}, {length}");
        }
        assert!(decompress(codec, &[&whole[..], b"\0"].concat(), 3_500).is_err(), "{codec:?}");
        for _ in 0..3_000 {
            let mut damaged = whole.clone();
            let at = rng.below(damaged.len() as u32) as usize;
            damaged[at] ^= 1 << rng.below(8);
            if let Ok(plain) = decompress(codec, &damaged, 10_000) {
                assert!(plain.len() <= 10_000);
            }
        }
    }
}
