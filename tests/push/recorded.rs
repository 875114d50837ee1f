//! A recording sent to buckets and to WebDAV, and an upload that outlives the daemon that began it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use uplink::hls;
use uplink::model::upload::{StoreKind, Upload};
use uplink::model::{BitRate, ChannelId, DestinationId, EndpointName, FrameRate, MediaTime, RecordedOf, RenditionId};
use uplink::record::{
    Manifest, RecordedRendition, RecordedSegment, RecordingId, RecordingState, RenditionKind, VERSION,
};
use uplink::replay::{Ask, Desk, JobState, JobStatus, Shop, UploadTarget, UploadWish};

use crate::bucket::{S3, azure, azure_url, curl, google, to_azure, to_google};
use crate::nginx::Nginx;
use crate::studio::eventually;

/// 2025-11-21T00:00:00Z in seconds.
const EPOCH: u64 = 1_763_683_200;
const SEGMENTS: u64 = 12;
/// Of one segment.
const BYTES: usize = 50_000;
/// An initialisation, the segments, two playlists and the manifest.
const OBJECTS: u64 = 1 + SEGMENTS + 3;

/// A finished recording. What its segments hold does not matter here.
struct Shelf {
    root: tempfile::TempDir,
    channel: ChannelId,
    id: RecordingId,
}

impl Shelf {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a directory");
        let (channel, id) = (ChannelId::new("a").unwrap(), RecordingId::new("20251121T000000Z").unwrap());
        let directory = root.path().join("a").join(id.as_str());
        let rendition = rendition(&directory.join("v720"));
        let manifest = Manifest {
            version: VERSION,
            channel: channel.clone(),
            destination: DestinationId::new("archive").unwrap(),
            of: RecordedOf::Program,
            id: id.clone(),
            title: None,
            began: MediaTime::from_secs(EPOCH),
            ended: Some(MediaTime::from_secs(EPOCH + 2 * SEGMENTS)),
            state: RecordingState::Finished,
            protected: false,
            segment_ms: 2000,
            bytes: SEGMENTS * BYTES as u64,
            interruptions: 0,
            gaps: Vec::new(),
            renditions: vec![rendition],
            markers: Vec::new(),
            cued: Default::default(),
        };
        manifest.store(&directory).expect("a manifest");
        fs::write(directory.join("multivariant.m3u8"), "#EXTM3U\n").expect("a playlist");
        Self { root, channel, id }
    }

    fn directory(&self) -> PathBuf {
        self.root.path().join("a").join(self.id.as_str())
    }

    /// What a daemon has: it knows one destination, `cloud`.
    fn desk(&self, url: &str, upload: Upload) -> Desk {
        let desk = Desk::new(Shop { worker: env!("CARGO_BIN_EXE_uplink-worker").into(), tell: Box::new(|_| {}) });
        let target = UploadTarget {
            channel: self.channel.clone(),
            destination: DestinationId::new("cloud").unwrap(),
            endpoint: EndpointName::new("primary").unwrap(),
            url: url.parse().expect("a url"),
            upload: Box::new(upload),
        };
        desk.learn(vec![self.root.path().to_owned()], vec![target]);
        desk
    }

    fn ask(&self, desk: &Desk, limit: Option<BitRate>) -> u64 {
        desk.ask(&self.channel, &self.id, Ask::Upload { to: "cloud".to_owned(), limit }).expect("it is taken on").id
    }

    /// Sends everything, and says how many objects were sent and how many were found to be there.
    async fn sent(&self, desk: &Desk) -> (u64, u64) {
        counts(&ended(desk, self.ask(desk, None)).await)
    }

    /// Asserts that everything is there as it is here, by what `get` says of a path below the destination.
    fn assert_there(&self, get: impl Fn(&str) -> Vec<u8>) {
        let mut files = Vec::new();
        for folder in ["", "v720/"] {
            let entries = fs::read_dir(self.directory().join(folder)).expect("a folder").flatten();
            let held = entries.filter(|entry| entry.file_type().expect("a type").is_file());
            files.extend(held.map(|file| format!("{folder}{}", file.file_name().to_str().expect("text"))));
        }
        // What the box keeps for itself.
        files.retain(|file| file != "uploads.json");
        assert!(files.len() as u64 >= OBJECTS - 1, "{files:?}");
        for file in files {
            let own = fs::read(self.directory().join(&file)).expect("a file");
            assert!(get(&format!("vod/a/{}/{file}", self.id)) == own, "{file}");
        }
    }
}

fn rendition(folder: &Path) -> RecordedRendition {
    fs::create_dir_all(folder).expect("a folder");
    let init = hls::init_name(b"initialisation");
    fs::write(folder.join(&init), b"initialisation").expect("a file");
    fs::write(folder.join("index.m3u8"), "#EXTM3U\n#EXT-X-ENDLIST\n").expect("a playlist");
    let segment = |number: u64| {
        let data: Vec<u8> = (0..BYTES).map(|place| (place as u64 * 31 + number) as u8).collect();
        let sequence = EPOCH / 2 + number;
        let file = hls::segment_name(sequence);
        fs::write(folder.join(&file), &data).expect("a segment");
        RecordedSegment {
            sequence,
            file,
            init: init.clone(),
            begin: MediaTime::from_secs(EPOCH + number * 2),
            duration: Duration::from_secs(2),
            bytes: BYTES as u64,
            sha256: hex::encode(Sha256::digest(&data)),
            keyframe: true,
            discontinuity: false,
            discontinuity_sequence: 0,
        }
    };
    RecordedRendition {
        id: RenditionId::new("v720").unwrap(),
        kind: RenditionKind::Video,
        codecs: "avc1.64001f".to_owned(),
        bandwidth: BitRate(200_000),
        average_bandwidth: BitRate(200_000),
        size: Some("1280x720".parse().unwrap()),
        frame_rate: Some(FrameRate::new(25, 1).unwrap()),
        name: None,
        language: None,
        channels: None,
        captions: false,
        segments: (0..SEGMENTS).map(segment).collect(),
    }
}

/// Waits for the end of the job, which must be a good one.
async fn ended(desk: &Desk, job: u64) -> JobStatus {
    eventually("the upload ends", || desk.job(job).expect("a job").is_over()).await;
    let job = desk.job(job).expect("a job");
    assert_eq!(job.state, JobState::Done, "{}", job.text);
    job
}

fn counts(job: &JobStatus) -> (u64, u64) {
    let result = job.result.as_ref().expect("a result");
    let count = |name: &str| result[name].as_u64().expect("a number");
    (count("sent"), count("there"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_to_s3_outlives_the_daemon_that_began_it() {
    let Some(s3) = S3::start() else { return };
    let shelf = Shelf::new();
    let first = shelf.desk("s3://live/a/b/", s3.upload(s3.key()));
    // Slow enough to be broken off in the middle.
    let job = shelf.ask(&first, Some(BitRate(1_500_000)));
    eventually("some of it is there", || first.job(job).expect("a job").text.starts_with("4 objects sent")).await;
    first.close();
    eventually("the first daemon has ended it", || first.job(job).expect("a job").is_over()).await;
    assert_ne!(first.job(job).expect("a job").state, JobState::Done);
    let fetched = s3.fetch("a/b/");
    assert!(!fetched.has(&format!("vod/a/{}/v720/index.m3u8", shelf.id)), "no playlist before what it names");

    let second = shelf.desk("s3://live/a/b/", s3.upload(s3.key()));
    second.resume();
    let [job] = &second.jobs()[..] else { panic!("{:?}", second.jobs()) };
    let (sent, there) = counts(&ended(&second, job.id).await);
    assert_eq!(sent + there, OBJECTS);
    assert!(there >= 4, "{there} were there already");
    let fetched = s3.fetch("a/b/");
    shelf.assert_there(|path| fetched.get(path));
    // What is done is not gone on with.
    let third = shelf.desk("s3://live/a/b/", s3.upload(s3.key()));
    third.resume();
    assert!(third.jobs().is_empty(), "{:?}", third.jobs());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_goes_to_s3_by_itself_when_it_has_ended() {
    let Some(s3) = S3::start() else { return };
    let shelf = Shelf::new();
    let wish = |desk: &Desk| {
        let destination = DestinationId::new("archive").unwrap();
        desk.wish(vec![UploadWish { channel: shelf.channel.clone(), destination, to: "cloud/primary".to_owned() }]);
    };
    let first = shelf.desk("s3://live/a/b/", s3.upload(s3.key()));
    wish(&first);
    first.look(None);
    assert!(first.jobs().is_empty(), "what had ended before is left alone");

    let store = |state: RecordingState| {
        let mut manifest = Manifest::load(&shelf.directory()).expect("a manifest");
        manifest.state = state;
        manifest.store(&shelf.directory()).expect("it is stored");
    };
    store(RecordingState::Recording);
    first.look(Some(&shelf.channel));
    assert!(first.jobs().is_empty(), "it runs");
    first.close();
    // Another daemon, which comes up after its end.
    store(RecordingState::Finished);
    let second = shelf.desk("s3://live/a/b/", s3.upload(s3.key()));
    wish(&second);
    second.resume();
    second.look(Some(&shelf.channel));
    let [job] = &second.jobs()[..] else { panic!("{:?}", second.jobs()) };
    assert_eq!(counts(&ended(&second, job.id).await), (OBJECTS, 0));
    let fetched = s3.fetch("a/b/");
    shelf.assert_there(|path| fetched.get(path));
    second.look(None);
    assert_eq!(second.jobs().len(), 1, "once is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_goes_to_azure_and_once_is_enough() {
    let Some(peer) = azure() else { return };
    let shelf = Shelf::new();
    let desk = shelf.desk("az://live/x/", to_azure(&peer));
    assert_eq!(shelf.sent(&desk).await, (OBJECTS, 0));
    shelf.assert_there(|path| curl(&["-f", &azure_url(&peer, &format!("x/{path}"))]));
    assert_eq!(shelf.sent(&desk).await, (3, OBJECTS - 3), "playlists and the manifest may have changed");
}

/// This stand-in for Google takes no JSON as it is, so the manifest, which comes last, cannot be tried.
#[tokio::test(flavor = "multi_thread")]
async fn a_recording_goes_to_google_which_cannot_be_looked_at() {
    let Some(peer) = google() else { return };
    let shelf = Shelf::new();
    let desk = shelf.desk("gs://live/x/", to_google(&peer));
    shelf.ask(&desk, None);
    let url = |path: &str| format!("{}/live/x/{path}", peer.address());
    let last = url(&format!("vod/a/{}/multivariant.m3u8", shelf.id));
    let there = || curl(&["-o", "/dev/null", "-w", "%{http_code}", &last]) == b"200";
    eventually("its last playlist is there", there).await;
    desk.close();
    fs::remove_file(shelf.directory().join("recording.json")).expect("a manifest");
    shelf.assert_there(|path| curl(&["-f", &url(path)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_goes_to_webdav_which_makes_no_directories() {
    let Some(nginx) = Nginx::start_without_directories() else { return };
    let shelf = Shelf::new();
    let desk = shelf.desk(&nginx.url(), Upload { store: StoreKind::Webdav, ..Upload::default() });
    assert_eq!(shelf.sent(&desk).await, (OBJECTS, 0));
    shelf.assert_there(|path| fs::read(nginx.root().join(path)).unwrap_or_default());
    assert_eq!(shelf.sent(&desk).await, (3, OBJECTS - 3));
}
