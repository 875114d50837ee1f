//! Disks that are full, read-only or gone, on real small file systems.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use uplink::model::{Health, RenditionId};
use uplink::spool::{Spool, SpoolError};

use crate::fixture::{FIRST, Feed, at, audio, check, grid, listed, play, start, try_open, video};

/// A file system of a few megabytes, unmounted when dropped.
struct SmallDisk {
    point: tempfile::TempDir,
}

impl SmallDisk {
    /// None, said loudly, where mounting is not allowed.
    fn mount(test: &str, size: &str) -> Option<Self> {
        let point = tempfile::tempdir().unwrap();
        if !run("mount", &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], point.path()) {
            eprintln!("SKIPPED {test}: cannot mount a tmpfs here; run as root");
            return None;
        }
        Some(Self { point })
    }

    fn path(&self) -> PathBuf {
        self.point.path().join("demo")
    }

    fn set_read_only(&self, read_only: bool) {
        let options = if read_only { "remount,ro" } else { "remount,rw" };
        assert!(run("mount", &["-o", options], self.point.path()));
    }
}

fn run(program: &str, arguments: &[&str], path: &Path) -> bool {
    Command::new(program).args(arguments).arg(path).status().is_ok_and(|status| status.success())
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run("umount", &["-l"], self.point.path());
    }
}

fn large(payload: usize) -> Feed {
    let mut feed = video();
    feed.payload = payload;
    feed
}

/// Puts one segment; gives the first error.
fn put(spool: &Spool, feed: &Feed, number: u64) -> Result<(), SpoolError> {
    (0..4).map(|quarter| spool.put_chunk(feed.chunk(number, quarter)).map(drop)).fold(Ok(()), Result::and)
}

fn parts(dir: &Path) -> usize {
    let part = |entry: &fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "part");
    fs::read_dir(dir.join("v180")).unwrap().filter_map(Result::ok).filter(part).count()
}

#[test]
fn a_full_disk_costs_segments_and_nothing_else() {
    let Some(disk) = SmallDisk::mount("a_full_disk_costs_segments_and_nothing_else", "2m") else { return };
    let feed = large(20_000);
    let (spool, _) = start(&disk.path(), std::slice::from_ref(&feed), at(FIRST, 0));
    put(&spool, &feed, FIRST).unwrap();
    let ballast = disk.point.path().join("ballast");
    // Somebody else fills the disk in the middle of a segment.
    play(&spool, std::slice::from_ref(&feed), (FIRST + 1, 0), (FIRST + 1, 1));
    fs::write(&ballast, vec![1; 4 << 20]).unwrap_err();
    let error = (1..4).map(|quarter| spool.put_chunk(feed.chunk(FIRST + 1, quarter))).find_map(Result::err).unwrap();
    assert!(matches!(error, SpoolError::Full { .. }), "{error}");
    assert!(error.to_string().contains("free space"), "{error}");
    // What the broken segment took is free again.
    assert_eq!(parts(&disk.path()), 0);
    let status = spool.status();
    assert_eq!((status.lost_segments, status.health.health), (1, Health::Unhealthy));
    assert_eq!(status.health.code, "disk_full");
    fs::write(disk.point.path().join("more"), vec![1; 4 << 20]).unwrap_err();
    assert!(matches!(put(&spool, &feed, FIRST + 2), Err(SpoolError::Full { .. })));
    assert_eq!(spool.status().lost_segments, 2);
    // Room again: the spool goes on by itself.
    fs::remove_file(&ballast).unwrap();
    put(&spool, &feed, FIRST + 3).unwrap();
    assert_eq!(spool.status().health.code, "ok");
    check(&spool);
    assert_eq!(listed(&spool, &feed), [(FIRST, 0, false), (FIRST + 3, 0, false)]);
    drop(spool);
    let (spool, mended) = start(&disk.path(), std::slice::from_ref(&feed), at(FIRST + 4, 0));
    assert!(!mended.lost_media(), "{mended}");
    check(&spool);
}

#[test]
fn retention_keeps_room_on_a_small_disk() {
    let Some(disk) = SmallDisk::mount("retention_keeps_room_on_a_small_disk", "3m") else { return };
    let feeds = [large(20_000), audio()];
    let (spool, _) = start(&disk.path(), &feeds, at(FIRST, 0));
    // The quota (1 GB) promises far more than there is; 200 segments of 80 KB do not fit.
    let mut overflowed = 0;
    for number in FIRST..FIRST + 200 {
        play(&spool, &feeds, (number, 0), (number + 1, 0));
        overflowed += spool.retain(at(number + 1, 0), &|_, _| false).overflowed.len();
    }
    check(&spool);
    assert_eq!(spool.status().lost_segments, 0);
    assert!(overflowed > 300 && spool.segments(&feeds[0].id).len() > 15);
}

#[test]
fn a_disk_full_from_the_start_does_not_keep_a_channel_off_air() {
    let Some(disk) = SmallDisk::mount("a_disk_full_from_the_start", "2m") else { return };
    let feed = large(20_000);
    let (spool, _) = start(&disk.path(), std::slice::from_ref(&feed), at(FIRST, 0));
    for number in FIRST..FIRST + 6 {
        put(&spool, &feed, number).unwrap();
    }
    drop(spool);
    fs::write(disk.point.path().join("ballast"), vec![1; 4 << 20]).unwrap_err();
    let (spool, _) = try_open(&disk.path(), std::slice::from_ref(&feed), at(FIRST + 7, 0)).unwrap();
    let _ = spool.put_init(feed.init());
    spool.retain(at(FIRST + 7, 0), &|_, _| true);
    put(&spool, &feed, FIRST + 7).unwrap();
    check(&spool);
    assert_eq!(spool.last(&feed.id).unwrap().number, FIRST + 7);
}

#[test]
fn a_read_only_file_system_is_named_and_left_when_it_is_mended() {
    let Some(disk) = SmallDisk::mount("a_read_only_file_system", "4m") else { return };
    let feed = video();
    let (spool, _) = start(&disk.path(), std::slice::from_ref(&feed), at(FIRST, 0));
    put(&spool, &feed, FIRST).unwrap();
    disk.set_read_only(true);
    let error = put(&spool, &feed, FIRST + 1).unwrap_err();
    assert!(matches!(error, SpoolError::ReadOnly { .. }), "{error}");
    assert_eq!((spool.status().health.code.as_str(), spool.status().lost_segments), ("read_only", 1));
    // What is there can still be read and pushed; nothing is forgotten although it cannot be deleted.
    check(&spool);
    assert_eq!(spool.retain(at(FIRST + 10_000, 0), &|_, _| true).deleted, 0);
    assert_eq!(spool.segments(&feed.id).len(), 1);
    let ids = [feed.id.clone()];
    let elsewhere = disk.point.path().join("other");
    let refused = Spool::open(&elsewhere, 1 << 20, Duration::from_secs(60), grid(), &ids, at(FIRST, 0));
    assert!(matches!(refused, Err(SpoolError::ReadOnly { .. })), "{refused:?}");
    disk.set_read_only(false);
    put(&spool, &feed, FIRST + 2).unwrap();
    assert_eq!(spool.status().health.code, "ok");
    check(&spool);
}

#[test]
fn a_spool_deleted_on_air_is_set_up_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("demo");
    let feeds = [video(), audio()];
    drop(start(&path, &feeds, at(FIRST, 0)));
    let (spool, _) = start(&path, &feeds, at(FIRST, 0));
    play(&spool, &feeds, (FIRST, 0), (FIRST + 3, 1));
    fs::remove_dir_all(&path).unwrap();
    for feed in &feeds {
        let rest = (1..4).map(|quarter| spool.put_chunk(feed.chunk(FIRST + 3, quarter)));
        let error = rest.filter_map(Result::err).next().unwrap();
        assert!(matches!(error, SpoolError::Missing { .. }), "{error}");
        assert_eq!(spool.segments(&feed.id), [], "what is gone is not offered");
    }
    assert_eq!(spool.status().lost_segments, 8);
    assert_eq!(spool.status().health.code, "spool_deleted");
    play(&spool, &feeds, (FIRST + 4, 0), (FIRST + 6, 0));
    check(&spool);
    for feed in &feeds {
        assert_eq!(listed(&spool, feed), [(FIRST + 4, 0, false), (FIRST + 5, 0, false)]);
    }
    drop(spool);
    let (spool, mended) = start(&path, &feeds, at(FIRST + 6, 0));
    assert!(mended.is_clean(), "{mended}");
    play(&spool, &feeds, (FIRST + 6, 0), (FIRST + 7, 0));
    check(&spool);
}

#[test]
fn unknown_renditions_and_media_without_initialisation_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = try_open(dir.path(), &[video()], at(FIRST, 0)).unwrap();
    assert!(matches!(spool.put_chunk(audio().chunk(FIRST, 0)), Err(SpoolError::UnknownRendition(_))));
    assert!(matches!(spool.put_chunk(video().chunk(FIRST, 0)), Err(SpoolError::NoInit(_))));
    let known: Vec<RenditionId> = spool.renditions().to_vec();
    assert_eq!(known, [video().id]);
}
