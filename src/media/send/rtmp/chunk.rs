//! Messages in chunks (RTMP 5.3): every message with its whole header and absolute time. Differences of time would save
//! a few bytes, and go wrong in long sessions with many servers where time needs its extended field.

/// Largest piece of a message before another size was told (RTMP 5.4.1).
pub(super) const FIRST: usize = 128;
/// Largest piece of a message from then on.
pub(super) const SIZE: usize = 8192;

/// From here on, time stands in the extended field.
const EXTENDED: u32 = 0xff_ffff;

/// What a message is beside its content. `csid` is below 64.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) csid: u8,
    pub(super) time: u32,
    pub(super) kind: u8,
    pub(super) stream: u32,
}

/// Appends a message, in pieces of at most `size`.
pub(super) fn message(head: Head, payload: &[u8], size: usize, out: &mut Vec<u8>) {
    let Head { csid, time, kind, stream } = head;
    let [_, length @ ..] = (payload.len() as u32).to_be_bytes();
    let [_, field @ ..] = time.min(EXTENDED).to_be_bytes();
    let extended = (time >= EXTENDED).then(|| time.to_be_bytes());
    for (n, piece) in payload.chunks(size).enumerate() {
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
        let days = [(40, SIZE), (EXTENDED - 1, SIZE * 3 + 1), (EXTENDED, 20_000), (u32::MAX, 9)];
        let first = [(0, 10, FIRST), (0, 300, FIRST)];
        for (time, length, size) in first.into_iter().chain(days.map(|(time, length)| (time, length, SIZE))) {
            decoder.set_chunk_size(size as u32);
            let payload: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let mut out = vec![];
            message(Head { csid: 6, time, kind: 9, stream: 1 }, &payload, size, &mut out);
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
