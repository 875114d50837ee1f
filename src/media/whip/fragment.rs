//! Addresses that were found after the offer was posted, as a fragment of a session description (RFC 8840; RFC 9725,
//! 4.3.1).

use std::fmt::Write;

/// A candidate for a media section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Number of the media section.
    pub(super) section: u32,
    /// The attribute, `candidate:…`.
    pub(super) text: String,
}

/// What the fragment repeats of the offer: credentials, and for each section its media line and `mid`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Frame {
    user: String,
    password: String,
    sections: Vec<(String, String)>,
}

/// The fragment that adds `candidates` to the session of `offer`; `complete` if no more will come. None if the offer
/// has not what it takes.
pub(super) fn trickle(offer: &str, candidates: &[Candidate], complete: bool) -> Option<String> {
    let frame = Frame::read(offer)?;
    let mut text = format!("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", frame.user, frame.password);
    for (number, (line, mid)) in frame.sections.iter().enumerate() {
        let own: Vec<_> = candidates.iter().filter(|candidate| candidate.section as usize == number).collect();
        // Everything travels bundled in the first section; that is where the end is told.
        if own.is_empty() && !(complete && number == 0) {
            continue;
        }
        let _ = write!(text, "{line}\r\na=mid:{mid}\r\n");
        for candidate in own {
            let _ = write!(text, "a={}\r\n", candidate.text);
        }
        if complete {
            text.push_str("a=end-of-candidates\r\n");
        }
    }
    Some(text)
}

impl Frame {
    fn read(offer: &str) -> Option<Self> {
        let value = |name: &str| offer.lines().find_map(|line| line.trim_end().strip_prefix(name)).map(str::to_owned);
        let mut frame = Self { user: value("a=ice-ufrag:")?, password: value("a=ice-pwd:")?, sections: Vec::new() };
        for line in offer.lines().map(str::trim_end) {
            if line.starts_with("m=") {
                frame.sections.push((line.to_owned(), String::new()));
            } else if let (Some(mid), Some(section)) = (line.strip_prefix("a=mid:"), frame.sections.last_mut()) {
                section.1 = mid.to_owned();
            }
        }
        (!frame.sections.is_empty()).then_some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\na=group:BUNDLE video0 audio1\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=ice-ufrag:u\r\n\
        a=ice-pwd:p\r\na=mid:video0\r\nm=audio 0 UDP/TLS/RTP/SAVPF 97\r\na=mid:audio1\r\na=ice-ufrag:u\r\n";

    #[test]
    fn late_addresses_are_told_where_they_belong() {
        let candidate = Candidate { section: 0, text: "candidate:1 1 UDP 1 192.0.2.1 9 typ host".into() };
        let text = trickle(OFFER, &[candidate], false).unwrap();
        assert_eq!(
            text,
            "a=ice-ufrag:u\r\na=ice-pwd:p\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:video0\r\n\
             a=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\n"
        );
        let end = trickle(OFFER, &[], true).unwrap();
        assert!(end.ends_with("a=mid:video0\r\na=end-of-candidates\r\n") && !end.contains("audio1"), "{end}");
        assert_eq!(trickle("v=0\r\n", &[], true), None);
    }
}
