//! Every file that is shipped is without fault, and the demo gives the plan it should.

use std::path::Path;

use uplink::config::{Checked, load};
use uplink::model::{CaptureDevice, Inventory};
use uplink::plan::{ChannelPlan, PlanPaths, SourceKind, derive};

pub(crate) fn demo() -> Checked {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/demo/uplinkd.toml");
    load(&file, &[]).unwrap_or_else(|faults| panic!("{faults}"))
}

fn plans(checked: &Checked, inventory: &Inventory) -> Vec<ChannelPlan> {
    derive(checked, inventory, &PlanPaths { spool_root: "/var/lib/uplink/spool".into() }).unwrap()
}

#[test]
fn the_demo_is_without_fault_or_warning() {
    let checked = demo();
    assert_eq!(checked.warnings.lines(), Vec::<String>::new());
    assert!(checked.stream_classes.len() >= 7, "{:?}", checked.stream_classes.keys());
}

#[test]
fn the_demo_has_a_plan() {
    let mut plans = plans(&demo(), &Inventory::default());
    for rendition in plans.iter_mut().flat_map(|plan| &mut plan.video) {
        rendition.encoders.retain(|encoder| encoder.profile.starts_with("software-"));
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
    };
    let inventory = Inventory { capture: vec![device(0, Some("hw:1")), device(2, None)], sound: vec![] };
    let plans = plans(&demo(), &inventory);
    let sources: Vec<_> = plans[0].sources.iter().map(|source| (source.id.as_str(), source.kind.word())).collect();
    assert_eq!(sources, [("auto-1", "v4l2"), ("auto-2", "v4l2"), ("auto-test", "test")]);
    let SourceKind::V4l2 { sound, .. } = &plans[0].sources[0].kind else { panic!("no v4l2") };
    assert_eq!(sound.as_deref(), Some("hw:1"));
}
