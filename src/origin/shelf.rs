//! The tree on disk. Objects appear whole or not at all: a draft lies in `incoming/` and is renamed into place.
//!
//! What is acknowledged is on the disk: whoever pushed it does not push it again, also if this machine's power is cut. What is
//! pushed again anyway (playlists, parts of a segment) is not waited for.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

use tempfile::NamedTempFile;

use super::name::{MEDIA, Object};
use super::problem::Problem;
use super::vod::{self, VOD};
use crate::model::ChannelId;

/// Channels, renditions and bytes that the shelf takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) channels: usize,
    pub(crate) renditions: usize,
    pub(crate) max_bytes: u64,
    /// Of the recordings of a channel.
    pub(crate) recordings_bytes: u64,
}

pub(crate) struct Shelf {
    live: PathBuf,
    vod: PathBuf,
    incoming: PathBuf,
    room: Room,
    /// Held while a directory is made, a playlist is swapped, or a rendition is swept: what a playlist names cannot go
    /// away between reading it and deleting. Taken before `used`.
    order: Mutex<()>,
    /// Bytes per channel: set by each sweep, raised by each upload.
    used: Mutex<HashMap<ChannelId, u64>>,
    /// The same for recordings: counted once, then kept.
    recorded: Mutex<HashMap<ChannelId, u64>>,
    _claim: File,
}

/// Why the state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ShelfFault {
    /// Another origin works there.
    #[error("another origin already works in {}: stop it, or give this one another --state-dir", .0.display())]
    Claimed(PathBuf),
    /// It is not there and cannot be made, or cannot be written to.
    #[error("the state directory {} cannot be used: {cause}: create it, and let this user write to it", dir.display())]
    Unusable {
        /// The state directory.
        dir: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
}

/// What an upload did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placed {
    Created,
    Replaced,
}

impl Shelf {
    /// Opens, or makes, the tree below `dir`, and drops what an earlier run left unfinished.
    pub(crate) fn open(dir: &Path, room: Room) -> Result<Self, ShelfFault> {
        let unusable = |cause| ShelfFault::Unusable { dir: dir.to_owned(), cause };
        let (live, vod, incoming) = (dir.join("live"), dir.join(VOD), dir.join("incoming"));
        for directory in [&live, &vod, &incoming] {
            fs::create_dir_all(directory).map_err(unusable)?;
        }
        let claim = File::create(dir.join("origin.lock")).map_err(unusable)?;
        match rustix::fs::flock(&claim, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(ShelfFault::Claimed(dir.to_owned())),
            Err(error) => return Err(unusable(error.into())),
        }
        for entry in fs::read_dir(&incoming).map_err(unusable)? {
            fs::remove_file(entry.map_err(unusable)?.path()).map_err(unusable)?;
        }
        // The first write fails here, at the start, rather than at the first segment.
        NamedTempFile::new_in(&incoming).map_err(unusable)?;
        let (order, used, recorded) = Default::default();
        Ok(Self { live, vod, incoming, room, order, used, recorded, _claim: claim })
    }

    /// Where an object lies, whether it is there or not.
    pub(crate) fn path(&self, object: &Object) -> PathBuf {
        let base = if matches!(object, Object::Vod(_)) { &self.vod } else { &self.live };
        base.join(object.relative_path())
    }

    /// A channel's directory.
    pub(crate) fn channel_dir(&self, channel: &ChannelId) -> PathBuf {
        self.live.join(channel.as_str())
    }

    /// The channels that something was pushed for, in order of their names.
    pub(crate) fn channels(&self) -> io::Result<Vec<ChannelId>> {
        let mut channels: Vec<_> = directories(&self.live)?.filter_map(|name| ChannelId::new(name).ok()).collect();
        channels.sort();
        Ok(channels)
    }

    /// Refuses what there is no room for, before a byte of it is read.
    pub(crate) fn admit(&self, object: &Object, bytes: u64) -> Result<(), Problem> {
        let channel = object.channel();
        if let Object::Vod(_) = object {
            let full = self.recorded(channel) + bytes > self.room.recordings_bytes;
            return if full { Err(Problem::RecordingsFull(self.room.recordings_bytes)) } else { Ok(()) };
        }
        let dir = self.channel_dir(channel);
        if !dir.exists() && directories(&self.live).map_err(Problem::storage)?.count() >= self.room.channels {
            return Err(Problem::TooManyChannels(self.room.channels));
        }
        if let Object::Of { rendition, .. } = object
            && dir.exists()
            && !dir.join(rendition.as_str()).exists()
            && directories(&dir).map_err(Problem::storage)?.count() >= self.room.renditions
        {
            return Err(Problem::TooManyRenditions(self.room.renditions));
        }
        // A playlist is small and is what lets segments go: a full channel still takes it.
        if !object.is_playlist() && self.used(channel) + bytes > self.room.max_bytes {
            return Err(Problem::ChannelFull(self.room.max_bytes));
        }
        Ok(())
    }

    /// An empty draft. Dropping it deletes it.
    pub(crate) fn draft(&self) -> io::Result<NamedTempFile> {
        tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o644)).tempfile_in(&self.incoming)
    }

    /// A draft that is another name of an object: what is pushed in the object's place later does not change it.
    pub(crate) fn draft_of(&self, object: &Object) -> io::Result<NamedTempFile> {
        let source = self.path(object);
        tempfile::Builder::new().make_in(&self.incoming, |path| {
            fs::hard_link(&source, path)?;
            File::open(path)
        })
    }

    /// Puts a finished draft into its place.
    pub(crate) fn place(&self, draft: NamedTempFile, object: &Object) -> Result<Placed, Problem> {
        self.place_if(draft, object, |_| Ok(()))
    }

    /// Puts a finished draft into its place, if it `may`, which is asked in order and told whether something is there.
    pub(crate) fn place_if(
        &self,
        draft: NamedTempFile,
        object: &Object,
        may: impl FnOnce(bool) -> Result<(), Problem>,
    ) -> Result<Placed, Problem> {
        let path = self.path(object);
        let lasting = object.is_lasting();
        if lasting {
            draft.as_file().sync_data().map_err(Problem::storage)?;
        }
        let size = draft.as_file().metadata().map_err(Problem::storage)?.blocks() * 512;
        let order = self.in_order();
        // Again, in order: of many uploads at once, each may have seen the last free place.
        self.admit(object, 0)?;
        let before = fs::metadata(&path).ok();
        // An empty file is what a power cut has left of one.
        may(before.as_ref().is_some_and(|meta| meta.len() > 0))?;
        let dir = path.parent().unwrap_or(&self.live);
        let made = !dir.exists();
        fs::create_dir_all(dir).map_err(Problem::storage)?;
        draft.persist(&path).map_err(|error| Problem::storage(error.error))?;
        let counts = if matches!(object, Object::Vod(_)) { &self.recorded } else { &self.used };
        let mut used = counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let sum = used.entry(object.channel().clone()).or_default();
        *sum = (*sum + size).saturating_sub(before.as_ref().map_or(0, |meta| meta.blocks() * 512));
        // Others need not wait for the disk.
        drop((used, order));
        if lasting {
            self.make_last(dir, made).map_err(Problem::storage)?;
        }
        Ok(if before.is_some() { Placed::Replaced } else { Placed::Created })
    }

    /// Makes the names in `dir` last through a power cut, and where it was `made` just now its own, too.
    fn make_last(&self, dir: &Path, made: bool) -> io::Result<()> {
        let ours = dir.ancestors().take_while(|dir| dir.starts_with(&self.live) || dir.starts_with(&self.vod));
        let synced = |dir: &Path| match File::open(dir).and_then(|dir| dir.sync_all()) {
            // Somebody has deleted its last object since: then there is nothing to keep.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            synced => synced,
        };
        ours.take(if made { usize::MAX } else { 1 }).try_for_each(synced)
    }

    /// Deletes an object, and the directories that it leaves empty, if it `may`.
    pub(crate) fn remove(&self, object: &Object, may: impl FnOnce() -> Result<(), Problem>) -> Result<(), Problem> {
        let path = self.path(object);
        let _order = self.in_order();
        may()?;
        let size = fs::metadata(&path).map_err(Problem::storage)?.blocks() * 512;
        fs::remove_file(&path).map_err(Problem::storage)?;
        if let Object::Vod(_) = object {
            let mut recorded = self.recorded.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            recorded.entry(object.channel().clone()).and_modify(|sum| *sum = sum.saturating_sub(size));
        }
        // `remove_dir` refuses a directory that holds anything: that refusal is the wanted answer.
        let rendition_then_channel = path.ancestors().skip(1).take_while(|dir| *dir != self.live && *dir != self.vod);
        for dir in rendition_then_channel {
            if fs::remove_dir(dir).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Bytes on disk for a channel.
    pub(crate) fn used(&self, channel: &ChannelId) -> u64 {
        self.used.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get(channel).copied().unwrap_or(0)
    }

    /// Bytes on disk for the recordings of a channel.
    fn recorded(&self, channel: &ChannelId) -> u64 {
        let mut recorded = self.recorded.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *recorded.entry(channel.clone()).or_insert_with(|| vod::bytes_below(&self.vod.join(channel.as_str())))
    }

    /// Sets what a sweep has counted.
    pub(crate) fn set_used(&self, channel: &ChannelId, bytes: u64) {
        self.used.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(channel.clone(), bytes);
    }

    /// The most that a channel may hold.
    pub(crate) fn max_bytes(&self) -> u64 {
        self.room.max_bytes
    }

    /// Keeps playlists as they are while the guard lives.
    pub(crate) fn in_order(&self) -> MutexGuard<'_, ()> {
        self.order.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Whether the tree is there and can be listed.
    pub(crate) fn is_usable(&self) -> bool {
        self.incoming.is_dir() && fs::read_dir(&self.live).is_ok()
    }

    /// The media playlist of a channel that changed last: its sign of life.
    pub(crate) fn latest_playlist(&self, channel: &ChannelId) -> Option<Latest> {
        let dir = self.channel_dir(channel);
        directories(&dir)
            .ok()?
            .filter_map(|rendition| {
                let path = dir.join(rendition).join(MEDIA);
                let written = fs::metadata(&path).ok()?.modified().ok()?;
                Some(Latest { path, written })
            })
            .max_by_key(|latest| latest.written)
    }
}

/// A media playlist and when it was pushed.
pub(crate) struct Latest {
    pub(crate) path: PathBuf,
    pub(crate) written: SystemTime,
}

/// Names of the directories in `dir`.
pub(crate) fn directories(dir: &Path) -> io::Result<impl Iterator<Item = String>> {
    Ok(fs::read_dir(dir)?
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const ROOM: Room = Room { channels: 2, renditions: 2, max_bytes: 64 << 10, recordings_bytes: 8 << 10 };

    fn put(shelf: &Shelf, path: &str, data: &[u8]) -> Result<Placed, &'static str> {
        let object = Object::parse(path).unwrap();
        let store = || {
            shelf.admit(&object, data.len() as u64)?;
            let mut draft = shelf.draft().map_err(Problem::storage)?;
            draft.write_all(data).map_err(Problem::storage)?;
            shelf.place_if(draft, &object, |_| Ok(()))
        };
        store().map_err(|problem| problem.status().1)
    }

    #[test]
    fn quotas_hold_and_leave_what_is_there_alone() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(dir.path(), ROOM).unwrap();
        assert_eq!(put(&shelf, "a/v/1.m4s", b"1"), Ok(Placed::Created));
        assert_eq!(put(&shelf, "a/v/1.m4s", b"2"), Ok(Placed::Replaced));
        assert_eq!(put(&shelf, "a/w/1.m4s", b"1"), Ok(Placed::Created));
        assert_eq!(put(&shelf, "a/x/1.m4s", b"1"), Err("renditions"));
        assert_eq!(put(&shelf, "b/v/1.m4s", b"1"), Ok(Placed::Created));
        assert_eq!(put(&shelf, "c/multivariant.m3u8", b"1"), Err("channels"));
        assert_eq!(put(&shelf, "a/v/2.m4s", &[0; 64 << 10]), Err("channel-full"));
        assert_eq!(put(&shelf, "a/v/media.m3u8", b"1"), Ok(Placed::Created));
        assert_eq!(shelf.channels().unwrap().len(), 2);
    }

    #[test]
    fn recordings_have_a_quota_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let segment = |number: u32| format!("vod/a/20261121T190000Z/v/{number}.m4s");
        let shelf = Shelf::open(dir.path(), ROOM).unwrap();
        put(&shelf, &segment(1), &[1; 4096]).unwrap();
        assert_eq!(put(&shelf, &segment(2), &[1; 8192]), Err("recordings-full"));
        drop(shelf);
        // Counted again after a restart.
        let shelf = Shelf::open(dir.path(), ROOM).unwrap();
        assert_eq!(put(&shelf, &segment(2), &[1; 8192]), Err("recordings-full"));
        assert_eq!(put(&shelf, "a/v/1.m4s", &[1; 8192]), Ok(Placed::Created));
        shelf.remove(&Object::parse(&segment(1)).unwrap(), || Ok(())).unwrap();
        assert_eq!(put(&shelf, &segment(2), &[1; 8192]), Ok(Placed::Created));
    }

    #[test]
    fn the_last_object_takes_its_directories_along() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(dir.path(), ROOM).unwrap();
        put(&shelf, "a/v/1.m4s", b"1").unwrap();
        put(&shelf, "a/v/2.m4s", b"1").unwrap();
        shelf.remove(&Object::parse("a/v/1.m4s").unwrap(), || Ok(())).unwrap();
        assert_eq!(shelf.channels().unwrap().len(), 1);
        shelf.remove(&Object::parse("a/v/2.m4s").unwrap(), || Ok(())).unwrap();
        assert!(shelf.channels().unwrap().is_empty());
        assert!(dir.path().join("live").is_dir());
    }

    #[test]
    fn drafts_of_an_earlier_run_go_and_a_second_origin_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(dir.path(), ROOM).unwrap();
        let (_, left_over) = shelf.draft().unwrap().keep().unwrap();
        assert!(matches!(Shelf::open(dir.path(), ROOM), Err(ShelfFault::Claimed(_))));
        drop(shelf);
        Shelf::open(dir.path(), ROOM).unwrap();
        assert!(!left_over.exists());
    }
}
