//! Several languages from source to origin, and sound that is set while on air.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::delivered::{multivariant, named, newest, object, playable, probe};
use crate::rig::{PLAIN, Rig, skip};

/// The rig's stream class with two languages.
fn two_languages() -> String {
    let class = include_str!("rig.toml").replace("name = \"rig\"", "name = \"two\"");
    let audio = "[[audio]]\nid = \"original\"\nname = \"Original\"\nlanguage = \"de\"\nbitrate = \"48k\"\nmap = [\"1\", \"2\"]\n\n\
                 [[audio]]\nid = \"english\"\nname = \"English\"\nlanguage = \"en\"\nbitrate = \"48k\"\nmap = [\"3\", \"4\"]\n\n";
    let (head, rest) = class.split_once("[[audio]]").unwrap();
    let policy = &rest[rest.find("[audio_policy]").unwrap()..];
    let policy = policy.replace("channels = 2", "channels = 4").replace("\"stereo\"", "\"pairs\"");
    format!("{head}{audio}{policy}")
}

/// A picture with 300 and 500 Hz in the first pair, 700 and 900 Hz in the second.
fn make_clip(rig: &Rig) {
    let tones = "aevalsrc=0.3*sin(600*PI*t)|0.3*sin(1000*PI*t)|0.3*sin(1400*PI*t)|0.3*sin(1800*PI*t):c=4.0:s=48000";
    let made = Command::new("timeout")
        .args(["60", "ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"])
        .args(["-f", "lavfi", "-i", tones, "-t", "20", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "pcm_s16le"])
        .arg(rig.path("booth.mkv"))
        .status();
    assert!(made.expect("ffmpeg is installed (packaging/install-dependencies test)").success());
}

/// The loudest of the four tones in each channel of `file`, hertz.
fn tones(file: &Path) -> Vec<u32> {
    let out = Command::new("timeout")
        .args(["60", "ffmpeg", "-nostdin", "-v", "error", "-i"])
        .arg(file)
        .args(["-f", "f32le", "-"])
        .output()
        .unwrap();
    let samples: Vec<f32> = out.stdout.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let power = |channel: usize, hertz: u32| {
        let sound = samples.iter().skip(channel).step_by(2).enumerate();
        let angle = |n: usize| n as f64 * f64::from(hertz) * std::f64::consts::TAU / 48_000.0;
        let (re, im) = sound.fold((0.0, 0.0), |(re, im), (n, sample)| {
            (re + f64::from(*sample) * angle(n).cos(), im + f64::from(*sample) * angle(n).sin())
        });
        re * re + im * im
    };
    let loudest =
        |channel| [300, 500, 700, 900].into_iter().max_by(|a, b| power(channel, *a).total_cmp(&power(channel, *b)));
    [0, 1].map(|channel| loudest(channel).unwrap()).to_vec()
}

#[test]
fn two_languages_reach_the_origin_each_in_its_rendition() {
    let mut rig = Rig::new(&[("a", PLAIN)]);
    make_clip(&rig);
    std::fs::write(rig.path("pipelines/two.toml"), two_languages()).unwrap();
    rig.edit(|text| {
        let booth = "[sources.booth]\nkind = \"file\"\npath = \"booth.mkv\"\n[destinations.origin]";
        let text =
            text.replace("[destinations.origin]", booth).replace("stream_class = \"rig\"", "stream_class = \"two\"");
        text.replace("sources = [\"test\"]", "sources = [\"booth\"]")
    });
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    rig.until("both renditions are listed", || multivariant(&rig, "a").alternatives.len() == 2);
    let told: Vec<_> = multivariant(&rig, "a")
        .alternatives
        .into_iter()
        .map(|one| (one.name, one.language, one.default, one.channels.map(|channels| channels.to_string())))
        .collect();
    let row = |name: &str, language: &str, default| {
        (name.to_owned(), Some(language.to_owned()), default, Some("2".to_owned()))
    };
    assert_eq!(told, [row("Original", "de", true), row("English", "en", false)]);
    for (rendition, heard) in [("original", [300, 500]), ("english", [700, 900])] {
        let from = newest(&rig, "a", rendition);
        rig.until("a whole segment", || !named(&rig, "a", rendition, from + 1).is_empty());
        let (number, init) = named(&rig, "a", rendition, from + 1).remove(0);
        let file = playable(&rig, "a", rendition, number, &init);
        assert_eq!(probe(&file)["channels"], 2);
        assert_eq!(tones(&file), heard, "{rendition}");
    }
    let mixes = rig.report("a").program.loudness;
    assert_eq!(mixes.iter().map(|mix| mix.channels.clone()).collect::<Vec<_>>(), [[1, 2], [3, 4]]);
    read_by_hls_parser(&rig);
}

/// The rig's stream class with its sound as it is and corrected to -23 LUFS. With 24 kb/s a channel avenc_aac makes a steady
/// tone 1.5 LU louder; with twice that it does not.
fn two_mixes() -> String {
    let class = include_str!("rig.toml").replace("name = \"rig\"", "name = \"two\"").replace("\"1.2M\"", "\"1.6M\"");
    let audio = "[[audio]]\nid = \"sound\"\nname = \"As mixed\"\nbitrate = \"128k\"\n\n\
                 [[audio]]\nid = \"r128\"\nname = \"EBU R 128\"\nbitrate = \"128k\"\nloudness_target = -23.0\n\n";
    let (head, rest) = class.split_once("[[audio]]").unwrap();
    format!("{head}{audio}{}", &rest[rest.find("[audio_policy]").unwrap()..])
}

/// Integrated loudness of the newest four segments by ffmpeg's ebur128, LUFS.
fn heard(rig: &Rig, channel: &str, rendition: &str) -> f64 {
    let segments = named(rig, channel, rendition, newest(rig, channel, rendition).saturating_sub(3));
    let mut bytes = object(rig, &format!("{channel}/{rendition}/{}", segments[0].1));
    for (number, _) in &segments {
        bytes.extend(object(rig, &format!("{channel}/{rendition}/{number}.m4s")));
    }
    let file = rig.path(&format!("heard-{channel}.mp4"));
    std::fs::write(&file, bytes).unwrap();
    let out = Command::new("timeout")
        .args(["60", "ffmpeg", "-nostdin", "-hide_banner", "-i"])
        .arg(&file)
        .args(["-af", "ebur128", "-f", "null", "-"])
        .output()
        .expect("ffmpeg is installed (packaging/install-dependencies test)");
    let said = String::from_utf8_lossy(&out.stderr);
    let integrated = said.lines().rev().find_map(|line| line.trim().strip_prefix("I:")?.strip_suffix("LUFS"));
    integrated.and_then(|text| text.trim().parse().ok()).unwrap_or_else(|| panic!("no loudness in {said}"))
}

#[test]
fn each_destination_gets_the_mix_that_it_names() {
    let mut rig = Rig::new(&[("a", PLAIN)]);
    // 1 kHz in both channels is as loud in LUFS as its peaks are in dBFS: -20.
    let made = Command::new("timeout")
        .args(["60", "ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"])
        .args(["-f", "lavfi", "-i", "aevalsrc=0.1*sin(2000*PI*t)|0.1*sin(2000*PI*t):c=stereo:s=48000", "-t", "90"])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "pcm_s16le"])
        .arg(rig.path("tone.mkv"))
        .status();
    assert!(made.expect("ffmpeg is installed (packaging/install-dependencies test)").success());
    std::fs::write(rig.path("pipelines/two.toml"), two_mixes()).unwrap();
    let second = format!(
        "[destinations.plain]\nkind = \"hls-push\"\nurl = \"http://{}/live/\"\ntoken_file = \"push.token\"\n\
         paths = \"plain/{{rendition}}/{{name}}\"\naudio = [\"sound\"]\n\
         [sources.tone]\nkind = \"file\"\npath = \"tone.mkv\"\n[destinations.origin]\naudio = [\"r128\"]",
        rig.origin
    );
    rig.edit(|text| {
        let text =
            text.replace("[destinations.origin]", &second).replace("\"rig\"\ndestinations", "\"two\"\ndestinations");
        text.replace("sources = [\"test\"]", "sources = [\"tone\"]").replace("[\"origin\"]", "[\"origin\", \"plain\"]")
    });
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    for (channel, has, lacks) in [("a", "r128", "sound"), ("plain", "sound", "r128")] {
        let there = |path: &str| crate::http::get(rig.origin, &format!("/live/{channel}/{path}")).unwrap().status;
        rig.until("the renditions are listed", || there("multivariant.m3u8") == 200);
        let told = multivariant(&rig, channel).alternatives;
        let uris: Vec<_> = told.iter().filter_map(|one| one.uri.clone()).collect();
        assert_eq!(uris, [format!("{has}/media.m3u8")], "{channel}");
        rig.until("segments", || newest(&rig, channel, has) > 0 && named(&rig, channel, has, 0).len() >= 4);
        assert_eq!((there(&format!("{lacks}/media.m3u8")), told[0].default), (404, true), "{channel}");
    }
    // The correction is slow on purpose.
    let (mut seen, mut corrected) = (0, 0.0);
    rig.until("the correction has settled", || {
        let number = newest(&rig, "a", "r128");
        if std::mem::replace(&mut seen, number) != number {
            corrected = heard(&rig, "a", "r128");
        }
        (corrected + 23.0f64).abs() <= 0.5
    });
    let plain = heard(&rig, "plain", "sound");
    assert!((plain + 20.0).abs() <= 0.5, "corrected {corrected} LUFS, plain {plain} LUFS");
    println!("corrected {corrected} LUFS, plain {plain} LUFS");
}

#[test]
fn a_channel_of_sound_alone_is_delivered() {
    let mut rig = Rig::new(&[("a", PLAIN)]);
    let class = include_str!("rig.toml").replace("min = \"500k\"", "min = \"10k\"");
    let (head, rest) = class.split_once("[[video]]").unwrap();
    let sound = &rest[rest.find("[[audio]]").unwrap()..];
    std::fs::write(rig.path("pipelines/rig.toml"), format!("video = []\n{head}{sound}")).unwrap();
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    let from = newest(&rig, "a", "sound");
    rig.until("three more segments", || named(&rig, "a", "sound", from + 1).len() >= 3);
    let variants = multivariant(&rig, "a").variants;
    let told: Vec<_> = variants.iter().map(|variant| (variant.uri.as_str(), variant.codecs.as_deref())).collect();
    assert_eq!(told, [("sound/media.m3u8", Some("mp4a.40.2"))]);
    let (number, init) = named(&rig, "a", "sound", from + 1).remove(0);
    assert_eq!(probe(&playable(&rig, "a", "sound", number, &init))["codec_name"], "aac");
    rig.until("it is shown as healthy", || rig.channel("a").health.code == "ok");
}

/// What npm's hls-parser makes of the multivariant playlist.
fn read_by_hls_parser(rig: &Rig) {
    let web_ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("web-ui");
    let modules = ["hls-parser"].iter().all(|name| web_ui.join("node_modules").join(name).is_dir());
    if !modules {
        return skip("hls-parser: the packages of web-ui are not installed (`npm install` there)");
    }
    let url = format!("http://{}/live/a/multivariant.m3u8", rig.origin);
    let out = Command::new("timeout")
        .args(["30", "node", "tests/playlist.mjs", &url])
        .current_dir(web_ui)
        .output()
        .expect("node is installed (packaging/install-dependencies test)");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let read: Value = serde_json::from_slice(&out.stdout).unwrap();
    let row = |name: &str, language: &str, default: bool, uri: &str| json!({ "name": name, "language": language, "isDefault": default, "channels": "2", "uri": uri });
    let wanted =
        [row("Original", "de", true, "original/media.m3u8"), row("English", "en", false, "english/media.m3u8")];
    assert_eq!(read, json!(wanted));
}

#[test]
fn sound_is_set_and_measured_on_air_and_stays_set_over_a_dead_worker() {
    let rig = Rig::on_air(&[("a", PLAIN)]);
    let set = |body: Value| rig.post("/api/v1/channels/a/set", &body);
    let muted = set(json!({ "set": "sound", "source": "test", "mute": true }));
    assert_eq!(muted.status, 200, "{}", muted.text());
    assert!(muted.json()["acted"]["frame"].is_u64(), "{}", muted.text());
    assert_eq!(set(json!({ "set": "sound", "source": "nobody", "mute": true })).status, 422);
    assert_eq!(set(json!({ "set": "sound", "gain_db": 99 })).status, 422);
    rig.wait_channel("a", "silence is a fault", |channel| channel.health.code == "silence");
    rig.wait_event("silence_began", Some("a"));

    let worker = rig.worker("a");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(worker as i32), nix::sys::signal::Signal::SIGKILL).unwrap();
    rig.wait_channel("a", "another worker", |channel| channel.worker.as_ref().is_some_and(|w| w.pid != worker));
    rig.wait_channel("a", "silence again", |channel| channel.health.code == "silence");
    assert_eq!(set(json!({ "set": "sound_as_configured", "source": "test" })).status, 200);
    rig.wait_channel("a", "sound again", |channel| {
        let report = channel.report.as_ref();
        report.is_some_and(|report| report.program.sound_states.iter().all(|state| !state.active))
    });

    // The meters of the event stream show it, too.
    let loud = |channel: &Value| channel["peak_dbfs"][0].as_f64().is_some_and(|peak| peak > -40.0);
    let mut stream = crate::http::Following::open_at(rig.api, "/api/v1/events?meters=20");
    stream.until("meters", |sent| sent.kind == "meters" && loud(&sent.data["channels"]["a"]));

    let since = rig.report("a").program.loudness[0].since;
    let restarted = rig.post("/api/v1/channels/a/loudness/restart", &json!({}));
    assert_eq!(restarted.status, 200, "{}", restarted.text());
    rig.until("the loudness is measured anew", || rig.report("a").program.loudness[0].since > since);
    let metrics = String::from_utf8(crate::http::get(rig.api, "/metrics").unwrap().body).unwrap();
    for name in ["loudness_short_term_lufs{channel=\"a\",mix=\"1-2\"}", "channel_sound_faults_total{channel=\"a\""] {
        assert!(metrics.contains(name), "no {name} in {metrics}");
    }
    assert!(!object(&rig, "a/multivariant.m3u8").is_empty());
}
