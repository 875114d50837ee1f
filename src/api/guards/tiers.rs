//! The table of consequences: for each route that does more than looking, what it can cost at worst, and whether a freeze
//! holds it. What a single request costs is found by looking closer (`weigh`), and is never more than its row says.

/// By what comes of it, not by how often it is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tier {
    /// Nothing that a viewer could see.
    Hidden,
    /// At once, and at once taken back.
    Immediate,
    /// Viewers notice, or a guard is gone: armed, then confirmed.
    Noticed,
    /// It cannot be brought back: confirmed with its name.
    Final,
}

impl Tier {
    /// As the study counts them, from 0.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    pub(crate) fn is_confirmed(self) -> bool {
        self >= Noticed
    }
}

/// What else of a request says what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Nothing: it is as its row says.
    No,
    /// Whether the channel is on air, or delivers what is left.
    Stop,
    /// Which setting.
    Setting,
    /// What is asked of a recording that runs.
    Recording,
    /// What the configuration on disk would change.
    Reload,
    /// Whether there is such an image.
    Image,
    /// Whether it is protected any more.
    Protection,
    /// Which recording.
    Recorded,
    /// Which movie.
    Movie,
    /// Whether something is frozen.
    Freeze,
    /// Which destination.
    HandOver,
    /// What the stream class would change.
    Class,
    /// Which versions of a stream class.
    Versions,
    /// What the text of the configuration would change.
    Text,
}

/// One route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(crate) tier: Tier,
    /// Whether a freeze holds it.
    pub(crate) held: bool,
    pub(super) look: Look,
}

use Look::No;
use Tier::{Final, Hidden, Immediate, Noticed};

const HELD: bool = true;
const FREE: bool = false;

/// Take, slate, release, failover, alarms and markers are never held: a show is run with them. What is missing here is
/// found by a test.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    row("POST", "/api/v1/channels/{id}/start", Immediate, FREE, No),
    row("POST", "/api/v1/channels/{id}/stop", Noticed, HELD, Look::Stop),
    row("POST", "/api/v1/channels/{id}/slate", Immediate, FREE, No),
    row("POST", "/api/v1/channels/{id}/release", Immediate, FREE, No),
    row("POST", "/api/v1/channels/{id}/take", Immediate, FREE, No),
    row("POST", "/api/v1/channels/{id}/preview", Hidden, FREE, No),
    row("POST", "/api/v1/channels/{id}/cancel", Immediate, FREE, No),
    row("POST", "/api/v1/channels/{id}/set", Noticed, HELD, Look::Setting),
    row("POST", "/api/v1/channels/{id}/captions", Immediate, FREE, No),
    row("POST", "/api/v1/channels/{id}/cue", Immediate, FREE, No),
    row("POST", "/api/v1/channels/{id}/metadata", Immediate, FREE, No),
    row("POST", "/api/v1/channels/{id}/drill", Hidden, FREE, No),
    row("POST", "/api/v1/channels/{id}/hand-over", Noticed, FREE, Look::HandOver),
    row("POST", "/api/v1/channels/{id}/destinations/{destination}/recording", Noticed, HELD, Look::Recording),
    row("POST", "/api/v1/channels/{id}/destinations/{destination}/probe", Hidden, FREE, No),
    row("POST", "/api/v1/channels/{id}/show/begin", Hidden, FREE, No),
    row("POST", "/api/v1/channels/{id}/show/end", Hidden, FREE, No),
    row("POST", "/api/v1/channels/{id}/loudness/restart", Hidden, FREE, No),
    row("POST", "/api/v1/channels/{id}/whep", Hidden, FREE, No),
    row("DELETE", "/api/v1/channels/{id}/whep/{session}", Hidden, FREE, No),
    row("POST", "/api/v1/config/reload", Noticed, HELD, Look::Reload),
    row("POST", "/api/v1/config/apply", Noticed, HELD, Look::Text),
    row("POST", "/api/v1/config/check", Hidden, FREE, No),
    row("POST", "/api/v1/stream-classes/{name}/check", Hidden, FREE, No),
    row("POST", "/api/v1/stream-classes/{name}/apply", Noticed, HELD, Look::Class),
    row("POST", "/api/v1/stream-classes/{name}/rollback", Noticed, HELD, Look::Class),
    row("DELETE", "/api/v1/stream-classes/{name}", Noticed, HELD, Look::Class),
    row("POST", "/api/v1/stream-classes/{name}/prune", Final, HELD, Look::Versions),
    row("PUT", "/api/v1/images/{name}", Noticed, HELD, Look::Image),
    row("DELETE", "/api/v1/images/{name}", Noticed, HELD, Look::Image),
    row("PATCH", "/api/v1/recordings/{channel}/{id}", Immediate, HELD, Look::Protection),
    row("DELETE", "/api/v1/recordings/{channel}/{id}", Final, HELD, Look::Recorded),
    row("POST", "/api/v1/recordings/{channel}/{id}/stitch", Hidden, FREE, No),
    row("POST", "/api/v1/recordings/{channel}/{id}/clip", Hidden, FREE, No),
    row("POST", "/api/v1/recordings/{channel}/{id}/verify", Hidden, FREE, No),
    row("POST", "/api/v1/recordings/{channel}/{id}/upload", Hidden, FREE, No),
    // It can be made again of the recording.
    row("DELETE", "/api/v1/recordings/{channel}/{id}/movies/{file}", Noticed, HELD, Look::Movie),
    row("DELETE", "/api/v1/recording-jobs/{job}", Hidden, FREE, No),
    row("POST", "/api/v1/alarms/{id}/ack", Hidden, FREE, No),
    row("POST", "/api/v1/alarms/{id}/shelve", Hidden, FREE, No),
    row("POST", "/api/v1/alarms/{id}/unshelve", Hidden, FREE, No),
    row("POST", "/api/v1/notify/{name}/test", Hidden, FREE, No),
    row("PUT", "/api/v1/freeze", Noticed, FREE, Look::Freeze),
    row("DELETE", "/api/v1/freeze", Noticed, FREE, Look::Freeze),
    // Who may what is no matter of viewers, and never held: a show may need another operator.
    row("POST", "/api/v1/setup", Hidden, FREE, No),
    row("POST", "/api/v1/session", Hidden, FREE, No),
    row("DELETE", "/api/v1/session", Hidden, FREE, No),
    row("PUT", "/api/v1/session/password", Hidden, FREE, No),
    row("DELETE", "/api/v1/sessions/{session}", Hidden, FREE, No),
    row("POST", "/api/v1/users", Hidden, FREE, No),
    row("PATCH", "/api/v1/users/{name}", Hidden, FREE, No),
    row("DELETE", "/api/v1/users/{name}", Hidden, FREE, No),
    row("POST", "/api/v1/tokens", Hidden, FREE, No),
    row("DELETE", "/api/v1/tokens/{token}", Hidden, FREE, No),
    row("POST", "/whip/{channel}/{source}", Immediate, FREE, No),
    row("DELETE", "/whip/{channel}/{source}/{session}", Immediate, FREE, No),
];

const fn row(method: &'static str, path: &'static str, tier: Tier, held: bool, look: Look) -> Row {
    Row { method, path, tier, held, look }
}

/// A route that is in no row, as some day one is in this table too late.
pub(super) const UNKNOWN: &Row = &row("", "", Hidden, FREE, No);

/// The row of a route, by its method (either case) and its pattern.
pub(crate) fn tier_of(method: &str, pattern: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.path == pattern && row.method.eq_ignore_ascii_case(method))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Method and path of every route that writes, as the contract has them.
    fn writing() -> BTreeSet<(String, String)> {
        let contract: serde_json::Value = serde_json::from_str(&crate::api::contract()).unwrap();
        let paths = contract["paths"].as_object().unwrap().iter();
        let each = paths.flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(move |m| (m, path)));
        each.filter(|(method, _)| *method != "get").map(|(m, path)| (m.to_uppercase(), path.clone())).collect()
    }

    #[test]
    fn every_route_that_writes_has_a_row_and_the_reverse() {
        let rows: BTreeSet<_> = ROWS.iter().map(|row| (row.method.to_owned(), row.path.to_owned())).collect();
        assert_eq!(rows.len(), ROWS.len(), "a route stands twice");
        let writing = writing();
        let missing: Vec<_> = writing.difference(&rows).collect();
        assert!(missing.is_empty(), "what do these cost? a row each in src/api/guards/tiers.rs: {missing:?}");
        let gone: Vec<_> = rows.difference(&writing).collect();
        assert!(gone.is_empty(), "src/api/guards/tiers.rs has {gone:?}, which are not served");
    }

    #[test]
    fn the_way_out_is_always_open() {
        for verb in ["slate", "release", "take"] {
            let row = tier_of("post", &format!("/api/v1/channels/{{id}}/{verb}")).unwrap();
            assert!(!row.tier.is_confirmed() && !row.held && row.look == No, "{verb}");
        }
    }
}
