//! The store on real files, sound and otherwise.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use super::*;
use crate::model::{EventCode, LiveSettings, MediaTime, Severity};

fn open(path: &Path) -> (Store, SavedOrders, mpsc::Receiver<Event>) {
    let (sender, notices) = mpsc::channel();
    let (store, orders) = Store::open(path, move |event| drop(sender.send(event)));
    (store, orders, notices)
}

fn demo() -> ChannelId {
    "demo".parse().unwrap()
}

fn slate() -> Orders {
    Orders {
        channel: ChannelOrder::OffAir,
        program: ProgramOrder::Slate,
        live: LiveSettings { slate_text: Some("soon".into()), ..LiveSettings::default() },
    }
}

fn event(text: &str) -> Event {
    Event::new(MediaTime::from_secs(1), Severity::Info, EventCode::DaemonStarted, text)
}

fn aside(directory: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.find(|path| path.to_string_lossy().contains(".corrupt-"))
}

#[tokio::test]
async fn orders_and_the_log_survive() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("uplink.db");
    let (store, orders, _notices) = open(&path);
    assert!(orders.is_empty());
    store.save(&demo(), slate());
    store.append(&event("one"));
    store.append(&event("two"));
    store.flush().await;
    drop(store);
    let (store, orders, notices) = open(&path);
    assert_eq!(orders, SavedOrders::from([(demo(), slate())]));
    let newest = Span { from: MediaTime::default(), before: (MediaTime::from_secs(2), 0), most: 1 };
    let newest = store.as_run(newest, Some).await.unwrap().entries;
    assert_eq!(newest, [((MediaTime::from_secs(1), 2), event("two"))]);
    assert_eq!((store.trouble(), store.lost(), notices.try_iter().count()), (None, 0, 0));
}

#[tokio::test]
async fn a_damaged_database_is_moved_aside_and_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("uplink.db");
    fs::write(&path, "this is no database at all, but long enough to be read as one. ".repeat(100)).unwrap();
    let (store, orders, notices) = open(&path);
    assert!(orders.is_empty());
    assert_eq!(notices.recv().unwrap().code, EventCode::StoreFailed);
    assert!(aside(directory.path()).is_some());
    store.save(&demo(), slate());
    store.flush().await;
    assert_eq!(store.trouble(), None);
    drop(store);
    assert_eq!(open(&path).1.len(), 1);
}

#[tokio::test]
async fn a_database_damaged_in_the_middle_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("uplink.db");
    let (store, _, _notices) = open(&path);
    for number in 0..500 {
        store.append(&event(&format!("{number} {}", "x".repeat(200))));
    }
    store.flush().await;
    drop(store);
    // On a slow disk what was flushed is not all of it: the last one to close takes the journal away.
    for _ in 0..1200 {
        if !path.with_extension("db-wal").exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut bytes = fs::read(&path).unwrap();
    for byte in &mut bytes[4096..] {
        *byte = 0xa5;
    }
    fs::write(&path, bytes).unwrap();
    let _ = fs::remove_file(path.with_extension("db-wal"));
    let (store, _, notices) = open(&path);
    assert_eq!(notices.recv().unwrap().code, EventCode::StoreFailed);
    assert_eq!((store.trouble(), aside(directory.path()).is_some()), (None, true));
}

#[tokio::test]
async fn an_unusable_database_is_told_once_and_used_as_soon_as_it_can_be() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("missing/uplink.db");
    let (store, orders, notices) = open(&path);
    assert!(orders.is_empty());
    store.append(&event("lost"));
    store.save(&demo(), slate());
    store.flush().await;
    assert!(store.trouble().is_some_and(|text| text.contains("uplink.db cannot be used")));
    assert_eq!(notices.try_iter().map(|event| event.code).collect::<Vec<_>>(), [EventCode::StoreFailed]);
    fs::create_dir(directory.path().join("missing")).unwrap();
    store.append(&event("kept"));
    store.flush().await;
    assert_eq!(notices.recv().unwrap().code, EventCode::StoreRecovered);
    drop(store);
    assert_eq!(open(&path).1, SavedOrders::from([(demo(), slate())]), "the order was written later");
}

#[tokio::test]
async fn a_locked_database_costs_a_moment_and_no_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("uplink.db");
    let (store, _, notices) = open(&path);
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    store.save(&demo(), slate());
    store.flush().await;
    assert_eq!(notices.recv().unwrap().code, EventCode::StoreFailed);
    other.execute_batch("ROLLBACK").unwrap();
    store.append(&event("later"));
    store.flush().await;
    assert_eq!(notices.recv().unwrap().code, EventCode::StoreRecovered);
    drop(store);
    assert_eq!(open(&path).1.len(), 1);
}

/// Comes to hold, in the time that a thread on a busy machine may take.
async fn comes(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1200 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}");
}

#[tokio::test]
async fn a_lock_is_silence_and_its_end_is_an_answer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("uplink.db");
    let (store, ..) = open(&path);
    assert_eq!((store.silence(), store.has_answered()), (None, false), "nothing was asked of the disk");
    store.beat(Duration::ZERO);
    comes("the first write is answered", || store.has_answered()).await;
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let begun = std::time::Instant::now();
    // Each later attempt counts from the first that was not answered.
    comes("the silence grows", || {
        store.beat(Duration::ZERO);
        store.silence().is_some_and(|silence| silence > Duration::from_secs(2))
    })
    .await;
    assert!(store.silence().unwrap() <= begun.elapsed());
    assert!(store.trouble().is_some_and(|trouble| trouble.contains("locked")), "{:?}", store.trouble());
    other.execute_batch("ROLLBACK").unwrap();
    comes("it is answered", || {
        store.beat(Duration::ZERO);
        store.silence().is_none()
    })
    .await;
    comes("all is well", || store.trouble().is_none()).await;
}

/// Somebody else keeps it busy: no sign of life is written besides.
#[tokio::test]
async fn a_sign_of_life_is_written_by_an_idle_store_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("uplink.db");
    let (store, ..) = open(&path);
    store.append(&event("one"));
    store.flush().await;
    store.beat(Duration::from_secs(3600));
    store.flush().await;
    let connection = rusqlite::Connection::open(&path).unwrap();
    let signs = || connection.query_row("SELECT count(*) FROM heartbeat", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(signs(), 0);
    store.beat(Duration::ZERO);
    store.flush().await;
    assert_eq!(signs(), 1);
    store.beat(Duration::ZERO);
    store.flush().await;
    assert_eq!(signs(), 1, "it is one line, written again");
}

#[test]
fn a_newer_database_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("uplink.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.pragma_update(None, "user_version", 99).unwrap();
    let (store, _, _notices) = open(&path);
    assert!(store.trouble().is_some_and(|text| text.contains("newer version")));
    assert!(aside(directory.path()).is_none());
}

/// An upgrade that was taken back: the version before goes on with what the newer one left, and the newer one after it.
#[tokio::test]
async fn a_newer_database_that_only_has_more_is_used() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("uplink.db");
    let more = "ALTER TABLE orders ADD COLUMN note TEXT NOT NULL DEFAULT ''; CREATE TABLE notes (x TEXT) STRICT;";
    let newer = [database::MIGRATIONS, &[more]].concat();
    let (store, ..) = open(&path);
    store.save(&demo(), slate());
    store.flush().await;
    drop(store);
    drop(database::connect(&path, &newer).unwrap());
    let (store, orders, _notices) = open(&path);
    assert_eq!((store.trouble(), orders.get(&demo())), (None, Some(&slate())));
    let on_air = Orders { channel: ChannelOrder::OnAir, ..slate() };
    store.save(&demo(), on_air.clone());
    store.append(&event("one"));
    store.keep_ledger(Pages::from([("a".into(), "1".into())]));
    store.flush().await;
    drop(store);
    let connection = database::connect(&path, &newer).unwrap();
    let (note, on): (String, bool) =
        connection.query_row("SELECT note, on_air FROM orders", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!((note.as_str(), on), ("", true));
    drop(connection);
    assert_eq!(open(&path).1.get(&demo()), Some(&on_air));
    // One that took something away says from which schema on it can be used.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.pragma_update(None, "application_id", newer.len() as i64).unwrap();
    assert!(open(&path).0.trouble().is_some_and(|text| text.contains("newer version")));
}

fn pages(count: usize) -> Pages {
    let acknowledged = format!("{{\"bytes\":{}}}", count * 1000);
    let mut pages = Pages::from([("mark".to_owned(), acknowledged.clone()), ("day".to_owned(), acknowledged)]);
    // Enough to fill more than one page of the file.
    pages.extend((0..40).map(|n| (format!("show/{n}"), format!("{count} {}", "x".repeat(200)))));
    pages
}

#[tokio::test]
async fn the_ledger_survives_and_is_handed_over_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("uplink.db");
    let (store, ..) = open(&path);
    assert_eq!(store.take_ledger(), Some(Pages::new()));
    assert_eq!(store.take_ledger(), None);
    store.keep_ledger(Pages::from([("a".into(), "1".into()), ("b".into(), "2".into())]));
    let kept = Pages::from([("b".into(), "3".into()), ("c".into(), "4".into())]);
    store.keep_ledger(kept.clone());
    store.flush().await;
    drop(store);
    assert_eq!(open(&path).0.take_ledger(), Some(kept));
}

/// What a power cut leaves: the file as it was, and the journal of writes up to any byte.
#[tokio::test]
async fn a_ledger_cut_off_at_any_byte_is_one_that_was_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("uplink.db");
    let (store, ..) = open(&path);
    let mut cuts = Vec::new();
    for count in 1..=6 {
        store.keep_ledger(pages(count));
        store.flush().await;
        cuts.push(fs::read(path.with_extension("db-wal")).unwrap().len());
    }
    let (whole, journal) = (fs::read(&path).unwrap(), fs::read(path.with_extension("db-wal")).unwrap());
    drop(store);
    let known: Vec<Pages> = (0..=6).map(|count| if count == 0 { Pages::new() } else { pages(count) }).collect();
    let mut newest = 0;
    for length in (0..=journal.len()).step_by(4799).chain(cuts.iter().copied()) {
        let cut = tempfile::tempdir().unwrap();
        let path = cut.path().join("uplink.db");
        fs::write(&path, &whole).unwrap();
        fs::write(path.with_extension("db-wal"), &journal[..length]).unwrap();
        let (store, _, notices) = open(&path);
        let found = store.take_ledger().unwrap();
        let place = known.iter().position(|known| *known == found);
        assert!(place.is_some(), "{length} of {} bytes: a ledger that nobody kept: {found:?}", journal.len());
        assert_eq!(notices.try_iter().count(), 0, "{length} bytes");
        newest = newest.max(place.unwrap());
        // What was flushed before the cut is there.
        let flushed = cuts.iter().filter(|end| **end <= length).count();
        assert!(place.unwrap() >= flushed, "{length} bytes: {} of {flushed}", place.unwrap());
    }
    assert_eq!(newest, 6);
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_at_first_is_found_later_and_not_written_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("missing/uplink.db");
    fs::create_dir(directory.path().join("there")).unwrap();
    let elsewhere = directory.path().join("there/uplink.db");
    let (store, ..) = open(&elsewhere);
    store.keep_ledger(pages(3));
    store.flush().await;
    drop(store);
    let (store, ..) = open(&path);
    assert_eq!(store.take_ledger(), None);
    fs::rename(directory.path().join("there"), directory.path().join("missing")).unwrap();
    assert_eq!(store.take_ledger(), None, "it is looked for from here on");
    store.flush().await;
    assert_eq!(store.take_ledger(), Some(pages(3)));
}

#[tokio::test]
async fn a_ledger_can_be_kept_in_a_database_that_was_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("uplink.db");
    fs::write(&path, "this is no database at all, but long enough to be read as one. ".repeat(100)).unwrap();
    let (store, _, notices) = open(&path);
    assert_eq!(notices.try_iter().map(|event| event.code).collect::<Vec<_>>(), [EventCode::StoreFailed]);
    assert_eq!(store.take_ledger(), Some(Pages::new()), "what was in it is in the file that was moved aside");
    store.keep_ledger(pages(4));
    store.flush().await;
    drop(store);
    assert_eq!(open(&path).0.take_ledger(), Some(pages(4)));
}

#[tokio::test]
async fn books_survive_each_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("uplink.db");
    let (store, ..) = open(&path);
    assert_eq!(store.take_book("alarms"), Some(Pages::new()));
    store.keep_book("alarms", pages(2));
    store.keep_book("notify", Pages::from([("a".into(), "1".into()), ("b".into(), "2".into())]));
    let kept = Pages::from([("b".into(), "3".into())]);
    store.keep_book("notify", kept.clone());
    store.flush().await;
    drop(store);
    let (store, ..) = open(&path);
    assert_eq!((store.take_book("alarms"), store.take_book("notify")), (Some(pages(2)), Some(kept)));
}

#[tokio::test]
async fn books_are_found_and_written_again_in_a_database_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("missing/uplink.db");
    let (store, ..) = open(&path);
    assert_eq!(store.take_book("alarms"), None);
    fs::create_dir(directory.path().join("missing")).unwrap();
    assert_eq!(store.take_book("alarms"), None, "it is looked for from here on");
    store.flush().await;
    assert_eq!(store.take_book("alarms"), Some(Pages::new()));
    store.keep_book("alarms", pages(3));
    store.flush().await;
    assert_eq!(store.trouble(), None);
    drop(store);
    assert_eq!(open(&path).0.take_book("alarms"), Some(pages(3)));
}
