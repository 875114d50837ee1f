//! A camera that is asked by RTSP: the server of GStreamer's own project stands in for it.

use std::process::Command;
use std::time::{Duration, Instant};

use uplink::model::Secret;
use uplink::model::status::{ProgramOrder, SourceState};
use uplink::plan::{RtspTransport, SourceKind};

use crate::rig::{Rig, Sender, quiet_ticks, shows_slate, watch};

const CAMERA: &str = "( videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=25/1 ! \
    x264enc speed-preset=ultrafast tune=zerolatency key-int-max=25 threads=1 ! rtph264pay name=pay0 pt=96 \
    audiotestsrc is-live=true ! audioconvert ! avenc_aac ! rtpmp4gpay name=pay1 pt=97 )";

fn is_here() -> bool {
    let import = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer";
    let here = Command::new("/usr/bin/python3").args(["-c", import]).output().is_ok_and(|o| o.status.success());
    if !here {
        eprintln!("SKIPPED: the RTSP server (Debian packages gir1.2-gst-rtsp-server-1.0, python3-gi) is not here");
    }
    here
}

fn camera(port: u16, transport: RtspTransport, login: Option<(&str, &str)>) -> SourceKind {
    SourceKind::Rtsp {
        url: format!("rtsp://127.0.0.1:{port}/cam").parse().unwrap(),
        user: login.map(|(user, _)| user.to_owned()),
        password: login.map(|(_, password)| Secret::new(password)),
        transport,
        latency_ms: 100,
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_camera_is_shown_killed_and_shown_again() {
    if !is_here() {
        return;
    }
    for transport in [RtspTransport::Tcp, RtspTransport::Udp] {
        let port = free_port();
        let rig = Rig::start((25, 1), &[camera(port, transport, None)], ProgramOrder::Auto);
        let mut figures = Vec::new();
        for round in 0..3 {
            let server = Sender::rtsp(port, CAMERA, "");
            assert_eq!(watch(&rig, 75), 0, "{transport:?}, round {round}: {}", rig.told());
            let quiet = quiet_ticks(&rig, 25);
            assert!(quiet <= 1, "{transport:?}, round {round}: {quiet} silent ticks");
            let killed = Instant::now();
            server.kill();
            assert!(rig.recorder.wait(Duration::from_secs(5), shows_slate), "{}", rig.told());
            figures.push(killed.elapsed().as_millis());
        }
        rig.assert_unbroken();
        eprintln!("{transport:?}: kill to slate (ms): {figures:?}");
    }
}

#[test]
fn a_password_is_given_and_a_wrong_one_is_told() {
    if !is_here() {
        return;
    }
    let port = free_port();
    let _server = Sender::rtsp(port, CAMERA, "hunter2-hunter2");
    let good = camera(port, RtspTransport::Tcp, Some(("studio", "hunter2-hunter2")));
    let bad = camera(port, RtspTransport::Tcp, Some(("studio", "wrong-password")));
    let rig = Rig::start((25, 1), &[good, bad], ProgramOrder::Auto);
    assert_eq!(watch(&rig, 50), 0, "{}", rig.told());
    let failed = || rig.program().sources()[1].state == SourceState::Failed;
    assert!(rig.recorder.wait(Duration::from_secs(10), |_| failed()), "{}", rig.told());
    let reason = rig.program().sources().remove(1).health.reason;
    assert!(reason.to_lowercase().contains("unauthorized"), "{reason}");
    assert!(!rig.told().contains("hunter2") && !rig.told().contains("wrong-password"), "{}", rig.told());
    rig.assert_unbroken();
}
