//! Changes of the configuration that a channel takes over on air: no frame is missing, no worker is replaced, and a reload
//! says beforehand what it would interrupt.

use serde_json::{Value, json};
use uplink::measure::{FaultCode, Report};
use uplink::model::status::{ProgramOrder, Showing, SourceState, SourceStatus};

use crate::delivered::{assert_only, assert_whole, measure, media, multivariant, named, playable, probe, settle};
use crate::rig::{PLAIN, RENDITIONS, Rig, free_port};

const THIRD: &str = "[[video]]\nid = \"90p\"\nsize = \"160x90\"\nbitrate = \"150k\"\nmax_bitrate = \"300k\"\n\
                     h264_profile = \"main\"\neffort = \"lowest\"\n\n";

fn reload(rig: &Rig) -> Value {
    let answer = rig.post("/api/v1/config/reload", &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn dry_run(rig: &Rig) -> Value {
    let answer = rig.post("/api/v1/config/reload?dry_run=true", &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// What a reload says of channel a.
fn effect(said: &Value) -> (&str, String) {
    let a = said["channels"].as_array().unwrap().iter().find(|channel| channel["channel"] == "a").unwrap();
    (a["effect"].as_str().unwrap(), a.to_string())
}

fn assert_live(said: &Value, parts: &[&str]) {
    let (word, text) = effect(said);
    assert_eq!(word, "live", "{text}");
    for part in parts {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

fn edit_class(rig: &Rig, change: impl FnOnce(String) -> String) {
    let path = rig.path("pipelines/rig.toml");
    let text = change(std::fs::read_to_string(&path).unwrap());
    std::fs::write(path, text).unwrap();
}

/// What players can choose from: the pictures, and the sound alone.
fn variants(rig: &Rig) -> usize {
    multivariant(rig, "a").variants.len()
}

/// Every picture has its successor, whichever source it is of.
fn assert_unbroken(report: &Report, seconds: u64) {
    assert_only(report, &[FaultCode::SourceFramesRepeated, FaultCode::SourceFramesMissing]);
    assert_eq!(report.streams.len(), RENDITIONS.len());
    for stream in &report.streams {
        match (stream.video, stream.audio) {
            (Some(video), _) => assert!(video.frames >= 25 * seconds, "{}: {} frames", stream.name, video.frames),
            (None, Some(audio)) => assert_eq!((audio.gaps, audio.overlaps), (0, 0), "{audio:?}"),
            (None, None) => panic!("{} has neither picture nor sound", stream.name),
        }
    }
}

#[test]
fn a_source_comes_and_goes_on_air() {
    let rig = Rig::on_air(&[("a", PLAIN)]);
    let worker = rig.worker("a");
    let measuring = measure(&rig, "a", 18);
    rig.edit(|text| {
        let text = text.replace("sources = [\"test\"]", "sources = [\"test\", \"spare\"]");
        format!("{text}[sources.spare]\nkind = \"test\"\n")
    });
    assert_live(&dry_run(&rig), &["source spare is opened"]);
    assert_eq!(rig.report("a").sources.len(), 1, "nothing was changed");
    assert_live(&reload(&rig), &["source spare is opened", "taken over on air"]);
    let delivers = |n: usize| {
        move |channel: &uplink::model::status::ChannelStatus| {
            let sources = channel.report.as_ref().map(|report| &report.sources);
            // Some pictures: the first ones are not due at once.
            let good = |one: &SourceStatus| one.state == SourceState::Delivering && one.frames > 25;
            sources.is_some_and(|all| all.len() == n && all.iter().all(good))
        }
    };
    rig.wait_channel("a", "both sources", delivers(2));
    // Another rank, and another way to open the one that is not on air.
    rig.edit(|text| {
        text.replace("[sources.spare]\nkind = \"test\"", "[sources.spare]\nkind = \"test\"\nfit = \"crop\"")
    });
    assert_live(&reload(&rig), &["source spare is closed and opened anew"]);
    rig.wait_channel("a", "both sources again", delivers(2));
    // It is taken by hand, and then goes while it is on air.
    let taken = rig.post("/api/v1/channels/a/take", &json!({"source": "spare"}));
    assert_eq!(taken.status, 200, "{}", taken.text());
    rig.edit(|text| text.split("[sources.spare]").next().unwrap().replace(", \"spare\"", ""));
    assert_live(&reload(&rig), &["source spare is closed"]);
    let channel = rig.wait_channel("a", "the source that is left", |channel| {
        channel.report.as_ref().is_some_and(|report| {
            let shows = matches!(&report.program.showing, Showing::Source { source } if source.as_str() == "test");
            report.sources.len() == 1 && shows && report.program.order == ProgramOrder::Auto
        })
    });
    assert_eq!((channel.worker.unwrap().pid, channel.restarts), (worker, 0));
    assert_eq!(channel.report.unwrap().program.missed, 0);
    assert_unbroken(&measuring.report(), 16);
    assert!(!rig.events().iter().any(|event| event["code"] == "slate_on"), "the program never fell to the slate");
}

#[test]
fn renditions_come_change_and_go_on_air() {
    let rig = Rig::on_air(&[("a", PLAIN)]);
    let worker = rig.worker("a");
    let measuring = measure(&rig, "a", 30);
    edit_class(&rig, |text| {
        let text = text.replace("max = \"1.2M\"", "max = \"2M\"");
        text.replace("[[audio]]", &format!("{THIRD}[[audio]]"))
    });
    assert_live(&reload(&rig), &["rendition 90p begins with a segment"]);
    rig.until("players are told of it", || variants(&rig) == 4);
    let (number, init) = named(&rig, "a", "90p", 0).remove(0);
    let stream = probe(&playable(&rig, "a", "90p", number, &init));
    assert_eq!((stream["width"].as_u64(), stream["nb_read_frames"].as_str()), (Some(160), Some("25")), "{stream}");
    let first = media(&rig, "a", "90p").segments.remove(0);
    assert!(!first.discontinuity && first.duration == 1.0, "{first:?}");

    // Another encoder for the first, another bit rate of the sound: each from one segment to the next.
    edit_class(&rig, |text| {
        let text = text.replacen("effort = \"lowest\"", "effort = \"low\"", 1);
        text.replace("bitrate = \"64k\"", "bitrate = \"96k\"")
    });
    assert_live(&reload(&rig), &["rendition 180p gets another encoder", "rendition sound gets another encoder"]);
    rig.until("another initialisation", || {
        let inits: std::collections::BTreeSet<_> =
            named(&rig, "a", "180p", 0).into_iter().map(|(_, init)| init).collect();
        inits.len() == 2
    });
    assert!(media(&rig, "a", "180p").segments.iter().all(|segment| !segment.discontinuity));

    // Where its loudness is to be is told, and interrupts nothing.
    let target = || rig.channel("a").loudness_target.map(|target| (target.lufs, target.tolerance_lu));
    assert_eq!(target(), Some((-23.0, 1.0)));
    edit_class(&rig, |text| text.replace("loudness_target = -23.0", "loudness_target = -16.0"));
    assert_live(&reload(&rig), &["when sound counts as faulty"]);
    rig.until("the new target is told", || target() == Some((-16.0, 1.0)));

    // And one goes: its neighbours do not notice.
    edit_class(&rig, |text| text.replace(THIRD, ""));
    assert_live(&reload(&rig), &["rendition 90p ends with a segment"]);
    rig.until("players are told that it is gone", || variants(&rig) == 3);
    rig.until("its segments are gone", || !rig.spool("a").join("90p").exists());
    let channel = rig.channel("a");
    assert_eq!((channel.worker.unwrap().pid, channel.restarts), (worker, 0));
    assert_eq!(channel.report.unwrap().renditions.len(), RENDITIONS.len());
    let report = measuring.report();
    assert_whole(&rig, "a", &report, 28);
    // It may come again.
    edit_class(&rig, |text| text.replace("[[audio]]", &format!("{THIRD}[[audio]]")));
    assert_live(&reload(&rig), &["rendition 90p begins with a segment"]);
    rig.until("players are told of it again", || variants(&rig) == 4);
    assert_eq!(rig.worker("a"), worker);
}

#[test]
fn a_reload_says_beforehand_what_it_would_interrupt() {
    let rig = Rig::on_air(&[("a", PLAIN), ("b", PLAIN)]);
    settle(&rig, "a");
    let (worker, generation) = (rig.worker("a"), rig.status().config.generation);
    let good = std::fs::read_to_string(rig.config()).unwrap();
    let said = dry_run(&rig);
    assert_eq!((effect(&said).0, said["changed"].as_bool()), ("unchanged", Some(false)), "{said}");

    edit_class(&rig, |text| text.replace("true_peak_max = -1.0", "true_peak_max = -2.0"));
    rig.edit(|text| {
        let text = text.split("[channels.b]").next().unwrap().to_owned();
        format!("{text}[channels.c]\ntitle = \"C\"\nstream_class = \"rig\"\ndestinations = [\"origin\"]\n{PLAIN}\n")
    });
    let said = dry_run(&rig);
    let (word, text) = effect(&said);
    assert!(word == "restart" && text.contains("peak limit") && text.contains("off_air_seconds"), "{text}");
    let words: Vec<_> =
        said["channels"].as_array().unwrap().iter().map(|one| one["effect"].as_str().unwrap()).collect();
    assert_eq!(words, ["restart", "starts", "stops"]);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_uplinkctl"));
    command.arg("--api").arg(format!("http://{}", rig.api)).args(["reload", "--dry-run"]);
    let (code, said) = rig.run(command);
    assert!(code == Some(0) && said.contains("a: restart, off air for about"), "{code:?} {said}");

    // With faults: all of them, and nothing changes, not even what the status says of the configuration.
    rig.edit(|_| good.replace("title = ", "titel = ").replace("\"200M\"", "\"200 pigeons\""));
    let answer = rig.post("/api/v1/config/reload?dry_run=true", &json!({}));
    assert_eq!((answer.status, answer.json()["code"].as_str()), (422, Some("faulty_configuration")));
    assert!(answer.json()["errors"].as_array().unwrap().len() > 2, "{}", answer.text());
    let status = rig.status();
    assert_eq!((status.config.generation, status.config.rejected.len()), (generation, 0));
    assert_eq!((status.channels.len(), rig.worker("a")), (2, worker));
}

#[test]
fn a_daemon_that_comes_back_to_another_configuration_replaces_no_worker_that_can_take_it_over() {
    let mut rig = Rig::on_air(&[("a", PLAIN)]);
    let worker = rig.worker("a");
    settle(&rig, "a");
    rig.end_daemon(nix::sys::signal::Signal::SIGKILL);
    rig.edit(|text| {
        let text = text.replace("sources = [\"test\"]", "sources = [\"spare\", \"test\"]");
        format!("{text}[sources.spare]\nkind = \"test\"\n").replace("Channel a", "Channel A, renamed")
    });
    rig.start_daemon();
    let channel = rig.wait_channel("a", "the source that was added", |channel| {
        channel.report.as_ref().is_some_and(|report| report.sources.len() == 2)
    });
    assert_eq!((channel.worker.unwrap().pid, channel.title.as_str()), (worker, "Channel A, renamed"));
}

#[test]
fn an_image_that_is_not_there_is_refused_with_what_to_do() {
    let rig = Rig::on_air(&[("a", PLAIN)]);
    for body in [
        json!({"set": "overlay", "overlay": {"kind": "logo", "image": "none.png"}}),
        json!({"set": "slate", "image": "none.png"}),
    ] {
        let answer = rig.post("/api/v1/channels/a/set", &body);
        assert_eq!(answer.status, 422, "{}", answer.text());
        assert!(answer.text().contains("uplinkctl image put none.png"), "{}", answer.text());
    }
}

#[test]
fn a_stream_key_is_rotated_while_an_encoder_publishes() {
    let port = free_port();
    let source = format!(
        "sources = [\"studio\"]\n[sources.studio]\nkind = \"rtmp\"\nlisten = \"127.0.0.1:{port}\"\n\
         stream_key_file = \"studio.key\""
    );
    let mut rig = Rig::new(&[("a", &source)]);
    let write = |rig: &Rig, key: &str| std::fs::write(rig.path("studio.key"), key).unwrap();
    write(&rig, "the-first-key");
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    let worker = rig.worker("a");
    let source = |channel: &uplink::model::status::ChannelStatus| {
        channel.report.as_ref().and_then(|report| report.sources.first().cloned()).expect("a source")
    };
    let on = |channel: &uplink::model::status::ChannelStatus| {
        channel.report.as_ref().is_some_and(|report| matches!(report.program.showing, Showing::Source { .. }))
    };
    let first = Encoder::publish(port, "the-first-key");
    let before = source(&rig.wait_channel("a", "the encoder on air", on));

    write(&rig, "the-second-key");
    assert_live(&dry_run(&rig), &["the stream keys of source studio", "who publishes to it stays"]);
    assert_live(&reload(&rig), &["the stream keys of source studio", "taken over on air"]);
    let later = |channel: &uplink::model::status::ChannelStatus| source(channel).frames > before.frames + 50;
    let channel = rig.wait_channel("a", "more of the encoder's pictures", later);
    let (after, program) = (source(&channel), channel.report.unwrap().program);
    assert_eq!((after.connects, after.state), (before.connects, SourceState::Delivering), "it was cut off");
    assert_eq!(program.missed, 0);
    let slates = || rig.events().iter().filter(|event| event["code"] == "slate_on").count();
    let slates_before = slates();

    // The second one is told that its key is wrong while the first is there; the new one is taken behind it.
    let late = Encoder::publish(port, "the-first-key");
    rig.until("the old key is refused", || {
        let refused =
            |event: &Value| event["code"] == "publisher_refused" && event.to_string().contains("key is wrong");
        rig.events().iter().any(refused)
    });
    assert_eq!(slates(), slates_before, "the program went to the slate");
    drop((first, late));
    let _next = Encoder::publish(port, "the-second-key");
    let back =
        |channel: &uplink::model::status::ChannelStatus| source(channel).connects > before.connects && on(channel);
    let channel = rig.wait_channel("a", "the encoder with the new key", back);
    assert_eq!((channel.worker.unwrap().pid, channel.restarts), (worker, 0));
}

/// ffmpeg, publishing.
struct Encoder(std::process::Child);

impl Encoder {
    fn publish(port: u16, key: &str) -> Self {
        let arguments = "-nostdin -loglevel error -re -f lavfi -i testsrc2=size=320x180:rate=25 -re -f lavfi -i sine \
                         -c:v libx264 -preset ultrafast -tune zerolatency -threads 1 -g 25 -pix_fmt yuv420p -c:a aac -f flv";
        let url = format!("rtmp://127.0.0.1:{port}/live/{key}");
        let mut command = std::process::Command::new("ffmpeg");
        command.args(arguments.split_whitespace()).arg(url);
        Self(command.stdin(std::process::Stdio::null()).spawn().expect("ffmpeg runs"))
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
