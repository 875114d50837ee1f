//! Pictures that nobody would send on purpose. The program goes on, and the source says what it is.

use std::time::Duration;

use uplink::model::status::ProgramOrder;
use uplink::plan::{SourceKind, SrtMode};

use crate::rig::{Rig, Sender, clip, free_port, live, shows_slate, watch};

fn listener(port: u16) -> SourceKind {
    SourceKind::Srt {
        mode: SrtMode::Listener,
        host: "127.0.0.1".to_owned(),
        port,
        latency_ms: 100,
        passphrase: None,
        stream_id: None,
    }
}

#[test]
fn five_and_two_hundred_and_forty_pictures_a_second_are_shown() {
    for (rate, gop) in [(5, 5), (240, 240)] {
        let port = free_port();
        let rig = Rig::start((30, 1), &[listener(port)], ProgramOrder::Auto);
        let sender = Sender::srt(&live("320x180", rate, gop, &[]), port);
        // Settling: the first pictures do not tell yet how slow it is.
        watch(&rig, 90);
        assert_eq!(watch(&rig, 150), 0, "{rate} per second: {}", rig.told());
        sender.kill();
        assert!(rig.recorder.wait(Duration::from_secs(5), shows_slate), "{rate} per second: {}", rig.told());
        rig.assert_unbroken();
    }
}

#[test]
fn the_smallest_and_the_largest_picture_are_shown() {
    let one = clip(
        "one-pixel.ts",
        &"-f lavfi -i testsrc2=size=2x2:rate=30 -vf scale=1:1 -t 10 -c:v libx264 -pix_fmt yuv444p -g 30 -bf 0"
            .split(' ')
            .collect::<Vec<_>>(),
    );
    let large = clip(
        "eight-k.ts",
        &"-f lavfi -i color=gray:size=7680x4320:rate=2 -t 3 -c:v libx264 -preset ultrafast -g 2 -bf 0 -pix_fmt yuv420p"
            .split(' ')
            .collect::<Vec<_>>(),
    );
    for (file, pictures) in [(one, 60), (large, 30)] {
        let port = free_port();
        let rig = Rig::start((30, 1), &[listener(port)], ProgramOrder::Auto);
        let name = file.display().to_string();
        let arguments = ["-re", "-stream_loop", "-1", "-i", &name, "-c", "copy"].map(str::to_owned);
        let _sender = Sender::srt(&arguments, port);
        watch(&rig, pictures);
        rig.assert_unbroken();
        let status = rig.program().sources().remove(0);
        assert!(status.frames > 0, "{name}: {}", rig.told());
    }
}
