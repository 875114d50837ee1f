//! A sound device by ALSA, without a sound card: the library is told that the card `Desk` is a source of a PulseAudio
//! server that this test runs. Device names, `alsasrc` and the library are the real ones, the kernel has no part in it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use uplink::model::status::{ProgramOrder, SourceState, SourceStatus};
use uplink::plan::SourceKind;

use crate::recorder::Record;
use crate::rig::{Rig, again};

/// Long enough for any of this on a busy machine.
const SOON: Duration = Duration::from_secs(45);
/// What the server plays.
const HERTZ: usize = 500;

/// A server with one source, into which ffmpeg plays a tone.
struct Server {
    server: Child,
    tone: Child,
}

impl Server {
    fn start(directory: &Path) -> Self {
        let (socket, pipe) = (directory.join("native"), directory.join("tone"));
        let _ = std::fs::remove_file(&pipe);
        let native = format!("module-native-protocol-unix auth-anonymous=1 socket={}", socket.display());
        let format = "format=s16le rate=48000 channels=2";
        let source = format!("module-pipe-source source_name=desk file={} {format}", pipe.display());
        let mut command = Command::new("pulseaudio");
        command.args(["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--realtime=no"]);
        command.args(["--high-priority=no", "--disable-shm", "-L", &native, "-L", &source]);
        command.envs([("HOME", directory), ("XDG_RUNTIME_DIR", directory), ("PULSE_RUNTIME_PATH", directory)]);
        let server = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let until = Instant::now() + SOON;
        while !pipe.exists() && Instant::now() < until {
            std::thread::park_timeout(Duration::from_millis(10));
        }
        let sine = format!("-nostdin -loglevel error -y -re -f lavfi -i sine=frequency={HERTZ}:sample_rate=48000");
        let mut tone = Command::new("ffmpeg");
        tone.args(sine.split(' ')).args(["-ac", "2", "-f", "s16le"]).arg(&pipe);
        let tone = tone.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { server, tone }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for child in [&mut self.server, &mut self.tone] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What the library reads instead of its own configuration.
fn library(directory: &Path) -> String {
    let server = directory.join("native");
    let arguments = "@args [ CARD DEV SUBDEV ]\n@args.CARD { type string }\n@args.DEV { type integer default 0 }\n\
                     @args.SUBDEV { type integer default 0 }\n";
    format!("pcm.hw {{\n{arguments}type pulse\nserver \"unix:{}\"\ndevice \"desk\"\n}}\n", server.display())
}

/// The left channel changes its sign twice in each period.
fn hertz(record: &Record, ticks: usize) -> usize {
    let left: Vec<f32> = record.wave.iter().rev().take(ticks).rev().flatten().copied().step_by(2).collect();
    left.windows(2).filter(|pair| (pair[0] < 0.0) != (pair[1] < 0.0)).count() * 48_000 / left.len().max(1) / 2
}

fn heard(record: &Record) -> bool {
    record.sounds.len() > 60 && record.sounds.iter().rev().take(30).all(|sound| sound.2 > 0.01)
}

#[test]
fn a_sound_card_is_heard_is_lost_with_its_reason_and_is_heard_again() {
    let plugin = |directory: &str| Path::new(directory).join("alsa-lib/libasound_module_pcm_pulse.so").exists();
    let installed = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"].into_iter().any(plugin);
    if !installed || Command::new("pulseaudio").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("SKIPPED: a sound card: Debian's packages pulseaudio and libasound2-plugins are not here");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let known = directory.path().join("asound.conf");
    std::fs::write(&known, library(directory.path())).unwrap();
    let here = concat!(module_path!(), "::a_sound_card_is_heard_is_lost_with_its_reason_and_is_heard_again");
    if !again(
        here.split_once("::").unwrap().1,
        &[("ALSA_CONFIG_PATH", known.as_path()), ("UPLINK_TEST_DIR", directory.path())],
    ) {
        return;
    }
    let directory = std::path::PathBuf::from(std::env::var_os("UPLINK_TEST_DIR").unwrap());
    let server = Server::start(&directory);
    let desk = SourceKind::Alsa { device: "hw:CARD=Desk,DEV=0".to_owned() };
    let rig = Rig::start((30, 1), &[desk], ProgramOrder::Auto);
    let status = || -> SourceStatus { rig.program().sources().remove(0) };
    assert!(rig.recorder.wait(SOON, heard), "{:?}\n{}", status(), rig.told());
    // The first second has the silence before it, and the clock of a new source settles.
    let tone = || hertz(&rig.recorder.record.lock().unwrap(), 30);
    let right = |r: &Record| hertz(r, 30).abs_diff(HERTZ) <= HERTZ / 50;
    assert!(rig.recorder.wait(SOON, right), "{} Hz", tone());
    let now = status();
    assert_eq!((now.kind.as_str(), now.state), ("alsa", SourceState::Delivering), "{now:?}");
    assert!(now.sound.as_deref().is_some_and(|sound| sound.contains("Hz")) && now.picture.is_none(), "{now:?}");

    drop(server);
    let lost = || status().state != SourceState::Delivering;
    let silent = |r: &Record| r.sounds.iter().rev().take(30).all(|sound| sound.2 < 0.001);
    assert!(rig.recorder.wait(SOON, |r| lost() && silent(r)), "{:?}\n{}", status(), rig.told());
    let hinted =
        |r: &Record| r.events.iter().any(|e| e.hint.as_deref().is_some_and(|hint| hint.contains("hw:CARD=Desk,DEV=0")));
    assert!(rig.recorder.wait(SOON, hinted), "{}", rig.told());

    let from = rig.recorder.record.lock().unwrap().sounds.len();
    let _server = Server::start(&directory);
    let back = |r: &Record| r.sounds.len() > from + 60 && heard(r);
    assert!(rig.recorder.wait(SOON, |r| back(r) && !lost()), "{:?}\n{}", status(), rig.told());
    assert!(rig.recorder.wait(SOON, right), "{} Hz", tone());
    rig.assert_unbroken();
}
