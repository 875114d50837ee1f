//! Messages in chunks (RTMP 5.3): every message with its whole header and absolute time. Differences of time would save
//! a few bytes, and go wrong in long sessions with many servers where time needs its extended field.

/// Largest piece of a message.
pub(super) const SIZE: usize = 8192;

/// From here on, time stands in the extended field.
const EXTENDED: u32 = 0xff_ffff;

/// Appends a message. `csid` is below 64.
pub(super) fn message(csid: u8, time: u32, kind: u8, stream: u32, payload: &[u8], out: &mut Vec<u8>) {
    let [_, length @ ..] = (payload.len() as u32).to_be_bytes();
    let [_, field @ ..] = time.min(EXTENDED).to_be_bytes();
    let extended = (time >= EXTENDED).then(|| time.to_be_bytes());
    for (n, piece) in payload.chunks(SIZE).enumerate() {
        if n == 0 {
            out.push(csid);
            out.extend(field);
            out.extend(length);
            out.push(kind);
            out.extend(stream.to_le_bytes());
        } else {
            out.push(0xc0 | csid);
        }
        out.extend(extended.into_iter().flatten());
        out.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use rtmp_rs::protocol::ChunkDecoder;

    use super::*;

    #[test]
    fn another_implementation_reads_them_even_after_days() {
        let mut decoder = ChunkDecoder::new();
        decoder.set_chunk_size(SIZE as u32);
        for (time, length) in [(0, 10), (40, SIZE), (EXTENDED - 1, SIZE * 3 + 1), (EXTENDED, 20_000), (u32::MAX, 9)] {
            let payload: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let mut out = vec![];
            message(6, time, 9, 1, &payload, &mut out);
            let mut bytes = BytesMut::from(&out[..]);
            let read = std::iter::from_fn(|| (!bytes.is_empty()).then(|| decoder.decode(&mut bytes).unwrap()))
                .flatten()
                .next()
                .unwrap();
            assert_eq!((read.timestamp, read.message_type, read.stream_id), (time, 9, 1), "{length}");
            assert_eq!(read.payload, payload);
        }
    }
}
