//! Encrypted segments: what players need to decrypt them is there before they are told of it, and bytes never change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aes::Aes128;
use aes::cipher::{Array, BlockCipherDecrypt, KeyInit};
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use uplink::hls;
use uplink::model::encryption::{Encryption, EncryptionMethod, KeyHost, KeySource, KeyStore};
use uplink::model::status::DestinationState;
use uplink::model::upload::{TokenSource, Trust, Upload};
use uplink::model::{EndpointStatus, EventCode, Fault, RenditionId, Secret};
use uplink::push::{PushDescription, Pusher};

use crate::guarded::Guarded;
use crate::origin::Origin;
use crate::studio::{Studio, eventually, media, until};

const ROTATION: u64 = 5;

fn even(status: &EndpointStatus) -> bool {
    status.state == DestinationState::Streaming && status.queue_segments == 0
}

fn token(token: &str) -> Box<KeyHost> {
    let token = Some(TokenSource::Fixed { token: Secret::new(token) });
    Box::new(KeyHost { token, trust: Trust::default() })
}

fn encrypted(studio: &Studio, origin: &Origin, keys: KeySource) -> PushDescription {
    let encryption = Encryption {
        method: EncryptionMethod::Aes128,
        rotate_segments: Some(ROTATION),
        key_uri: "https://keys.example/{channel}/{key_id}".parse().expect("a template"),
        keys,
    };
    let upload = Upload { encryption: Some(Box::new(encryption)), ..Upload::default() };
    PushDescription { upload, ..studio.description(&origin.url()) }
}

fn by_secret(store: KeyStore) -> KeySource {
    KeySource::Secret { secret: Secret::new("a-secret-of-these-tests"), store }
}

/// The key tags of a media playlist by the segments that they hold for, and the numbers that it lists.
fn key_tags(origin: &Origin, rendition: &RenditionId) -> BTreeMap<u64, String> {
    let text = origin.object(&format!("demo/{rendition}/media.m3u8")).expect("a playlist");
    let text = String::from_utf8(text.to_vec()).expect("text");
    let (mut tags, mut tag) = (BTreeMap::new(), String::new());
    for line in text.lines() {
        match line.strip_suffix(".m4s") {
            Some(number) => {
                tags.insert(number.parse().expect("a number"), tag.clone());
            }
            None if line.starts_with("#EXT-X-KEY:") => tag = line.to_owned(),
            // rfc8216bis 4.4.4.4: a key would hold for the initialisation as well, which is in the clear.
            None => assert!(!line.starts_with("#EXT-X-MAP:") || tag.is_empty() || tag.contains("NONE"), "{text}"),
        }
    }
    tags
}

fn key_id(tag: &str) -> &str {
    tag.split("/demo/").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("{tag}"))
}

/// rfc8216bis 4.4.4.4 and 5.2: CBC from the media sequence number on, padded by PKCS #7.
fn decrypt(locked: &Bytes, key: &[u8], number: u64) -> Vec<u8> {
    let key: [u8; 16] = key.try_into().expect("16 bytes");
    let cipher = Aes128::new(&Array::from(key));
    let (mut clear, mut before) = (Vec::with_capacity(locked.len()), u128::from(number).to_be_bytes());
    for block in locked.as_chunks::<16>().0 {
        let mut mixed = Array::from(*block);
        cipher.decrypt_block(&mut mixed);
        clear.extend(mixed.iter().zip(before).map(|(byte, before)| byte ^ before));
        before = *block;
    }
    let padding = usize::from(*clear.last().expect("a block"));
    clear.truncate(clear.len() - padding);
    clear
}

/// Every segment that the playlists list, decrypted with `key` of its tag, is the spool's.
fn assert_playable(studio: &Studio, origin: &Origin, key: impl Fn(&str) -> Vec<u8>) {
    for rendition in &studio.renditions {
        let tags = key_tags(origin, rendition);
        assert_eq!(tags.len(), 6);
        for (number, tag) in tags {
            let path = format!("demo/{rendition}/{number}.m4s");
            let locked = origin.object(&path).expect("a segment");
            let clear = decrypt(&locked, &key(&tag), number);
            assert!(clear == media(rendition, number), "{path} differs");
        }
        let init = studio.spool.segments(rendition).last().expect("a segment").init.clone();
        let made = std::fs::read(studio.spool.path(rendition, &init)).expect("the init");
        let there = origin.object(&format!("demo/{rendition}/{init}")).expect("the init");
        assert_eq!(there, made, "initialisations stay in the clear");
    }
}

/// All segments at the origin.
fn segments(studio: &Studio, origin: &Origin) -> Vec<Bytes> {
    let numbers = || studio.first..studio.next;
    let path = |rendition: &RenditionId, number: u64| format!("demo/{rendition}/{}", hls::segment_name(number));
    let renditions = studio.renditions.iter();
    renditions.flat_map(|id| numbers().map(move |number| origin.object(&path(id, number)).expect("there"))).collect()
}

async fn stop(pusher: Pusher) {
    let left = pusher.stop(Duration::from_secs(20)).await;
    assert!(left.is_nothing(), "{left}");
}

#[tokio::test]
async fn segments_are_encrypted_with_keys_that_change_and_bytes_that_do_not() {
    let (mut studio, origin, keys) = (Studio::new(), Origin::start().await, Guarded::start().await);
    keys.want("Bearer key-token");
    let url = format!("{}{{channel}}/{{key_id}}", keys.url()).parse().expect("a template");
    let store = KeyStore::Http { host: token("key-token"), url };
    let description = encrypted(&studio, &origin, by_secret(store));
    studio.produce(2 * ROTATION);
    let pusher = studio.push(description.clone());
    until(&pusher, "even", even).await;
    let key = |tag: &str| keys.object(&format!("demo/{}", key_id(tag))).expect("a key at the store").to_vec();
    eventually("the newest is told", || key_tags(&origin, &studio.renditions[2]).contains_key(&(studio.next - 1)))
        .await;
    assert_playable(&studio, &origin, key);
    let tags = key_tags(&origin, &studio.renditions[0]);
    for (number, tag) in &tags {
        let same: Vec<u64> = tags.iter().filter(|(_, other)| *other == tag).map(|(number, _)| *number).collect();
        assert!(same.iter().all(|other| other / ROTATION == number / ROTATION), "{same:?} share a key");
    }
    assert!(tags.values().collect::<std::collections::BTreeSet<_>>().len() >= 2, "no key changed: {tags:?}");
    stop(pusher).await;
    // Another run that knows nothing of the one before sends the same bytes; the destination's record is what it knows.
    let before = segments(&studio, &origin);
    assert!(before.iter().all(|segment| segment[4..8] != *b"mdat"));
    std::fs::remove_file(studio.spool.directory().join("push-cloud.json")).expect("a record");
    origin.forget_puts();
    let pusher = studio.push(description);
    eventually("all is sent again", || origin.segment_puts() == before.len()).await;
    until(&pusher, "even", even).await;
    assert!(segments(&studio, &origin) == before, "a repeated segment has other bytes");
    origin.assert_no_violation();
    stop(pusher).await;
}

#[tokio::test]
async fn nothing_is_sent_or_told_while_players_cannot_have_the_key() {
    let (mut studio, origin, keys) = (Studio::new(), Origin::start().await, Guarded::start().await);
    keys.want("Bearer another-token");
    let url = format!("{}{{channel}}/{{key_id}}", keys.url()).parse().expect("a template");
    let store = KeyStore::Http { host: token("key-token"), url };
    studio.produce(3);
    let pusher = studio.push(encrypted(&studio, &origin, by_secret(store)));
    let status = until(&pusher, "refused", |status| status.state == DestinationState::Failed).await;
    assert!(status.health.reason.contains("no content key: the key store refuses the token"), "{:?}", status.health);
    assert_eq!(status.fault, Some(Fault::Configuration));
    assert_eq!((origin.segment_puts(), studio.count(EventCode::KeysFailed)), (0, 1));
    assert_eq!(origin.paths().into_iter().find(|path| path.ends_with(".m3u8")), None);
    keys.want_all();
    // The next segment is reason enough to look again.
    studio.produce(1);
    until(&pusher, "even", even).await;
    assert!(
        keys.object(&format!("demo/{}", key_id(&key_tags(&origin, &studio.renditions[0])[&studio.first]))).is_some()
    );
    origin.assert_no_violation();
    stop(pusher).await;
}

#[tokio::test]
async fn a_key_store_that_hangs_is_no_fault_of_the_origin() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    // Connections are taken, and nothing is ever said.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let url = format!("http://{address}/{{key_id}}").parse().expect("a template");
    let store = KeyStore::Http { host: Box::default(), url };
    studio.produce(3);
    let pusher = studio.push(encrypted(&studio, &origin, by_secret(store)));
    let interrupted = |status: &EndpointStatus| status.state == DestinationState::Interrupted;
    let status = until(&pusher, "interrupted", interrupted).await;
    let reason = &status.health.reason;
    assert!(reason.contains("no content key: the key store stopped answering"), "{reason}");
    assert!(!reason.contains("origin"), "{reason}");
    assert_eq!(origin.segment_puts(), 0);
}

/// A key server that speaks CPIX: what it was asked, and what it says beside keys.
struct KeyServer {
    url: String,
    asked: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    server: tokio::task::JoinHandle<()>,
}

/// The key that the server has for `kid`.
fn key_of(kid: &str) -> Vec<u8> {
    let hex: String = kid.chars().filter(|c| *c != '-').collect();
    hex::decode(hex).expect("a kid").into_iter().map(|byte| byte ^ 0x5a).collect()
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).unwrap_or_else(|| panic!("{text}")).0
}

impl KeyServer {
    /// With `signalling` every answer says what media playlists shall say of a key.
    async fn start(signalling: bool) -> Self {
        let asked: Arc<Mutex<Vec<(HeaderMap, String)>>> = Arc::default();
        let seen = asked.clone();
        let answer = move |headers: HeaderMap, document: String| async move {
            let kid = between(&document, "<cpix:ContentKey kid=\"", "\"").to_owned();
            seen.lock().unwrap_or_else(PoisonError::into_inner).push((headers, document));
            let tag = format!("#EXT-X-KEY:METHOD=AES-128,URI=\"https://drm.example/demo/{kid}\"\n");
            let system = match signalling {
                true => format!(
                    "<c:DRMSystemList><c:DRMSystem kid=\"{kid}\"><c:HLSSignalingData playlist=\"media\">{}</c:HLSSignalingData></c:DRMSystem></c:DRMSystemList>",
                    STANDARD.encode(tag)
                ),
                false => String::new(),
            };
            format!(
                "<c:CPIX xmlns:c=\"urn:dashif:org:cpix\" xmlns:p=\"urn:ietf:params:xml:ns:keyprov:pskc\"><c:ContentKeyList>\
                 <c:ContentKey kid=\"{kid}\"><c:Data><p:Secret><p:PlainValue>{}</p:PlainValue></p:Secret></c:Data></c:ContentKey>\
                 </c:ContentKeyList>{system}</c:CPIX>",
                STANDARD.encode(key_of(&kid))
            )
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/cpix", listener.local_addr().expect("an address"));
        let router = axum::Router::new().route("/cpix", axum::routing::post(answer));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("it runs") });
        Self { url, asked, server }
    }

    fn source(&self) -> KeySource {
        KeySource::Server {
            host: token("cpix-token"),
            url: self.url.parse().expect("a url"),
            content_id: "show-{channel}".to_owned(),
            systems: vec!["edef8ba9-79d6-4ace-a3c8-27dcd51d21ed".to_owned()],
        }
    }

    fn asked(&self) -> Vec<(HeaderMap, String)> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[tokio::test]
async fn a_key_server_is_asked_once_for_each_key_and_says_what_players_are_told() {
    let (mut studio, origin, server) = (Studio::new(), Origin::start().await, KeyServer::start(true).await);
    studio.produce(2 * ROTATION);
    let pusher = studio.push(encrypted(&studio, &origin, server.source()));
    until(&pusher, "even", even).await;
    eventually("the newest is told", || key_tags(&origin, &studio.renditions[2]).contains_key(&(studio.next - 1)))
        .await;
    assert_playable(&studio, &origin, |tag| {
        assert!(tag.starts_with("#EXT-X-KEY:METHOD=AES-128,URI=\"https://drm.example/demo/"), "{tag}");
        key_of(key_id(tag))
    });
    let asked = server.asked();
    let mut kids: Vec<&str> = asked.iter().map(|(_, document)| between(document, "ContentKey kid=\"", "\"")).collect();
    let all = kids.len();
    kids.sort_unstable();
    kids.dedup();
    // Of each period that was sent or listed, and the next one.
    assert_eq!(kids.len(), all, "a key was asked for twice");
    assert!((3..=5).contains(&all), "{all} keys for {} segments", studio.next - studio.first);
    for (headers, document) in &asked {
        assert_eq!(headers["authorization"], "Bearer cpix-token");
        assert!(document.contains("contentId=\"show-demo\"") && document.contains("edef8ba9"), "{document}");
    }
    stop(pusher).await;
}
