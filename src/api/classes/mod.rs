//! Stream classes: what there is, every version there was, and putting another one in force.
//!
//! ```text
//!  apply, rollback, delete ─▶ what it would do (dry run of the configuration with it) ─▶ version and file ─▶ reload ─▶ answer
//!                                    └── faults, no room: 422, 409, nothing is written        └── refused: taken back
//! ```
//!
//! Owns: that order. Must not: put anything in force by another way than the configuration takes, or write what a reload
//! would refuse.

mod answers;
mod carry;
mod look;
mod problems;
mod wanted;

use super::openapi::Routes;
use super::problem::Problem;
use super::routes::Api;
use crate::classes::ClassError;
use crate::config::Setting;
use crate::model::ChannelId;

pub(crate) use answers::Difference;
pub(crate) use wanted::{Prune, Wanted};

/// Where one of them is.
pub(crate) const BELOW: &str = "/api/v1/stream-classes/";
/// Largest body: a stream class of a hundred kilobytes, escaped.
pub(crate) const LARGEST: usize = 256 * 1024;

const ALL: &str = "/api/v1/stream-classes";
const ONE: &str = "/api/v1/stream-classes/{name}";

/// The routes of this folder.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .get(ALL, "Stream classes, and which channels use them", look::list)
        .get(ONE, "A stream class as it is on disk", look::one)
        .get("/api/v1/stream-classes/{name}/versions", "Every version of it, newest first", look::versions)
        .get("/api/v1/stream-classes/{name}/versions/{version}", "One version", look::version)
        .get("/api/v1/stream-classes/{name}/diff", "What differs between two versions of it", look::difference)
        .post(
            "/api/v1/stream-classes/{name}/check",
            "What would be wrong with another text of it; nothing is changed",
            carry::check,
        )
        .post(
            "/api/v1/stream-classes/{name}/apply",
            "Writes a text of it and puts that in force; `dry_run` only says what that would do",
            carry::apply,
        )
        .post(
            "/api/v1/stream-classes/{name}/rollback",
            "Puts a version of it in force again, or what is shipped; `dry_run` only says what that would do",
            carry::roll_back,
        )
        .delete(
            ONE,
            "Deletes one that is the site's own alone; its versions stay. `dry_run` only says what that would do",
            carry::delete,
        )
        .post("/api/v1/stream-classes/{name}/prune", "Deletes all versions but the newest", carry::prune)
}

/// Files are read and written where that may take its time.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ClassError> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Problem::internal(error.to_string()))?.map_err(Problem::from)
}

/// The channels that use it now.
pub(crate) fn users(api: &Api, class: &str) -> Vec<ChannelId> {
    all_users(api).of(class)
}

/// Which channels use which stream class, by the configuration in force.
struct Users(Vec<(String, ChannelId)>);

impl Users {
    fn of(&self, class: &str) -> Vec<ChannelId> {
        self.0.iter().filter(|(name, _)| name == class).map(|(_, channel)| channel.clone()).collect()
    }
}

fn all_users(api: &Api) -> Users {
    let use_of = |setting: &Setting| {
        let channel = setting.key.strip_prefix("channels.")?.strip_suffix(".stream_class")?;
        Some((setting.value.as_str()?.to_owned(), ChannelId::new(channel).ok()?))
    };
    Users(api.handle.written().iter().filter_map(use_of).collect())
}
