//! Hardware that fails on air in a real worker: software takes over, and a viewer misses nothing.

use uplink::model::EventCode;

use crate::delivered::{assert_whole, measure, media};
use crate::faulty_encoder::{ELEMENT, Fault, FaultyEncoder};
use crate::rig::{PLAIN, RENDITIONS, Rig, skip};

/// A channel on air on hardware that will fail.
fn rig() -> Option<(Rig, FaultyEncoder)> {
    let mut rig = Rig::new(&[("a", PLAIN)]);
    let faulty = match FaultyEncoder::build(&rig.path("faulty")) {
        Ok(faulty) => faulty,
        Err(reason) => {
            skip(&format!("an encoder that fails in a real worker: {reason}"));
            return None;
        }
    };
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/hardware-profiles");
    rig.edit(|text| text.replace(shipped, &faulty.profiles().display().to_string()));
    rig.start_origin();
    let mut daemon = rig.daemon_command();
    daemon.envs(faulty.environment());
    rig.start_daemon_by(daemon);
    rig.wait_on_air("a");
    Some((rig, faulty))
}

fn encoders(rig: &Rig) -> Vec<String> {
    rig.report("a").renditions.into_iter().filter(|one| one.id.as_str() != "sound").map(|one| one.encoder).collect()
}

fn hardware_fails(fault: Fault) {
    let Some((rig, faulty)) = rig() else { return };
    assert_eq!(encoders(&rig), [ELEMENT; 2]);
    let worker = rig.worker("a");
    let measuring = measure(&rig, "a", 12);
    faulty.fail(fault).unwrap();
    let code = EventCode::RenditionEncoderReplaced.as_str();
    rig.until("both renditions say that software encodes now", || {
        rig.events().iter().filter(|event| event["code"] == code).count() == 2
    });
    for event in rig.events().iter().filter(|event| event["code"] == code) {
        let text = event["text"].as_str().unwrap();
        assert!(text.contains("x264enc") && text.contains("no picture is lost"), "{event}");
        assert_eq!(event["fault"], "hardware");
    }
    rig.until("software encodes", || encoders(&rig) == ["x264enc"; 2]);
    // Players are given the other initialisation, and no seam.
    for rendition in &RENDITIONS[..2] {
        let mut maps = Vec::new();
        rig.until("the playlist names both initialisations", || {
            let playlist = media(&rig, "a", rendition);
            assert!(playlist.segments.iter().all(|segment| !segment.discontinuity), "{rendition}");
            maps = playlist.segments.into_iter().filter_map(|segment| Some(segment.map?.uri)).collect();
            maps.dedup();
            maps.len() == 2
        });
    }
    let report = measuring.report();
    assert_whole(&rig, "a", &report, 10);
    for stream in &report.streams {
        let playlist = stream.playlist.unwrap();
        assert_eq!((playlist.discontinuities, playlist.gap_entries, playlist.changed_segments), (0, 0, 0));
    }
    assert_eq!((rig.worker("a"), rig.channel("a").restarts), (worker, 0));
}

#[test]
fn hardware_that_reports_an_error_costs_a_viewer_nothing() {
    hardware_fails(Fault::Error);
}

#[test]
fn hardware_that_stands_still_costs_a_viewer_nothing() {
    hardware_fails(Fault::Silence);
}
