//! Machines that studios have, as sysfs shows them (`machines/*.tree`): what is recognised, and what their plans are.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use uplink::hardware::inventory;
use uplink::model::{ChannelId, HardwareDevice, Inventory};
use uplink::plan::{ChannelPlan, Held, PlanPaths, Taken, derive, grant, grant_all, session_limits};
use uplink::profile::EncodeRequest;

use crate::shipped::demo;

/// Unpacks a tree: `path = content` or `path -> target` on each line, `\n` in a content is a line end.
fn machine(name: &str) -> Inventory {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/config/machines/{name}.tree"));
    let root = tempfile::tempdir().unwrap();
    for line in fs::read_to_string(file).unwrap().lines().filter(|line| !line.starts_with('#')) {
        let (path, linked, content) = match line.split_once(" -> ") {
            Some((path, target)) => (path, true, target),
            None => line.split_once(" =").map(|(path, content)| (path, false, content.trim_start())).unwrap(),
        };
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match linked {
            true => symlink(content, path).unwrap(),
            false => fs::write(path, format!("{}\n", content.replace("\\n", "\n"))).unwrap(),
        }
    }
    inventory(root.path())
}

/// Plans of `channels` channels with this stream class.
fn plans(inventory: &Inventory, class: &str, channels: usize) -> Vec<ChannelPlan> {
    let mut checked = demo();
    checked.channels[0].stream_class = checked.stream_classes[class].clone();
    for n in 1..channels {
        let mut channel = checked.channels[0].clone();
        channel.id = ChannelId::new(format!("channel-{n}")).unwrap();
        checked.channels.push(channel);
    }
    derive(
        &checked,
        inventory,
        &PlanPaths { spool_root: "/nowhere".into(), images: "/nowhere".into(), recordings: "/nowhere".into() },
    )
    .unwrap()
}

/// Profile and element of every candidate of the best rendition.
fn candidates(name: &str, class: &str) -> Vec<String> {
    let plans = grant_all(plans(&machine(name), class, 1));
    plans[0].video[0].encoders.iter().map(|encoder| format!("{} {}", encoder.profile, encoder.element)).collect()
}

#[test]
fn each_machine_gets_the_profile_of_its_hardware() {
    let first = |name: &str| candidates(name, "talk-720p30").swap_remove(0);
    assert_eq!(first("intel-i5-7500"), "intel-gen9 vah264enc");
    assert_eq!(first("intel-nuc-12"), "intel-gen12 qsvh264enc");
    assert_eq!(first("geforce-decklink"), "nvidia-geforce nvh264enc");
    assert_eq!(first("rtx-a4000-aja"), "nvidia-professional nvh264enc");
    assert_eq!(first("ryzen-elgato"), "amd-vcn vah264enc");
    assert_eq!(first("arc-magewell"), "intel-arc qsvh264enc");
    assert_eq!(first("rock-5b"), "rockchip-mpp mpph264enc");
    assert_eq!(first("raspberry-pi-4"), "raspberry-pi v4l2h264enc");
}

/// Every machine with its name.
fn machines() -> Vec<(String, Inventory)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/machines");
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let names = names.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    names.map(|name| (name.clone(), machine(&name))).collect()
}

#[test]
fn every_machine_names_its_source() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/machines");
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        assert!(fs::read_to_string(&path).unwrap().contains("\n# Source: "), "{}", path.display());
    }
}

/// Every shipped profile is of something: of hardware in one of these machines, which then plans a ladder with it, or of
/// what any machine may have.
#[test]
fn every_profile_has_a_machine_that_plans_a_ladder_with_it() {
    let (checked, machines) = (demo(), machines());
    let (profiles, class) = (&checked.profiles, &checked.stream_classes["talk-720p30"]);
    for profile in profiles.iter() {
        let encodes = |device: &HardwareDevice| profile.accelerators.iter().any(|one| one.is(device));
        let captures =
            |device: &HardwareDevice| profiles.card_for(device).is_some_and(|card| profile.cards.contains(card));
        let mine: Vec<_> = machines
            .iter()
            .filter(|(_, machine)| machine.devices.iter().any(|device| encodes(device) || captures(device)))
            .collect();
        let on_a_bus = !profile.accelerators.is_empty() || profile.cards.iter().any(|card| card.bus != "platform");
        assert_eq!(on_a_bus, !mine.is_empty(), "{}", profile.name);
        for encoder in &profile.encoders {
            for rendition in &class.video {
                let request = EncodeRequest { codec: encoder.codec, ..class.encode_request(rendition) };
                let named = profiles.encoders_for(&request, Some(&profile.name));
                assert!(!named.is_empty(), "{} {} {}", profile.name, encoder.element, rendition.id);
                for (name, machine) in &mine {
                    let first = profiles.fitting(&machine.devices).encoders_for(&request, None).remove(0);
                    assert_eq!(first.profile, profile.name, "{name} {} {}", encoder.element, rendition.id);
                }
            }
        }
    }
}

#[test]
fn a_board_has_one_codec_however_many_nodes_it_shows() {
    let profiles = demo().profiles;
    let limits = |name: &str| session_limits(&profiles, &machine(name).devices, &[]);
    assert_eq!(limits("raspberry-pi-4"), [("raspberry-pi".to_owned(), 3)].into());
    assert_eq!(limits("geforce-decklink"), [("nvidia-geforce".to_owned(), 8)].into());
    let named = session_limits(&profiles, &[], &["nvenc", "software-x264"]);
    assert_eq!(named, [("nvenc".to_owned(), 8)].into(), "who names it knows that it is there");
    assert!(limits("rtx-a4000-aja").is_empty() && limits("bare-server").is_empty());
}

#[test]
fn pictures_go_to_the_memory_of_the_encoder() {
    let way = |name: &str| {
        let best = plans(&machine(name), "talk-720p30", 1)[0].video[0].encoders.clone();
        let found = best.into_iter().find(|encoder| encoder.memory.is_some());
        found.map(|encoder| (encoder.element, encoder.memory.unwrap(), encoder.upload.join(" "), encoder.converts))
    };
    let va = |element: &str| Some((element.to_owned(), "VAMemory".to_owned(), "vapostproc".to_owned(), true));
    assert_eq!(way("intel-i5-7500"), va("vah264enc"));
    assert_eq!(way("ryzen-elgato"), va("vah264enc"));
    assert_eq!(way("intel-nuc-12"), va("vah264lpenc"));
    let cuda = ("nvh264enc".to_owned(), "CUDAMemory".to_owned(), "cudaupload cudaconvertscale".to_owned(), true);
    assert_eq!((way("geforce-decklink"), way("rtx-a4000-aja")), (Some(cuda.clone()), Some(cuda)));
    assert_eq!(way("rock-5b").filter(|(element, ..)| element.starts_with("mpp")), None);
}

#[test]
fn what_is_not_in_the_box_is_not_tried_and_software_is_last() {
    for name in ["intel-nuc-12", "geforce-decklink", "rock-5b", "raspberry-pi-4", "bare-server"] {
        let all = candidates(name, "talk-720p30");
        assert_eq!(all[all.len() - 2..], ["software-x264 x264enc", "software-openh264 openh264enc"], "{name}");
        let own = |profile: &str| all.iter().any(|candidate| candidate.starts_with(profile));
        assert_eq!(own("nvidia-"), name == "geforce-decklink", "{name}");
        assert_eq!(own("intel-"), name == "intel-nuc-12", "{name}");
        assert_eq!(own("rockchip"), name == "rock-5b", "{name}");
        // General profiles stay for hardware that nobody has listed, unless a particular one has the element, or a
        // session is claimed already.
        let ruled_out = ["geforce-decklink", "raspberry-pi-4"].contains(&name);
        assert_eq!(own("nvenc nvh264enc"), !ruled_out, "{name}");
    }
    assert!(candidates("intel-nuc-12", "studio-720p25-hevc")[0].starts_with("intel-gen12 qsvh265enc"));
    let bare = candidates("bare-server", "studio-720p25-hevc");
    assert_eq!(bare.last().unwrap(), "software-x265 x265enc");
}

#[test]
fn sessions_are_for_channels_that_go_on_air() {
    let plans = plans(&machine("geforce-decklink"), "talk-720p30", 4);
    let best = |plan: &ChannelPlan| plan.video.iter().all(|one| one.encoders[0].profile == "nvidia-geforce");
    assert!(plans.iter().all(best), "configured, nobody has claimed anything");
    let last = grant(&plans[3], &Held::new(), &Taken::default()).plan;
    assert!(best(&last), "alone on air, the last has all it wants");
    let plans = grant_all(plans);
    let renditions: Vec<_> = plans.iter().flat_map(|plan| &plan.video).collect();
    assert!(renditions.len() > 8);
    for (n, rendition) in renditions.iter().enumerate() {
        let on_card = rendition.encoders.iter().any(|encoder| encoder.profile == "nvidia-geforce");
        assert_eq!((on_card, rendition.passed_over.is_empty()), (n < 8, n < 8), "{n}");
        assert!(rendition.encoders.iter().any(|encoder| !encoder.hardware));
    }
    assert_eq!(renditions[8].passed_over, ["all 8 sessions of nvidia-geforce are taken"]);
}

#[test]
fn professional_cards_have_no_limit() {
    let plans = plans(&machine("rtx-a4000-aja"), "talk-720p30", 10);
    let hardware =
        |rendition: &uplink::plan::VideoRenditionPlan| rendition.encoders[0].profile == "nvidia-professional";
    assert!(plans.iter().flat_map(|plan| &plan.video).all(hardware));
}

#[test]
fn a_profile_that_is_named_is_used_even_if_its_hardware_is_not_recognised() {
    let mut checked = demo();
    checked.channels[0].hardware_profile = Some("amd-vcn".to_owned());
    let plans = derive(
        &checked,
        &machine("bare-server"),
        &PlanPaths { spool_root: "/nowhere".into(), images: "/nowhere".into(), recordings: "/nowhere".into() },
    )
    .unwrap();
    assert!(plans[0].video.iter().all(|rendition| rendition.encoders.iter().all(|e| e.profile == "amd-vcn")));
}

#[test]
fn capture_cards_are_known_by_their_numbers() {
    let profiles = demo().profiles;
    let known = |name: &str| -> Vec<String> {
        machine(name).devices.iter().filter_map(|device| Some(profiles.card_for(device)?.name.clone())).collect()
    };
    assert_eq!(known("geforce-decklink"), ["Blackmagic DeckLink Quad 2"]);
    assert_eq!(known("rtx-a4000-aja"), ["AJA Kona 5"]);
    assert_eq!(known("arc-magewell"), ["Magewell Eco Capture Quad SDI"]);
    assert_eq!(known("ryzen-elgato"), ["USB Video Class", "Elgato USB capture"]);
    assert_eq!(known("bare-server"), Vec::<String>::new());
}
