//! HEVC over RTMP (enhanced RTMP), against an FFmpeg that knows it and decodes what it gets.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use uplink::model::{Secret, VideoCodec};
use uplink::plan::CarrierPlan;

use crate::peers::{Peer, free_tcp_port};
use crate::shipped::shipped;
use crate::studio::{self, Studio, audio, until, video};

const KEY: &str = "enhanced-key-0123";
/// At 30 in a second.
const PICTURES: u64 = 75;

/// The Python that has PyAV; none, and says so, on a machine without. Debian's own FFmpeg is older than enhanced RTMP.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("UPLINK_PYTHON")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/ndi/bin/python")), PathBuf::from);
    // Enhanced RTMP came with libavformat 60.16 (FFmpeg 6.1).
    let knows = "import av; assert av.library_versions['libavformat'] >= (60, 16, 0)";
    let has = Command::new(&python).args(["-c", knows]).stderr(std::process::Stdio::null()).status();
    let has = has.is_ok_and(|status| status.success());
    if !has {
        eprintln!(
            "\n*** SKIPPED: enhanced RTMP, since no PyAV with FFmpeg 6.1 is there (packaging/test installs it) ***\n"
        );
    }
    has.then_some(python)
}

fn arrives(codec: VideoCodec, name: &str) {
    let Some(python) = python() else { return };
    let mut plan = studio::plan();
    plan.video[0].encoders = vec![shipped(codec, &plan.video[0].size.to_string(), None)];
    let element = plan.video[0].encoders[0].element.clone();
    if gstreamer::init().is_ok() && gstreamer::ElementFactory::find(&element).is_none() {
        println!("SKIPPED: {codec} over RTMP, {element} is not registered here");
        return;
    }
    let (directory, port) = (tempfile::tempdir().unwrap(), free_tcp_port());
    let said = directory.path().join("said.json");
    let mut command = Command::new("timeout");
    command.arg("120").arg(python).arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/send/rtmp_server.py"));
    command.arg(format!("rtmp://127.0.0.1:{port}/live/{KEY}")).arg(PICTURES.to_string());
    let peer = Peer::run(&mut command, directory.path(), "server", Some(&said));
    let studio = Studio::with(&plan);
    let url = format!("rtmp://127.0.0.1:{port}/live").parse().unwrap();
    let carrier = CarrierPlan::Rtmp { url, key: Some(Secret::new(KEY)), ca: None };
    // The server listens when it does; until then, and after it has what it wants, there is nobody.
    let sender = studio.send_these(studio::SentVideo { codec, ..video() }, audio(), carrier);
    let status = until(&sender, "acknowledged", Duration::from_secs(60), |status| {
        status.bytes_acknowledged.is_some_and(|bytes| bytes > 10_000)
    });
    assert!(!status.url.contains(KEY), "{status:#?}");
    let log = directory.path().join("server.log");
    assert!(peer.wait(Duration::from_secs(60)), "{}", std::fs::read_to_string(&log).unwrap_or_default());
    sender.stop(Duration::from_secs(3));
    let log = std::fs::read_to_string(&log).unwrap_or_default();
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&said).unwrap()).expect(&log);
    eprintln!("{codec} over RTMP: {report}");
    assert!(report["video"].as_str().is_some_and(|found| found.contains(name)), "{report}");
    assert_eq!((&report["audio"], &report["size"]), (&json!("aac"), &json!([320, 180])), "{report}");
    assert_eq!((&report["damaged"], &report["backwards"]), (&json!(0), &json!(0)), "{report} {log}");
    // One in each second, the first of all among them.
    assert!(report["keyframes"].as_u64() >= Some(2) && report["sound"].as_u64() > Some(50), "{report}");
}

#[test]
fn hevc_is_decoded_by_a_server_that_knows_enhanced_rtmp() {
    arrives(VideoCodec::Hevc, "hevc");
}
