use super::*;
use crate::model::FrameRate;

const START: u64 = 1_763_683_200;

fn at(millis: u64) -> MediaTime {
    MediaTime::from_nanos((START * 1000 + millis) * 1_000_000)
}

fn timeline() -> Timeline {
    let frames = FrameGrid::new(FrameRate::new(25, 1).unwrap());
    Timeline::new(SegmentGrid::new(2000).unwrap(), frames, Cued::default())
}

fn ask(json: &str) -> CueAsk {
    serde_json::from_str(json).unwrap()
}

fn out(id: &str, millis: u64, duration_ms: Option<u64>) -> CueAsk {
    CueAsk::Out {
        id: Some(id.parse().unwrap()),
        event_id: None,
        unique_program_id: 0,
        duration_ms,
        auto_return: None,
        at: Some(at(millis)),
        pre_roll_ms: None,
    }
}

fn back(millis: u64) -> CueAsk {
    CueAsk::In { id: None, at: Some(at(millis)), pre_roll_ms: None }
}

#[test]
fn a_break_is_cut_on_its_frames() {
    let json = r#"{"type":"out","duration_ms":30000,"pre_roll_ms":5000}"#;
    let (timeline, placed) = timeline().cue(&ask(json), at(610)).unwrap();
    // 5.61 s is brought to the next frame, 5.64 s.
    assert_eq!((placed.out.at, placed.out.frame), (at(5640), START * 25 + 141));
    assert_eq!(placed.back.map(|point| point.at), Some(at(35_640)));
    for point in [placed.out, placed.back.unwrap()] {
        assert_eq!(timeline.boundaries().start_of(point.segment), point.at);
    }
    let (same, again) = timeline.cue(&out(placed.id.as_str(), 5640, Some(30_000)), at(20_000)).unwrap();
    assert_eq!((same, again.changed), (timeline, false));
}

#[test]
fn what_is_too_late_says_what_is_possible() {
    let refused = timeline().cue(&out("a", 3900, None), at(0)).unwrap_err();
    assert_eq!(refused, CueRefusal::TooLate { asked: at(3920), earliest: at(4000) });
    let (timeline, _) = timeline().cue(&out("a", 8000, None), at(0)).unwrap();
    let refused = timeline.cue(&back(8120), at(1000)).unwrap_err();
    let CueRefusal::TooClose { earliest, .. } = refused else { panic!("{refused}") };
    assert!(timeline.cue(&CueAsk::In { id: None, at: Some(earliest), pre_roll_ms: None }, at(1000)).is_ok());
}

#[test]
fn an_early_return_takes_the_place_of_the_planned_one() {
    let (timeline, first) = timeline().cue(&out("a", 8000, Some(30_000)), at(0)).unwrap();
    assert_eq!(first.back.map(|point| point.at), Some(at(38_000)));
    let (timeline, placed) = timeline.cue(&back(20_120), at(10_000)).unwrap();
    assert_eq!(placed.back.map(|point| point.at), Some(at(20_120)));
    assert_eq!(timeline.boundaries().start_of(placed.back.unwrap().segment), at(20_120));
    let refused = timeline.cue(&back(20_000), at(17_000)).unwrap_err();
    assert_eq!(refused, CueRefusal::Ending { id: "a".parse().unwrap(), at: at(20_120) });
    assert_eq!(timeline.cue(&back(30_000), at(17_000)).unwrap_err(), CueRefusal::NoneOpen { at: at(30_000) });
}

#[test]
fn breaks_do_not_overlap() {
    let (timeline, _) = timeline().cue(&out("a", 8000, Some(30_000)), at(0)).unwrap();
    let overlap = CueRefusal::Overlap { other: "a".parse().unwrap() };
    assert_eq!(timeline.cue(&out("b", 20_000, None), at(0)).unwrap_err(), overlap);
    assert_eq!(timeline.cue(&out("b", 5000, Some(10_000)), at(0)).unwrap_err(), overlap);
    assert_eq!(timeline.cue(&out("b", 5000, None), at(0)).unwrap_err(), overlap);
    assert!(timeline.cue(&out("b", 38_000, None), at(0)).is_ok(), "one break right behind the other");
    let taken = CueRefusal::Taken { id: "a".parse().unwrap(), at: at(8000) };
    assert_eq!(timeline.cue(&out("a", 60_000, None), at(0)).unwrap_err(), taken);
}

#[test]
fn a_break_can_be_taken_back_until_it_is_on_its_way() {
    let (with, _) = timeline().cue(&out("a", 8300, Some(30_000)), at(0)).unwrap();
    let cancel = ask(r#"{"type":"cancel","id":"a"}"#);
    let (without, placed) = with.cue(&cancel, at(4000)).unwrap();
    assert_eq!((without, placed.cancelled), (timeline(), true));
    assert!(matches!(with.cue(&cancel, at(4400)).unwrap_err(), CueRefusal::Underway { .. }));
    assert!(matches!(timeline().cue(&cancel, at(0)).unwrap_err(), CueRefusal::Unknown { .. }));
}

#[test]
fn what_is_over_is_forgotten_and_cuts_stay() {
    let (timeline, placed) = timeline().cue(&out("a", 8300, Some(3000)), at(0)).unwrap();
    let (timeline, _) = timeline.cue(&out("b", 300_500, None), at(290_000)).unwrap();
    let later = timeline.forget(at(200_000));
    assert_eq!(later.cued().cues.len(), 1);
    let first = placed.out.segment + 40;
    let starts =
        |timeline: &Timeline| (first..first + 200).map(|n| timeline.boundaries().start_of(n)).collect::<Vec<_>>();
    assert_eq!(starts(&later), starts(&timeline));
    assert_eq!(timeline.forget(at(20_000)), timeline);
}

#[test]
fn a_list_makes_the_same_timeline_again() {
    let (one, _) = timeline().cue(&out("a", 8300, Some(30_000)), at(0)).unwrap();
    let (both, _) = one.cue(&out("b", 60_700, None), at(9000)).unwrap();
    let text = serde_json::to_string(both.cued()).unwrap();
    let again = Timeline::new(SegmentGrid::new(2000).unwrap(), both.frames, serde_json::from_str(&text).unwrap());
    assert_eq!(again, both);
}

#[test]
fn nonsense_is_refused() {
    for json in [
        r#"{"type":"out","at":"2025-11-21T00:00:10Z","pre_roll_ms":4000}"#,
        r#"{"type":"out","auto_return":true}"#,
        r#"{"type":"out","duration_ms":86400001}"#,
        r#"{"type":"out","pre_roll_ms":86400001}"#,
        r#"{"type":"in"}"#,
    ] {
        assert!(timeline().cue(&ask(json), at(0)).is_err(), "{json}");
    }
    for json in [r#"{"type":"out","length":5}"#, r#"{"type":"cancel"}"#, r#"{"type":"out","id":"A B"}"#] {
        assert!(serde_json::from_str::<CueAsk>(json).is_err(), "{json}");
    }
}

#[test]
fn metadata_lands_on_the_nearest_frame() {
    let json = r#"{"class":"com.example.score","attributes":{"X-HOME":"2","X-AWAY":"1"},"json":{"minute":63}}"#;
    let mut ask: MetadataAsk = serde_json::from_str(json).unwrap();
    let (timeline, placed) = timeline().describe(&ask, at(1015)).unwrap();
    assert_eq!((placed.at, placed.frame), (at(1000), START * 25 + 25));
    let (timeline, second) = timeline.describe(&ask, at(1015)).unwrap();
    assert!(second.changed && second.id != placed.id, "two of the same at one frame");
    ask.id = Some(second.id.clone());
    assert!(!timeline.describe(&ask, at(9000)).unwrap().1.changed, "asked again");
    ask.at = Some(at(1030));
    assert!(matches!(timeline.describe(&ask, at(1030)).unwrap_err(), MetadataRefusal::Taken { .. }));
    ask.id = None;
    assert!(matches!(timeline.describe(&ask, at(60_000)).unwrap_err(), MetadataRefusal::TooLate { .. }));
    for bad in ["X-", "X-lower", "HOME", "X-JSON", "X-A,B"] {
        let ask = MetadataAsk { attributes: [(bad.to_owned(), "1".to_owned())].into(), ..ask.clone() };
        assert!(matches!(timeline.describe(&ask, at(1030)).unwrap_err(), MetadataRefusal::Malformed(_)), "{bad}");
    }
    ask.attributes.insert("X-HOME".into(), "a \"quote\"".into());
    assert!(matches!(timeline.describe(&ask, at(1030)).unwrap_err(), MetadataRefusal::Malformed(_)));
}
