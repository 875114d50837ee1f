//! How much is kept. A new recording is never held up: what is old goes, the oldest first, until the limits hold again.
//! What runs, what is protected and what somebody works with stays, whatever the limits say.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde::Deserialize;

use super::lock;
use super::manifest::{MANIFEST, RecordingState};
use crate::model::{DestinationId, MediaTime, RecordedOf, RecordingLimits};
use crate::spool::SpoolError;
use crate::spool::disk::free_bytes;
use crate::spool::error::At;

/// How long the size of a recording that somebody else makes is believed.
const BELIEVED: Duration = Duration::from_secs(60);
/// In front of the name of a recording that is being deleted.
const LEAVING: &str = ".leaving-";

/// What deletion has to know of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) directory: PathBuf,
    /// When it ended; none while it runs.
    pub(crate) ended: Option<MediaTime>,
    pub(crate) protected: bool,
    pub(crate) bytes: u64,
}

/// What a recording says of itself in short, without its segments.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Head {
    pub(crate) state: RecordingState,
    pub(crate) destination: DestinationId,
    #[serde(default)]
    pub(crate) of: RecordedOf,
    #[serde(default)]
    protected: bool,
    began: MediaTime,
    ended: Option<MediaTime>,
    bytes: u64,
}

/// The short words of a manifest stand before this one.
const BEHIND: &str = ",\"interruptions\":";
/// Longer than they ever are.
const SHORT: u64 = 8 << 10;

impl Head {
    /// Reads the beginning of a manifest: all of it may be megabytes. None if it cannot be read.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let mut text = Vec::new();
        fs::File::open(path).ok()?.take(SHORT).read_to_end(&mut text).ok()?;
        // In a string its quotation marks would be escaped.
        let short = String::from_utf8_lossy(&text).split_once(BEHIND).map(|(short, _)| format!("{short}}}"));
        short
            .and_then(|short| serde_json::from_str(&short).ok())
            .or_else(|| serde_json::from_slice(&fs::read(path).ok()?).ok())
    }
}

/// Which of `all` have to go, the oldest first, and whether that is enough. Pure.
pub(crate) fn choose(all: &[Kept], limits: &RecordingLimits, free: u64, now: MediaTime) -> (Vec<PathBuf>, bool) {
    let mut candidates: Vec<&Kept> = all.iter().filter(|kept| kept.ended.is_some() && !kept.protected).collect();
    candidates.sort_by(|a, b| (a.ended, &a.directory).cmp(&(b.ended, &b.directory)));
    let (mut total, mut free) = (all.iter().map(|kept| kept.bytes).sum::<u64>(), free);
    let mut chosen = Vec::new();
    for kept in candidates {
        let age = kept.ended.map(|ended| now.since(ended).as_secs()).unwrap_or_default();
        let old = limits.keep_seconds.is_some_and(|most| age > most);
        let many = limits.max_bytes.is_some_and(|most| total > most);
        if old || many || free < limits.keep_free_bytes {
            total = total.saturating_sub(kept.bytes);
            free = free.saturating_add(kept.bytes);
            chosen.push(kept.directory.clone());
        }
    }
    (chosen, limits.max_bytes.is_none_or(|most| total <= most) && free >= limits.keep_free_bytes)
}

/// What can still be recorded: what is free, and what would be deleted before that runs out. Pure.
fn room(all: &[Kept], limits: &RecordingLimits, free: u64) -> u64 {
    let may_go = |kept: &&Kept| kept.ended.is_some() && !kept.protected;
    let deletable: u64 = all.iter().filter(may_go).map(|kept| kept.bytes).sum();
    let total: u64 = all.iter().map(|kept| kept.bytes).sum();
    // Old ones go for the sake of free space, or when there are as many as may be, if the disk has room for so many.
    let goes = limits.keep_free_bytes > 0 || limits.max_bytes.is_some_and(|most| total.saturating_add(free) >= most);
    free.saturating_add(if goes { deletable } else { 0 })
}

/// What a round of deletion came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Round {
    /// Recordings that were deleted, as `<channel>/<id>`.
    pub(crate) deleted: Vec<String>,
    /// Free on the file system now.
    pub(crate) free: u64,
    /// The same, with what would be deleted before that runs out.
    pub(crate) room: u64,
    /// The limits cannot be kept: nothing more may be deleted.
    pub(crate) short: bool,
}

/// Keeps the limits of a directory of recordings. Workers of several channels may do so side by side.
#[derive(Debug)]
pub(crate) struct Keeper {
    root: PathBuf,
    limits: RecordingLimits,
    /// By path of the manifest: what it was like when it was read.
    heads: BTreeMap<PathBuf, (SystemTime, Head)>,
    /// Of recordings that run.
    sizes: BTreeMap<PathBuf, (Instant, u64)>,
}

impl Keeper {
    pub(crate) fn new(root: PathBuf, limits: RecordingLimits) -> Self {
        Self { root, limits, heads: BTreeMap::new(), sizes: BTreeMap::new() }
    }

    /// Looks at everything and deletes what has to go. `own`: the recording of this worker and its bytes.
    pub(crate) fn round(&mut self, own: Option<(&Path, u64)>, now: MediaTime) -> Result<Round, SpoolError> {
        let all = self.scan(own)?;
        let (chosen, enough) = choose(&all, &self.limits, free_bytes(&self.root)?, now);
        let mut round = Round { short: !enough, ..Round::default() };
        for directory in chosen {
            match delete(&directory)? {
                true => round.deleted.push(name(&directory)),
                // Somebody works with it: perhaps the next round.
                false => round.short |= self.limits.max_bytes.is_some() || self.limits.keep_free_bytes > 0,
            }
        }
        round.free = free_bytes(&self.root)?;
        let all: Vec<Kept> = all.into_iter().filter(|kept| kept.directory.exists()).collect();
        round.room = room(&all, &self.limits, round.free);
        Ok(round)
    }

    fn scan(&mut self, own: Option<(&Path, u64)>) -> Result<Vec<Kept>, SpoolError> {
        let (mut all, mut heads) = (Vec::new(), BTreeMap::new());
        for directory in recordings(&self.root)? {
            let path = directory.join(MANIFEST);
            let Ok(modified) = fs::metadata(&path).and_then(|found| found.modified()) else { continue };
            let known = self.heads.remove(&path).filter(|(seen, _)| *seen == modified).map(|(_, head)| head);
            let Some(head) = known.or_else(|| Head::read(&path)) else { continue };
            let running = head.state == RecordingState::Recording;
            let bytes = match own.filter(|(path, _)| *path == directory) {
                Some((_, bytes)) => bytes,
                None if running => self.size(&directory),
                None => head.bytes,
            };
            let ended = (!running).then(|| head.ended.unwrap_or(head.began));
            all.push(Kept { directory, ended, protected: head.protected, bytes });
            heads.insert(path, (modified, head));
        }
        self.heads = heads;
        Ok(all)
    }

    fn size(&mut self, directory: &Path) -> u64 {
        if let Some((since, bytes)) = self.sizes.get(directory)
            && since.elapsed() < BELIEVED
        {
            return *bytes;
        }
        let bytes = tree_bytes(directory);
        self.sizes.retain(|path, _| path.exists());
        self.sizes.insert(directory.to_owned(), (Instant::now(), bytes));
        bytes
    }
}

/// `<channel>/<id>` of a recording's directory.
pub(crate) fn name(directory: &Path) -> String {
    let part = |path: Option<&Path>| path.and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    format!("{}/{}", part(directory.parent()), part(Some(directory)))
}

/// The directories of all recordings below `root`; what was being deleted when a worker was killed is deleted now.
pub(crate) fn recordings(root: &Path) -> Result<Vec<PathBuf>, SpoolError> {
    let mut found = Vec::new();
    let channels = match fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        channels => channels.at(root)?,
    };
    for channel in channels {
        let channel = channel.at(root)?.path();
        let Ok(entries) = fs::read_dir(&channel) else { continue };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let leaving = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(LEAVING.as_bytes()));
            if leaving {
                let _ = fs::remove_dir_all(&path);
            } else if path.join(MANIFEST).is_file() {
                found.push(path);
            }
        }
    }
    Ok(found)
}

/// Deletes a recording; false if somebody has it. It is out of sight at once, whatever happens while its files go.
pub fn delete(directory: &Path) -> Result<bool, SpoolError> {
    let held = match lock::hold(directory) {
        Ok(Some(held)) => held,
        Ok(None) => return Ok(false),
        // Another worker was faster.
        Err(SpoolError::Missing { .. }) => return Ok(true),
        Err(error) => return Err(error),
    };
    let name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let leaving = directory.with_file_name(format!("{LEAVING}{name}"));
    fs::rename(directory, &leaving).at(directory)?;
    drop(held);
    match fs::remove_dir_all(&leaving) {
        // Another worker cleans up, too.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        removed => removed.at(&leaving).map(|()| true),
    }
}

fn tree_bytes(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => tree_bytes(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GB: u64 = 1_000_000_000;

    fn kept(name: &str, ended: Option<u64>, protected: bool, gb: u64) -> Kept {
        Kept { directory: name.into(), ended: ended.map(MediaTime::from_secs), protected, bytes: gb * GB }
    }

    fn names(chosen: &(Vec<PathBuf>, bool)) -> (Vec<&str>, bool) {
        (chosen.0.iter().map(|path| path.to_str().unwrap()).collect(), chosen.1)
    }

    #[test]
    fn the_oldest_goes_first_and_what_is_protected_stays() {
        let all = [
            kept("new", Some(300), false, 3),
            kept("old", Some(100), false, 3),
            kept("kept", Some(50), true, 3),
            kept("runs", None, false, 3),
            kept("middle", Some(200), false, 3),
        ];
        let limits = RecordingLimits { max_bytes: Some(10 * GB), ..RecordingLimits::default() };
        let now = MediaTime::from_secs(1000);
        assert_eq!(names(&choose(&all, &limits, 100 * GB, now)), (vec!["old", "middle"], true));
        let age = RecordingLimits { keep_seconds: Some(750), ..RecordingLimits::default() };
        assert_eq!(names(&choose(&all, &age, 100 * GB, now)), (vec!["old", "middle"], true));
        let free = RecordingLimits { keep_free_bytes: 5 * GB, ..RecordingLimits::default() };
        assert_eq!(names(&choose(&all, &free, GB, now)), (vec!["old", "middle"], true));
        let all_of_it = RecordingLimits { max_bytes: Some(0), ..RecordingLimits::default() };
        assert_eq!(names(&choose(&all, &all_of_it, GB, now)), (vec!["old", "middle", "new"], false));
        assert_eq!(names(&choose(&all, &RecordingLimits::default(), 0, now)), (vec![], true));
    }

    proptest! {
        #[test]
        fn no_more_goes_than_has_to(
            all in prop::collection::vec((prop::option::of(0u64..500), any::<bool>(), 0u64..9), 0..12),
            max in prop::option::of(0u64..40), free in 0u64..10, keep_free in 0u64..10
        ) {
            let all: Vec<Kept> = all.into_iter().enumerate().map(|(n, (ended, protected, gb))| kept(&n.to_string(), ended, protected, gb)).collect();
            let limits = RecordingLimits { max_bytes: max.map(|gb| gb * GB), keep_seconds: None, keep_free_bytes: keep_free * GB };
            let (chosen, enough) = choose(&all, &limits, free * GB, MediaTime::from_secs(1000));
            let gone = |kept: &&Kept| chosen.contains(&kept.directory);
            prop_assert!(all.iter().filter(gone).all(|kept| kept.ended.is_some() && !kept.protected));
            let left: u64 = all.iter().filter(|kept| !gone(kept)).map(|kept| kept.bytes).sum();
            let freed: u64 = all.iter().filter(gone).map(|kept| kept.bytes).sum();
            let holds = |left: u64, freed: u64| max.is_none_or(|gb| left <= gb * GB) && free * GB + freed >= keep_free * GB;
            prop_assert_eq!(enough, holds(left, freed));
            // One less would not have done.
            if let Some(last) = chosen.last() {
                let last = all.iter().find(|kept| kept.directory == *last).unwrap().bytes;
                prop_assert!(!holds(left + last, freed - last));
            }
        }
    }

    #[test]
    fn what_may_be_deleted_is_room_where_it_would_be() {
        let all = [kept("old", Some(100), false, 3), kept("saved", Some(200), true, 4), kept("runs", None, false, 2)];
        let limits = |max_bytes: Option<u64>, keep_free: u64| RecordingLimits {
            max_bytes: max_bytes.map(|gb| gb * GB),
            keep_free_bytes: keep_free * GB,
            ..RecordingLimits::default()
        };
        assert_eq!(room(&all, &limits(None, 0), GB), GB, "nothing is deleted for lack of room");
        assert_eq!(room(&all, &limits(None, 1), GB), 4 * GB);
        assert_eq!(room(&all, &limits(Some(10), 0), GB), 4 * GB, "there are as many as may be before the disk is full");
        assert_eq!(room(&all, &limits(Some(11), 0), GB), GB, "the disk is full before");
    }

    #[test]
    fn the_head_of_a_manifest_is_read_without_the_rest() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(MANIFEST);
        let head = r#"{"version":1,"destination":"archive","title":"a \",\"interruptions\":","began":"2026-01-01T00:00:00Z","ended":null,"state":"recording","bytes":7"#;
        for rest in [r#","interruptions":0,"gaps":[],"renditions":"#, "}"] {
            fs::write(&path, format!("{head}{rest}")).unwrap();
            let head = Head::read(&path).unwrap();
            assert_eq!((head.state, head.bytes, head.protected), (RecordingState::Recording, 7, false));
        }
        fs::write(&path, &head[..90]).unwrap();
        assert!(Head::read(&path).is_none());
    }

    #[test]
    fn a_recording_that_somebody_has_is_not_deleted() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("demo/20251113T021320Z");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(MANIFEST), "{}").unwrap();
        let held = lock::hold(&directory).unwrap().unwrap();
        assert!(!delete(&directory).unwrap() && directory.exists());
        drop(held);
        assert!(delete(&directory).unwrap() && !directory.exists());
        assert_eq!(fs::read_dir(root.path().join("demo")).unwrap().count(), 0);
    }
}
