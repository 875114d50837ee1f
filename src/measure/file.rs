//! Measures a local media file. Timestamps are those that the demuxer and the decoders give out.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::deck::{Shared, locked};
use super::recording::{Frame, Packet, Pictures, Recording, SoundTrack};
use super::{MeasureError, Progress};
use crate::media::decode::play_file;

/// Plays `path` from start to end. Blocks.
pub(crate) fn play(path: &Path, progress: Arc<Progress>) -> Result<Recording, MeasureError> {
    let found = Shared::default();
    let packets: Arc<Mutex<SoundTrack>> = Arc::default();
    let (in_pictures, in_sound, in_packets) = (Arc::clone(&found), Arc::clone(&found), Arc::clone(&packets));
    play_file(
        path,
        move |picture| locked(&in_pictures).picture(picture, &progress),
        move |sound| {
            let mut track = in_packets.lock().unwrap_or_else(PoisonError::into_inner);
            track.rate = sound.rate;
            let duration = sound.samples.len() as u64 * 1_000_000_000 / u64::from(sound.rate.max(1));
            track.packets.push(Packet { pts: sound.pts, duration, segment: 0 });
            locked(&in_sound).sound(sound);
        },
    )?;
    let found = std::mem::take(&mut *locked(&found));
    let mut sound = std::mem::take(&mut *packets.lock().unwrap_or_else(PoisonError::into_inner));
    sound.decoded_samples = found.decoded_samples;
    sound.ticks = found.ticks;
    // The decoder hands pictures out in order of presentation; which of them were keyframes it does not say.
    let frames: Vec<Frame> =
        found.seen.iter().enumerate().map(|(i, seen)| Frame { pts: seen.pts, key: true, segment: i }).collect();
    let pictures = Pictures { width: found.size.0, height: found.size.1, frames, seen: found.seen };
    Ok(Recording {
        name: PathBuf::from(path.file_name().unwrap_or_default()).display().to_string(),
        pictures: (!pictures.frames.is_empty()).then_some(pictures),
        sound: (!sound.packets.is_empty()).then_some(sound),
        ..Default::default()
    })
}
