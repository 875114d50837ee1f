//! One stream class file → [`StreamClass`], with every fault.

use super::{
    AudioPolicy, AudioRendition, Fallback, STREAM_CLASS, StreamClass, Thresholds, VideoRendition, rules, signal,
};
use crate::config::Findings;
use crate::document::{Section, Source};
use crate::model::{AudioFormat, Lufs, ProgramFormat, RenditionId, SegmentGrid};

/// Reads and checks one file; `stem` is its name without extension.
pub fn read(source: &Source, stem: &str, findings: &mut Findings) -> Option<StreamClass> {
    let root = source.parse(&mut findings.faults)?;
    let section = Section::check(source, root.get_ref(), &STREAM_CLASS, &mut findings.faults);
    if let Some(name) = section.get::<String>("name").filter(|name| name.value != stem) {
        let fix = format!("write \"{stem}\" or rename the file");
        findings.faults.add(&name.spot, "must equal the name of the file", fix);
    }
    rules::check(&section, findings);
    build(&section)
}

/// None if anything that is needed is missing or faulty, which the check has recorded.
fn build(section: &Section<'_>) -> Option<StreamClass> {
    let (program, sound) = (section.table("program")?, section.table("audio_policy")?);
    let (segments, fallback) = (section.table("segments")?, section.table("fallback")?);
    let video: Vec<_> = section.tables("video").iter().map(video_rendition).collect();
    let audio: Vec<_> = section.tables("audio").iter().map(audio_rendition).collect();
    Some(StreamClass {
        name: section.value("name")?,
        version: section.value("version")?,
        owner: section.value("owner")?,
        description: section.value("description")?,
        program: ProgramFormat {
            size: program.value("size")?,
            frame_rate: program.value("frame_rate")?,
            audio: AudioFormat {
                sample_rate: sound.value("sample_rate")?,
                channels: sound.value::<u32>("channels")?.try_into().ok()?,
            },
        },
        segments: SegmentGrid::new(segments.value("duration_ms")?)?,
        playlist_segments: segments.value("playlist_segments")?,
        video: video.into_iter().collect::<Option<_>>()?,
        audio: audio.into_iter().collect::<Option<_>>()?,
        audio_policy: AudioPolicy {
            channel_map: sound.value("channel_map")?,
            loudness_target: Lufs(sound.value("loudness_target")?),
            true_peak_max: sound.value("true_peak_max")?,
        },
        fallback: Fallback {
            slate_text: fallback.value("slate_text")?,
            loss_ms: fallback.value("loss_ms")?,
            wait_to_restore_ms: fallback.value("wait_to_restore_ms")?,
        },
        failover: signal::failover(&section.table("failover")?, &fallback)?,
        thresholds: thresholds(&section.table("thresholds")?)?,
        signal: signal::thresholds(&section.table("thresholds")?)?,
    })
}

fn thresholds(section: &Section<'_>) -> Option<Thresholds> {
    Some(Thresholds {
        stall_ms: section.value("stall_ms")?,
        backlog_warn_s: section.value("backlog_warn_s")?,
        backlog_alarm_s: section.value("backlog_alarm_s")?,
        bitrate_min_percent: section.value("bitrate_min_percent")?,
        bitrate_max_percent: section.value("bitrate_max_percent")?,
    })
}

fn video_rendition(section: &Section<'_>) -> Option<VideoRendition> {
    Some(VideoRendition {
        id: RenditionId::new(section.value::<String>("id")?).ok()?,
        size: section.value("size")?,
        bitrate: section.value("bitrate")?,
        max_bitrate: section.value("max_bitrate")?,
        h264_profile: section.value("h264_profile")?,
        effort: section.value("effort")?,
    })
}

fn audio_rendition(section: &Section<'_>) -> Option<AudioRendition> {
    Some(AudioRendition {
        id: RenditionId::new(section.value::<String>("id")?).ok()?,
        name: section.value("name")?,
        language: section.value("language"),
        bitrate: section.value("bitrate")?,
    })
}
