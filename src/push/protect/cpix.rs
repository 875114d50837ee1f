//! A key server, asked by CPIX (DASH-IF Content Protection Information Exchange Format 2.3; ETSI TS 103 799): the document
//! that asks for a key, and the one that has it. Keys stand in the clear in it, so TLS is what protects them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use url::Url;

use super::KeyTrouble;
use super::boxes::spans;
use super::host::Host;
use super::key::{Block, ContentKey, KeyId, Namer};
use crate::model::ChannelId;
use crate::model::encryption::{Encryption, EncryptionMethod, KeyHost};
use crate::push::store::StoreError;

/// See the module's header.
pub(crate) struct KeyServer {
    host: Host,
    url: Url,
    content_id: String,
    systems: Vec<String>,
    namer: Namer,
    encryption: Encryption,
    channel: ChannelId,
}

impl KeyServer {
    /// The server at `url`. Needs a tokio runtime; reads certificates.
    pub(super) fn open(
        (host, url): (&KeyHost, &Url),
        content_id: &str,
        systems: &[String],
        encryption: &Encryption,
        channel: &ChannelId,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            host: Host::open("the key server", host, url.scheme() == "https")?,
            url: url.clone(),
            content_id: super::key::content_id(content_id, channel),
            systems: systems.to_vec(),
            namer: Namer::of(&encryption.keys),
            encryption: encryption.clone(),
            channel: channel.clone(),
        })
    }

    /// What the key of `period` is called.
    pub(super) fn key_id(&self, period: u64) -> KeyId {
        self.namer.key_id(&self.channel, period)
    }

    /// Asks for the key of `period`.
    pub(super) async fn ask(&self, period: u64) -> Result<ContentKey, KeyTrouble> {
        let id = self.key_id(period);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/xml"));
        let document = Bytes::from(request(&self.content_id, id, period, self.encryption.method, &self.systems));
        let answer = self.host.send(Method::POST, self.url.clone(), headers, document).await?;
        let text = std::str::from_utf8(&answer.body).map_err(|_| no_document())?;
        let given = Given::read(text, id)?;
        let mut key = ContentKey::plain(id, given.key, &self.encryption, &self.channel);
        if let Some(iv) = given.iv {
            key.iv = iv;
        }
        key.boxes = given.boxes;
        // What the server wants players to be told goes before what would be told without it.
        key.tags = match given.tags.is_empty() {
            true => vec![key.identity_tag(&self.encryption, &self.channel)],
            false => given.tags,
        };
        Ok(key)
    }
}

/// The document that asks for one key. Its parts are in the order of the schema.
fn request(content_id: &str, id: KeyId, period: u64, method: EncryptionMethod, systems: &[String]) -> String {
    let kid = id.uuid();
    let scheme = match method {
        EncryptionMethod::Aes128 => "",
        EncryptionMethod::SampleAes => " commonEncryptionScheme=\"cbcs\"",
    };
    let system = |system: &String| {
        format!(
            "<cpix:DRMSystem kid=\"{kid}\" systemId=\"{}\"><cpix:PSSH/><cpix:HLSSignalingData playlist=\"media\"/></cpix:DRMSystem>",
            quick_xml::escape::escape(system.as_str())
        )
    };
    let systems = match systems {
        [] => String::new(),
        some => format!("<cpix:DRMSystemList>{}</cpix:DRMSystemList>", some.iter().map(system).collect::<String>()),
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <cpix:CPIX contentId=\"{content}\" version=\"2.3\" xmlns:cpix=\"urn:dashif:org:cpix\" xmlns:pskc=\"urn:ietf:params:xml:ns:keyprov:pskc\">\
         <cpix:ContentKeyList><cpix:ContentKey kid=\"{kid}\"{scheme}/></cpix:ContentKeyList>{systems}\
         <cpix:ContentKeyPeriodList><cpix:ContentKeyPeriod id=\"period-{period}\" index=\"{period}\"/></cpix:ContentKeyPeriodList>\
         <cpix:ContentKeyUsageRuleList><cpix:ContentKeyUsageRule kid=\"{kid}\" intendedTrackType=\"ALL\">\
         <cpix:KeyPeriodFilter periodId=\"period-{period}\"/></cpix:ContentKeyUsageRule></cpix:ContentKeyUsageRuleList></cpix:CPIX>\n",
        content = quick_xml::escape::escape(content_id),
    )
}

/// What an answer gives.
#[derive(PartialEq, Eq)]
struct Given {
    key: Block,
    iv: Option<Block>,
    boxes: Vec<u8>,
    tags: Vec<String>,
}

/// Where the reader is.
#[derive(Default)]
struct Place {
    /// The `ContentKey` or `DRMSystem` that it is in is about the key that was asked for.
    ours: bool,
    /// `HLSSignalingData` is for media playlists.
    media: bool,
    text: String,
}

/// What has been found.
#[derive(Default)]
struct Found {
    key: Option<Block>,
    encrypted: bool,
    iv: Option<Block>,
    boxes: Vec<u8>,
    tags: Vec<String>,
}

impl Given {
    /// Reads an answer, as far as it is about the key `id`.
    fn read(document: &str, id: KeyId) -> Result<Self, KeyTrouble> {
        let mut reader = Reader::from_str(document);
        let (mut place, mut found) = (Place::default(), Found::default());
        loop {
            match reader.read_event().map_err(|_| no_document())? {
                Event::Start(tag) => {
                    place.text.clear();
                    found.begin(&tag, &mut place, id)?;
                }
                Event::Empty(tag) => found.begin(&tag, &mut place, id)?,
                Event::Text(text) => place.text.push_str(&String::from_utf8_lossy(&text)),
                Event::CData(text) => place.text.push_str(&String::from_utf8_lossy(&text)),
                Event::End(tag) => found.end(tag.local_name().as_ref(), &mut place)?,
                Event::Eof => break,
                _ => {}
            }
        }
        match (found.key, found.encrypted) {
            (Some(key), _) => Ok(Self { key, iv: found.iv, boxes: found.boxes, tags: found.tags }),
            (None, true) => Err(KeyTrouble::set_up("the key server gives encrypted keys, which is not supported")),
            (None, false) => Err(KeyTrouble::set_up(format!("the key server's answer has no key {}", id.uuid()))),
        }
    }
}

impl Found {
    fn begin(&mut self, tag: &BytesStart<'_>, place: &mut Place, id: KeyId) -> Result<(), KeyTrouble> {
        match tag.local_name().as_ref() {
            b"ContentKey" => {
                place.ours = names(tag, id);
                if let Some(iv) = attribute(tag, b"explicitIV").filter(|_| place.ours) {
                    self.iv = Some(block(&iv)?);
                }
            }
            b"DRMSystem" => place.ours = names(tag, id),
            b"EncryptedValue" => self.encrypted |= place.ours,
            b"HLSSignalingData" => place.media = attribute(tag, b"playlist").is_none_or(|list| list == "media"),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &[u8], place: &mut Place) -> Result<(), KeyTrouble> {
        let text = std::mem::take(&mut place.text);
        if !place.ours {
            return Ok(());
        }
        match name {
            b"PlainValue" => self.key = Some(block(&text)?),
            b"PSSH" if !text.trim().is_empty() => {
                let boxes = decode(&text)?;
                let good = spans(&boxes, 0..boxes.len()).is_ok_and(|all| all.iter().all(|one| one.kind == *b"pssh"));
                if !good {
                    return Err(KeyTrouble::set_up("the key server gives a PSSH that is none"));
                }
                self.boxes.extend(boxes);
            }
            b"HLSSignalingData" if place.media => self.tags.extend(signalling(&decode(&text)?)?),
            _ => {}
        }
        Ok(())
    }
}

/// Key tags in what is to stand in media playlists. It goes there as it is, so nothing else may be in it.
fn signalling(data: &[u8]) -> Result<Vec<String>, KeyTrouble> {
    let bad = || KeyTrouble::set_up("the key server gives signalling that is none: lines of #EXT-X-KEY");
    let text = std::str::from_utf8(data).map_err(|_| bad())?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let tag = |line: &str| match line.starts_with("#EXT-X-KEY:METHOD=") && !line.contains(char::is_control) {
        true => Ok(line.to_owned()),
        false => Err(bad()),
    };
    lines.map(tag).collect()
}

/// Whether `tag` has the key `id`.
fn names(tag: &BytesStart<'_>, id: KeyId) -> bool {
    attribute(tag, b"kid").is_some_and(|kid| kid.trim().eq_ignore_ascii_case(&id.uuid()))
}

/// An attribute's value. None of those that are looked at needs anything escaped.
fn attribute(tag: &BytesStart<'_>, name: &[u8]) -> Option<String> {
    let found = tag.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == name)?;
    String::from_utf8(found.value.into_owned()).ok()
}

fn block(text: &str) -> Result<Block, KeyTrouble> {
    let bad = |_| KeyTrouble::set_up("the key server gives a key that is none: 16 bytes in base64");
    decode(text)?.try_into().map_err(bad)
}

fn decode(text: &str) -> Result<Vec<u8>, KeyTrouble> {
    let plain: String = text.split_whitespace().collect();
    STANDARD.decode(plain).map_err(|_| KeyTrouble::set_up("the key server gives something that is no base64"))
}

fn no_document() -> KeyTrouble {
    KeyTrouble::set_up("the key server's answer is no CPIX document")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> KeyId {
        Namer::Content("demo & co".to_owned()).key_id(&ChannelId::new("demo").unwrap(), 7)
    }

    fn answer(inner: &str) -> String {
        let kid = id().uuid().to_uppercase();
        format!(
            "<?xml version=\"1.0\"?><cpix:CPIX xmlns:cpix=\"urn:dashif:org:cpix\" xmlns:pskc=\"urn:ietf:params:xml:ns:keyprov:pskc\">{}</cpix:CPIX>",
            inner.replace("KID", &kid)
        )
    }

    const KEY: &str = "<cpix:ContentKeyList><cpix:ContentKey kid=\"00000000-0000-0000-0000-000000000000\"><cpix:Data><pskc:Secret>\
        <pskc:PlainValue>AAAAAAAAAAAAAAAAAAAAAA==</pskc:PlainValue></pskc:Secret></cpix:Data></cpix:ContentKey>\
        <cpix:ContentKey kid=\"KID\" explicitIV=\"OFj2IjCsPJFfMAxmQxLGPw==\"><cpix:Data><pskc:Secret>\
        <pskc:PlainValue>\n 5dGAgwGuUYu4dHeHtNlxJw==\n</pskc:PlainValue></pskc:Secret></cpix:Data></cpix:ContentKey></cpix:ContentKeyList>";

    fn told(result: Result<Given, KeyTrouble>) -> String {
        result.err().map(|trouble| trouble.text).unwrap_or_default()
    }

    #[test]
    fn a_key_is_asked_for_like_this() {
        let systems = ["edef8ba9-79d6-4ace-a3c8-27dcd51d21ed".to_owned()];
        let text = request("demo & co", id(), 7, EncryptionMethod::SampleAes, &systems);
        let kid = id().uuid();
        assert!(text.contains("contentId=\"demo &amp; co\""), "{text}");
        assert!(text.contains(&format!("<cpix:ContentKey kid=\"{kid}\" commonEncryptionScheme=\"cbcs\"/>")), "{text}");
        assert!(text.contains("systemId=\"edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\"><cpix:PSSH/>"), "{text}");
        let order = [
            "<cpix:ContentKeyList>",
            "<cpix:DRMSystemList>",
            "<cpix:ContentKeyPeriodList>",
            "<cpix:ContentKeyUsageRuleList>",
        ];
        let places = order.map(|part| text.find(part).unwrap());
        assert!(places.is_sorted(), "{places:?}");
        assert!(!request("demo", id(), 7, EncryptionMethod::Aes128, &[]).contains("DRMSystem"));
    }

    #[test]
    fn an_answer_gives_the_key_that_was_asked_for() {
        let tag = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://7\",KEYFORMAT=\"com.apple.streamingkeydelivery\",KEYFORMATVERSIONS=\"1\"";
        let pssh = super::super::boxes::full(b"pssh", 0, 0, &[7; 20]).unwrap();
        let systems = format!(
            "<cpix:DRMSystemList><cpix:DRMSystem kid=\"KID\" systemId=\"x\"><cpix:PSSH>{}</cpix:PSSH>\
             <cpix:HLSSignalingData playlist=\"master\">{}</cpix:HLSSignalingData>\
             <cpix:HLSSignalingData playlist=\"media\">{}</cpix:HLSSignalingData></cpix:DRMSystem>\
             <cpix:DRMSystem kid=\"other\"><cpix:PSSH>!</cpix:PSSH></cpix:DRMSystem></cpix:DRMSystemList>",
            STANDARD.encode(&pssh),
            STANDARD.encode("#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES"),
            STANDARD.encode(format!("{tag}\n"))
        );
        let Ok(given) = Given::read(&answer(&format!("{KEY}{systems}")), id()) else { panic!("no key") };
        assert_eq!(hex::encode(given.key), "e5d1808301ae518bb8747787b4d97127");
        assert_eq!(hex::encode(given.iv.unwrap()), "3858f62230ac3c915f300c664312c63f");
        assert_eq!((given.boxes, given.tags), (pssh, vec![tag.to_owned()]));
    }

    #[test]
    fn what_is_wrong_with_an_answer_is_told() {
        let with = |from: &str, to: &str| told(Given::read(&answer(&KEY.replace(from, to)), id()));
        assert_eq!(with("", ""), "");
        assert!(with("KID", "ffffffff-0000-0000-0000-000000000000").contains("has no key"));
        assert!(with("5dGAgwGuUYu4dHeHtNlxJw==", "5dGA").contains("16 bytes"));
        assert!(with("5dGAgwGuUYu4dHeHtNlxJw==", "§").contains("no base64"));
        assert!(with("PlainValue", "EncryptedValue").contains("encrypted keys"));
        assert!(told(Given::read("<html><p>no</html>", id())).contains("no CPIX"));
        assert!(told(Given::read("", id())).contains("has no key"));
        let signalling = format!(
            "<cpix:DRMSystem kid=\"KID\"><cpix:HLSSignalingData>{}</cpix:HLSSignalingData></cpix:DRMSystem>",
            STANDARD.encode("#EXT-X-KEY:METHOD=NONE\n999.m4s")
        );
        assert!(told(Given::read(&answer(&format!("{KEY}{signalling}")), id())).contains("signalling"));
    }
}
