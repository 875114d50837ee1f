//! NDI: a real sender and the real runtime library, both of the PyPI wheel `cyndilib`, which `packaging/test` installs.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use uplink::model::status::{ChannelStatus, Showing, SourceState};

use crate::rig::{Rig, skip};

/// The Python that has cyndilib, and the directory of its libraries.
fn wheel() -> Option<(PathBuf, PathBuf)> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join(target).join("ndi");
    let libraries = std::fs::read_dir(venv.join("lib")).ok()?.flatten().find_map(|python| {
        let directory = python.path().join("site-packages/cyndilib.libs");
        directory.is_dir().then_some(directory)
    });
    libraries.map(|libraries| (venv.join("bin/python"), libraries))
}

/// A rig whose first source is the NDI sender `cam` of this machine. Its daemon knows the library if `library` is there.
fn rig(library: Option<&Path>) -> Rig {
    let mut rig = Rig::new(&[("a", r#"sources = ["ndi", "test"]"#)]);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_uppercase();
    rig.edit(|text| format!("{text}\n[sources.ndi]\nkind = \"ndi\"\nndi_name = \"{host} (cam)\"\n"));
    // Nothing is announced on loopback: who is asked for names is written down.
    std::fs::write(rig.path("ndi-config.v1.json"), r#"{"ndi":{"networks":{"ips":"127.0.0.1,"}}}"#).unwrap();
    let runtime = rig.path("ndi");
    std::fs::create_dir(&runtime).unwrap();
    for file in library.into_iter().flat_map(|library| std::fs::read_dir(library).unwrap().flatten()) {
        let name = file.file_name().into_string().unwrap();
        std::os::unix::fs::symlink(file.path(), runtime.join(&name)).unwrap();
        if name.starts_with("libndi-") {
            std::os::unix::fs::symlink(file.path(), runtime.join("libndi.so.6")).unwrap();
        }
    }
    let mut command = rig.daemon_command();
    command.env("NDI_CONFIG_DIR", rig.path("")).env("NDI_RUNTIME_DIR_V6", &runtime);
    rig.start_origin();
    rig.start_daemon_by(command);
    rig.wait_on_air("a");
    rig
}

struct Sender(Child);

impl Sender {
    fn start(python: &Path, rig: &Rig, colour: [&str; 3]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/appliance/ndi_sender.py");
        let mut command = Command::new(python);
        command.arg(script).arg("cam").args(colour).env("NDI_CONFIG_DIR", rig.path(""));
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn shows(channel: &ChannelStatus, id: &str) -> bool {
    let report = channel.report.as_ref();
    report.is_some_and(|r| matches!(&r.program.showing, Showing::Source { source } if source.as_str() == id))
}

#[test]
fn a_sender_is_shown_is_lost_and_comes_back() {
    let Some((python, library)) = wheel() else {
        return skip("NDI: cyndilib is not installed in target/ndi (packaging/test does it)");
    };
    let rig = rig(Some(&library));
    for colour in [["10", "200", "30"], ["200", "10", "30"]] {
        let sender = Sender::start(&python, &rig, colour);
        let channel = rig.wait_channel("a", "the sender is shown, and heard", |channel| {
            let loud = channel.report.as_ref().is_some_and(|r| r.program.peak_dbfs.iter().all(|peak| *peak > -20.0));
            shows(channel, "ndi") && loud
        });
        let source = &channel.report.as_ref().unwrap().sources[0];
        assert_eq!(source.picture.map(|size| size.to_string()).as_deref(), Some("640x360"));
        assert_eq!(source.sound.as_deref(), Some("48000 Hz, 2 channels"));
        rig.wait_channel("a", "frames come", |channel| {
            channel.report.as_ref().is_some_and(|r| r.sources[0].frames > 50)
        });
        drop(sender);
        rig.wait_channel("a", "the next source", |channel| shows(channel, "test"));
    }
    let report = rig.report("a");
    assert_eq!(report.program.missed, 0);
}

#[test]
fn without_the_library_the_source_says_so_and_the_channel_is_on_air() {
    let rig = rig(None);
    let channel = rig.wait_channel("a", "the source has failed", |channel| {
        channel.report.as_ref().is_some_and(|report| report.sources[0].state == SourceState::Failed)
    });
    let reason = &channel.report.as_ref().unwrap().sources[0].health.reason;
    if !reason.contains("libndi.so.6") {
        // It stands where the system looks.
        return skip(&format!("NDI without its library: it is installed on this machine ({reason})"));
    }
    assert!(reason.contains("NDI_RUNTIME_DIR_V6") && reason.contains("https://ndi.video"), "{reason}");
    assert!(shows(&channel, "test"));
    let told = rig.events().iter().filter(|event| event["subject"] == "ndi").count();
    assert_eq!(told, 1, "it is told once, however often it is tried");
}
