//! Sound of the program, by mix.

use std::time::Duration;

use crate::alarm::limits::ChannelLimits;
use crate::model::sound::{Loudness, LoudnessTarget, SoundFault};
use crate::model::status::WorkerReport;
use crate::model::{AlarmCode, AlarmPriority, ChannelId, MediaTime};
use crate::policy::Sighting;

/// So much programme has to be measured first.
const MEASURED: Duration = Duration::from_secs(300);

pub(super) fn see(
    channel: &ChannelId,
    report: &WorkerReport,
    limits: ChannelLimits,
    now: MediaTime,
    seen: &mut Vec<Sighting>,
) {
    for state in report.program.sound_states.iter().filter(|state| state.active) {
        let (code, priority, what) = match state.fault {
            SoundFault::Silence => (AlarmCode::SoundSilent, AlarmPriority::Warning, "no sound"),
            SoundFault::OverLevel => (AlarmCode::SoundOverLevel, AlarmPriority::Info, "true peaks above the limit"),
            SoundFault::PhaseInverted => {
                (AlarmCode::SoundPhaseInverted, AlarmPriority::Warning, "left and right cancel each other in mono")
            }
            SoundFault::ChannelMissing => {
                (AlarmCode::SoundChannelMissing, AlarmPriority::Warning, "one channel is silent, the others are not")
            }
        };
        let mix = mix(&state.channels);
        let sighting = Sighting::new(code, priority, format!("sound of channels {mix}: {what}"));
        // How long it has to last is the stream class's business.
        seen.push(sighting.of(channel).about(mix).since(state.since).lasting(0, 3));
    }
    let off = report.program.loudness.iter().filter_map(|mix| off_target(mix, limits.loudness_target?, now));
    seen.extend(off.map(|sighting| sighting.of(channel)));
}

fn off_target(loudness: &Loudness, target: f64, now: MediaTime) -> Option<Sighting> {
    let integrated = loudness.integrated.filter(|_| now.since(loudness.since) >= MEASURED)?;
    let off = LoudnessTarget::live(target).missed_by(integrated)?;
    let mix = mix(&loudness.channels);
    let reason =
        format!("sound of channels {mix}: {integrated:.1} LUFS integrated, {off:+.1} LU from the target of {target}");
    let sighting = Sighting::new(AlarmCode::LoudnessOffTarget, AlarmPriority::Warning, reason).about(mix);
    Some(sighting.lasting(60, 60))
}

fn mix(channels: &[u8]) -> String {
    channels.iter().map(u8::to_string).collect::<Vec<_>>().join("-")
}
