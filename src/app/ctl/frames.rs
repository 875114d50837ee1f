//! Server-sent events, as the daemon writes them.

/// Frames out of bytes that come in any pieces: one line of data per frame.
#[derive(Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Frame {
    pub(super) kind: String,
    pub(super) id: Option<String>,
    pub(super) data: String,
}

impl Frames {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn next(&mut self) -> Option<Frame> {
        let end = self.bytes.windows(2).position(|pair| pair == b"\n\n")?;
        let rest = self.bytes.split_off(end + 2);
        let frame = std::mem::replace(&mut self.bytes, rest);
        let mut found = Frame::default();
        for line in String::from_utf8_lossy(&frame).lines() {
            match line.split_once(": ") {
                Some(("event", kind)) => found.kind = kind.to_owned(),
                Some(("id", id)) => found.id = Some(id.to_owned()),
                Some(("data", data)) => found.data = data.to_owned(),
                _ => {}
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_in_any_pieces() {
        let mut frames = Frames::default();
        let mut found = Vec::new();
        for byte in b"id: a-1\nevent: event\ndata: {\"x\": 1}\n\n:\n\nevent: heartbeat\ndata: {}\n\n" {
            frames.push(&[*byte]);
            found.extend(frames.next());
        }
        assert_eq!(found.len(), 3);
        let first = Frame { kind: "event".into(), id: Some("a-1".into()), data: "{\"x\": 1}".into() };
        assert_eq!((&found[0], found[2].kind.as_str()), (&first, "heartbeat"));
    }
}
