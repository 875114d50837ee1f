//! Buckets: what others take for S3 (moto, which checks signatures), Azure (azurite, which does, too) and Google
//! (gcp-storage-emulator, which can neither be looked at nor deleted from).

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uplink::hls;
use uplink::model::status::DestinationState;
use uplink::model::upload::{Access, StoreKind, TokenSource, Upload};
use uplink::model::{EndpointStatus, EventCode, Fault, Secret};
use uplink::push::Pusher;

use crate::studio::{Studio, media, until};

/// Azurite's well-known account; no secret.
const ACCOUNT: &str = "devstoreaccount1";
const ACCOUNT_KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A server that ends with the test.
pub struct Peer {
    process: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Peer {
    /// None, loudly, where there is no such program.
    fn start(program: Option<PathBuf>, name: &str, arguments: impl Fn(u16, &str) -> Vec<String>) -> Option<Self> {
        let Some(program) = program else {
            eprintln!(
                "\n*** SKIPPED: no {name} on this machine (packaging/test installs it); push to such a bucket is not tested ***\n"
            );
            return None;
        };
        let directory = tempfile::tempdir().expect("a directory");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
        let process = Command::new(program)
            .args(arguments(port, directory.path().to_str().expect("text")))
            // The user, the policy and the key are made without credentials; from then on signatures are checked.
            .env("INITIAL_NO_AUTH_ACTION_COUNT", "4")
            .env("HOME", directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir(directory.path())
            .spawn()
            .expect("it starts");
        let peer = Self { process, port, _directory: directory };
        let end = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "{name} does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(peer)
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A program beside the Python that has the peers.
fn python_peer(name: &str) -> Option<PathBuf> {
    let python = std::env::var_os("UPLINK_PYTHON").map_or_else(|| target().join("ndi/bin/python"), PathBuf::from);
    Some(python.parent()?.join(name)).filter(|path| path.exists())
}

fn azurite() -> Option<PathBuf> {
    let installed = target().join("azurite/node_modules/.bin/azurite-blob");
    std::env::var_os("UPLINK_AZURITE").map(PathBuf::from).or(Some(installed)).filter(|path| path.exists())
}

fn target() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target")
}

/// What curl says; it is a stranger to our code.
pub fn curl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("curl").args(["-sS", "--max-time", "20"]).args(arguments).output().expect("curl runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn even(status: &EndpointStatus) -> bool {
    status.state == DestinationState::Streaming && status.queue_segments == 0
}

fn push(studio: &Studio, url: &str, upload: Upload) -> Pusher {
    let mut description = studio.description(url);
    description.upload = upload;
    studio.push(description)
}

/// Asserts that everything is there as it was made, by what `get` says of a path.
fn assert_there(studio: &Studio, get: impl Fn(&str) -> Vec<u8>) {
    for rendition in &studio.renditions {
        for number in studio.first..studio.next {
            let path = format!("demo/{rendition}/{}", hls::segment_name(number));
            assert!(get(&path) == media(rendition, number), "{path}");
        }
        let text = String::from_utf8(get(&format!("demo/{rendition}/media.m3u8"))).expect("text");
        let playlist = m3u8_rs::parse_media_playlist_res(text.as_bytes()).expect("a media playlist");
        assert_eq!(playlist.media_sequence + playlist.segments.len() as u64, studio.next, "{text}");
        assert!(!text.contains("EXT-X-GAP"), "{text}");
    }
    let text = get("demo/multivariant.m3u8");
    assert_eq!(m3u8_rs::parse_master_playlist_res(&text).expect("a multivariant playlist").variants.len(), 3);
}

/// An S3 server that knows one key, and the bucket `live`.
pub struct S3 {
    peer: Peer,
    id: String,
    secret: String,
}

impl S3 {
    pub fn start() -> Option<Self> {
        let peer = Peer::start(python_peer("moto_server"), "moto_server", |port, _| {
            ["-H", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned).into()
        })?;
        let ask = |body: &str| {
            let scope = "Authorization: AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x";
            let text = curl(&["-H", scope, "-d", &format!("{body}&Version=2010-05-08"), &peer.address()]);
            String::from_utf8(text).expect("text")
        };
        let policy = "%7B%22Version%22:%222012-10-17%22,%22Statement%22:%5B%7B%22Effect%22:%22Allow%22,%22Action%22:%22s3:*%22,%22Resource%22:%22*%22%7D%5D%7D";
        ask("Action=CreateUser&UserName=uplink");
        ask(&format!("Action=PutUserPolicy&UserName=uplink&PolicyName=all&PolicyDocument={policy}"));
        let key = ask("Action=CreateAccessKey&UserName=uplink");
        let field = |name: &str| {
            let from = key.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("{key}")).1;
            from.split_once('<').expect("its end").0.to_owned()
        };
        let (id, secret) = (field("AccessKeyId"), field("SecretAccessKey"));
        // The fourth: from now on a key is wanted.
        curl(&["-X", "PUT", &format!("{}/live", peer.address())]);
        Some(Self { peer, id, secret })
    }

    pub fn upload(&self, access: Access) -> Upload {
        let endpoint = Some(self.peer.address().parse().expect("a url"));
        let store = StoreKind::S3 { endpoint, region: "us-east-1".to_owned(), virtual_host: false };
        Upload { store, access, ..Upload::default() }
    }

    pub fn key(&self) -> Access {
        Access::Key { id: self.id.clone(), secret: Secret::new(self.secret.clone()) }
    }

    /// All that is below `prefix`, as Amazon's own library finds it.
    pub fn fetch(&self, prefix: &str) -> Fetched {
        const SCRIPT: &str = r#"
import sys, boto3, pathlib
endpoint, key, secret, prefix, to = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret, region_name="us-east-1")
for page in s3.get_paginator("list_objects_v2").paginate(Bucket="live", Prefix=prefix):
    for entry in page.get("Contents", []):
        answer = s3.get_object(Bucket="live", Key=entry["Key"])
        path = pathlib.Path(to) / entry["Key"][len(prefix):]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(answer["Body"].read())
        print(entry["Key"][len(prefix):], answer["ContentType"], answer.get("CacheControl"), sep="|")
"#;
        let directory = tempfile::tempdir().expect("a directory");
        let python = python_peer("python").expect("it runs moto");
        let output = Command::new("timeout")
            .arg("60")
            .arg(python)
            .args(["-c", SCRIPT, &self.peer.address(), &self.id, &self.secret, prefix])
            .arg(directory.path())
            .output()
            .expect("python runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Fetched { directory, labels: String::from_utf8(output.stdout).expect("text") }
    }
}

/// A copy of a bucket.
pub struct Fetched {
    directory: tempfile::TempDir,
    /// Lines of path, content type and Cache-Control.
    labels: String,
}

impl Fetched {
    pub fn get(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.directory.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn has(&self, path: &str) -> bool {
        self.directory.path().join(path).exists()
    }
}

#[tokio::test]
async fn s3_gets_everything_signed_and_labelled() {
    let Some(s3) = S3::start() else { return };
    let mut studio = Studio::new();
    studio.produce(8);
    let mut upload = s3.upload(s3.key());
    upload.delete_after_seconds = Some(0);
    let pusher = push(&studio, "s3://live/a/b/", upload);
    until(&pusher, "even", even).await;
    let fetched = s3.fetch("a/b/");
    assert_there(&studio, |path| fetched.get(path));
    let labels = &fetched.labels;
    let segment = format!("demo/v720/{}.m4s|video/mp4|public, max-age=31536000, immutable", studio.first);
    assert!(labels.contains(&segment), "{labels}");
    assert!(labels.contains("demo/a/media.m3u8|application/vnd.apple.mpegurl|no-cache"), "{labels}");
    // What has left the playlist for long enough goes: 20 are made, 6 are named, 7 more may be asked for.
    studio.produce(12);
    until(&pusher, "swept", |status| even(status) && status.deleted_segments == 7 * 3).await;
    let fetched = s3.fetch("a/b/");
    assert!(!fetched.has(&format!("demo/v720/{}.m4s", studio.first + 6)));
    assert!(fetched.has(&format!("demo/v720/{}.m4s", studio.first + 7)));
    assert!(pusher.stop(Duration::from_secs(20)).await.is_nothing());
}

#[tokio::test]
async fn a_key_that_s3_does_not_accept_costs_no_segment() {
    let Some(s3) = S3::start() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("key.json");
    let key = |secret: &str| format!(r#"{{"Version":1,"AccessKeyId":"{}","SecretAccessKey":"{secret}"}}"#, s3.id);
    std::fs::write(&file, key("wrong")).expect("a key");
    let mut studio = Studio::new();
    studio.produce(3);
    let upload = s3.upload(Access::Token { source: TokenSource::File { path: file.clone() } });
    let pusher = push(&studio, "s3://live/", upload);
    let status = until(&pusher, "refused", |status| status.state == DestinationState::Failed).await;
    assert!(status.health.reason.contains("SignatureDoesNotMatch"), "{}", status.health.reason);
    assert_eq!(status.fault, Some(Fault::Destination));
    studio.produce(2);
    std::fs::write(&file, key(&s3.secret)).expect("a key");
    until(&pusher, "even", even).await;
    assert!(pusher.stop(Duration::from_secs(20)).await.is_nothing());
    let fetched = s3.fetch("");
    assert_there(&studio, |path| fetched.get(path));
}

/// Azurite with the container `live`.
pub fn azure() -> Option<Peer> {
    let arguments = |port: u16, directory: &str| {
        let port = port.to_string();
        let fixed = ["--blobHost", "127.0.0.1", "--skipApiVersionCheck", "--silent", "--disableTelemetry"];
        fixed.into_iter().chain(["--blobPort", &port, "--location", directory]).map(str::to_owned).collect()
    };
    let peer = Peer::start(azurite(), "azurite", arguments)?;
    make_container(&peer);
    Some(peer)
}

/// How to get there.
pub fn to_azure(peer: &Peer) -> Upload {
    let endpoint = Some(format!("{}/{ACCOUNT}", peer.address()).parse().expect("a url"));
    let store = StoreKind::Azure { endpoint, account: ACCOUNT.to_owned() };
    let access = Access::Key { id: ACCOUNT.to_owned(), secret: Secret::new(ACCOUNT_KEY) };
    Upload { store, access, ..Upload::default() }
}

/// What lies at `path` of the container.
pub fn azure_url(peer: &Peer, path: &str) -> String {
    format!("{}/{ACCOUNT}/live/{path}", peer.address())
}

#[tokio::test]
async fn azure_gets_everything() {
    let Some(peer) = azure() else { return };
    let mut studio = Studio::new();
    studio.produce(8);
    let upload = Upload { delete_after_seconds: Some(0), ..to_azure(&peer) };
    let pusher = push(&studio, "az://live/x/", upload);
    until(&pusher, "even", even).await;
    let url = |path: &str| azure_url(&peer, &format!("x/{path}"));
    assert_there(&studio, |path| curl(&["-f", &url(path)]));
    let head = String::from_utf8(curl(&["-I", &url("demo/v720/media.m3u8")])).expect("text").to_lowercase();
    assert!(head.contains("cache-control: no-cache"), "{head}");
    studio.produce(12);
    until(&pusher, "swept", |status| even(status) && status.deleted_segments == 7 * 3).await;
    let gone = curl(&["-o", "/dev/null", "-w", "%{http_code}", &url(&format!("demo/v720/{}.m4s", studio.first))]);
    assert_eq!(gone, b"404");
    assert!(pusher.stop(Duration::from_secs(20)).await.is_nothing());
}

/// Makes the container `live`, which anybody may read: Shared Key as Microsoft describes it.
fn make_container(peer: &Peer) {
    let date = String::from_utf8(
        Command::new("date").args(["-u", "+%a, %d %b %Y %T GMT"]).env("LC_ALL", "C").output().expect("date").stdout,
    );
    let date = date.expect("text").trim().to_owned();
    let headers = format!("x-ms-blob-public-access:container\nx-ms-date:{date}\nx-ms-version:2021-12-02");
    let resource = format!("/{ACCOUNT}/{ACCOUNT}/live\nrestype:container");
    let signed = format!("PUT\n\n\n\n\n\n\n\n\n\n\n\n{headers}\n{resource}");
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &STANDARD.decode(ACCOUNT_KEY).expect("base64"));
    let signature = STANDARD.encode(ring::hmac::sign(&key, signed.as_bytes()));
    let url = format!("{}/{ACCOUNT}/live?restype=container", peer.address());
    let mut arguments: Vec<String> = ["-f", "-X", "PUT", "-H", "Content-Length: 0"].map(str::to_owned).into();
    let authorization = format!("Authorization: SharedKey {ACCOUNT}:{signature}");
    for header in headers.lines().map(|line| line.replacen(':', ": ", 1)).chain([authorization]) {
        arguments.extend(["-H".to_owned(), header]);
    }
    arguments.push(url);
    curl(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
}

/// What others take for Google's buckets, with the bucket `live`.
pub fn google() -> Option<Peer> {
    Peer::start(python_peer("gcp-storage-emulator"), "gcp-storage-emulator", |port, _| {
        let port = port.to_string();
        ["start", "--host", "127.0.0.1", "--port", &port, "--in-memory", "--default-bucket=live"]
            .map(str::to_owned)
            .into()
    })
}

/// How to get there.
pub fn to_google(peer: &Peer) -> Upload {
    let endpoint = Some(peer.address().parse().expect("a url"));
    let access = Access::Token { source: TokenSource::Fixed { token: Secret::new("any") } };
    Upload { store: StoreKind::Gcs { endpoint }, access, ..Upload::default() }
}

#[tokio::test]
async fn google_gets_everything_and_a_bucket_that_cannot_delete_is_told_once() {
    let Some(peer) = google() else { return };
    let mut studio = Studio::new();
    studio.produce(8);
    let upload = Upload { delete_after_seconds: Some(0), ..to_google(&peer) };
    let pusher = push(&studio, "gs://live/x/", upload);
    until(&pusher, "even", even).await;
    assert_there(&studio, |path| curl(&["-f", &format!("{}/live/x/{path}", peer.address())]));
    studio.produce(8);
    until(&pusher, "even", even).await;
    let told = || studio.count(EventCode::OldSegmentsStay) > 0;
    crate::studio::eventually("told that old segments stay", told).await;
    assert!(pusher.stop(Duration::from_secs(20)).await.is_nothing());
    assert_eq!(studio.count(EventCode::OldSegmentsStay), 1, "{:?}", studio.events());
    assert_eq!(studio.count(EventCode::PushRefused), 0, "{:?}", studio.events());
}
