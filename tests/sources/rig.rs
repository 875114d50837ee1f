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
use uplink::model::{AudioFormat, ChannelId, FrameRate, PictureSize, ProgramFormat, SegmentGrid, SourceId};
use uplink::plan::{ChannelPlan, SlatePlan, SoundPlan, SourceKind, SourcePlan, SpoolPlan, ThresholdPlan};

use crate::recorder::Recorder;

/// One at a time: senders and programs in real time need the processor to themselves.
static ALONE: Mutex<()> = Mutex::new(());

pub struct Rig {
    pub recorder: Arc<Recorder>,
    program: Option<Program>,
    _alone: MutexGuard<'static, ()>,
}

impl Rig {
    pub fn start(rate: (u32, u32), sources: &[SourceKind], order: ProgramOrder) -> Self {
        Self::sized(PictureSize::new(320, 180).unwrap(), rate, sources, order)
    }

    pub fn sized(size: PictureSize, rate: (u32, u32), sources: &[SourceKind], order: ProgramOrder) -> Self {
        Self::with_sound(size, rate, sources, order, SoundPlan::default())
    }

    pub fn with_sound(
        size: PictureSize,
        rate: (u32, u32),
        sources: &[SourceKind],
        order: ProgramOrder,
        sound: SoundPlan,
    ) -> Self {
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
        let plan = ChannelPlan { sound, ..plan(format, sources) };
        let outlet = Arc::clone(&recorder);
        let program = Program::start(&plan, clock, order, Recorder::slate(format), outlet, events).unwrap();
        Self { recorder, program: Some(program), _alone: alone }
    }

    pub fn program(&self) -> &Program {
        self.program.as_ref().unwrap()
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

fn plan(format: ProgramFormat, sources: &[SourceKind]) -> ChannelPlan {
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
        program: format,
        timecode: Default::default(),
        segments: SegmentGrid::new(1000).unwrap(),
        sources: sources.iter().enumerate().map(source).collect(),
        slate: SlatePlan { text: "slate".to_owned() },
        graphics: uplink::plan::GraphicsPlan::default(),
        video: Vec::new(),
        audio: Vec::new(),
        spool: SpoolPlan { directory: PathBuf::new(), quota_bytes: 0, retain_seconds: 0, playlist_segments: 6 },
        destinations: Vec::new(),
        thresholds: ThresholdPlan {
            loss_ms: 250,
            wait_to_restore_ms: 2000,
            stall_ms: 4000,
            failover: Default::default(),
            signal: Default::default(),
        },
        sound: SoundPlan::default(),
    }
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

    pub fn to(arguments: &[String], url: &str) -> Self {
        let wanted = Arc::new(AtomicBool::new(true));
        let child = Arc::new(Mutex::new(None));
        let (still_wanted, slot) = (Arc::clone(&wanted), Arc::clone(&child));
        let arguments: Vec<String> =
            arguments.iter().cloned().chain(["-f", "mpegts", url].map(str::to_owned)).collect();
        let caller = std::thread::spawn(move || {
            while still_wanted.load(Ordering::SeqCst) {
                *slot.lock().unwrap() = Some(spawn(&arguments));
                while slot.lock().unwrap().as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None))) {
                    std::thread::park_timeout(Duration::from_millis(20));
                }
            }
        });
        Self { wanted, child, caller: Some(caller) }
    }

    /// Kills it, without a goodbye to the listener.
    pub fn kill(self) {
        drop(self);
    }
}

fn spawn(arguments: &[String]) -> Child {
    let log = std::env::var_os("RIG_LOG").is_some();
    Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error"])
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(if log { Stdio::inherit() } else { Stdio::null() })
        .spawn()
        .expect("ffmpeg runs")
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
        let (udp, srt) = (free_port(), free_port());
        let child = Command::new("srt-live-transmit")
            .args([
                "-q",
                "-a",
                "no",
                &format!("udp://127.0.0.1:{udp}"),
                &format!("srt://127.0.0.1:{srt}?mode=listener"),
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
