//! Every file that is shipped is without fault, and the demo gives the plan it should.

use std::fs;
use std::path::Path;

use uplink::config::{Checked, Credentials, OwnClasses, Tls, load, load_with};
use uplink::model::upload::{Access, TokenSource};
use uplink::model::{CaptureDevice, Inventory, VideoCodec};
use uplink::plan::{ChannelPlan, DestinationKind, PlanPaths, SourceKind, derive, diff};

use crate::faults::{GOOD, Site};

const KEY: &str = "0123456789abcdef";

pub(crate) fn demo() -> Checked {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/demo/uplinkd.toml");
    load(&file, &[]).unwrap_or_else(|faults| panic!("{faults}"))
}

fn plans(checked: &Checked, inventory: &Inventory) -> Vec<ChannelPlan> {
    derive(
        checked,
        inventory,
        &PlanPaths {
            spool_root: "/var/lib/uplink/spool".into(),
            images: "/var/lib/uplink/images".into(),
            recordings: "/var/lib/uplink/recordings".into(),
        },
    )
    .unwrap()
}

#[test]
fn the_demo_is_without_fault_or_warning() {
    let checked = demo();
    assert_eq!(checked.warnings.lines(), Vec::<String>::new());
    assert!(checked.stream_classes.len() >= 7, "{:?}", checked.stream_classes.keys());
}

#[test]
fn the_packaged_configuration_is_without_fault_even_with_every_example_in_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shipped = fs::read_to_string(root.join("packaging/etc/uplinkd.toml")).unwrap();
    let site = tempfile::tempdir().unwrap();
    for directory in ["pipelines", "hardware-profiles"] {
        std::os::unix::fs::symlink(root.join(directory), site.path().join(directory)).unwrap();
    }
    for (name, text) in
        [("van.passphrase", "0123456789"), ("opener.mp4", ""), ("origin.token", "token"), ("guest.key", KEY)]
    {
        fs::write(site.path().join(name), text).unwrap();
    }
    // Examples are comments that begin like a table or a key.
    let example = |line: &str| {
        let rest = line.strip_prefix("# ")?;
        let key =
            rest.split_once(" = ").is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        (rest.starts_with('[') || key).then(|| rest.to_owned())
    };
    let all: Vec<String> = shipped.lines().map(|line| example(line).unwrap_or_else(|| line.to_owned())).collect();
    for text in [shipped, all.join("\n")] {
        let file = site.path().join("uplinkd.toml");
        fs::write(&file, &text).unwrap();
        load_with(&file, &[], &Credentials::NotHere, &OwnClasses::default())
            .unwrap_or_else(|faults| panic!("{faults}"));
    }
    assert!(all.iter().any(|line| line == "[sources.van]"));
}

#[test]
fn every_source_of_the_configuration_page_is_without_fault() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/doc/configuration.head.md");
    let page = fs::read_to_string(page).unwrap();
    let examples: Vec<String> = examples(&page, "[sources.").collect();
    let mut kinds: Vec<&str> = examples.iter().flat_map(|text| text.lines().nth(1)).collect();
    kinds.sort_unstable();
    let all = ["alsa", "custom", "decklink", "file", "ndi", "rtmp", "rtsp", "srt", "v4l2", "whip"];
    assert_eq!(kinds, all.map(|kind| format!("kind = \"{kind}\"")), "an example of each kind");
    for example in examples {
        let site = Site::new(&format!("{GOOD}\n{example}"));
        for directory in ["keys", "clips"] {
            fs::create_dir(site.path(directory)).unwrap();
        }
        for name in ["obs", "balcony", "van", "guest"] {
            fs::write(site.path(&format!("keys/{name}")), KEY).unwrap();
        }
        for name in ["opening", "sponsors"] {
            fs::write(site.path(&format!("clips/{name}.mp4")), "").unwrap();
        }
        let checked = load_with(&site.path("uplinkd.toml"), &[], &Credentials::NotHere, &OwnClasses::default());
        checked.unwrap_or_else(|faults| panic!("{example}\n{faults}"));
    }
}

#[test]
fn credentials_are_read_from_the_directory_that_systemd_names() {
    let wanted = "kind = \"srt\"\nmode = \"listener\"\nport = 9000\npassphrase_credential = \"van\"";
    let text = GOOD.replace("kind = \"test\"", wanted).replace("token_file = \"token\"", "token_credential = \"cdn\"");
    let site = Site::new(&text);
    let credentials = site.path("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::write(credentials.join("van"), KEY).unwrap();
    fs::write(credentials.join("cdn"), "0123456789\n").unwrap();
    let read = || {
        load_with(&site.path("uplinkd.toml"), &[], &Credentials::At(Some(credentials.clone())), &OwnClasses::default())
    };
    let checked = read().unwrap_or_else(|faults| panic!("{faults}"));
    let plan = plans(&checked, &Inventory::default()).remove(0);
    let SourceKind::Srt { passphrase, .. } = &plan.sources[0].kind else { panic!("{:?}", plan.sources) };
    assert!(passphrase.is_some());
    let DestinationKind::HlsPush { upload, .. } = &plan.destinations[0].endpoints[0].kind else { panic!("no push") };
    assert!(matches!(upload.access, Access::Token { source: TokenSource::Fixed { .. } }), "{:?}", upload.access);
    fs::remove_file(credentials.join("van")).unwrap();
    let faults = read().err().unwrap().to_string();
    assert!(faults.contains("credentials/van") && !faults.contains(KEY), "{faults}");
}

/// Keys in PEM, lists and tables: all by the same means.
#[test]
fn every_secret_can_be_a_credential() {
    let rtmp = "kind = \"rtmp\"\nlisten = \"127.0.0.1:1935\"\nstream_key_credentials = [\"first\", \"second\"]";
    let push = "client_certificate_file = \"cert.pem\"\nclient_key_credential = \"client\"\n\
                header_credentials = { x-auth = \"header\" }";
    let text = GOOD.replace("kind = \"test\"", rtmp).replace("token_file = \"token\"", push);
    let site = Site::new(&format!("{text}\n[api.tls]\ncertificate = \"cert.pem\"\nkey_credential = \"api\"\n"));
    fs::write(site.path("cert.pem"), "-----BEGIN CERTIFICATE-----\n").unwrap();
    let credentials = site.path("credentials");
    fs::create_dir(&credentials).unwrap();
    for (name, secret) in [
        ("api", "-----BEGIN PRIVATE KEY-----\n"),
        ("client", "-----BEGIN PRIVATE KEY-----\n"),
        ("header", "hunter2\n"),
        ("first", "first-stream-key\n"),
        ("second", "second-stream-key\n"),
    ] {
        fs::write(credentials.join(name), secret).unwrap();
    }
    let read = |from: Credentials| load_with(&site.path("uplinkd.toml"), &[], &from, &OwnClasses::default());
    let checked = read(Credentials::At(Some(credentials.clone()))).unwrap_or_else(|faults| panic!("{faults}"));
    let Some(Tls::Files(tls)) = &checked.tls else { panic!("{:?}", checked.tls) };
    assert_eq!(tls.key, credentials.join("api"));
    let plan = plans(&checked, &Inventory::default()).remove(0);
    let SourceKind::Rtmp { keys, .. } = &plan.sources[0].kind else { panic!("{:?}", plan.sources) };
    assert_eq!(keys.iter().map(|key| key.reveal()).collect::<Vec<_>>(), ["first-stream-key", "second-stream-key"]);
    let DestinationKind::HlsPush { upload, .. } = &plan.destinations[0].endpoints[0].kind else { panic!("no push") };
    assert_eq!(upload.trust.identity.as_ref().map(|own| own.key_file.clone()), Some(credentials.join("client")));
    assert!(upload.headers.iter().any(|(name, value)| name == "x-auth" && value.reveal() == "hunter2"));
    let faults = read(Credentials::At(None)).err().unwrap().to_string();
    assert_eq!(faults.matches("$CREDENTIALS_DIRECTORY is not set").count(), 5, "{faults}");
    // Whoever only checks cannot look, and finds no fault.
    read(Credentials::NotHere).unwrap_or_else(|faults| panic!("{faults}"));
}

/// The indented blocks of a page that begin like this.
fn examples<'a>(page: &'a str, begin: &'a str) -> impl Iterator<Item = String> + 'a {
    let blocks = page.split("\n\n").filter(|block| block.lines().all(|line| line.starts_with("    ")));
    let blocks = blocks.map(|block| block.lines().map(str::trim_start).collect::<Vec<_>>().join("\n"));
    blocks.filter(move |block| block.starts_with(begin))
}

#[test]
fn the_demo_has_a_plan() {
    let mut plans = plans(&demo(), &Inventory::default());
    for rendition in plans.iter_mut().flat_map(|plan| &mut plan.video) {
        rendition.encoders.retain(|encoder| encoder.profile.starts_with("software-"));
    }
    let endpoints = plans.iter_mut().flat_map(|plan| &mut plan.destinations).flat_map(|to| &mut to.endpoints);
    for endpoint in endpoints {
        let DestinationKind::HlsPush { upload, .. } = &mut endpoint.kind else { continue };
        if let Access::Token { source: TokenSource::File { path } } = &mut upload.access {
            // Where this repository lies is nobody's business.
            *path = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(path).to_owned();
        }
    }
    insta::assert_json_snapshot!(plans);
}

#[test]
fn auto_takes_every_capture_device_in_order_and_a_test_source_last() {
    let device = |n: u32, sound: Option<&str>| CaptureDevice {
        node: format!("/dev/video{n}"),
        name: "card".into(),
        driver: "uvcvideo".into(),
        sound: sound.map(str::to_owned),
        ..CaptureDevice::default()
    };
    let inventory = Inventory { capture: vec![device(0, Some("hw:1")), device(2, None)], ..Inventory::default() };
    let plans = plans(&demo(), &inventory);
    let sources: Vec<_> = plans[0].sources.iter().map(|source| (source.id.as_str(), source.kind.word())).collect();
    assert_eq!(sources, [("auto-1", "v4l2"), ("auto-2", "v4l2"), ("auto-test", "test")]);
    let SourceKind::V4l2 { sound, .. } = &plans[0].sources[0].kind else { panic!("no v4l2") };
    assert_eq!(sound.as_deref(), Some("hw:1"));
}

#[test]
fn auto_leaves_alone_what_another_source_names() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/demo/uplinkd.toml");
    let mut checked = load(&file, &["demo=/dev/video0".into()]).unwrap();
    let mut second = demo().channels.remove(0);
    second.id = "second".parse().unwrap();
    checked.channels.push(second);
    let device = |n: u32| CaptureDevice {
        node: format!("/dev/video{n}"),
        name: "card".into(),
        driver: "uvcvideo".into(),
        sound: None,
        ..CaptureDevice::default()
    };
    let plans = plans(&checked, &Inventory { capture: vec![device(0), device(1)], ..Inventory::default() });
    let SourceKind::V4l2 { device, .. } = &plans[1].sources[0].kind else { panic!("no v4l2") };
    assert_eq!((device.to_string().as_str(), plans[1].sources.len()), ("/dev/video1", 2));
}

#[test]
fn a_file_from_the_command_line_is_absolute() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/demo/uplinkd.toml");
    // Tests run in the directory of the package.
    let plans = plans(&load(&file, &["demo=Cargo.toml".into()]).unwrap(), &Inventory::default());
    let [source] = plans[0].sources.as_slice() else { panic!("one source expected") };
    let SourceKind::File { path } = &source.kind else { panic!("no file") };
    assert_eq!((source.id.as_str(), path.is_absolute()), ("file", true));
}

#[test]
fn a_reload_touches_only_what_changed() {
    let old = plans(&demo(), &Inventory::default());
    let named = |name: &str| {
        let mut plan = old[0].clone();
        plan.channel = name.parse().unwrap();
        plan
    };
    let mut changed = named("changed");
    changed.slate.text = "new".into();
    let diff = diff(&[named("same"), named("changed"), named("gone")], &[named("new"), changed, named("same")]);
    let ids = |list: &[uplink::model::ChannelId]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(ids(&diff.added), ["new"]);
    assert_eq!(ids(&diff.removed), ["gone"]);
    assert_eq!(ids(&diff.changed), ["changed"]);
    assert_eq!(ids(&diff.unchanged), ["same"]);
}

#[test]
fn every_stream_class_has_encoders_and_an_envelope_of_its_own() {
    let checked = demo();
    for class in checked.stream_classes.values() {
        for rendition in &class.video {
            let encoders = checked.profiles.encoders_for(&class.encode_request(rendition), None);
            let last = encoders.last().map(|encoder| (encoder.element.as_str(), encoder.hardware));
            let (fallback, software) = match rendition.codec {
                VideoCodec::H264 => ("openh264enc", "x264enc"),
                VideoCodec::Hevc => ("x265enc", "x265enc"),
                VideoCodec::Av1 => ("av1enc", "av1enc"),
            };
            assert_eq!(last, Some((fallback, false)), "{} {}", class.name, rendition.id);
            let software = encoders.iter().find(|encoder| encoder.element == software).unwrap();
            let bitrate = software.properties.iter().find(|(name, _)| name.ends_with("bitrate")).unwrap();
            assert_eq!(bitrate.1, rendition.bitrate.kbps(), "{} {}", class.name, rendition.id);
        }
    }
    let order: Vec<_> = checked.profiles.iter().map(|profile| profile.name.as_str()).collect();
    assert_eq!(order.first(), Some(&"nvidia-professional"));
    assert_eq!(order[order.len() - 4..], ["software-x264", "software-x265", "software-openh264", "software-av1"]);
}
