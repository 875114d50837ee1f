//! The real `uplinkd` under a service manager's watchdog, with a database that is held, frozen or without room.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::place::{Place, Running};
use super::rig::{signal, until};
use super::service::{answered, asked, datagrams};
use rustix::process::Signal;

/// What the service manager of these tests wants to hear within.
const LIMIT: Duration = Duration::from_secs(2);

/// A daemon, and how often it has fed its watchdog.
struct Watched {
    daemon: Running,
    fed: Arc<AtomicUsize>,
}

impl Watched {
    fn start(place: &Place) -> Self {
        let path = place.directory.path().join("notify");
        let _ = std::fs::remove_file(&path);
        let manager = datagrams(&path);
        let fed = Arc::new(AtomicUsize::new(0));
        let count = fed.clone();
        // Ends with the test's process: nobody else writes to it.
        std::thread::spawn(move || {
            let mut text = [0_u8; 4096];
            loop {
                if let Ok(length) = manager.recv(&mut text)
                    && &text[..length] == b"WATCHDOG=1\n"
                {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        let log = place.directory.path().join("uplinkd.log");
        let mut command = place.command();
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", LIMIT.as_micros().to_string());
        command.stderr(File::create(&log).unwrap());
        Self { daemon: Running { child: command.spawn().unwrap(), log }, fed }
    }

    fn fed(&self) -> usize {
        self.fed.load(Ordering::SeqCst)
    }

    /// It is fed, again and again.
    fn is_fed(&self) {
        let before = self.fed();
        until("the watchdog is fed", || self.fed() > before + 4);
    }

    /// It is told why, and not fed while the service manager would lose its patience.
    fn starves(&self) {
        until("it is told", || self.daemon.log().contains("the watchdog is not fed"));
        until("it is not fed any more", || {
            let before = self.fed();
            std::thread::sleep(LIMIT);
            self.fed() == before
        });
        assert!(self.daemon.log().contains("the database has not answered for"), "{}", self.daemon.log());
    }

    fn ends(mut self) {
        signal(self.daemon.pid(), Signal::TERM);
        assert_eq!(self.daemon.code(), Some(0), "{}", self.daemon.log());
    }
}

fn database(place: &Place) -> PathBuf {
    place.directory.path().join("state/uplink.db")
}

/// Another program that holds the database, until it is dropped.
fn held(path: &Path) -> rusqlite::Connection {
    let other = rusqlite::Connection::open(path).unwrap();
    other.busy_timeout(Duration::from_secs(10)).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    other
}

#[test]
fn a_database_that_somebody_holds_starves_the_watchdog_until_it_is_let_go() {
    let place = Place::new(&["a"]);
    let watched = Watched::start(&place);
    let worker = place.worker("a");
    watched.is_fed();
    let other = held(&database(&place));
    watched.starves();
    drop(other);
    watched.is_fed();
    assert!(watched.daemon.log().contains("the database answers again"), "{}", watched.daemon.log());
    assert_eq!(place.worker_now("a"), worker, "it is no business of the channel");
    watched.ends();
}

#[test]
fn a_daemon_that_a_new_start_did_not_help_is_not_started_again_and_again() {
    let place = Place::new(&["a"]);
    let first = Watched::start(&place);
    place.worker("a");
    first.is_fed();
    let other = held(&database(&place));
    first.starves();
    // What the service manager does then.
    signal(first.daemon.pid(), Signal::KILL);
    drop(first);
    let second = Watched::start(&place);
    until("it listens", || std::net::TcpStream::connect(("127.0.0.1", place.port)).is_ok());
    until("it says what is wrong", || answered(asked(place.port)).contains("\"store_failed\""));
    second.is_fed();
    assert!(!second.daemon.log().contains("the watchdog is not fed"), "{}", second.daemon.log());
    // From its first write on it counts again.
    drop(other);
    until("it writes", || second.daemon.log().contains("are kept again"));
    let other = held(&database(&place));
    second.starves();
    drop(other);
    second.is_fed();
    second.ends();
}

/// A file system of its own for the state directory; none without the right to mount.
struct Disk(PathBuf);

impl Disk {
    fn new(place: &Place, arguments: &[&str]) -> Option<Self> {
        let at = place.directory.path().join("state");
        std::fs::create_dir_all(&at).unwrap();
        run(Command::new("mount").args(arguments).arg(&at)).then_some(Self(at))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        run(Command::new("umount").arg("-l").arg(&self.0));
    }
}

fn run(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// A full disk answers: the channels stay on air, the alarm says it, and nobody starts anything again.
#[test]
fn a_full_disk_is_an_alarm_and_no_reason_to_start_again() {
    let place = Place::new(&["a"]);
    let Some(disk) = Disk::new(&place, &["-t", "tmpfs", "-o", "size=8m", "none"]) else {
        eprintln!("SKIPPED: the watchdog with a full disk: this user may not mount a tmpfs");
        return;
    };
    let watched = Watched::start(&place);
    place.worker("a");
    watched.is_fed();
    let mut ballast = File::create(disk.0.join("ballast")).unwrap();
    until("the daemon says so", || {
        while ballast.write_all(&[0; 512]).is_ok() {}
        answered(asked(place.port)).contains("\"store_failed\"")
    });
    for _ in 0..3 {
        watched.is_fed();
    }
    assert!(!watched.daemon.log().contains("the watchdog is not fed"), "{}", watched.daemon.log());
    watched.ends();
}

/// Thaws the file system, before anybody waits for a process that it holds.
struct Frozen<'a>(&'a Path);

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        run(Command::new("fsfreeze").arg("--unfreeze").arg(self.0));
    }
}

/// A disk that takes writes and does not come back with them.
#[test]
fn a_disk_that_stops_starves_the_watchdog_until_it_goes_on() {
    let place = Place::new(&["a"]);
    let image = place.directory.path().join("disk");
    File::create(&image).unwrap().set_len(64 << 20).unwrap();
    let made = run(Command::new("mke2fs").args(["-q", "-t", "ext4"]).arg(&image));
    let image = image.display().to_string();
    let Some(disk) = made.then(|| Disk::new(&place, &["-o", "loop", &image])).flatten() else {
        eprintln!("SKIPPED: the watchdog with a disk that stops: no mke2fs here, or this user may not mount");
        return;
    };
    let watched = Watched::start(&place);
    place.worker("a");
    watched.is_fed();
    assert!(run(Command::new("fsfreeze").arg("--freeze").arg(&disk.0)));
    let frozen = Frozen(&disk.0);
    watched.starves();
    drop(frozen);
    watched.is_fed();
    watched.ends();
}
