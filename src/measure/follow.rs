//! Follows one media playlist: polls it, fetches what is new, plays it, writes down what happened.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use url::Url;

use super::continuity::Continuity;
use super::deck::{Deck, DeckError};
use super::fetch::{FetchError, Fetcher};
use super::playlist::{Entry, MediaPlaylist, Playlist, read};
use super::recording::{PlayedSegment, Recording};
use super::report::PlaylistReport;
use super::{MeasureError, Options};
use crate::model::MediaTime;

/// Where a player joins: this many segments from the end (rfc8216bis 6.3.3).
const JOIN: usize = 3;
/// Between two looks for a segment that is due.
const POLL: Duration = Duration::from_millis(150);
/// How often a segment is asked for that the origin has but does not deliver.
const ATTEMPTS: u32 = 4;
/// How long a live stream is played unless told otherwise.
const LIVE_SECONDS: u32 = 30;

/// Plays the media playlist at `url` until its end or the end of the measurement.
pub(crate) async fn follow(
    fetcher: Fetcher,
    options: Options,
    name: String,
    url: Url,
    first: Option<Bytes>,
) -> Result<Recording, MeasureError> {
    let started = Instant::now();
    let mut follower = Follower::new(fetcher, options, name, url);
    let mut playlist = follower.first_playlist(first).await?;
    let seconds = follower.options.seconds;
    follower.recording.live = !playlist.ended;
    let until = started + Duration::from_secs(seconds.unwrap_or(LIVE_SECONDS).into());
    let mut joined = false;
    let mut newest_at = started;
    loop {
        let seen = MediaTime::from_system(std::time::SystemTime::now());
        let mut fresh = follower.continuity.see(&playlist, seen, &mut follower.report);
        if !fresh.is_empty() {
            follower.note_wait(newest_at, joined);
            newest_at = Instant::now();
        }
        if !joined {
            follower.join(&mut fresh, &playlist);
        }
        for entry in fresh {
            let over =
                if follower.recording.live { joined && follower.is_over(until) } else { follower.played_enough() };
            if over {
                break;
            }
            follower.play(entry, seen.as_nanos(), joined).await?;
        }
        joined = true;
        if playlist.ended || follower.is_over(until) {
            break;
        }
        let Some(next) = follower.next_playlist(newest_at, until).await else { break };
        playlist = next;
    }
    if follower.recording.live && !playlist.ended {
        follower.note_wait(newest_at, true);
    }
    follower.finish().await
}

struct Follower {
    fetcher: Fetcher,
    options: Options,
    url: Url,
    continuity: Continuity,
    report: PlaylistReport,
    recording: Recording,
    /// Taken while a blocking thread plays.
    deck: Option<Deck>,
    init: Option<(Url, Bytes)>,
    last_seconds: f64,
}

impl Follower {
    fn new(fetcher: Fetcher, options: Options, name: String, url: Url) -> Self {
        let deck = Some(Deck::new(Arc::clone(&options.progress)));
        let recording = Recording { name, ..Default::default() };
        Self {
            fetcher,
            options,
            url,
            continuity: Continuity::default(),
            report: PlaylistReport::default(),
            recording,
            deck,
            init: None,
            last_seconds: 1.0,
        }
    }

    async fn first_playlist(&mut self, first: Option<Bytes>) -> Result<MediaPlaylist, MeasureError> {
        let bytes = match first {
            Some(bytes) => bytes,
            None => patient(&self.fetcher, &self.url, self.options.patience).await?,
        };
        self.report.reloads += 1;
        self.read(&bytes).map_err(|reason| MeasureError::Playlist { url: self.url.to_string(), reason })
    }

    fn read(&self, bytes: &[u8]) -> Result<MediaPlaylist, String> {
        match read(&String::from_utf8_lossy(bytes), &self.url)? {
            Playlist::Media(media) => Ok(media),
            Playlist::Multivariant(_) => Err("a multivariant playlist where a media playlist should be".to_owned()),
        }
    }

    /// The next version of the playlist that can be read; None when the measurement is over before.
    async fn next_playlist(&mut self, newest_at: Instant, until: Instant) -> Option<MediaPlaylist> {
        let due = newest_at + Duration::from_secs_f64((self.last_seconds * 0.75).clamp(0.0, 60.0));
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(due.max(Instant::now() + POLL).min(until)) => {}
                () = self.options.stop.cancelled() => return None,
            }
            let answer = match self.fetcher.get(&self.url).await {
                Ok(bytes) => self.read(&bytes),
                Err(error) => Err(error.to_string()),
            };
            self.report.reloads += 1;
            match answer {
                Ok(playlist) => return Some(playlist),
                Err(reason) => {
                    self.report.failed_reloads += 1;
                    self.trouble(format!("playlist: {reason}"));
                }
            }
            if self.is_over(until) {
                return None;
            }
        }
    }

    fn join(&self, fresh: &mut Vec<Entry>, playlist: &MediaPlaylist) {
        if !playlist.ended && !self.options.from_start {
            fresh.drain(..fresh.len().saturating_sub(JOIN));
        }
    }

    fn is_over(&self, until: Instant) -> bool {
        Instant::now() >= until || self.options.stop.is_cancelled()
    }

    fn played_enough(&self) -> bool {
        let played: f64 = self.recording.segments.iter().map(|segment| segment.seconds).sum();
        self.options.seconds.is_some_and(|seconds| played >= f64::from(seconds))
    }

    fn note_wait(&mut self, newest_at: Instant, joined: bool) {
        if joined && self.recording.live {
            self.report.longest_wait_ms = self.report.longest_wait_ms.max(newest_at.elapsed().as_secs_f64() * 1e3);
        }
    }

    fn trouble(&mut self, what: String) {
        self.recording.trouble.get_or_insert(what);
    }

    async fn play(&mut self, entry: Entry, seen: u64, live: bool) -> Result<(), MeasureError> {
        self.last_seconds = entry.seconds;
        let mut played = PlayedSegment {
            number: entry.number,
            seen,
            live,
            discontinuity: entry.discontinuity,
            cue: entry.cue,
            date_time: entry.date_time,
            seconds: entry.seconds,
            ..Default::default()
        };
        if entry.gap {
            self.report.gap_entries += 1;
        } else {
            match self.fetch(&entry).await {
                Ok((init, bytes)) => {
                    played.fetched = MediaTime::from_system(std::time::SystemTime::now()).as_nanos();
                    self.options.progress.segments.fetch_add(1, Ordering::Relaxed);
                    played.media = self.decode(init, bytes, &entry).await?;
                }
                Err(error) => {
                    match error {
                        FetchError::Missing => self.report.missing_segments += 1,
                        _ => self.report.failed_segments += 1,
                    }
                    self.trouble(format!("{}: {error}", entry.url));
                }
            }
        }
        self.recording.segments.push(played);
        Ok(())
    }

    /// The segment and its initialisation segment, which is fetched again after a discontinuity: a restarted encoder
    /// may have put another one in its place.
    async fn fetch(&mut self, entry: &Entry) -> Result<(Bytes, Bytes), FetchError> {
        let map = entry.map.clone().unwrap_or_else(|| entry.url.clone());
        let init = match &self.init {
            Some((known, bytes)) if *known == map && !entry.discontinuity => bytes.clone(),
            _ => {
                let bytes = self.fetcher.get(&map).await?;
                self.init = Some((map, bytes.clone()));
                bytes
            }
        };
        let mut attempts = 1;
        loop {
            match self.fetcher.get(&entry.url).await {
                // Players try again, too, unless they are told that it is not there.
                Err(FetchError::Refused(_) | FetchError::Broken(_)) if attempts < ATTEMPTS => attempts += 1,
                Err(error) => return Err(error),
                Ok(bytes) => return Ok((init, bytes)),
            }
            tokio::time::sleep(POLL * 2).await;
        }
    }

    async fn decode(&mut self, init: Bytes, bytes: Bytes, entry: &Entry) -> Result<Option<(u64, u64)>, MeasureError> {
        let Some(mut deck) = self.deck.take() else { return Ok(None) };
        let index = self.recording.segments.len();
        let task = tokio::task::spawn_blocking(move || {
            let outcome = deck.load(&init).and_then(|()| deck.play(index, &bytes));
            if matches!(outcome, Err(DeckError::Decode(_))) {
                deck.reset();
            }
            (deck, outcome)
        });
        let (deck, outcome) = task.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        self.deck = Some(deck);
        match outcome {
            Ok(played) => {
                self.report.truncated_segments += u64::from(played.cut > 0);
                Ok(Some(played.media))
            }
            Err(DeckError::Decode(
                error @ (crate::media::decode::DecodeError::Missing { .. }
                | crate::media::decode::DecodeError::Start { .. }),
            )) => Err(error.into()),
            Err(error) => {
                self.report.unreadable_segments += 1;
                self.trouble(format!("{}: {error}", entry.url));
                Ok(None)
            }
        }
    }

    async fn finish(mut self) -> Result<Recording, MeasureError> {
        if let Some(deck) = self.deck.take()
            && let Ok((pictures, sound, drained)) = tokio::task::spawn_blocking(move || deck.finish()).await
        {
            self.recording.pictures = pictures;
            self.recording.sound = sound;
            if let Err(error) = drained {
                self.trouble(error.to_string());
            }
        }
        self.recording.playlist = Some(self.report);
        self.recording.jumps = self.continuity.jumps;
        Ok(self.recording)
    }
}

/// Fetches `url`, again and again while it cannot be had, but not longer than `patience`.
pub(crate) async fn patient(fetcher: &Fetcher, url: &Url, patience: Duration) -> Result<Bytes, MeasureError> {
    let until = Instant::now() + patience;
    loop {
        match fetcher.get(url).await {
            Ok(bytes) => return Ok(bytes),
            Err(error) if Instant::now() + POLL >= until => {
                return Err(MeasureError::Unreachable { url: url.to_string(), reason: error.to_string() });
            }
            Err(_) => tokio::time::sleep(POLL).await,
        }
    }
}
