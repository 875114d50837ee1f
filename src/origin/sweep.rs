//! The sweep: applies [`super::retention`] to the tree, every few seconds. One task owns the ledgers.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio_util::sync::CancellationToken;

use super::counters::Counters;
use super::name::{MEDIA, Part};
use super::playlist::Named;
use super::retention::{Held, Ledger, Unnamed, early};
use super::shelf::{Shelf, directories};
use crate::model::ChannelId;

/// What the sweep knows between two rounds.
pub(crate) struct Sweep {
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) retain: Duration,
    ledgers: HashMap<(ChannelId, String), Ledger>,
}

impl Sweep {
    pub(crate) fn new(shelf: Arc<Shelf>, counters: Arc<Counters>, retain: Duration) -> Self {
        Self { shelf, counters, retain, ledgers: HashMap::new() }
    }

    /// Sweeps every `pace` until `stop`.
    pub(crate) async fn run(mut self, pace: Duration, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(pace);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let round = tokio::task::spawn_blocking(move || {
                self.round(Instant::now());
                self
            });
            match round.await {
                Ok(sweep) => self = sweep,
                Err(error) => {
                    tracing::error!(%error, "the sweep broke down: old segments stay until a restart");
                    return;
                }
            }
        }
    }

    /// One round over all channels. A channel that cannot be read is left alone and reported.
    pub(crate) fn round(&mut self, now: Instant) {
        match self.shelf.channels() {
            Ok(channels) => {
                self.ledgers.retain(|(channel, _), _| channels.contains(channel));
                for channel in &channels {
                    if let Err(error) = self.channel(channel, now)
                        && error.kind() != io::ErrorKind::NotFound
                    {
                        tracing::warn!(%channel, %error, "the channel could not be swept");
                    }
                }
                self.counters.swept(channels.len());
            }
            Err(error) => tracing::error!(%error, "the state directory could not be swept"),
        }
    }

    fn channel(&mut self, channel: &ChannelId, now: Instant) -> io::Result<()> {
        let dir = self.shelf.channel_dir(channel);
        let _order = self.shelf.in_order();
        let (mut used, mut unnamed) = (0, Vec::new());
        for rendition in directories(&dir)? {
            let (held, named, playlist_bytes) = read_rendition(&dir.join(&rendition))?;
            used += playlist_bytes + held.iter().map(|held| held.bytes).sum::<u64>();
            let ledger = self.ledgers.entry((channel.clone(), rendition.clone())).or_default();
            unnamed.push((rendition, ledger.step(held, &named, self.retain, now)));
        }
        let all = || unnamed.iter().flat_map(|(rendition, objects)| objects.iter().map(move |o| (rendition, o)));
        let mut gone: Vec<(&String, &Unnamed)> = all().filter(|(_, object)| object.due).collect();
        used -= gone.iter().map(|(_, object)| object.held.bytes).sum::<u64>();
        // A tenth stays free, so that the push finds room until the next round.
        let most = self.shelf.max_bytes() / 10 * 9;
        let evicted = early(all().collect(), used, most);
        used -= evicted.iter().map(|(_, object)| object.held.bytes).sum::<u64>();
        if !evicted.is_empty() {
            tracing::warn!(%channel, objects = evicted.len(), max_bytes = self.shelf.max_bytes(),
                "objects went before their time: raise retention.max_bytes, or shorten retention.retain");
        }
        gone.extend(evicted);
        for (rendition, object) in &gone {
            fs::remove_file(dir.join(rendition).join(&object.held.file))?;
        }
        self.counters.retired(gone.len());
        self.shelf.set_used(channel, used);
        Ok(())
    }
}

/// What lies in a rendition's directory, what its playlist names, and the bytes of the playlist itself.
fn read_rendition(dir: &Path) -> io::Result<(Vec<Held>, Named, u64)> {
    let named = match fs::read_to_string(dir.join(MEDIA)) {
        Ok(text) => Named::read(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Named::default(),
        Err(error) => return Err(error),
    };
    let (mut held, mut playlist_bytes) = (Vec::new(), 0);
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let Ok(file) = entry.file_name().into_string() else { continue };
        let meta = entry.metadata()?;
        let bytes = meta.blocks() * 512;
        match Part::parse(&file) {
            Some(Part::Playlist) => playlist_bytes = bytes,
            Some(part) => {
                let partial = matches!(part, Part::Partial { .. });
                let written = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                held.push(Held { file, written, bytes, empty: meta.len() == 0, partial });
            }
            // Whatever a technician has put there is not the origin's to delete.
            None => {}
        }
    }
    Ok((held, named, playlist_bytes))
}
