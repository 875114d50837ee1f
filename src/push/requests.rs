//! Requests under way: each can be given up alone, and says what it was for when it ends.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::{AbortHandle, Abortable};
use futures::stream::{FuturesUnordered, StreamExt};

use crate::policy::HttpFailure;

use super::flow::{Measured, Passage};
use super::motion::Motion;
use super::object::Object;
use super::pace::Turn;
use super::protect::{HasKey, Lock, LockTrouble};
use super::store::{Label, Put, Store, Terms};

/// For a file to be read.
const DISK: Duration = Duration::from_secs(10);

/// A request that ended.
pub(crate) struct Done {
    /// What it was for.
    pub(crate) object: Object,
    /// Whether it was the probe.
    pub(crate) probe: bool,
    /// When it was started.
    pub(crate) started: Instant,
    /// The conditions it was sent under.
    pub(crate) terms: Terms,
    /// What it says of the line.
    pub(crate) measured: Measured,
    /// How it went.
    pub(crate) result: Result<Ended, Trouble>,
    id: u64,
}

/// A good end.
pub(crate) enum Ended {
    /// Acknowledged; so many bytes of media.
    Stored(u64),
    /// Acknowledged: it was there already.
    There,
    /// Read; nothing if there is nothing.
    Read(Option<String>),
    /// Deleted.
    Removed,
    /// Looked for: whether it is there, if the origin tells.
    Checked(Option<bool>),
}

/// A bad end.
pub(crate) enum Trouble {
    /// The destination or the way to it.
    Http(HttpFailure),
    /// The file could not be read.
    Disk(io::Error),
    /// Given up by [`Requests::abandon`].
    Abandoned,
}

/// What is sent.
pub(crate) enum Content {
    /// A file of the spool.
    Media(PathBuf),
    /// Bytes of the spool, if they are still there.
    Part(Option<Bytes>),
    /// One of these, encrypted.
    Locked(Box<Content>, Lock),
    /// A playlist.
    Text(String),
    /// Nothing: is it there?
    Nothing,
    /// Nothing: what is there?
    Reading,
    /// Nothing: it goes.
    Removal,
}

/// See the module's header. Dropping it ends all of them.
#[derive(Default)]
pub(crate) struct Requests {
    futures: FuturesUnordered<Pin<Box<dyn Future<Output = Done> + Send>>>,
    under_way: BTreeMap<u64, (Instant, AbortHandle, Motion)>,
    /// Of those that need a content key: when they had it.
    locked: BTreeMap<u64, HasKey>,
    last_id: u64,
}

impl Requests {
    /// Sends `content` to `path` of `store`.
    pub(crate) fn start(
        &mut self,
        store: Store,
        (path, label, terms): (String, Label, Terms),
        content: Content,
        (object, probe): (Object, bool),
        passage: Passage,
        started: Instant,
    ) {
        self.last_id += 1;
        let id = self.last_id;
        let (abort, registration) = AbortHandle::new_pair();
        let motion = Motion::default();
        self.under_way.insert(id, (started, abort, motion.clone()));
        if let Content::Locked(_, lock) = &content {
            self.locked.insert(id, lock.has_key());
        }
        let Passage { turn, hold, measured } = passage;
        let exchange = motion.scope(Turn::scope(turn, exchange(store, (path, label, terms), content)));
        let exchange = Abortable::new(exchange, registration);
        self.futures.push(Box::pin(async move {
            let result = exchange.await.unwrap_or(Err(Trouble::Abandoned));
            drop(hold);
            Done { object, probe, started, terms, measured, result, id }
        }));
    }

    /// The next to end; none at once if there is none.
    pub(crate) async fn next(&mut self) -> Option<Done> {
        let done = self.futures.next().await?;
        self.under_way.remove(&done.id);
        self.locked.remove(&done.id);
        Some(done)
    }

    /// Whether none is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// When the oldest was started of those whose start is `wanted`. What waits for a content key has not begun: that
    /// nothing is heard of it says nothing of the destination.
    pub(crate) fn oldest(&self, wanted: impl Fn(Instant) -> bool) -> Option<Instant> {
        self.begun(wanted).map(|(begun, _)| begun).min()
    }

    /// Since when the one stands still that has stood still for the longest, of those whose start is `wanted` and that do
    /// not wait for their turn.
    pub(crate) fn stillest(&self, wanted: impl Fn(Instant) -> bool) -> Option<Instant> {
        let begun = self.begun(wanted).filter(|(_, motion)| !motion.waits());
        begun.map(|(begun, motion)| motion.still_since(begun)).min()
    }

    /// Those that have begun, and when.
    fn begun(&self, wanted: impl Fn(Instant) -> bool) -> impl Iterator<Item = (Instant, &Motion)> {
        let under_way = self.under_way.iter().filter(move |(_, (started, ..))| wanted(*started));
        under_way.filter_map(|(id, (started, _, motion))| {
            let begun = match self.locked.get(id) {
                Some(has_key) => has_key.get().copied(),
                None => Some(*started),
            };
            begun.map(|begun| (begun, motion))
        })
    }

    /// Gives up those whose start is `unwanted`; they end as [`Trouble::Abandoned`].
    pub(crate) fn abandon(&self, unwanted: impl Fn(Instant) -> bool) {
        self.under_way.values().filter(|(started, ..)| unwanted(*started)).for_each(|(_, abort, _)| abort.abort());
    }
}

async fn exchange(
    store: Store,
    (path, label, terms): (String, Label, Terms),
    content: Content,
) -> Result<Ended, Trouble> {
    let (body, media) = match content {
        Content::Locked(clear, lock) => (locked(*clear, lock).await?, true),
        content @ (Content::Media(_) | Content::Part(_)) => (clear(content).await?, true),
        Content::Text(text) => (Bytes::from(text), false),
        Content::Nothing => return store.has(&path).await.map(Ended::Checked).map_err(Trouble::Http),
        Content::Reading => return store.text(&path).await.map(Ended::Read).map_err(Trouble::Http),
        Content::Removal => return store.delete(&path, terms).await.map(|()| Ended::Removed).map_err(Trouble::Http),
    };
    let bytes = if media { body.len() as u64 } else { 0 };
    Ok(match store.put(&path, label, terms, body).await.map_err(Trouble::Http)? {
        Put::Stored => Ended::Stored(bytes),
        Put::There => Ended::There,
    })
}

/// Media as the spool has them.
async fn clear(content: Content) -> Result<Bytes, Trouble> {
    match content {
        Content::Media(file) => read(file).await.map_err(Trouble::Disk),
        Content::Part(Some(data)) => Ok(data),
        _ => Err(Trouble::Abandoned),
    }
}

/// Media as the destination gets them.
async fn locked(content: Content, lock: Lock) -> Result<Bytes, Trouble> {
    lock.close(clear(content).await?).await.map_err(|trouble| match trouble {
        LockTrouble::Key(trouble) => Trouble::Http(trouble.into()),
        LockTrouble::Unfit(why) => Trouble::Disk(io::Error::new(io::ErrorKind::InvalidData, why)),
    })
}

/// A disk that hangs holds up this request only, and not for ever.
async fn read(file: PathBuf) -> io::Result<Bytes> {
    let read = tokio::time::timeout(DISK, tokio::fs::read(&file)).await;
    Ok(Bytes::from(read.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "the disk does not answer")))?))
}
