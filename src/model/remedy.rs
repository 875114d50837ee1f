//! What to do about a health that is not good: one sentence for each of its codes, so that no surface says what is wrong and
//! leaves people alone with it.

/// By code. Several name the same place, where the same hand mends it.
const REMEDIES: &[(&[&str], &str)] = &[
    (
        &["worker_failed", "worker_restarting"],
        "read the worker's log (`<runtime-dir>/<channel>/worker.log`) and report it",
    ),
    (&["starting", "connecting"], "wait some seconds; if it stays so, look at `uplinkctl status CHANNEL`"),
    (
        &["no_contact"],
        "look at the load of the box; the channel may be on air all the same: look at the return monitor first",
    ),
    (&["taken_source_lost"], "bring the source back, or take another one (`uplinkctl take CHANNEL SOURCE`)"),
    (&["scene_incomplete"], "bring the source back, or take the other one alone (`uplinkctl take CHANNEL SOURCE`)"),
    (&["no_source"], "bring a source back, or take another one (`uplinkctl take CHANNEL SOURCE`)"),
    (&["source_lost", "no_signal"], "check the camera, its cable and the sender; take another source if it is on air"),
    (&["source_failed"], "correct the source's address, device or credentials; it is tried again by itself"),
    (&["source_finished"], "take another source, or play it again: a file that does not loop has ended"),
    (&["source_black"], "look at the camera: lens cap, iris, router; take another source if it is on air"),
    (&["source_frozen"], "look at the camera and at the sender, which may hang; take another source if it is on air"),
    (&["source_silent"], "look at the microphone, the desk and the embedder"),
    (&["source_wrong_format"], "set the camera or the sender to the format that the configuration expects"),
    (&["silence"], "look at the desk and at the source on air; `uplinkctl sound` says whether it is muted here"),
    (&["over_level"], "lower the gain at the desk, or turn the limiter on in the stream class"),
    (&["phase_inverted"], "turn the phase of one channel at the desk"),
    (&["channel_missing"], "look at the cable and the channel of the desk"),
    (&["no_destination"], "give the channel a destination in the configuration, then `uplinkctl reload`"),
    (
        &["not_delivered"],
        "look at the line and the origin: `uplinkctl status CHANNEL` says what each destination lacks",
    ),
    (&["push_interrupted"], "check the origin and the network to it; it is tried again by itself"),
    (&["push_refused"], "correct address, token or rights at the destination, then `uplinkctl reload`"),
    (&["push_misconfigured"], "correct the destination's url, then `uplinkctl reload`"),
    (&["push_behind"], "wait; if it grows, the line is too slow: `uplinkctl status CHANNEL` says what it carries"),
    (
        &["renditions_dropped", "send_losing", "bitrate_lowered"],
        "get a better line, lower bit rates, or take renditions away",
    ),
    (&["on_backup"], "bring the primary back before the backup is needed for something else"),
    (&["backup_lost", "mirror_lost"], "bring the backup back; until then a fault of the primary is not covered"),
    (&["budget_spent"], "raise the budget, or `uplinkctl destination enable` for the rest of the month"),
    (&["clock_unsynchronised"], "run chrony or the like, and let it reach a time server"),
    (&["pair_trouble", "pair_waiting"], "look at the other box and at the lease (`uplinkctl status CHANNEL`)"),
    (&["companion_failed"], "look at the source and at the load of the box; the program's own recording goes on"),
    (&["not_started"], "free the disk of the recordings or correct their rights; it is tried again"),
    (&["no_room"], "take recordings away from the box, or delete what is not needed"),
    (&["encoder_replaced"], "look at the encoder's hardware after the show; the one in its place may cost more"),
    (&["frames_dropped"], "take load off the box: fewer renditions, a lower effort, or another channel off air"),
    (&["disk_full"], "free the disk, or have a larger one put in; programme is being lost"),
    (&["read_only", "disk_failed"], "have the disk looked at and replaced; programme is being lost"),
    (&["no_permission"], "give the user uplink the directory; `uplinkctl doctor` says which"),
    (&["spool_deleted"], "let nobody delete files of the spool; restart the channel if it stays so"),
    (&["spool_in_use"], "end the other process that writes this spool"),
    (&["behind"], "look at the disk: it takes segments more slowly than they are made"),
    (
        &["overflowed"],
        "bring the destination back and give the spool a larger quota; recordings may have what is missing",
    ),
    (&["internal"], "report it with a support bundle (`uplinkctl report`); restart the channel when it may be off air"),
    (&["config_rejected", "config_last_good"], "correct each fault (`uplinkctl check`), then `uplinkctl reload`"),
    (&["store_failed"], "check space and rights of the state directory"),
];

/// What to do about it; none of a code that this version does not know.
pub fn remedy(code: &str) -> Option<&'static str> {
    REMEDIES.iter().find(|(codes, _)| codes.contains(&code)).map(|(_, remedy)| *remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_one() {
        let mut all: Vec<&str> = REMEDIES.iter().flat_map(|(codes, _)| *codes).copied().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "no code stands twice");
        assert_eq!(remedy("no_signal"), remedy("source_lost"));
        assert_eq!(remedy("made_up"), None);
    }
}
