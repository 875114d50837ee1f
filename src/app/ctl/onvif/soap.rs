//! What is said to a camera: SOAP 1.2, with the login as a digest (OASIS UsernameToken Profile 1.1), and as much of XML as
//! its answers need.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::{BytesStart, Event};

use crate::model::Secret;

/// Elements within each other; answers have less than twenty.
const DEPTH: usize = 64;

/// Who asks.
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: Secret,
}

/// A request around `body`; `created` is the camera's time, by RFC 3339.
pub(super) fn envelope(body: &str, login: Option<&Login>, created: &str, nonce: &[u8]) -> String {
    const TOKEN: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss";
    let header = login.map_or_else(String::new, |login| {
        format!(
            "<s:Header><Security s:mustUnderstand=\"1\" xmlns=\"{TOKEN}-wssecurity-secext-1.0.xsd\"><UsernameToken>\
             <Username>{}</Username><Password Type=\"{TOKEN}-username-token-profile-1.0#PasswordDigest\">{}</Password>\
             <Nonce EncodingType=\"{TOKEN}-soap-message-security-1.0#Base64Binary\">{}</Nonce>\
             <Created xmlns=\"{TOKEN}-wssecurity-utility-1.0.xsd\">{created}</Created></UsernameToken></Security></s:Header>",
            escape(login.user.as_str()),
            digest(nonce, created, &login.password),
            STANDARD.encode(nonce),
        )
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\">{header}\
         <s:Body>{body}</s:Body></s:Envelope>"
    )
}

fn digest(nonce: &[u8], created: &str, password: &Secret) -> String {
    let mut all = ring::digest::Context::new(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
    [nonce, created.as_bytes(), password.reveal().as_bytes()].into_iter().for_each(|part| all.update(part));
    STANDARD.encode(all.finish())
}

/// An element of an answer, by its name without a prefix.
#[derive(Debug, Default)]
pub(super) struct Node {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Node>,
}

impl Node {
    /// Reads a document; none if it is no XML. It is the child of what is returned.
    pub(super) fn read(document: &str) -> Option<Self> {
        let mut reader = Reader::from_str(document);
        let mut open = vec![Node::default()];
        loop {
            match reader.read_event().ok()? {
                Event::Start(tag) if open.len() < DEPTH => open.push(Self::begin(&tag)),
                Event::Start(_) => return None,
                Event::Empty(tag) => open.last_mut()?.children.push(Self::begin(&tag)),
                Event::End(_) => {
                    let ended = open.pop()?;
                    open.last_mut()?.children.push(ended);
                }
                Event::Text(text) => open.last_mut()?.text.push_str(&String::from_utf8_lossy(&text)),
                Event::CData(text) => open.last_mut()?.text.push_str(&String::from_utf8_lossy(&text)),
                Event::GeneralRef(name) => {
                    let letter = match &name[..] {
                        b"amp" => '&',
                        b"lt" => '<',
                        b"gt" => '>',
                        b"quot" => '"',
                        b"apos" => '\'',
                        _ => name.resolve_char_ref().ok()??,
                    };
                    open.last_mut()?.text.push(letter);
                }
                Event::Eof => break,
                _ => {}
            }
        }
        open.pop().filter(|root| open.is_empty() && !root.children.is_empty())
    }

    fn begin(tag: &BytesStart<'_>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let attributes = tag.attributes().flatten();
        let attributes = attributes.map(|one| (text(one.key.local_name().as_ref()), text(&one.value))).collect();
        Self { name: text(tag.local_name().as_ref()), attributes, ..Self::default() }
    }

    /// Every element of this name below this one.
    pub(super) fn all<'a>(&'a self, name: &str) -> Vec<&'a Node> {
        let mut found = Vec::new();
        for child in &self.children {
            if child.name == name {
                found.push(child);
            }
            found.extend(child.all(name));
        }
        found
    }

    /// The first element below this one that lies on this path; other elements may lie between.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, name| node.all(name).into_iter().next())
    }

    /// What stands in the element on this path.
    pub(super) fn text(&self, path: &[&str]) -> Option<&str> {
        Some(self.at(path)?.text.trim()).filter(|text| !text.is_empty())
    }

    /// Whether this is what stands in it, behind a prefix.
    pub(super) fn says(&self, word: &str) -> bool {
        self.text.trim().rsplit(':').next() == Some(word)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_onvifs_own_example() {
        // ONVIF Application Programmer's Guide 1.0, 6.1.1.3.
        let nonce = STANDARD.decode("LKqI6G/AikKCQrN0zqZFlg==").unwrap();
        let digest = digest(&nonce, "2010-09-16T07:50:45Z", &Secret::new("userpassword"));
        assert_eq!(digest, "tuOSpGlFlIXsozq4HFNeeGeFLEI=");
    }

    #[test]
    fn a_document_is_read_whatever_its_prefixes() {
        let text = "<?xml version=\"1.0\"?><a:Top xmlns:a=\"x\"><b:P token=\"1\"><N>One</N></b:P><c:P token='2'><!-- no -->\
                    <d><N>T&amp;w&#111;<![CDATA[<]]></N></d></c:P><E/></a:Top>";
        let document = Node::read(text).unwrap();
        let named: Vec<_> = document.all("P").into_iter().map(|p| (p.attribute("token"), p.text(&["N"]))).collect();
        assert_eq!(named, [(Some("1"), Some("One")), (Some("2"), Some("T&wo<"))]);
        assert_eq!(document.text(&["Top", "d", "N"]), Some("T&wo<"));
        assert!(document.at(&["E"]).is_some() && document.text(&["E"]).is_none() && document.at(&["Q"]).is_none());
    }

    #[test]
    fn what_is_no_document_is_none() {
        let deep = "<a>".repeat(100_000);
        for text in ["", "no", "<a>", "<a></b>", "<a>&unknown;</a>", "</a>", "<a/></a>", &deep] {
            assert!(Node::read(text).is_none(), "{}", text.get(..9).unwrap_or(text));
        }
    }

    #[test]
    fn without_a_login_nothing_of_one_is_sent() {
        assert!(!envelope("<x/>", None, "2026-11-21T20:00:00Z", &[1]).contains("Security"));
        let login = Login { user: "a<b".to_owned(), password: Secret::new("hidden") };
        let text = envelope("<x/>", Some(&login), "2026-11-21T20:00:00Z", &[1]);
        assert!(text.contains("<Username>a&lt;b</Username>") && !text.contains("hidden"), "{text}");
        assert!(Node::read(&text).is_some());
    }
}
