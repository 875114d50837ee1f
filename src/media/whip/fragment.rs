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

/// The fragment that restarts the ICE session of `offer` (RFC 9725, 4.3.3) under other credentials, with all candidates:
/// those of the offer and `late` ones. None if the offer has not what it takes.
pub(super) fn restart(offer: &str, credentials: &Credentials, late: &[Candidate], complete: bool) -> Option<String> {
    let offer = credentials.in_place_of(offer)?;
    let mut candidates = Vec::new();
    let mut section = None;
    for line in offer.lines().map(str::trim_end) {
        if line.starts_with("m=") {
            section = Some(section.map_or(0, |number: u32| number + 1));
        } else if let (Some(text), Some(section)) =
            (line.strip_prefix("a=").filter(|text| text.starts_with("candidate:")), section)
        {
            candidates.push(Candidate { section, text: text.to_owned() });
        }
    }
    let fresh = late.iter().filter(|one| !offer.contains(&one.text)).cloned().collect::<Vec<_>>();
    trickle(&offer, &[candidates, fresh].concat(), complete)
}

/// What two ICE agents know each other by.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: String,
}

impl Credentials {
    /// Fresh ones (RFC 8445, 5.3): letters and digits only, which no server takes for anything else.
    pub(super) fn random() -> Self {
        let text = |length| std::iter::repeat_with(fastrand::alphanumeric).take(length).collect();
        Self { user: text(8), password: text(24) }
    }

    /// Those of a session description or of a fragment.
    pub(super) fn read(text: &str) -> Option<Self> {
        let value = |name: &str| text.lines().find_map(|line| line.trim_end().strip_prefix(name)).map(str::to_owned);
        Some(Self { user: value("a=ice-ufrag:")?, password: value("a=ice-pwd:")? })
    }

    /// A session description with these instead of its own.
    pub(super) fn in_place_of(&self, description: &str) -> Option<String> {
        let known = Self::read(description)?;
        let user = (format!("a=ice-ufrag:{}", known.user), format!("a=ice-ufrag:{}", self.user));
        let password = (format!("a=ice-pwd:{}", known.password), format!("a=ice-pwd:{}", self.password));
        Some(description.replace(&user.0, &user.1).replace(&password.0, &password.1))
    }
}

/// The candidates that a peer names in a session description or a fragment.
pub(super) fn candidates(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.trim_end().strip_prefix("a="));
    lines.filter(|line| line.starts_with("candidate:")).map(str::to_owned).collect()
}

impl Frame {
    fn read(offer: &str) -> Option<Self> {
        let Credentials { user, password } = Credentials::read(offer)?;
        let mut frame = Self { user, password, sections: Vec::new() };
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

    #[test]
    fn a_restart_names_other_credentials_and_every_address() {
        let offer = OFFER.replace("a=mid:video0\r\n", "a=mid:video0\r\na=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\n");
        let late = [
            Candidate { section: 0, text: "candidate:1 1 UDP 1 192.0.2.1 9 typ host".into() },
            Candidate { section: 0, text: "candidate:2 1 UDP 1 192.0.2.2 9 typ srflx".into() },
        ];
        let fresh = Credentials { user: "new".into(), password: "secret".into() };
        let text = restart(&offer, &fresh, &late, true).unwrap();
        assert_eq!(
            text,
            "a=ice-ufrag:new\r\na=ice-pwd:secret\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:video0\r\n\
             a=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\na=candidate:2 1 UDP 1 192.0.2.2 9 typ srflx\r\n\
             a=end-of-candidates\r\n"
        );
        assert!(Credentials::read(&text) == Some(fresh) && candidates(&text).len() == 2);
        let renamed = Credentials::read(&text).and_then(|fresh| fresh.in_place_of(&offer)).unwrap();
        assert_eq!((renamed.matches("a=ice-ufrag:new").count(), renamed.contains("a=ice-pwd:p")), (2, false));
        let (one, other) = (Credentials::random(), Credentials::random());
        assert!(one != other && one.password.len() == 24);
    }
}
