//! The sound of a source by itself, whatever the program does with it: mapped to the program's channels, before gain,
//! mute and fade.

use crate::media::sound::Strip;
use crate::media::source::Source;
use crate::model::{AudioFormat, MediaTime, SourceId};
use crate::plan::{ChannelPlan, SoundPlan};

/// See the module.
pub(super) struct Isolator {
    format: AudioFormat,
    plan: SoundPlan,
    strips: Vec<(SourceId, Strip)>,
    /// What a feed gave, kept to spare an allocation.
    taken: Vec<f32>,
}

impl Isolator {
    pub(super) fn new(plan: &ChannelPlan) -> Self {
        Self { format: plan.program.audio, plan: plan.sound.clone(), strips: Vec::new(), taken: Vec::new() }
    }

    /// Sources are mapped as `plan` says from now on.
    pub(super) fn replan(&mut self, plan: SoundPlan) {
        self.strips.clear();
        self.plan = plan;
    }

    /// `frames` sample frames of the source from `at` on, interleaved, F32LE.
    pub(super) fn sound(&mut self, source: &Source, at: MediaTime, frames: usize) -> Vec<u8> {
        let id = &source.plan().id;
        let place = self.strips.iter().position(|(known, _)| known == id).unwrap_or_else(|| {
            let map = self.plan.sources.get(id).and_then(|sound| sound.map.clone());
            let mut strip = Strip::new(map, self.plan.layout, self.format.channels, self.format.sample_rate, 1.0);
            strip.fade(1.0, 1);
            self.strips.push((id.clone(), strip));
            self.strips.len() - 1
        });
        let mut sound = vec![0.0f32; frames * usize::from(self.format.channels)];
        let arriving = source.feed().take_sound_alone(at, frames, &mut self.taken);
        if let Some((_, strip)) = self.strips.get_mut(place) {
            strip.add(arriving, &self.taken, &mut sound);
        }
        sound.iter().flat_map(|sample| sample.to_le_bytes()).collect()
    }
}
