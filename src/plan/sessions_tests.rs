//! Who gets the sessions of an encoder card.

use serde_json::{Value, json};

use super::*;

fn encoder(profile: &str, sessions: Option<u32>) -> Value {
    json!({"profile": profile, "element": format!("{profile}enc"), "properties": [], "input_format": "NV12",
        "h264_profile": "high", "sessions": sessions, "found": sessions.is_some(), "hardware": sessions.is_some()})
}

/// A channel with these renditions, best first, each with these candidates.
fn plan(channel: &str, renditions: &[&str], encoders: &[Value]) -> ChannelPlan {
    let rendition = |id: &&str| json!({"id": id, "size": "320x180", "bitrate": 400_000, "max_bitrate": 500_000, "encoders": encoders});
    let plan = json!({
        "channel": channel, "title": channel, "stream_class": "test 1.0.0",
        "program": {"size": "320x180", "frame_rate": "25", "audio": {"sample_rate": 48000, "channels": 2}},
        "segments": 1000, "sources": [], "slate": {"text": ""}, "audio": [], "destinations": [],
        "video": renditions.iter().map(rendition).collect::<Vec<_>>(),
        "spool": {"directory": "/nowhere", "quota_bytes": 1, "retain_seconds": 1, "playlist_segments": 5},
        "thresholds": {"loss_ms": 250, "wait_to_restore_ms": 2000, "stall_ms": 2000},
    });
    serde_json::from_value(plan).unwrap()
}

fn card_or_software(sessions: u32) -> [Value; 2] {
    [encoder("card", Some(sessions)), encoder("software", None)]
}

/// First encoder of each rendition.
fn first(granted: &Granted) -> Vec<&str> {
    granted.plan.video.iter().map(|rendition| rendition.encoders[0].profile.as_str()).collect()
}

fn taken(held: &[&Held]) -> Taken {
    let mut taken = Taken::default();
    held.iter().for_each(|held| taken.add(held));
    taken
}

#[test]
fn who_comes_later_sees_what_is_free_then() {
    let wish = |name| plan(name, &["high", "low"], &card_or_software(3));
    let a = grant(&wish("a"), &Held::new(), &Taken::default());
    let b = grant(&wish("b"), &Held::new(), &taken(&[&a.held]));
    let c = grant(&wish("c"), &Held::new(), &taken(&[&a.held, &b.held]));
    assert_eq!(
        (first(&a), first(&b), first(&c)),
        (vec!["card", "card"], vec!["card", "software"], vec!["software"; 2])
    );
    assert_eq!(b.plan.video[1].passed_over, ["all 3 sessions of card are taken"]);
    assert!(b.plan.video[0].passed_over.is_empty() && c.lacking.is_empty());
    // The first goes off air.
    let again = grant(&wish("c"), &Held::new(), &taken(&[&b.held]));
    assert_eq!((first(&again), again.plan.video[0].passed_over.len()), (vec!["card", "card"], 0));
}

#[test]
fn what_is_held_goes_before_what_is_new_and_nothing_changes_by_itself() {
    let before = grant(&plan("a", &["low"], &card_or_software(1)), &Held::new(), &Taken::default());
    assert_eq!(first(&before), ["card"]);
    // A better rendition comes in front of it.
    let after = grant(&plan("a", &["high", "low"], &card_or_software(1)), &before.held, &Taken::default());
    assert_eq!(first(&after), ["software", "card"]);
    assert_eq!(after.plan.video[0].passed_over, ["the only session of card is taken"]);
    // What was passed over stays where it is on air, also when there is room again.
    let later = grant(&plan("a", &["high", "low"], &card_or_software(4)), &after.held, &Taken::default());
    assert_eq!(first(&later), ["software", "card"]);
    // A limit that was lowered takes nothing from who is on air.
    let full = taken(&[&before.held]);
    let kept = grant(&plan("b", &["low"], &card_or_software(1)), &before.held, &full);
    assert_eq!(first(&kept), ["card"]);
    // What is no candidate any more is not held.
    let other = grant(&plan("a", &["low"], &[encoder("other", Some(2))]), &before.held, &Taken::default());
    assert_eq!((first(&other), &other.held["ladder/low"]), (vec!["other"], &vec!["other".to_owned()]));
}

#[test]
fn without_another_encoder_it_says_what_it_lacks() {
    let wish = plan("a", &["high", "low"], &[encoder("card", Some(1))]);
    let granted = grant(&wish, &Held::new(), &Taken::default());
    assert_eq!(
        granted.lacking,
        ["the only session of card is taken, and rendition low may use no other encoder".to_owned()]
    );
    // Who is forced may try.
    assert_eq!(granted.plan.video[1].encoders.len(), 1);
    assert_eq!(granted.held.values().flatten().count(), 1);
}

#[test]
fn one_card_is_enough_and_a_guess_stands_in_nobodys_way() {
    let unseen = |profile: &str| {
        let mut unseen = encoder(profile, Some(1));
        unseen["found"] = json!(false);
        unseen
    };
    let both = [encoder("card", Some(1)), encoder("other", Some(1)), encoder("software", None)];
    let granted = grant(&plan("a", &["one", "two", "three"], &both), &Held::new(), &Taken::default());
    assert_eq!(first(&granted), ["card", "other", "software"]);
    let left: Vec<usize> = granted.plan.video.iter().map(|rendition| rendition.encoders.len()).collect();
    assert_eq!(left, [2, 2, 1], "a session of one card, and software");
    assert_eq!(granted.plan.video[1].passed_over, ["the only session of card is taken"]);
    let guesses = [unseen("this"), unseen("that"), encoder("software", None)];
    let granted = grant(&plan("a", &["one", "two"], &guesses), &Held::new(), &Taken::default());
    assert_eq!(granted.plan.video[0].encoders.len(), 3);
    assert_eq!(first(&granted)[1], "software");
    assert!(granted.plan.video[1].passed_over.is_empty(), "nobody has seen that hardware");
}

#[test]
fn what_has_no_limit_holds_nothing() {
    let granted = grant(&plan("a", &["one"], &[encoder("software", None)]), &Held::new(), &Taken::default());
    assert!(granted.held.is_empty() && granted.lacking.is_empty());
    assert_eq!(grant_all(vec![granted.plan.clone()]), [granted.plan]);
}
