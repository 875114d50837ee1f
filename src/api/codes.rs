//! Every code of a problem: what machines match on. A code keeps its meaning for as long as the API is v1. A test reads
//! the sources, so that none is missing here.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::json;

/// Code, HTTP status, and when it is answered.
pub(crate) const CODES: &[(&str, u16, &str)] = &[
    ("malformed", 400, "The request cannot be read: the address, the query or the body."),
    ("setup_required", 401, "The box has no users yet; the one-time code of its console makes the first admin."),
    ("login_required", 401, "Nobody is logged in, or the session is over."),
    ("invalid_token", 401, "The token is none of this box, is over, or may not do this."),
    ("wrong_password", 401, "The name or the password is wrong."),
    ("wrong_code", 401, "The one-time code is wrong."),
    ("no_key", 401, "Publishing needs the key of the link."),
    ("wrong_key", 401, "The key is wrong."),
    ("cross_site", 403, "A page of another site asked."),
    ("forbidden", 403, "Another role is needed."),
    ("encryption_required", 403, "Passwords are only taken over TLS, or on the box itself."),
    ("not_found", 404, "There is nothing at this address."),
    ("unknown_channel", 404, "There is no such channel."),
    ("no_picture", 404, "There is no confidence picture now."),
    ("no_image", 404, "The box has no such image."),
    ("unknown_recording", 404, "There is no such recording."),
    ("no_file", 404, "The recording has no such file."),
    ("unknown_job", 404, "There is no such job."),
    ("unknown_session", 404, "There is no such session, of a user, of a guest or of who watches live."),
    ("unknown_alarm", 404, "There is no such alarm; it may be over and acknowledged."),
    ("unknown_button", 404, "There is no such key of a control surface."),
    ("unknown_receiver", 404, "The configuration names nobody like that who is told of alarms."),
    ("unknown_class", 404, "There is no such stream class."),
    ("unknown_version", 404, "The stream class has no such version, or none is shipped."),
    ("unknown_user", 404, "There is no such user."),
    ("unknown_token", 404, "There is no such token."),
    ("method_not_allowed", 405, "The address does not take this method; `Allow` says which."),
    ("not_acceptable", 406, "`Accept` allows nothing that this address answers with."),
    ("off_air", 409, "The channel is off air (503 for a guest, who waits)."),
    ("preview_changed", 409, "What is in preview is not what `expect` says: somebody has changed it."),
    ("no_room", 409, "The box cannot carry it beside what is on air."),
    ("busy", 409, "Something else has to end first."),
    ("shipped_class", 409, "The stream class comes with the package, which alone takes it away."),
    ("damaged_version", 409, "The file of that version is not what was written."),
    (
        "managed_by_file",
        409,
        "The daemon may not write its configuration: whoever looks after the box puts the file there.",
    ),
    ("protected", 409, "The recording is protected."),
    ("occupied", 409, "Another guest is there."),
    ("no_live_picture", 409, "The channel has no rendition that browsers take live: look at its confidence picture."),
    ("in_progress", 409, "The request with this `Idempotency-Key` is still being carried out."),
    ("user_exists", 409, "There is a user of that name."),
    ("last_admin", 409, "The box must keep one admin."),
    ("already_set_up", 409, "The box has users already."),
    ("too_many", 409, "No more of them are kept."),
    (
        "changed",
        412,
        "It is not what `If-Match` names: somebody has changed it; or it is there, against `If-None-Match: *`.",
    ),
    ("too_large", 413, "The body is larger than anything that is expected here."),
    ("not_json", 415, "The body must be sent as `application/json`."),
    ("not_sdp", 415, "The body must be sent as `application/sdp`."),
    ("no_range", 416, "The file has no such bytes."),
    ("unknown_host", 421, "The name in `Host` is none of this box's."),
    ("unknown_source", 422, "The channel has no such source (404 for a guest)."),
    ("unknown_destination", 422, "The channel has no such destination, or that no such endpoint."),
    ("impossible", 422, "It cannot be, whatever the engine does."),
    ("faulty_configuration", 422, "The configuration has faults, each in `errors`; the old one stays in force."),
    ("bad_image", 422, "It is no image that can be shown."),
    ("bad_offer", 422, "The session description has nothing that can be received, or sent to who watches."),
    ("too_long", 422, "An alarm is shelved for 1 to 30 minutes."),
    ("bad_entry", 422, "A name, a password or an expiry that cannot be taken."),
    ("key_reused", 422, "This `Idempotency-Key` was sent with another request."),
    (
        "frozen",
        423,
        "A freeze holds it: `frozen` says by whom, since when and why; `Override: <reason>` breaks the glass.",
    ),
    (
        "confirmation_required",
        428,
        "Viewers would notice: the same request again with `Confirm: <confirm.token>` within ten seconds does it.",
    ),
    ("too_many_attempts", 429, "Too many wrong passwords; `Retry-After` says how long to wait."),
    ("internal", 500, "A fault of the daemon."),
    ("unreadable", 500, "The recording cannot be read or written."),
    ("engine_failed", 502, "The engine could not do it (503 for a browser, which tries again)."),
    ("not_delivered", 502, "The test did not reach who was to be told."),
    ("busy_logins", 503, "Too many log in at once."),
    ("users_unavailable", 503, "The list of users cannot be read now."),
    ("timeline_unavailable", 503, "What was written down cannot be read now."),
    ("too_many_watchers", 503, "As many watch this channel live as may: close one of them."),
    ("too_many_streams", 503, "No more event streams are served."),
    ("not_alive", 503, "The supervisor has ended; channels on air stay on air."),
    (
        "not_ready",
        503,
        "Something that the daemon needs to put channels on air is not as it should be, each in `errors`.",
    ),
    ("shutting_down", 503, "The daemon is going down."),
    ("not_confirmed", 504, "The order stands, and the engine has not confirmed it in time."),
];

/// The type of `code`.
pub(crate) fn schema(_: &mut SchemaGenerator) -> Schema {
    let each =
        CODES.iter().map(|(code, status, about)| json!({"const": code, "description": format!("{status}: {about}")}));
    json_schema!({"type": "string", "oneOf": each.collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn sources(directory: &Path, found: &mut String) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let about_them = ["tests", "codes.rs"].into_iter().any(|name| path.ends_with(name));
            if path.is_dir() && !about_them {
                sources(&path, found);
            } else if !about_them {
                found.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }

    /// `StatusCode::X, "code"`, wherever the API makes a problem.
    fn made() -> BTreeSet<String> {
        let mut text = String::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api"), &mut text);
        let after = text.match_indices("StatusCode::").map(|(at, word)| &text[at + word.len()..]);
        let codes = after.filter_map(|rest| {
            let (status, rest) = rest.split_once(',')?;
            let code = rest.trim_start().strip_prefix('"')?.split('"').next()?;
            let plain = |text: &str, more: char| text.chars().all(|c| c == '_' || c.is_ascii_alphabetic() || c == more);
            (plain(status, '_') && plain(code, '_')).then(|| code.to_owned())
        });
        codes.collect()
    }

    #[test]
    fn every_code_that_is_made_is_in_the_table_and_the_reverse() {
        let made = made();
        assert!(made.len() > 30, "{made:?}");
        let known: BTreeSet<String> = CODES.iter().map(|(code, ..)| (*code).to_owned()).collect();
        let missing: Vec<_> = made.difference(&known).collect();
        assert!(missing.is_empty(), "no row in src/api/codes.rs for {missing:?}");
        let gone: Vec<_> = known.difference(&made).collect();
        assert!(gone.is_empty(), "src/api/codes.rs has {gone:?}, which nothing answers with");
        assert_eq!(known.len(), CODES.len(), "a code stands twice");
    }
}
