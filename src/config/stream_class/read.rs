//! One stream class file → [`StreamClass`], with every fault.

use super::{
    AudioPolicy, AudioRendition, Captions, Fallback, STREAM_CLASS, SoundAlarms, StreamClass, Thresholds,
    VideoRendition, rules, signal,
};
use crate::config::Findings;
use crate::document::{Section, Source};
use crate::model::sound::{ChannelMap, SoundLayout};
use crate::model::{AudioFormat, Lufs, OnSlate, PartPace, ProgramFormat, RenditionId, SegmentGrid, VideoCodec};

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
        parts: segments.value("part_ms").and_then(PartPace::new),
        video: video.into_iter().collect::<Option<_>>()?,
        audio: audio.into_iter().collect::<Option<_>>()?,
        captions: match section.has("captions") {
            true => Some(captions(&section.table("captions")?)?),
            false => None,
        },
        audio_policy: audio_policy(&sound)?,
        fallback: Fallback {
            slate_text: fallback.value("slate_text")?,
            loss_ms: fallback.value("loss_ms")?,
            wait_to_restore_ms: fallback.value("wait_to_restore_ms")?,
        },
        on_slate: on_slate(&section.table("destination_policy")?)?,
        failover: signal::failover(&section.table("failover")?, &fallback)?,
        sound_alarms: sound_alarms(&section.table("sound_alarms")?)?,
        thresholds: thresholds(&section.table("thresholds")?)?,
        signal: signal::thresholds(&section.table("thresholds")?)?,
    })
}

/// What a destination gets while the program is on slate, as a table says; none if it does not.
pub(crate) fn on_slate(section: &Section<'_>) -> Option<OnSlate> {
    Some(match section.value::<String>("on_slate")?.as_str() {
        "pause" => OnSlate::Pause,
        _ => OnSlate::Emit,
    })
}

fn captions(section: &Section<'_>) -> Option<Captions> {
    let id = RenditionId::new(section.value::<String>("id")?).ok()?;
    Some(Captions {
        name: section.value("name")?,
        language: section.value("language"),
        webvtt: section.value::<bool>("webvtt")?.then_some(id),
    })
}

fn audio_policy(section: &Section<'_>) -> Option<AudioPolicy> {
    Some(AudioPolicy {
        layout: layout(&section.value::<String>("channel_map")?),
        loudness_target: Lufs(section.value("loudness_target")?),
        true_peak_max: section.value("true_peak_max")?,
        correction: section.value::<String>("correction")? == "on",
        max_gain_db: section.value("max_gain_db")?,
    })
}

fn layout(word: &str) -> SoundLayout {
    match word {
        "mono" => SoundLayout::Mono,
        "pairs" => SoundLayout::Pairs,
        "5.1" => SoundLayout::Surround,
        _ => SoundLayout::Stereo,
    }
}

fn sound_alarms(section: &Section<'_>) -> Option<SoundAlarms> {
    Some(SoundAlarms {
        silence_dbfs: section.value("silence_dbfs")?,
        silence_ms: section.value("silence_ms")?,
        phase_correlation: section.value("phase_correlation")?,
        phase_ms: section.value("phase_ms")?,
        missing_ms: section.value("missing_ms")?,
        clear_ms: section.value("clear_ms")?,
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
        codec: VideoCodec::from_word(&section.value::<String>("codec")?)?,
        h264_profile: section.value("h264_profile")?,
        effort: section.value("effort")?,
        latency: section.value("latency")?,
    })
}

fn audio_rendition(section: &Section<'_>) -> Option<AudioRendition> {
    Some(AudioRendition {
        id: RenditionId::new(section.value::<String>("id")?).ok()?,
        name: section.value("name")?,
        language: section.value("language"),
        bitrate: section.value("bitrate")?,
        map: map(section),
        loudness_target: section.value("loudness_target").map(Lufs),
    })
}

/// The channel map of a section that has been checked.
fn map(section: &Section<'_>) -> Option<ChannelMap> {
    let rows = section.list::<String>("map").into_iter().map(|row| ChannelMap::parse_row(&row.value).ok());
    section.has("map").then(|| rows.collect::<Option<_>>().map(ChannelMap::from_rows)).flatten()
}
