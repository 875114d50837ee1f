//! What is done with a recording, with real media: stitched, cut, verified, and sent to a real origin that is killed in
//! the middle.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sha2::{Digest, Sha256};
use uplink::hls;
use uplink::model::upload::Upload;
use uplink::model::{BitRate, ChannelId, DestinationId, EndpointName, FrameRate, MediaTime, RenditionId, Secret};
use uplink::record::{
    Manifest, RecordedRendition, RecordedSegment, RecordingId, RecordingState, RenditionKind, VERSION,
};
use uplink::replay::{Ask, Desk, JobState, JobStatus, Shop, Stretch, UploadTarget};

use crate::running::{ALL, OF_A, Place, Running, tree, until};

/// 2025-11-21T00:00:00Z in seconds.
const EPOCH: u64 = 1_763_683_200;
const SECONDS: u64 = 12;
const RATE: u64 = 25;

/// A recording of 12 s of channel `a`: 25 pictures a second with B-frames, a key frame and a segment every 2 s, and sound.
struct Studio {
    root: tempfile::TempDir,
    channel: ChannelId,
    id: RecordingId,
    desk: Desk,
}

impl Studio {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let (channel, id) = (ChannelId::new("a").unwrap(), RecordingId::new("20251121T000000Z").unwrap());
        let directory = root.path().join("a").join(id.as_str());
        let (start, end) = (MediaTime::from_secs(EPOCH), MediaTime::from_secs(EPOCH + SECONDS));
        let renditions = vec![
            record(
                &directory,
                "v180",
                RenditionKind::Video,
                &[
                    "-f",
                    "lavfi",
                    "-i",
                    "testsrc2=size=320x180:rate=25:duration=12",
                    "-c:v",
                    "libx264",
                    "-preset",
                    "veryfast",
                    "-bf",
                    "2",
                    "-g",
                    "50",
                    "-keyint_min",
                    "50",
                    "-sc_threshold",
                    "0",
                    "-b:v",
                    "400k",
                    "-pix_fmt",
                    "yuv420p",
                ],
            ),
            record(
                &directory,
                "a-main",
                RenditionKind::Audio,
                &["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=12", "-ac", "2", "-c:a", "aac"],
            ),
        ];
        let manifest = Manifest {
            version: VERSION,
            channel: channel.clone(),
            destination: DestinationId::new("archive").unwrap(),
            of: Default::default(),
            id: id.clone(),
            title: None,
            began: start,
            ended: Some(end),
            state: RecordingState::Finished,
            protected: false,
            segment_ms: 2000,
            bytes: renditions.iter().flat_map(|rendition| &rendition.segments).map(|segment| segment.bytes).sum(),
            interruptions: 0,
            gaps: Vec::new(),
            renditions,
            markers: Vec::new(),
            cued: Default::default(),
        };
        manifest.store(&directory).unwrap();
        let desk = Desk::new(Shop { worker: env!("CARGO_BIN_EXE_uplink-worker").into(), tell: Box::new(|_| {}) });
        desk.learn(vec![root.path().to_owned()], Vec::new());
        Self { root, channel, id, desk }
    }

    fn directory(&self, id: &RecordingId) -> PathBuf {
        self.root.path().join("a").join(id.as_str())
    }

    /// Has something done to the recording called `id`, and waits for its end.
    fn done(&self, id: &RecordingId, ask: Ask) -> JobStatus {
        let job = self.desk.ask(&self.channel, id, ask).unwrap().id;
        until("the job ends", || self.desk.job(job).unwrap().is_over());
        let job = self.desk.job(job).unwrap();
        assert_eq!(job.state, JobState::Done, "{}", job.text);
        job
    }

    /// Cuts the recording, and says where the movie is.
    fn movie(&self, from: &str, to: &str, exact: bool) -> (PathBuf, serde_json::Value) {
        let stretch = Stretch { from: Some(from.to_owned()), to: Some(to.to_owned()) };
        let title = Some(format!("cut {from} {exact}"));
        let ask = Ask::Clip { stretch, title, movie: true, exact, video: None, audio: Vec::new() };
        self.found(self.done(&self.id, ask))
    }

    fn found(&self, job: JobStatus) -> (PathBuf, serde_json::Value) {
        let result = job.result.unwrap();
        (self.directory(&self.id).join("movies").join(result["file"].as_str().unwrap()), result)
    }

    fn clip(&self, from: &str, to: &str) -> RecordingId {
        let stretch = Stretch { from: Some(from.to_owned()), to: Some(to.to_owned()) };
        let title = Some("best of".to_owned());
        let ask = Ask::Clip { stretch, title, movie: false, exact: false, video: None, audio: Vec::new() };
        let cut = self.done(&self.id, ask).result.unwrap();
        RecordingId::new(cut["recording"].as_str().unwrap()).unwrap()
    }
}

/// Encodes a rendition and lays it down as a recording has it.
fn record(directory: &Path, name: &str, kind: RenditionKind, how: &[&str]) -> RecordedRendition {
    let folder = directory.join(name);
    fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error"]).args(how);
    command.args(["-f", "hls", "-hls_time", "2", "-hls_segment_type", "fmp4", "-hls_playlist_type", "vod"]);
    command.args(["-hls_fmp4_init_filename", "init.mp4", "-hls_segment_filename"]);
    command.arg(folder.join("raw-%d.m4s")).arg(folder.join("out.m3u8"));
    assert!(command.status().expect("ffmpeg is needed for this test").success());
    let mut data = fs::read(folder.join("init.mp4")).unwrap();
    // What ffmpeg's encoders delay: both 1024 ticks here, which its edit list says inexactly.
    if let Some(at) = data.windows(4).position(|four| four == b"edts") {
        data[at..at + 4].copy_from_slice(b"free");
    }
    let timescale = match kind {
        RenditionKind::Audio => 48_000,
        _ => 12_800,
    };
    let init = hls::init_name(&data);
    fs::write(folder.join(&init), &data).unwrap();
    let segments = (0..SECONDS / 2).map(|number| segment(&folder, number, timescale, &init)).collect();
    for left in ["init.mp4", "out.m3u8"] {
        fs::remove_file(folder.join(left)).unwrap();
    }
    RecordedRendition {
        id: RenditionId::new(name).unwrap(),
        kind,
        codecs: if kind == RenditionKind::Audio { "mp4a.40.2" } else { "avc1.64000c" }.to_owned(),
        bandwidth: BitRate(600_000),
        average_bandwidth: BitRate(400_000),
        size: (kind == RenditionKind::Video).then(|| "320x180".parse().unwrap()),
        frame_rate: (kind == RenditionKind::Video).then(|| FrameRate::new(25, 1).unwrap()),
        name: None,
        language: None,
        channels: (kind == RenditionKind::Audio).then_some(2),
        captions: false,
        segments,
    }
}

/// Moves a segment to where UTC says.
fn segment(folder: &Path, number: u64, timescale: u64, init: &str) -> RecordedSegment {
    let raw = folder.join(format!("raw-{number}.m4s"));
    let mut data = fs::read(&raw).unwrap();
    let at = data.windows(4).position(|four| four == b"tfdt").unwrap() + 8;
    let before = u64::from_be_bytes(data[at..at + 8].try_into().unwrap());
    data[at..at + 8].copy_from_slice(&(before + EPOCH * timescale - 1024).to_be_bytes());
    fs::remove_file(raw).unwrap();
    let sequence = EPOCH / 2 + number;
    let file = hls::segment_name(sequence);
    fs::write(folder.join(&file), &data).unwrap();
    RecordedSegment {
        sequence,
        file,
        init: init.to_owned(),
        begin: MediaTime::from_secs(EPOCH + number * 2),
        duration: Duration::from_secs(2),
        bytes: data.len() as u64,
        sha256: hex::encode(Sha256::digest(&data)),
        keyframe: true,
        discontinuity: false,
        discontinuity_sequence: 0,
    }
}

/// What a program says; it must have nothing to complain about.
fn said(program: &str, arguments: &[&str], about: &Path) -> String {
    let output = Command::new("timeout").arg("60").arg(program).args(arguments).arg(about).output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && complaints.is_empty(), "{program} {}: {complaints}", about.display());
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Decoded pictures, and the duration of the file in seconds.
fn probed(path: &Path) -> (u64, f64) {
    let count = ["-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries", "stream=nb_read_frames"];
    let frames = said("ffprobe", &[&count[..], &["-of", "csv=p=0"]].concat(), path);
    let duration = said("ffprobe", &["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"], path);
    let frames = frames.lines().next().unwrap().trim_matches(',').parse().unwrap();
    (frames, duration.parse().unwrap())
}

/// Picture and sound are decoded without a complaint.
fn decodes(path: &Path) {
    let mut command = Command::new("timeout");
    command.args(["60", "ffmpeg", "-v", "warning", "-i"]).arg(path).args(["-f", "null", "-"]);
    let complaints = command.output().unwrap().stderr;
    assert!(complaints.is_empty(), "{}: {}", path.display(), String::from_utf8_lossy(&complaints));
}

/// Types of the boxes that a file is made of.
fn boxes(path: &Path) -> Vec<String> {
    let data = fs::read(path).unwrap();
    let (mut at, mut kinds) = (0, Vec::new());
    while at + 16 <= data.len() {
        let size = u32::from_be_bytes(data[at..at + 4].try_into().unwrap()) as usize;
        kinds.push(String::from_utf8_lossy(&data[at + 4..at + 8]).into_owned());
        at += if size == 1 { u64::from_be_bytes(data[at + 8..at + 16].try_into().unwrap()) as usize } else { size };
    }
    kinds
}

/// How like the pictures of `cut` are to those of `whole` from number `first` on, dB.
fn likeness(cut: &Path, whole: &Path, first: u64, count: u64) -> f64 {
    let graph = format!(
        "[1:v]trim=start_frame={first}:end_frame={},setpts=PTS-STARTPTS[b];[0:v]setpts=PTS-STARTPTS[a];[a][b]psnr",
        first + count
    );
    let output = Command::new("timeout")
        .args(["60", "ffmpeg", "-i"])
        .arg(cut)
        .arg("-i")
        .arg(whole)
        .args(["-lavfi", &graph, "-f", "null", "-"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let average = text.split(" average:").nth(1).unwrap_or_else(|| panic!("{text}"));
    average.split_whitespace().next().unwrap().parse().unwrap_or(f64::INFINITY)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_stitched_cut_and_verified() {
    let studio = Studio::new();
    let whole = studio.done(&studio.id, Ask::Verify).result.unwrap();
    assert_eq!((&whole["good"], &whole["whole"]), (&true.into(), &12.into()));

    let (stitched, _) = studio.found(studio.done(&studio.id, stitch(false)));
    assert_eq!(boxes(&stitched), ["ftyp", "moov", "mdat"], "the index stands in front");
    let (frames, duration) = probed(&stitched);
    assert_eq!(frames, SECONDS * RATE);
    assert!((duration - SECONDS as f64).abs() < 0.001, "{duration}");
    decodes(&stitched);

    marked(&studio, &stitched);

    // On key frames: no less than what was asked for.
    let (cut, result) = studio.movie("0:03", "5", false);
    assert_eq!((probed(&cut).0, &result["encoded_anew"]), (4 * RATE, &0.into()));
    assert!(likeness(&cut, &stitched, 2 * RATE, 4 * RATE) > 90.0);

    // On the picture: from within one group of pictures, over a whole one, into a third; and within a single one.
    for (from, to, first, count, anew) in
        [("1.0", "6.2", 25, 130, 30), ("2.4", "3.2", 60, 20, 20), ("2", "7", 50, 125, 25)]
    {
        let (cut, result) = studio.movie(from, to, true);
        let (frames, duration) = probed(&cut);
        assert_eq!((frames, &result["encoded_anew"]), (count, &anew.into()), "{from} to {to}");
        assert!((duration - count as f64 / RATE as f64).abs() < 0.001, "{duration}");
        let db = likeness(&cut, &stitched, first, count);
        assert!(db > 35.0, "{from} to {to}: {db} dB");
        decodes(&cut);
    }

    let best = studio.clip("2.5", "5");
    let summary = studio.desk.show(&studio.channel, &best).unwrap();
    assert_eq!((summary.seconds, summary.title.as_deref()), (4.0, Some("best of")));
    assert_eq!(studio.done(&best, Ask::Verify).result.unwrap()["whole"], 4);
    assert_eq!(probed(&studio.directory(&best).join("multivariant.m3u8")).0, 4 * RATE);

    let video = studio.directory(&studio.id).join("v180");
    let name = |number: u64| hls::segment_name(EPOCH / 2 + number);
    let torn = fs::read(video.join(name(0))).unwrap();
    fs::remove_file(video.join(name(0))).unwrap();
    fs::write(video.join(name(0)), &torn[..torn.len() / 2]).unwrap();
    fs::remove_file(video.join(name(5))).unwrap();
    let found = studio.done(&studio.id, Ask::Verify).result.unwrap();
    assert_eq!(
        (&found["good"], &found["torn"]["count"], &found["missing"]["count"]),
        (&false.into(), &1.into(), &1.into())
    );
    assert_eq!(found["missing"]["files"][0], format!("v180/{}", name(5)));

    studio.desk.protect(&studio.channel, &best, true).unwrap();
    assert!(studio.desk.delete(&studio.channel, &best).unwrap_err().to_string().contains("protected"));
    studio.desk.protect(&studio.channel, &best, false).unwrap();
    studio.desk.delete(&studio.channel, &best).unwrap();
    assert_eq!(studio.desk.list().len(), 1);
}

fn stitch(exact: bool) -> Ask {
    Ask::Stitch { video: None, audio: Vec::new(), exact }
}

/// A recording that was ordered to begin and to end within its first and last segment: its movie is cut there, on the key
/// frames around that (here those of the segments), or on the pictures; and says so.
fn marked(studio: &Studio, whole: &Path) {
    let show = studio.clip("0", "12");
    let directory = studio.directory(&show);
    let mut manifest = Manifest::load(&directory).unwrap();
    let after = |millis: u64| MediaTime::from_secs(EPOCH) + Duration::from_millis(millis);
    (manifest.began, manifest.ended) = (after(1000), Some(after(11_000)));
    manifest.store(&directory).unwrap();
    let movie = |exact| {
        let made = studio.done(&show, stitch(exact)).result.unwrap();
        let path = directory.join("movies").join(made["file"].as_str().unwrap());
        let span = ["begins", "ends"].map(|name| {
            let time: MediaTime = serde_json::from_value(made[name].clone()).unwrap();
            (time.since(MediaTime::from_secs(EPOCH)).as_secs_f64() * 1000.0).round() as u64
        });
        (path, span)
    };
    let (on_keys, span) = movie(false);
    assert_eq!((probed(&on_keys).0, span), (SECONDS * RATE, [0, 12_000]));
    let (exact, span) = movie(true);
    assert_eq!((probed(&exact).0, span), (10 * RATE, [1000, 11_000]));
    assert!(likeness(&exact, whole, RATE, 10 * RATE) > 35.0);
    decodes(&exact);
    // A mark within the second segment: what is before the key frame in front of it is no part of the show.
    (manifest.began, manifest.ended) = (after(3000), Some(after(9000)));
    manifest.store(&directory).unwrap();
    let (on_keys, span) = movie(false);
    assert_eq!((probed(&on_keys).0, span), (8 * RATE, [2000, 10_000]));
    studio.desk.delete(&studio.channel, &show).unwrap();
}

fn target(origin: &Running) -> UploadTarget {
    UploadTarget {
        channel: ChannelId::new("a").unwrap(),
        destination: DestinationId::new("cloud").unwrap(),
        endpoint: EndpointName::new("primary").unwrap(),
        url: format!("http://{}/live/", origin.address).parse().unwrap(),
        upload: Box::new(Upload::with_token(Secret::new(OF_A))),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_broken_off_goes_on_where_it_was() {
    let studio = Studio::new();
    let show = studio.clip("0", "12");
    let origin = Place::new("").start();
    let address = origin.address;
    studio.desk.learn(vec![studio.root.path().to_owned()], vec![target(&origin)]);
    // Slow enough to be killed in the middle.
    let ask = Ask::Upload { to: "cloud".to_owned(), limit: Some(BitRate(3_000_000)) };
    let job = studio.desk.ask(&studio.channel, &show, ask).unwrap().id;
    let there = |place: &Place| tree(&place.state().join("vod/a").join(show.as_str()));
    until("some of it is there", || there(&origin.place).len() >= 3);
    origin.signal(nix::sys::signal::Signal::SIGKILL);
    let (_, place) = origin.ended();
    assert!(!there(&place).iter().any(|name| name.ends_with("m3u8")), "no playlist before the media it names");
    until("it is interrupted", || studio.desk.job(job).unwrap().state == JobState::Interrupted);
    let mut command = place.command();
    command.args(["--listen", &address.to_string()]);
    let origin = place.start_with(command);
    until("the upload ends", || studio.desk.job(job).unwrap().is_over());
    let ended = studio.desk.job(job).unwrap();
    assert_eq!(ended.state, JobState::Done, "{}", ended.text);
    let sent = ended.result.unwrap();
    // Two initialisations, twelve segments, two media playlists, one multivariant playlist and the manifest. An object
    // may have arrived whose acknowledgement has not: it is found to be there.
    assert_eq!(sent["sent"].as_u64().unwrap() + sent["there"].as_u64().unwrap(), 18, "{sent}");
    assert!(sent["retries"].as_u64().unwrap() > 0, "{sent}");

    let own = studio.directory(&show);
    let copy = origin.place.state().join("vod/a").join(show.as_str());
    let names = there(&origin.place);
    assert_eq!(names.len(), 18);
    for name in names {
        assert_eq!(fs::read(copy.join(&name)).unwrap(), fs::read(own.join(&name)).unwrap(), "{name}");
    }
    let playlist = format!("http://{address}/vod/a/{show}/multivariant.m3u8");
    assert_eq!(probed(Path::new(&playlist)).0, SECONDS * RATE, "played from the origin");

    let again = studio.done(&show, Ask::Upload { to: "cloud/primary".to_owned(), limit: None }).result.unwrap();
    assert_eq!((&again["there"], &again["sent"]), (&14.into(), &4.into()), "only what may have changed");
    assert_eq!(origin.delete(&format!("/live/vod/a/{show}/recording.json"), ALL).status, 204);

    replayed_from_what_is_live(&studio, &origin);
}

/// What was pushed live under the same names is taken over without being sent, if it is the same; and a recording that
/// runs is followed until it ends.
fn replayed_from_what_is_live(studio: &Studio, origin: &Running) {
    let show = studio.clip("0", "6");
    let directory = studio.directory(&show);
    let segment = |number: u64| format!("v180/{}", hls::segment_name(EPOCH / 2 + number));
    for number in 0..2 {
        origin.store(&format!("a/{}", segment(number)), fs::read(directory.join(segment(number))).unwrap());
    }
    origin.store(&format!("a/{}", segment(2)), "something else");
    let mut manifest = Manifest::load(&directory).unwrap();
    let playlists = ["v180/index.m3u8", "a-main/index.m3u8"].map(|name| directory.join(name));
    let ended = playlists.clone().map(|path| fs::read_to_string(path).unwrap());
    for (path, text) in playlists.iter().zip(&ended) {
        fs::write(path, text.replace("#EXT-X-ENDLIST\n", "").replace("TYPE:VOD", "TYPE:EVENT")).unwrap();
    }
    manifest.state = RecordingState::Recording;
    manifest.store(&directory).unwrap();
    let job = studio.desk.ask(&studio.channel, &show, Ask::Upload { to: "cloud".to_owned(), limit: None }).unwrap().id;
    let copy = origin.place.state().join("vod/a").join(show.as_str());
    until("it is followed", || studio.desk.job(job).unwrap().text.contains("still runs"));
    assert!(copy.join("multivariant.m3u8").exists() && !copy.join("recording.json").exists());
    // DVR: what there is plays from its begin, and players come back for more.
    let base = format!("/vod/a/{show}");
    assert_eq!(origin.get(&format!("{base}/multivariant.m3u8")).status, 200);
    let list = |name: &str| origin.get(&format!("{base}/{name}/index.m3u8")).text();
    let dvr = list("v180");
    assert!(dvr.contains("#EXT-X-PLAYLIST-TYPE:EVENT\n") && !dvr.contains("ENDLIST"), "{dvr}");
    for segment in dvr.lines().filter(|line| line.ends_with(".m4s")) {
        assert_eq!(origin.get(&format!("{base}/v180/{segment}")).status, 200, "{segment}");
    }
    for (path, text) in playlists.iter().zip(&ended) {
        fs::write(path, text).unwrap();
    }
    manifest.state = RecordingState::Finished;
    manifest.store(&directory).unwrap();
    until("the upload ends", || studio.desk.job(job).unwrap().is_over());
    let ended = studio.desk.job(job).unwrap();
    assert_eq!((ended.state, &ended.result.unwrap()["linked"]), (JobState::Done, &2.into()), "{}", ended.text);
    for name in tree(&directory).into_iter().filter(|name| name.ends_with("m4s") || name.ends_with("m3u8")) {
        assert_eq!(fs::read(copy.join(&name)).unwrap(), fs::read(directory.join(&name)).unwrap(), "{name}");
    }
    let replay = list("v180");
    assert!(replay.contains("#EXT-X-PLAYLIST-TYPE:VOD\n") && replay.contains("#EXT-X-ENDLIST\n"), "{replay}");
    let nowhere = Ask::Upload { to: "moon".to_owned(), limit: None };
    let refused = studio.desk.ask(&studio.channel, &show, nowhere).unwrap_err().to_string();
    assert!(refused.contains("cloud/primary"), "{refused}");
}
