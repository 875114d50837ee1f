//! A program with a recorder behind it, and senders.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use uplink::media::EventSink;
use uplink::media::clock::HouseClock;
use uplink::media::program::Program;
use uplink::model::status::ProgramOrder;
use uplink::model::{
    AudioFormat, ChannelId, ExpectedFormat, FrameRate, PictureSize, ProgramFormat, SegmentGrid, SourceId,
};
use uplink::plan::{ChannelPlan, SlatePlan, SoundPlan, SourceKind, SourcePlan, SpoolPlan, ThresholdPlan};

use crate::recorder::{Record, Recorder};

/// One at a time: senders and programs in real time need the processor to themselves.
static ALONE: Mutex<()> = Mutex::new(());

pub struct Rig {
    pub recorder: Arc<Recorder>,
    program: Option<Program>,
    plan: ChannelPlan,
    _alone: MutexGuard<'static, ()>,
}

impl Rig {
    pub fn start(rate: (u32, u32), sources: &[SourceKind], order: ProgramOrder) -> Self {
        Self::sized(PictureSize::new(320, 180).unwrap(), rate, sources, order)
    }

    pub fn sized(size: PictureSize, rate: (u32, u32), sources: &[SourceKind], order: ProgramOrder) -> Self {
        Self::open(size, rate, order, plan(thresholds(), sources))
    }

    pub fn with_sound(
        size: PictureSize,
        rate: (u32, u32),
        sources: &[SourceKind],
        order: ProgramOrder,
        sound: SoundPlan,
    ) -> Self {
        Self::open(size, rate, order, ChannelPlan { sound, ..plan(thresholds(), sources) })
    }

    /// 30 frames a second, with these limits.
    pub fn limited(limits: ThresholdPlan, sources: &[SourceKind], order: ProgramOrder) -> Self {
        Self::expecting(limits, sources, order, ExpectedFormat::default())
    }

    /// The same, where the first source is expected to have a format.
    pub fn expecting(
        limits: ThresholdPlan,
        sources: &[SourceKind],
        order: ProgramOrder,
        expect: ExpectedFormat,
    ) -> Self {
        let mut plan = plan(limits, sources);
        plan.sources[0].expect = expect;
        Self::open(PictureSize::new(320, 180).unwrap(), (30, 1), order, plan)
    }

    fn open(size: PictureSize, rate: (u32, u32), order: ProgramOrder, plan: ChannelPlan) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        gstreamer::init().unwrap();
        let format = ProgramFormat {
            size,
            frame_rate: FrameRate::new(rate.0, rate.1).unwrap(),
            audio: AudioFormat { sample_rate: 48_000, channels: 2 },
        };
        let clock = HouseClock::start();
        let recorder = Recorder::new(format, clock);
        let listener = Arc::clone(&recorder);
        let events: EventSink = Arc::new(move |event| listener.record.lock().unwrap().events.push(event));
        let plan = ChannelPlan { program: format, ..plan };
        let outlet = Arc::clone(&recorder);
        let program = Program::start(&plan, clock, order, Recorder::slate(format), outlet, events).unwrap();
        Self { recorder, program: Some(program), plan, _alone: alone }
    }

    pub fn program(&self) -> &Program {
        self.program.as_ref().unwrap()
    }

    /// What a reload does on air: other plans of the sources, by rank.
    pub fn become_kinds(&mut self, kinds: &[SourceKind]) {
        let mut plan = self.plan.clone();
        plan.sources.iter_mut().zip(kinds).for_each(|(source, kind)| source.kind = kind.clone());
        self.program().controls().rearrange(&self.plan, &plan).unwrap();
        self.plan = plan;
    }

    /// Ends the program.
    pub fn stop(&mut self) {
        if let Some(program) = self.program.take() {
            program.close(Instant::now() + Duration::from_secs(5));
        }
    }

    /// What happened, for a failed assertion.
    pub fn told(&self) -> String {
        let record = self.recorder.record.lock().unwrap();
        let events = record.events.iter().map(|e| format!("{} {}\n", e.at, e.text)).collect::<String>();
        format!("{} pictures, {} sounds\n{events}", record.pictures.len(), record.sounds.len())
    }

    /// No timestamp missing or repeated, in picture and sound.
    pub fn assert_unbroken(&self) {
        assert_eq!(self.recorder.wrong_picture_steps(), 0, "{}", self.told());
        assert_eq!(self.recorder.wrong_samples(), 0, "{}", self.told());
        assert_eq!(self.program().status().missed, 0, "{}", self.told());
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop();
    }
}

pub fn thresholds() -> ThresholdPlan {
    ThresholdPlan {
        loss_ms: 250,
        wait_to_restore_ms: 2000,
        stall_ms: 4000,
        failover: Default::default(),
        signal: Default::default(),
    }
}

/// In a format that is still to be set.
fn plan(thresholds: ThresholdPlan, sources: &[SourceKind]) -> ChannelPlan {
    let source = |(n, kind): (usize, &SourceKind)| SourcePlan {
        id: SourceId::new(format!("s{n}")).unwrap(),
        kind: kind.clone(),
        expect: Default::default(),
        fit: uplink::model::Fit::default(),
    };
    ChannelPlan {
        channel: ChannelId::new("rig").unwrap(),
        title: "Rig".to_owned(),
        stream_class: "rig 1.0.0".to_owned(),
        program: ProgramFormat {
            size: PictureSize::new(320, 180).unwrap(),
            frame_rate: FrameRate::new(30, 1).unwrap(),
            audio: AudioFormat { sample_rate: 48_000, channels: 2 },
        },
        timecode: Default::default(),
        segments: SegmentGrid::new(1000).unwrap(),
        parts: None,
        sources: sources.iter().enumerate().map(source).collect(),
        slate: SlatePlan { text: "slate".to_owned() },
        graphics: uplink::plan::GraphicsPlan::default(),
        video: Vec::new(),
        audio: Vec::new(),
        captions: None,
        spool: SpoolPlan {
            directory: PathBuf::new(),
            quota_bytes: 0,
            retain_seconds: 0,
            playlist_segments: 6,
            when_full: Default::default(),
        },
        destinations: Vec::new(),
        thresholds,
        sound: SoundPlan::default(),
        companions: Vec::new(),
    }
}

/// The same test once more, in a process with these variables: libraries read some of them when they are loaded. True in
/// that process; false in the first one, when the other has ended well.
pub fn again(test: &str, variables: &[(&str, &std::path::Path)]) -> bool {
    const INSIDE: &str = "UPLINK_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(INSIDE, "1").envs(variables.iter().copied());
    let mut inside = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let said = inside.stdout.take().unwrap();
    let said = std::thread::spawn(move || std::io::read_to_string(said).unwrap_or_default());
    let until = Instant::now() + Duration::from_secs(300);
    let status = loop {
        if let Some(status) = inside.try_wait().unwrap() {
            break status;
        }
        if Instant::now() >= until {
            let _ = inside.kill();
        }
        std::thread::park_timeout(Duration::from_millis(50));
    };
    // Its result would be counted as one more.
    let own = |line: &&str| !["running ", "test ", "test result:"].iter().any(|begin| line.starts_with(begin));
    said.join().unwrap().lines().filter(own).for_each(|line| println!("{line}"));
    assert!(status.success(), "{test}, in a process of its own: {status}");
    false
}

/// A file made by ffmpeg, once per name.
pub fn clip(name: &str, arguments: &[&str]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("uplink-clip-{}-{name}", std::process::id()));
    if !path.exists() {
        let made = Command::new("ffmpeg")
            .args(["-nostdin", "-loglevel", "error", "-y"])
            .args(arguments)
            .arg(&path)
            .status()
            .expect("ffmpeg runs");
        assert!(made.success(), "ffmpeg could not make {name}");
    }
    path
}

/// A live sender: picture of `size` at `rate`, a steady sound, GOP of `gop` frames.
pub fn live(size: &str, rate: u32, gop: u32, extra: &[&str]) -> Vec<String> {
    let mut arguments: Vec<String> = ["-re", "-f", "lavfi", "-i"].map(str::to_owned).to_vec();
    arguments.push(format!("testsrc2=size={size}:rate={rate}"));
    arguments.extend(["-re", "-f", "lavfi", "-i", "sine=frequency=500:sample_rate=48000"].map(str::to_owned));
    arguments.extend(
        ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-threads", "1"].map(str::to_owned),
    );
    arguments.extend(["-g".to_owned(), gop.to_string()]);
    arguments.extend(["-pix_fmt", "yuv420p", "-c:a", "aac", "-muxdelay", "0"].map(str::to_owned));
    arguments.extend(extra.iter().map(|a| (*a).to_owned()));
    arguments
}

pub fn shows_source(r: &Record) -> bool {
    r.pictures.last().is_some_and(|p| !p.is_slate)
}

pub fn shows_slate(r: &Record) -> bool {
    r.pictures.last().is_some_and(|p| p.is_slate)
}

/// Lets a sender run for `pictures` after it is shown; returns how many of them were slate.
pub fn watch(rig: &Rig, pictures: usize) -> usize {
    assert!(rig.recorder.wait(Duration::from_secs(20), shows_source), "never shown: {}", rig.told());
    let first = rig.recorder.record.lock().unwrap().pictures.len();
    assert!(rig.recorder.wait(Duration::from_secs(60), |r| r.pictures.len() >= first + pictures), "{}", rig.told());
    let record = rig.recorder.record.lock().unwrap();
    record.pictures[first..].iter().filter(|p| p.is_slate).count()
}

/// Ticks without sound among the last `count`.
pub fn quiet_ticks(rig: &Rig, count: usize) -> usize {
    let record = rig.recorder.record.lock().unwrap();
    record.sounds.iter().rev().take(count).filter(|s| s.2 < 0.01).count()
}

/// A UDP port nobody uses now.
pub fn free_port() -> u16 {
    std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A sender that, like a hardware encoder, calls again when it is refused or cut off, until it is killed.
pub struct Sender {
    wanted: Arc<AtomicBool>,
    child: Arc<Mutex<Option<Child>>>,
    caller: Option<JoinHandle<()>>,
}

impl Sender {
    /// `ffmpeg <arguments> -f mpegts srt://…` as caller to `port`.
    pub fn srt(arguments: &[String], port: u16) -> Self {
        Self::to(arguments, &format!("srt://127.0.0.1:{port}?mode=caller&latency=100000&pkt_size=1316"))
    }

    /// `ffmpeg <arguments> -f flv rtmp://…`.
    pub fn flv(arguments: &[String], url: &str) -> Self {
        let arguments: Vec<String> = arguments.iter().cloned().chain(["-f", "flv", url].map(str::to_owned)).collect();
        Self::run("ffmpeg", &arguments)
    }

    /// `gst-launch-1.0 <line>`.
    pub fn gst(line: &str) -> Self {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Self::run("gst-launch-1.0", &arguments)
    }

    /// An RTSP server at `port` whose `/cam` plays `line`; with user `studio` if there is a password.
    pub fn rtsp(port: u16, line: &str, password: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sources/rtsp_server.py");
        let arguments = [script.to_owned(), port.to_string(), line.to_owned(), password.to_owned()];
        Self::run("/usr/bin/python3", &arguments)
    }

    pub fn to(arguments: &[String], url: &str) -> Self {
        let arguments: Vec<String> =
            arguments.iter().cloned().chain(["-f", "mpegts", url].map(str::to_owned)).collect();
        Self::run("ffmpeg", &arguments)
    }

    fn run(program: &'static str, arguments: &[String]) -> Self {
        let wanted = Arc::new(AtomicBool::new(true));
        let child = Arc::new(Mutex::new(None));
        let (still_wanted, slot) = (Arc::clone(&wanted), Arc::clone(&child));
        let arguments = arguments.to_vec();
        let caller = std::thread::spawn(move || {
            while still_wanted.load(Ordering::SeqCst) {
                *slot.lock().unwrap() = Some(spawn(program, &arguments));
                while slot.lock().unwrap().as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None))) {
                    std::thread::park_timeout(Duration::from_millis(20));
                }
            }
        });
        Self { wanted, child, caller: Some(caller) }
    }

    /// It does not call again when it is cut off.
    pub fn forget(&self) {
        self.wanted.store(false, Ordering::SeqCst);
    }

    /// Kills it, without a goodbye to the listener.
    pub fn kill(self) {
        drop(self);
    }
}

fn spawn(program: &str, arguments: &[String]) -> Child {
    let log = std::env::var_os("RIG_LOG").is_some();
    let first: &[&str] = match program {
        "ffmpeg" => &["-nostdin", "-loglevel", "error"],
        "gst-launch-1.0" => &["-q"],
        _ => &[],
    };
    Command::new(program)
        .args(first)
        .args(arguments)
        .stdout(Stdio::null())
        .stdin(Stdio::null())
        .stderr(if log { Stdio::inherit() } else { Stdio::null() })
        .spawn()
        .expect("the sender runs")
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.wanted.store(false, Ordering::SeqCst);
        if let Some(child) = self.child.lock().unwrap().as_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Some(caller) = self.caller.take() {
            let _ = caller.join();
        }
    }
}

/// `srt-live-transmit`: an SRT listener that passes on the transport stream it gets by UDP, whoever sends it.
pub struct Gateway {
    child: Child,
    udp: u16,
    srt: u16,
}

impl Gateway {
    /// None if the program is not here.
    pub fn start() -> Option<Self> {
        Self::asking("")
    }

    /// One whose listener asks for more of its callers, `&option=value`.
    pub fn asking(options: &str) -> Option<Self> {
        let (udp, srt) = (free_port(), free_port());
        let child = Command::new("srt-live-transmit")
            .args([
                "-q",
                "-a",
                "no",
                &format!("udp://127.0.0.1:{udp}"),
                &format!("srt://127.0.0.1:{srt}?mode=listener{options}"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        Some(Self { child, udp, srt })
    }

    pub fn port(&self) -> u16 {
        self.srt
    }

    /// A sender behind the gateway.
    pub fn feed(&self, arguments: &[String]) -> Sender {
        Sender::to(arguments, &format!("udp://127.0.0.1:{}?pkt_size=1316", self.udp))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
