//! Exact messages: what a technician reads.

use std::fs;
use std::path::Path;

use uplink::config::{Credentials, OwnClasses, load_with};

/// A configuration directory: good until a test changes it.
pub(crate) struct Site(tempfile::TempDir);

pub(crate) const GOOD: &str = r#"[appliance]
name = "studio-a"

[sources.cam]
kind = "test"

[destinations.cdn]
kind = "hls-push"
url = "https://origin.example/live/"
token_file = "token"

[channels.a]
title = "Studio A"
stream_class = "line-up-360p30"
sources = ["cam"]
destinations = ["cdn"]
"#;

impl Site {
    pub(crate) fn new(configuration: &str) -> Self {
        let site = Site(tempfile::tempdir().unwrap());
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR"));
        for directory in ["pipelines", "hardware-profiles"] {
            fs::create_dir(site.path(directory)).unwrap();
        }
        for file in ["pipelines/line-up-360p30.toml", "hardware-profiles/software-x264.toml"] {
            // Without the comments on top, so that rewording them moves no line number.
            let text = fs::read_to_string(shipped.join(file)).unwrap();
            let lines: Vec<&str> = text.lines().skip_while(|line| line.starts_with('#')).collect();
            fs::write(site.path(file), lines.join("\n")).unwrap();
        }
        fs::write(site.path("token"), "0123456789\n").unwrap();
        fs::write(site.path("uplinkd.toml"), configuration).unwrap();
        site
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn edit(self, file: &str, from: &str, to: &str) -> Self {
        let text = fs::read_to_string(self.path(file)).unwrap();
        assert!(text.contains(from), "{file} has no `{from}`");
        fs::write(self.path(file), text.replacen(from, to, 1)).unwrap();
        self
    }

    fn faults(&self, overrides: &[&str]) -> Vec<String> {
        let overrides: Vec<_> = overrides.iter().map(|text| (*text).into()).collect();
        let here = format!("{}/", self.0.path().display());
        match load_with(&self.path("uplinkd.toml"), &overrides, &Credentials::At(None), &OwnClasses::default()) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.lines().into_iter().map(|line| line.replace(&here, "")).collect(),
        }
    }
}

/// What is changed and what is said about it, for a snapshot.
#[derive(Default)]
struct Table(String);

impl Table {
    /// Replaces one piece of the good configuration.
    fn edit(&mut self, from: &str, to: &str) -> &mut Self {
        self.row(to, &Site::new(GOOD).edit("uplinkd.toml", from, to).faults(&[]))
    }

    /// Replaces one piece of the good configuration and adds to its end.
    fn edit_and_add(&mut self, from: &str, to: &str, tail: &str) -> &mut Self {
        self.row(to, &Site::new(&format!("{GOOD}{tail}")).edit("uplinkd.toml", from, to).faults(&[]))
    }

    /// Replaces one piece of the stream class.
    fn class(&mut self, from: &str, to: &str) -> &mut Self {
        self.row(to, &Site::new(GOOD).edit("pipelines/line-up-360p30.toml", from, to).faults(&[]))
    }

    /// Replaces one piece of the hardware profile.
    fn profile(&mut self, from: &str, to: &str) -> &mut Self {
        self.row(to, &Site::new(GOOD).edit("hardware-profiles/software-x264.toml", from, to).faults(&[]))
    }

    fn row(&mut self, change: &str, faults: &[String]) -> &mut Self {
        let faults = if faults.is_empty() { "(no fault)".to_owned() } else { faults.join("\n  ") };
        self.0.push_str(&format!("{}\n  {faults}\n", change.replace('\n', " ⏎ ")));
        self
    }
}

#[test]
fn the_good_one_is_good() {
    assert_eq!(Site::new(GOOD).faults(&[]), Vec::<String>::new());
}

#[test]
fn sound() {
    let mut table = Table::default();
    table.class("channels = 2\n", "channels = 4\n");
    table.class("channels = 2\nchannel_map = \"stereo\"", "channels = 4\nchannel_map = \"pairs\"");
    table.class("channels = 2\nchannel_map = \"stereo\"", "channels = 5\nchannel_map = \"pairs\"");
    table.class("channels = 2\nchannel_map = \"stereo\"", "channels = 6\nchannel_map = \"5.1\"");
    table.class("channels = 2\nchannel_map = \"stereo\"", "channels = 1\nchannel_map = \"mono\"");
    table.class("bitrate = \"96k\"", "bitrate = \"96k\"\nmap = [\"1\", \"3\"]");
    table.class("bitrate = \"96k\"", "bitrate = \"96k\"\nmap = [\"1@-6 + 2@-6\"]");
    table.class("bitrate = \"96k\"", "bitrate = \"96k\"\nmap = [\"1\", \"2\", \"1\"]");
    table.class("bitrate = \"96k\"", "bitrate = \"96k\"\nmap = [\"left\", \"1@99\"]");
    table.class("bitrate = \"96k\"", "bitrate = \"96k\"\nmap = []");
    table.edit("kind = \"test\"", "kind = \"test\"\naudio = { map = [\"1\"], gain_db = 30, delay_ms = -300 }");
    table.edit("kind = \"test\"", "kind = \"test\"\naudio = { map = [\"1\"], gain_db = -3 }");
    table.edit(
        "kind = \"test\"",
        "kind = \"test\"\n[sources.cam.audio]\nmap = [\"2\", \"1@-3\"]\ndelay_ms = -80\nmute = true",
    );
    insta::assert_snapshot!(table.0);
}

#[test]
fn a_class_of_sound_alone() {
    let site = Site::new(GOOD);
    let file = site.path("pipelines/line-up-360p30.toml");
    let text = fs::read_to_string(&file).unwrap();
    let (head, rest) = text.split_once("[[video]]").unwrap();
    let sound = &rest[rest.find("[[audio]]").unwrap()..];
    let sound = sound.replace("min = \"0.9M\"", "min = \"50k\"");
    fs::write(&file, format!("video = []\n{head}{sound}")).unwrap();
    assert_eq!(site.faults(&[]), Vec::<String>::new());
}

#[test]
fn syntax() {
    let mut table = Table::default();
    table.edit("title = \"Studio A\"", "title = \"Studio A");
    insta::assert_snapshot!(table.0);
}

#[test]
fn unknown_keys() {
    let mut table = Table::default();
    table.edit("title =", "tilte =");
    table.edit("kind = \"test\"", "kind = \"test\"\ndevice = \"/dev/video0\"");
    table.edit("[appliance]", "[aplliance]");
    insta::assert_snapshot!(table.0);
}

#[test]
fn wrong_types_and_units() {
    let mut table = Table::default();
    table.edit("title = \"Studio A\"", "title = 7");
    table.edit("sources = [\"cam\"]", "sources = \"cam\"");
    table.edit("[channels.a]", "[spool]\nquota = \"20GB\"\nretain = \"1 hour\"\n\n[channels.a]");
    table.edit("[appliance]", "[api]\nlisten = \"localhost:8080\"\n\n[appliance]");
    table.edit("kind = \"test\"", "kind = \"tset\"");
    table.edit("[channels.a]", "[channels.Studio_A]");
    insta::assert_snapshot!(table.0);
}

#[test]
fn missing_references() {
    let mut table = Table::default();
    table.edit("sources = [\"cam\"]", "sources = [\"can\", \"cam\"]");
    table.edit("destinations = [\"cdn\"]", "destinations = [\"akamai\"]");
    table.edit("line-up-360p30", "talk-720p30");
    table.edit("token_file = \"token\"", "token_file = \"token\"\naudio = [\"r128\"]");
    table.edit("token_file = \"token\"", "token_file = \"token\"\naudio = [\"sound\", \"sound\"]");
    table.edit("title =", "hardware_profile = \"nvenc\"\ntitle =");
    table.edit("title =", "memory_max = \"100M\"\ncpu_weight = 0\ntitle =");
    insta::assert_snapshot!(table.0);
}

#[test]
fn files_and_devices() {
    let mut table = Table::default();
    table.edit("kind = \"test\"", "kind = \"file\"\npath = \"clip.mp4\"");
    table.edit("token_file = \"token\"", "token_file = \"tokne\"");
    table.edit("token_file = \"token\"", "token_file = \"uplinkd.toml\"");
    table.edit("token_file = \"token\"", "token_credential = \"cdn\"");
    table.edit("token_file = \"token\"", "token = \"hunter2-hunter2\"");
    table.edit("https://origin", "https://user:hunter2@origin");
    // A device may be unplugged: that is no fault of the configuration.
    table.edit("kind = \"test\"", "kind = \"v4l2\"\ndevice = \"serial:none\"");
    table.edit("kind = \"test\"", "kind = \"v4l2\"\ndevice = \"path:\"");
    // The kernel numbers devices as it finds them.
    table.edit("kind = \"test\"", "kind = \"v4l2\"\ndevice = \"/dev/video77\"");
    table.edit("kind = \"test\"", "kind = \"v4l2\"\ndevice = \"video0\"");
    insta::assert_snapshot!(table.0);
}

#[test]
fn srt() {
    let mut table = Table::default();
    table.edit("kind = \"test\"", "kind = \"srt\"");
    table.edit("kind = \"test\"", "kind = \"srt\"\nmode = \"caller\"\nport = 9000");
    table.edit("kind = \"test\"", "kind = \"srt\"\nurl = \"srt://h:9000?passphrase=hunter2hunter2\"");
    table.edit("kind = \"test\"", "kind = \"srt\"\nmode = \"listener\"\nport = 99999");
    insta::assert_snapshot!(table.0);
}

/// Replaces the source of the good configuration, beside key files.
fn with_source(table: &mut Table, source: &str) {
    let site = Site::new(GOOD).edit("uplinkd.toml", "kind = \"test\"", source);
    fs::write(site.path("key"), "0123456789abcdef\n").unwrap();
    fs::write(site.path("short"), "1234\n").unwrap();
    fs::write(site.path("list.m3u"), "#EXTM3U\n#EXTINF:3,one\nnot-there.mp4\ntoken\n").unwrap();
    fs::write(site.path("empty.m3u"), "#EXTM3U\n").unwrap();
    fs::write(site.path("hls.m3u8"), "#EXTM3U\n#EXT-X-VERSION:7\n").unwrap();
    table.row(source, &site.faults(&[]));
}

#[test]
fn sources_of_the_network() {
    let mut table = Table::default();
    for source in [
        "kind = \"rtmp\"\nstream_key_file = \"key\"",
        "kind = \"rtmp\"",
        "kind = \"rtmp\"\nstream_key_file = \"short\"",
        "kind = \"rtmp\"\nstream_key_files = [\"key\", \"missing\"]\napp = \"a b\"\nlisten = \"0.0.0.0:0\"",
        "kind = \"rtmp\"\nstream_key_files = [\"key\", \"key\"]\nlisten = \"0.0.0.0:8080\"",
        "kind = \"rtmp\"\nstream_key_file = \"key\"\non_second_publisher = \"fight\"",
        "kind = \"rtsp\"\nurl = \"rtsp://192.0.2.7/cam\"\nuser = \"u\"\npassword_file = \"key\"",
        "kind = \"rtsp\"\nurl = \"rtsp://u:hunter2@192.0.2.7/cam\"",
        "kind = \"rtsp\"\nurl = \"http://192.0.2.7/cam\"\npassword_file = \"key\"",
        "kind = \"file\"",
        "kind = \"file\"\npath = \"token\"\npaths = [\"token\"]",
        "kind = \"file\"\npaths = [\"token\", \"key\"]\nloop = false",
        "kind = \"file\"\npaths = [\"no\", \"nothing\"]",
        "kind = \"file\"\npath = \"list.m3u\"",
        "kind = \"file\"\npath = \"empty.m3u\"",
        "kind = \"file\"\npath = \"hls.m3u8\"",
        "kind = \"custom\"",
    ] {
        with_source(&mut table, source);
    }
    insta::assert_snapshot!(table.0);
}

#[test]
fn guests_ndi_and_decklink() {
    let mut table = Table::default();
    for text in [
        "whip\"",
        "whip\"\nkey_file = \"nowhere.key\"",
        "whip\"\nkey_file = \"uplinkd.toml\"",
        "whip\"\nkey_credential = \"guest\"\nstun = \"stun.example\"",
        "whip\"\nkey_credential = \"guest\"\nturn = \"turn.example\"",
        "whip\"\nkey_credential = \"guest\"\nturn_user = \"box\"",
        "whip\"\nkey_credential = \"guest\"\nlatency_ms = 5\non_second_publisher = \"both\"",
        "ndi\"",
        "ndi\"\nurl_address = \"192.0.2.7\"",
        "ndi\"\nndi_name = \"A (B)\"\nbandwidth = \"low\"",
        "decklink\"",
        "decklink\"\ndevice_number = 0\npersistent_id = 5",
        "decklink\"\ndevice_number = -1",
        "decklink\"\ndevice_number = 0\nmode = \"1080i51\"\nsound_channels = 4",
        "decklink\"\ndevice_number = 0\nconnection = \"bnc\"",
    ] {
        table.edit("test\"", text);
    }
    insta::assert_snapshot!(table.0);
}

const SECOND: &str = "\n[channels.b]\ntitle = \"Studio B\"\nstream_class = \"line-up-360p30\"\nsources = [\"cam\"]\n";

#[test]
fn clashes_name_both_claimants() {
    let mut table = Table::default();
    // Shared sources are no clash where nothing is exclusive.
    table.edit_and_add("title", "title", SECOND);
    for exclusive in [
        "v4l2\"
device = \"serial:D206\"",
        "alsa\"
device = \"hw:1\"",
        "srt\"
url = \"srt://:9000\"",
        "auto\"",
        "decklink\"
device_number = 1",
        "decklink\"
persistent_id = 2863311530",
    ] {
        table.edit_and_add("test\"", exclusive, SECOND);
    }
    table.edit(
        "test\"",
        "srt\"
url = \"srt://:8080\"",
    );
    let twice = "
[destinations.same]
kind = \"hls-push\"
url = \"https://origin.example/live\"
";
    table.edit_and_add("[\"cdn\"]", "[\"cdn\", \"same\"]", twice);
    insta::assert_snapshot!(table.0);
}

#[test]
fn several_at_once() {
    let site = Site::new(GOOD)
        .edit("uplinkd.toml", "kind = \"test\"", "kind = \"test\"\nsize = 7")
        .edit("uplinkd.toml", "sources = [\"cam\"]", "sources = []")
        .edit("pipelines/line-up-360p30.toml", "bitrate = \"700k\"", "bitrate = \"700 kbit\"")
        .edit("hardware-profiles/software-x264.toml", "\"{threads}\"", "\"{thread}\"");
    insta::assert_snapshot!(site.faults(&[]).join("\n"));
}

#[test]
fn stream_classes() {
    let mut table = Table::default();
    table.class("frame_rate = 30", "frame_rate = 300");
    table.class("size = \"320x180\"", "size = \"321x180\"");
    table.class("size = \"320x180\"", "size = \"720x400\"");
    table.class("id = \"180p\"", "id = \"360p\"");
    table.class("bitrate = \"250k\"", "bitrate = \"900k\"");
    table.class("max_bitrate = \"1.1M\"", "max_bitrate = \"600k\"");
    table.class("bitrate = \"96k\"", "bitrate = \"8k\"");
    table.class("\n[gop]\nduration_ms = 1000", "\n[gop]\nduration_ms = 750");
    table.class("duration_ms = 1000", "duration_ms = 700");
    table.class("max = \"1.7M\"", "max = \"1.5M\"");
    table.class("version = \"1.0.0\"", "version = \"1.0\"");
    table.class("name = \"line-up-360p30\"", "name = \"line-up\"");
    table.class("backlog_alarm_s = 60", "backlog_alarm_s = 5");
    table.class("channels = 2", "channels = 1");
    table.class("slate_text = \"{title}", "slate_text = \"{titel}");
    table.class("[audio_policy]", "[captions]\nname = \"English\"\nid = \"360p\"\n\n[audio_policy]");
    table.class("[audio_policy]", "[captions]\nlanguage = \"english!\"\n\n[audio_policy]");
    insta::assert_snapshot!(table.0);
}

#[test]
fn overrides() {
    let mut table = Table::default();
    let site = Site::new(GOOD);
    for text in [
        "a=test",
        "a=/dev/video77",
        "a",
        "b=test",
        "a=",
        "a=nowhere.mp4",
        "a=nowhere.m3u",
        "a=srt://nowhere",
        "a=srt://h:1?passphrase=hunter2",
    ] {
        table.row(text, &site.faults(&[text]));
    }
    table.row("twice", &site.faults(&["a=test", "a=auto"]));
    insta::assert_snapshot!(table.0);
}

#[test]
fn hardware_profiles() {
    let mut table = Table::default();
    table.profile("element = \"x264enc\"", "elment = \"x264enc\"");
    table.profile("\"{bitrate}\"", "\"{bit-rate}\"");
    table.profile("input_format", "memory = \"CUDAMemory\"\ninput_format");
    table.profile("input_format", "upload = [\"cudaupload\"]\nupload_converts = true\ninput_format");
    table.profile("priority = 900", "priority = 0");
    table.profile("[encoder.effort.low]", "[encoder.effort.lower]");
    table.profile("bframes = 0", "bframes = [0]");
    table.profile("h264_profiles = [\"constrained-baseline\", \"main\", \"high\"]", "h264_profiles = [\"high\"]");
    table.profile(
        "[[encoder]]",
        "[[card]]
name = \"c\"
bus = \"pci\"
vendor = \"0x1234\"
connectors = []
formats = []

[[encoder]]",
    );
    insta::assert_snapshot!(table.0);
}

#[test]
fn reserved_names() {
    let mut table = Table::default();
    let two = "[sources.cam]\nkind = \"auto\"\n\n[sources.cam-1]\nkind = \"test\"";
    let site = Site::new(GOOD).edit("uplinkd.toml", "[sources.cam]\nkind = \"test\"", two);
    let site = site.edit("uplinkd.toml", "sources = [\"cam\"]", "sources = [\"cam\", \"cam-1\"]");
    table.row("cam-1 beside an automatic cam", &site.faults(&[]));
    insta::assert_snapshot!(table.0);
}

#[test]
fn warnings_do_not_refuse() {
    let site = Site::new(GOOD)
        .edit("uplinkd.toml", "https://", "http://")
        .edit("uplinkd.toml", "kind = \"test\"", "kind = \"v4l2\"\ndevice = \"path:pci-0000:05:00.0\"")
        .edit("uplinkd.toml", "[appliance]", "[api]\nlisten = \"0.0.0.0:8080\"\n\n[appliance]")
        .edit("uplinkd.toml", "title =", "hardware_profile = \"software-x264\"\ntitle =")
        .edit("hardware-profiles/software-x264.toml", "codec =", "max_sessions = 1\ncodec =")
        .edit("pipelines/line-up-360p30.toml", "max_bitrate = \"1.1M\"", "max_bitrate = \"710k\"")
        .edit("pipelines/line-up-360p30.toml", "frame_rate = 30", "frame_rate = \"30000/1001\"")
        .edit("pipelines/line-up-360p30.toml", "size = \"320x180\"", "size = \"320x240\"");
    let (text, good) = uplink::app::check::report(site.0.path().to_owned(), None, false);
    assert!(good, "{text}");
    insta::assert_snapshot!(text.replace(&format!("{}/", site.0.path().display()), ""));
}

#[test]
fn a_box_that_is_open_to_the_network_is_refused() {
    let api = |keys: &str| {
        let site = Site::new(GOOD).edit("uplinkd.toml", "[appliance]", &format!("[api]\n{keys}\n\n[appliance]"));
        site.faults(&[])
    };
    let faults = api("listen = \"0.0.0.0:8080\"\naccess = \"open\"");
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("uplinkd.toml:3:10: api.access = \"open\": would let everybody"), "{faults:?}");
    for good in ["access = \"open\"", "listen = \"[::1]:8080\"\naccess = \"open\"", "listen = \"0.0.0.0:8080\""] {
        assert_eq!(api(good), Vec::<String>::new(), "{good}");
    }
    let faults = api("tls = { certificate = \"token\", key = \"missing.pem\" }");
    assert!(
        faults.len() == 1 && faults[0].contains("api.tls.key = \"missing.pem\": missing.pem: cannot be read"),
        "{faults:?}"
    );
    let faults = api("tls = { certificate = \"token\" }");
    assert!(faults.len() == 1 && faults[0].contains("api.tls.key: must be given"), "{faults:?}");
}

#[test]
fn an_authority_has_to_find_the_box_by_a_full_name() {
    let acme = |lines: &str| {
        let site = Site::new(GOOD);
        let text = format!("[api.tls.acme]\n{lines}\n\n{GOOD}");
        fs::write(site.path("uplinkd.toml"), text).unwrap();
        site.faults(&[])
    };
    for good in [
        "domains = [\"studio-a.example\"]",
        "domains = [\"A.example\", \"b.a.example\"]\ncontact = \"ops@studio.example\"\nca_file = \"token\"",
        "domains = [\"a.example\"]\ndirectory = \"https://10.0.0.1:14000/dir\"",
    ] {
        assert_eq!(acme(good), Vec::<String>::new(), "{good}");
    }
    for (bad, key, rule) in [
        ("domains = []", "domains", "names nothing"),
        ("domains = [\"studio\"]", "domains[0] = \"studio\"", "is no name that an authority could come to"),
        ("domains = [\"a.example\", \"*.example\"]", "domains[1]", "is no name"),
        ("domains = [\"192.0.2.7\"]", "domains[0]", "is no name"),
        ("domains = [\"a.example:443\"]", "domains[0]", "is no name"),
        ("domains = [\"a.example\"]\ncontact = \"mailto:a@b.example\"", "contact", "is no address of e-mail"),
        ("domains = [\"a.example\"]\ndirectory = \"http://a.example/\"", "directory", "https"),
        ("domains = [\"a.example\"]\nca_file = \"missing.pem\"", "ca_file", "cannot be read"),
        ("contact = \"a@b.example\"", "domains", "must be given"),
    ] {
        let faults = acme(bad);
        assert_eq!(faults.len(), 1, "{bad}: {faults:?}");
        assert!(faults[0].contains(&format!("api.tls.acme.{key}")) && faults[0].contains(rule), "{bad}: {faults:?}");
    }
    let both = Site::new(GOOD);
    let text = format!(
        "[api.tls]\ncertificate = \"token\"\nkey = \"token\"\nacme = {{ domains = [\"a.example\"] }}\n\n{GOOD}"
    );
    fs::write(both.path("uplinkd.toml"), text).unwrap();
    let faults = both.faults(&[]);
    assert!(faults.len() == 2 && faults.iter().all(|fault| fault.contains("cannot stand beside `acme`")), "{faults:?}");
}

#[test]
fn captions_that_a_codec_does_not_carry_are_a_warning() {
    let captions = "[captions]\nname = \"English\"\nwebvtt = false\n\n[audio_policy]";
    let site = Site::new(GOOD)
        .edit("pipelines/line-up-360p30.toml", "max_bitrate = \"1.1M\"", "max_bitrate = \"1.1M\"\ncodec = \"av1\"")
        .edit("pipelines/line-up-360p30.toml", "[audio_policy]", captions);
    let profile = Path::new(env!("CARGO_MANIFEST_DIR")).join("hardware-profiles/software-av1.toml");
    fs::copy(profile, site.path("hardware-profiles/software-av1.toml")).unwrap();
    let (text, good) = uplink::app::check::report(site.0.path().to_owned(), None, false);
    assert!(good, "{text}");
    let warning = text.lines().find(|line| line.contains("video[0].codec = \"av1\": ")).expect("a warning");
    assert!(warning.contains("carry no CEA-608") && warning.contains("captions.webvtt = true"), "{warning}");
}

#[test]
fn the_report_counts_faults_and_files() {
    let site = Site::new(GOOD).edit("uplinkd.toml", "title =", "tilte =").edit(
        "pipelines/line-up-360p30.toml",
        "frame_rate = 30",
        "frame_rate = 0",
    );
    let (text, good) = uplink::app::check::report(site.path("uplinkd.toml"), None, false);
    assert!(!good);
    assert!(text.ends_with("\n2 faults in 2 files\n"), "{text}");
    let (text, _) = uplink::app::check::report(site.0.path().to_owned(), None, true);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["ok"], false);
    assert_eq!(json["faults"].as_array().unwrap().len(), 2);
    assert_eq!(json["faults"][0]["line"], 13);
    assert_eq!(json["faults"][0]["key"], "channels.a.tilte");
}

#[test]
fn missing_tables_and_directories() {
    let mut table = Table::default();
    table.row("nothing", &Site::new("").faults(&[]));
    let site = Site::new(GOOD);
    for directory in ["pipelines", "hardware-profiles"] {
        fs::rename(site.path(directory), site.path(&format!("{directory}.away"))).unwrap();
        fs::create_dir(site.path(directory)).unwrap();
    }
    table.row("empty directories", &site.faults(&[]));
    insta::assert_snapshot!(table.0);
}

#[test]
fn a_missing_file_is_a_fault() {
    let site = Site::new(GOOD);
    fs::remove_file(site.path("uplinkd.toml")).unwrap();
    insta::assert_snapshot!(site.faults(&[]).join("\n"));
}

/// Each way to write a destination wrongly, and what is said of it.
#[test]
fn destinations_say_what_they_want_to_know() {
    for (keys, expected) in [
        ("store = \"webdav\"\nregion = \"x\"", "region"),
        ("auth = \"basic\"\nuser = \"u\"", "is of no use with `auth = \"basic\"`"),
        ("auth = \"signed-url\"\nsigning_key_file = \"token\"\nsignature_valid = \"5s\"", "must be from 10 s to 1 d"),
        ("token_command = [\"get\"]", "cannot stand beside `token_file`"),
        ("client_id = \"c\"", "is of no use without `token_url`"),
        ("paths = \"{channel}/{name}\"", "must have {rendition} once"),
        ("client_key_file = \"token\"", "holds no PRIVATE KEY-----"),
        ("pair = { mode = \"active-active\" }", "pair.member"),
        ("pair = { member = \"a b\" }", "is no name of a box"),
        ("pair = { member = \"a\", lease = \"1min\" }", "must be 500 ms to 30 s"),
        ("store = \"webdav\"\npair = { member = \"a\" }", "needs an origin that gives leases"),
        (
            "pair = { member = \"a\" }\nbackups = [{ url = \"https://b.example/\", token_file = \"token\" }]",
            "does not go together with `backups`",
        ),
        ("[destinations.cdn.headers]\nHost = \"x\"", "is set by Uplink itself"),
    ] {
        let site =
            Site::new(GOOD).edit("uplinkd.toml", "token_file = \"token\"", &format!("token_file = \"token\"\n{keys}"));
        let faults = site.faults(&[]).join("\n");
        assert!(faults.contains(expected), "{keys}\n{faults}");
    }
}

#[test]
fn budgets_can_be_reckoned_with() {
    let faults = |keys: &str| {
        let budget = format!("token_file = \"token\"\n[destinations.cdn.budget]\n{keys}");
        Site::new(GOOD).edit("uplinkd.toml", "token_file = \"token\"", &budget).faults(&[])
    };
    for (keys, rule) in [
        ("price_per_gb = 0.05", "price_per_gb = 0.05: stands without `currency`"),
        ("currency = \"EUR\"", "stands without `price_per_gb`"),
        ("monthly_cost = 100", "monthly_cost = 100: needs a price to be reckoned with"),
        ("monthly_gb = 1\nmonthly_cost = 1\nprice_per_gb = 1\ncurrency = \"EUR\"", "cannot stand beside `monthly_gb`"),
        ("monthly_gb = 0", "a number from 0.001 to"),
        ("when_spent = \"stop\"", "when_spent = \"stop\": needs to know how much that is"),
        ("monthly_gb = 10\nwhen_spent = \"slow\"", "must be one of `keep`, `drop_renditions` or `stop`"),
        ("monthly_gb = 10\nalarm_percent = 120", "a whole number from 1 to 100"),
    ] {
        let faults = faults(keys);
        assert!(faults.len() == 1 && faults[0].contains(rule), "{keys}\n{faults:#?}");
    }
    for good in [
        "",
        "monthly_gb = 2.5",
        "price_per_gb = 0.05\ncurrency = \"USD\"",
        "price_per_gb = 0.05\ncurrency = \"USD\"\nmonthly_cost = 100\nwhen_spent = \"drop_renditions\"\ncounts = \"sent\"",
    ] {
        assert_eq!(faults(good), [""; 0], "{good}");
    }
}

#[test]
fn buckets_say_what_they_want_to_know() {
    let bucket = |keys: &str| {
        let (url, token) = ("url = \"https://origin.example/live/\"", "token_file = \"token\"");
        Site::new(GOOD).edit("uplinkd.toml", url, "").edit("uplinkd.toml", token, keys).faults(&[]).join("\n")
    };
    let key = "secret_key_file = \"token\"";
    for (keys, expected) in [
        ("url = \"s3://b/\"".to_owned(), "a bucket wants to see a key or a token"),
        (format!("url = \"s3://b/\"\n{key}"), "a secret key goes with it"),
        (format!("url = \"az://b/\"\n{key}"), "an Azure container is in a storage account"),
        (format!("url = \"s3://b/\"\naccess_key_id = \"a\"\n{key}\nauth = \"query\""), "is for origins"),
        ("url = \"gs://b/\"\nservice_account_file = \"token\"".to_owned(), "is no key file of a service account"),
    ] {
        let faults = bucket(&keys);
        assert!(faults.contains(expected), "{keys}\n{faults}");
        assert!(!faults.contains("0123456789"), "{faults}");
    }
    for good in [
        format!("url = \"s3://b/p\"\naccess_key_id = \"a\"\n{key}"),
        format!("url = \"az://b/\"\naccount = \"a\"\n{key}"),
        "url = \"gs://b/\"\ntoken_file = \"token\"".to_owned(),
    ] {
        assert_eq!(bucket(&good), "", "{good}");
    }
}

#[test]
fn encryption() {
    let key =
        |lines: &str| format!("[destinations.cdn.encryption]\nkey_uri = \"https://k.example/{{key_id}}\"\n{lines}");
    let faults = |written: &str| {
        let site = Site::new(GOOD).edit("uplinkd.toml", "[channels.a]", &format!("{written}[channels.a]"));
        fs::write(site.path("content.secret"), "0123456789abcdef0123456789abcdef").unwrap();
        site.faults(&[])
    };
    let secret = "secret_file = \"content.secret\"\n";
    let whole = "method = \"aes-128\"\n";
    for (written, rule) in [
        (format!("{whole}{secret}"), "does not say where keys are put"),
        (format!("{whole}key_directory = \"keys\"\n"), "does not say where keys come from"),
        (format!("{whole}{secret}key_server_url = \"https://k.example/cpix\"\n"), "says it twice"),
        (
            format!("{whole}{secret}key_directory = \"keys\"\nkey_store_url = \"https://k.example/{{key_id}}\"\n"),
            "says it twice",
        ),
        (format!("{whole}{secret}key_store_url = \"https://k.example/keys\"\n"), "must have {key_id}"),
        (format!("{whole}{secret}key_directory = \"keys\"\nrotate_segments = 2\n"), "must be 0 or at least 5"),
        (format!("{whole}{secret}key_directory = \"keys\"\ntoken_file = \"token\"\n"), "is for a server"),
        (format!("{whole}{secret}key_directory = \"keys\"\ndrm_systems = []\n"), "is for a key server"),
        (format!("{whole}secret_file = \"token\"\nkey_directory = \"keys\"\n"), "is no key"),
        (
            format!("{whole}key_server_url = \"https://k.example/\"\nkey_directory = \"keys\"\n"),
            "a key server has them",
        ),
        (format!("{whole}key_server_url = \"https://k.example/\"\ndrm_systems = [\"widevine\"]\n"), "is no UUID"),
        (secret.to_owned(), "method"),
    ] {
        let faults = faults(&key(&written));
        assert!(faults.iter().any(|fault| fault.contains(rule)), "{written}: {faults:#?}");
    }
    for written in [
        format!("{whole}{secret}key_directory = \"keys\"\nrotate_segments = 300\n"),
        format!(
            "{whole}{secret}key_store_url = \"https://k.example/{{channel}}/{{key_id}}\"\ntoken_file = \"token\"\n"
        ),
        "method = \"sample-aes\"\nkey_server_url = \"https://k.example/cpix\"\ntoken_file = \"token\"\n\
         drm_systems = [\"EDEF8BA9-79D6-4ACE-A3C8-27DCD51D21ED\"]\n"
            .to_owned(),
    ] {
        assert_eq!(faults(&key(&written)), Vec::<String>::new(), "{written}");
    }
}

#[test]
fn senders_of_streams() {
    let push = "kind = \"hls-push\"\nurl = \"https://origin.example/live/\"\ntoken_file = \"token\"\n";
    let faults = |written: &str| Site::new(GOOD).edit("uplinkd.toml", push, written).faults(&[]);
    for (written, rule) in [
        ("kind = \"srt\"\nmode = \"caller\"\nport = 9000\n", "must be given for a caller"),
        ("kind = \"srt\"\nurl = \"srt://a:9000?passphrase=0123456789\"\n", "secrets stand in files"),
        ("kind = \"rist\"\nhost = \"a\"\nport = 5001\n", "must be even"),
        ("kind = \"udp-ts\"\nhost = \"a b\"\nport = 5000\n", "must name a host or an IP address"),
        ("kind = \"udp-ts\"\nhost = \"a\"\nport = 5000\nvideo_pid = 4096\n", "is a PID of something else"),
        ("kind = \"udp-ts\"\nhost = \"a\"\nport = 5000\nrendition = \"v9000\"\n", "sends the video rendition `v9000`"),
        ("kind = \"udp-ts\"\nhost = \"a\"\nport = 5000\nbitrate = \"20k\"\n", "has a `bitrate` below"),
        ("kind = \"rtmp\"\nurl = \"rtmp://a/\"\n", "must name the application"),
        ("kind = \"rtmp\"\nurl = \"rtmp://a/live?key=1\"\n", "must not have a ? or # part"),
        ("kind = \"rtmp\"\nurl = \"rtmps://a/live\"\nca_file = \"nowhere.pem\"\n", "there is no such file"),
    ] {
        let faults = faults(written);
        assert!(faults.iter().any(|fault| fault.contains(rule)), "{written}: {faults:#?}");
    }
    for written in [
        "kind = \"srt\"\nurl = \"srt://a:9000?streamid=x\"\npassphrase_file = \"token\"\nencryption = \"aes-256\"\n",
        "kind = \"srt\"\nmode = \"listener\"\nport = 9000\nbackups = [{ url = \"srt://b:1\" }]\n",
        "kind = \"rtmp\"\nurl = \"rtmps://a/live\"\nstream_key_file = \"token\"\n",
        "kind = \"rist\"\nhost = \"a\"\nport = 5000\nscte35 = \"time-signal\"\n",
        "kind = \"udp-ts\"\nhost = \"239.1.2.3\"\nport = 5000\nbitrate = \"9M\"\n",
    ] {
        assert_eq!(faults(written), Vec::<String>::new(), "{written}");
    }
}

#[test]
fn webrtc_servers() {
    let push = "kind = \"hls-push\"\nurl = \"https://origin.example/live/\"\ntoken_file = \"token\"\n";
    let whip = "kind = \"whip\"\nurl = \"https://whip.example/live/a\"\n";
    let faults = |keys: &str| Site::new(GOOD).edit("uplinkd.toml", push, &format!("{whip}{keys}")).faults(&[]);
    let own = "own_rendition = { size = \"320x180\", bitrate = \"400k\" }\n";
    for (keys, rule) in [
        ("token_file = \"token\"\ntoken_command = [\"get\"]\n".to_owned(), "cannot stand beside `token_file`"),
        ("ca_file = \"token\"\n".to_owned(), "holds no CERTIFICATE-----"),
        (format!("{own}rendition = \"180p\"\n"), "cannot stand beside `own_rendition`"),
        ("renditions = [\"360p\"]\n".to_owned(), "must name two or three renditions"),
        ("renditions = [\"360p\", \"360p\"]\n".to_owned(), "names a rendition once more"),
        ("renditions = [\"360p\", \"180p\"]\nrendition = \"360p\"\n".to_owned(), "cannot stand beside `rendition`"),
        (format!("{own}renditions = [\"360p\", \"180p\"]\n"), "cannot stand beside `own_rendition`"),
        ("renditions = [\"360p\", \"90p\"]\n".to_owned(), "wants rendition 90p in H.264, which"),
        ("renditions = [\"180p\", \"360p\"]\n".to_owned(), "wants rendition 360p behind 180p, which is not larger"),
        (own.replace("400k", "100k"), "is more than `bitrate`"),
        (own.replace("\"400k\"", "\"400k\", min_bitrate = \"20k\""), "must be at least 50k"),
        (own.replace("320x180", "1280x720"), "has an `own_rendition` of 1280x720, and the program of"),
    ] {
        let faults = faults(&keys);
        assert!(faults.len() == 1 && faults[0].contains(rule), "{keys}: {faults:#?}");
    }
    for keys in [
        "token_command = [\"get\", \"token\"]\nbackups = [{ url = \"https://b.example/\", token_file = \"token\" }]\n",
        "token_url = \"https://id.example/\"\nclient_id = \"u\"\nclient_secret_file = \"token\"\n",
        "renditions = [\"360p\", \"180p\"]\n",
        own,
    ] {
        assert_eq!(faults(keys), Vec::<String>::new(), "{keys}");
    }
}

/// What may be recorded, and how it is encoded.
#[test]
fn what_is_recorded_beside_the_program() {
    let archive = |record: &str, channel: &str| {
        let tail =
            format!("\n[channels.a.{channel}\n[destinations.archive]\nkind = \"recording\"\nrecord = {record}\n");
        let site = Site::new(&format!("{GOOD}{tail}"));
        site.edit("uplinkd.toml", "destinations = [\"cdn\"]", "destinations = [\"cdn\", \"archive\"]").faults(&[])
    };
    let good = "iso]\nbitrate = \"2M\"";
    for record in ["[\"program\"]", "[\"clean\"]", "[\"source:cam\"]", "[\"program\", \"clean\", \"sources\"]"] {
        assert_eq!(archive(record, good), Vec::<String>::new(), "{record}");
    }
    let faulty = |record: &str, channel: &str, said: &str| {
        let faults = archive(record, channel);
        assert_eq!(faults.len(), 1, "{record}: {faults:?}");
        assert!(faults[0].contains(said), "{record}: {faults:?}");
    };
    faulty("[]", good, "names nothing");
    faulty("[\"camera\"]", good, "is nothing that can be recorded");
    faulty("[\"clean\", \"clean\"]", good, "is named twice");
    faulty("[\"source:spare\"]", good, "records the source `spare`, which the channel does not have");
    faulty("[\"sources\"]", "iso]\nsize = \"1920x1080\"", "is larger than the program");
    faulty("[\"clean\"]", "clean_feed]\nsize = \"1920x1080\"", "is larger than the program");
}

/// Where recordings go by themselves.
#[test]
fn what_recordings_are_uploaded_to() {
    let faults = |to: &str, destinations: &str| {
        let tail = format!("\n[destinations.archive]\nkind = \"recording\"\nupload_to = \"{to}\"\n{destinations}");
        let site = Site::new(&format!("{GOOD}{tail}"));
        let used = "destinations = [\"cdn\", \"archive\", \"line\"]";
        fs::write(site.path("content.secret"), "0123456789abcdef0123456789abcdef").unwrap();
        site.edit("uplinkd.toml", "destinations = [\"cdn\"]", used).faults(&[])
    };
    let line = "[destinations.line]\nkind = \"srt\"\nurl = \"srt://10.0.0.9:9000\"\n";
    for to in ["cdn", "cdn/primary"] {
        assert_eq!(faults(to, line), Vec::<String>::new(), "{to}");
    }
    let two = "[destinations.line]\nkind = \"hls-push\"\nurl = \"https://b.example/live/\"\ntoken_file = \"token\"\n\
               [destinations.line.encryption]\nmethod = \"aes-128\"\nsecret_file = \"content.secret\"\n\
               key_directory = \"keys\"\nkey_uri = \"https://keys.example/{channel}/{key_id}\"\n";
    for (to, destinations, said) in [
        ("moon", line, "uploads to `moon`, which the channel does not have"),
        ("cdn/backup-1", line, "uploads to `cdn/backup-1`, which the channel does not have"),
        ("line", line, "uploads to `line`, which takes no files"),
        ("archive", line, "uploads to `archive`, which takes no files"),
        ("line", two, "uploads to `line`, which encrypts what it gets: recordings lie in the clear"),
    ] {
        let faults = faults(to, destinations);
        assert!(faults.iter().any(|fault| fault.contains(said)), "{to}: {faults:#?}");
    }
}

#[test]
fn control_surfaces() {
    let mut table = Table::default();
    for surfaces in [
        "[surfaces.tsl.wall]\naddress = \"10.0.0.9:8900\"\n",
        "[surfaces.tsl.wall]\naddress = \"10.0.0.9:8900\"\ndisplays = [\"a\", \"a/cam\", \"b\", \"a/cam-2\"]\n",
        "[surfaces.tsl.wall]\naddress = \"wall:8900\"\nfirst_index = 65534\n",
        "[surfaces.tsl.wall]\naddress = \"10.0.0.9:8900\"\nfirst_index = 65534\n",
        "[surfaces.osc]\nlisten = \"10.0.0.1:8010\"\nfrom = [\"10.0.0.7\", \"10.1.0.0/16\"]\n",
        "[surfaces.osc]\nlisten = \"10.0.0.1:8010\"\n",
        "[surfaces.osc]\nlisten = \"10.0.0.1:8010\"\nfrom = []\n",
        "[surfaces.osc]\nlisten = \"10.0.0.1:8010\"\nfrom = [\"desk\", \"10.0.0.0/33\"]\n",
        "[surfaces.osc]\nlisten = \"127.0.0.1:8080\"\nfrom = [\"127.0.0.1\"]\n",
    ] {
        table.edit("[channels.a]", &format!("{surfaces}[channels.a]"));
    }
    insta::assert_snapshot!(table.0);
}

#[test]
fn who_is_told_of_alarms() {
    let faults = |written: &str| {
        let site = Site::new(&format!("{GOOD}{written}"));
        fs::write(site.path("ops.secret"), "0123456789abcdef").unwrap();
        site.faults(&[])
    };
    let hook = "[notify.webhooks.ops]\nurl = \"https://ops.example/uplink\"\n";
    let mail = "[notify.email]\nserver = \"smtp.example\"\nfrom = \"uplink@a.example\"\nto = [\"ops@a.example\"]\n";
    assert_eq!(faults(&format!("{hook}secret_file = \"ops.secret\"\npriorities = [\"critical\"]\n{mail}")), [""; 0]);
    for (written, rule) in [
        (hook.to_owned(), "secret_file: is missing: nobody could tell our requests from others"),
        (format!("{hook}secret_file = \"token\"\n"), "is no key: one line of 16 to 200"),
        (format!("{hook}secret_file = \"ops.secret\"\nevents = [\"broken\"]\n"), "must be one of `raised`, `cleared`"),
        (
            "[notify.webhooks.email]\nurl = \"https://a.example/\"\nsecret_file = \"ops.secret\"\n".to_owned(),
            "is the name of the e-mail",
        ),
        (
            "[notify.webhooks.a]\nurl = \"https://me:pw@a.example/\"\nsecret_file = \"ops.secret\"\n".to_owned(),
            "must not hold a user or password",
        ),
        (format!("{mail}user = \"ada\"\n"), "stands without a password"),
        (format!("{mail}password_file = \"token\"\n"), "user: is missing beside the password"),
        (format!("{mail}user = \"ada\"\npassword_file = \"token\"\ntls = \"off\"\n"), "would be sent in the clear"),
        (mail.replace("ops@a.example", "ops"), "is no e-mail address"),
        (mail.replace("uplink@a.example", "Uplink <u@a.example>"), "is no e-mail address"),
        (mail.replace("[\"ops@a.example\"]", "[]"), "names nobody"),
    ] {
        let told = faults(&written);
        assert!(told.len() == 1 && told[0].contains(rule), "{written}\n{told:#?}");
    }
}
