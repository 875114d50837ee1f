//! Rules between the keys of a stream class: what a broadcast engineer would object to.

use super::h264_level;
use crate::config::Findings;
use crate::document::{Placed, Section, Spot};
use crate::model::sound::{ChannelMap, MapTerm};
use crate::model::{BitRate, FrameRate, PartPace, PictureSize};

pub(crate) fn check(class: &Section<'_>, findings: &mut Findings) {
    let (video, audio) = (class.tables("video"), class.tables("audio"));
    unique(&video, &audio, findings);
    ladder(&video, findings);
    if let Some(program) = class.table("program") {
        pictures(&program, &video, findings);
    }
    if let Some(fallback) = class.table("fallback") {
        slate_text(&fallback, findings);
    }
    sound(class, &audio, findings);
    captions(class, &video, &audio, findings);
    timing(class, findings);
    parts(class, findings);
    envelope(class, &video, &audio, findings);
}

/// A slate's text may hold `{title}` and no other placeholder.
pub(crate) fn slate_text(section: &Section<'_>, findings: &mut Findings) {
    let Some(text) = section.get::<String>("slate_text") else { return };
    for unknown in crate::profile::placeholders(&text.value).into_iter().filter(|name| *name != "title") {
        findings.faults.add(&text.spot, format!("`{{{unknown}}}` is no placeholder"), "write {title} for the title");
    }
}

fn unique(video: &[Section<'_>], audio: &[Section<'_>], findings: &mut Findings) {
    for key in ["id", "name"] {
        let sections = video.iter().filter(|_| key == "id").chain(audio);
        let mut seen: Vec<Placed<String>> = Vec::new();
        for name in sections.filter_map(|section| section.get::<String>(key)) {
            match seen.iter().find(|earlier| earlier.value == name.value) {
                Some(earlier) => {
                    let rule = format!("is also the {key} of the rendition at {}", earlier.spot.position());
                    findings.faults.add(&name.spot, rule, "give each rendition its own");
                }
                None => seen.push(name),
            }
        }
    }
}

fn ladder(video: &[Section<'_>], findings: &mut Findings) {
    // Each codec is a ladder of its own.
    for (n, section) in video.iter().enumerate() {
        let above = above(video, n).and_then(|above| above.get::<BitRate>("bitrate"));
        if let (Some(above), Some(below)) = (above, section.get::<BitRate>("bitrate"))
            && below.value >= above.value
        {
            let rule = format!("must be below the bit rate of the rendition before it ({})", above.value);
            findings.faults.add(&below.spot, rule, "write the ladder from best to worst");
        }
    }
    for section in video {
        let (Some(average), Some(peak)) = (section.get::<BitRate>("bitrate"), section.get::<BitRate>("max_bitrate"))
        else {
            continue;
        };
        if peak.value < average.value {
            let rule = format!("must not be below `bitrate` ({})", average.value);
            findings.faults.add(&peak.spot, rule, "raise it, 1.2 to 1.5 times `bitrate` is usual");
        }
        if average.value.bps() < 50_000 {
            findings.faults.add(&average.spot, "is no bit rate for a picture: at least 50 kbit/s", "raise it");
        }
    }
}

/// The rendition of the same codec before this one.
fn above<'a, 'b>(video: &'a [Section<'b>], n: usize) -> Option<&'a Section<'b>> {
    let codec = |section: &Section<'_>| section.value::<String>("codec");
    video[..n].iter().rfind(|above| codec(above) == codec(&video[n]))
}

fn pictures(program: &Section<'_>, video: &[Section<'_>], findings: &mut Findings) {
    let (Some(full), Some(rate)) = (program.get::<PictureSize>("size"), program.get::<FrameRate>("frame_rate")) else {
        return;
    };
    for (n, section) in video.iter().enumerate() {
        let previous = above(video, n).and_then(|above| above.value::<PictureSize>("size"));
        let Some(size) = section.get::<PictureSize>("size") else { continue };
        if size.value.width() > full.value.width() || size.value.height() > full.value.height() {
            let rule = format!("must not be larger than the program ({})", full.value);
            findings.faults.add(&size.spot, rule, "shrink it, or enlarge the program");
        }
        let ratio = |size: PictureSize| f64::from(size.width()) / f64::from(size.height());
        if (ratio(size.value) / ratio(full.value) - 1.0).abs() > 0.02 {
            let rule = format!("has another shape than the program ({})", full.value);
            findings.warnings.add(&size.spot, rule, "keep the aspect ratio, else the picture is distorted");
        }
        if previous.is_some_and(|above| size.value.width() > above.width()) {
            findings.faults.add(
                &size.spot,
                "must not be larger than the rendition before it",
                "write the ladder from best to worst",
            );
        }
        if section.value::<String>("codec").is_some_and(|codec| codec != "h264") {
            continue;
        }
        let (Some(peak), Some(profile)) =
            (section.get::<BitRate>("max_bitrate"), section.value::<String>("h264_profile"))
        else {
            continue;
        };
        if h264_level::lowest(size.value, rate.value, peak.value, &profile).is_none() {
            let rule =
                format!("{} at {} frames/s and {} exceeds every H.264 level", size.value, rate.value, peak.value);
            findings.faults.add(&size.spot, rule, "shrink the picture or lower frame rate or `max_bitrate`");
        }
    }
}

fn sound(class: &Section<'_>, audio: &[Section<'_>], findings: &mut Findings) {
    for section in audio {
        if let Some(rate) = section.get::<BitRate>("bitrate")
            && !(16_000..=512_000).contains(&rate.value.bps())
        {
            findings.faults.add(&rate.spot, "must be 16k to 512k (AAC-LC)", "128k is usual for stereo");
        }
    }
    if class.is_empty("audio") {
        findings.faults.add(&class.spot("audio"), "is empty", "add [[audio]]");
    }
    let Some(policy) = class.table("audio_policy") else { return };
    if let Some(rate) = policy.get::<u32>("sample_rate")
        && ![44_100, 48_000].contains(&rate.value)
    {
        findings.faults.add(&rate.spot, "must be 48000 or 44100", "write 48000, as broadcast does");
    }
    let (Some(map), Some(channels)) = (policy.get::<String>("channel_map"), policy.value::<u32>("channels")) else {
        return;
    };
    let fits = match map.value.as_str() {
        "mono" => (channels == 1, "channels = 1"),
        "stereo" => (channels == 2, "channels = 2"),
        "5.1" => (channels == 6, "channels = 6"),
        _ => (channels >= 4 && channels.is_multiple_of(2), "an even number of channels from 4 to 16"),
    };
    if !fits.0 {
        findings.faults.add(&map.spot, format!("needs {}", fits.1), "change `channels` or `channel_map`");
        return;
    }
    audio.iter().for_each(|section| rendition_map(section, channels, findings));
}

/// Captions need pictures to be in, and a name of their own.
fn captions(class: &Section<'_>, video: &[Section<'_>], audio: &[Section<'_>], findings: &mut Findings) {
    let Some(captions) = class.table("captions").filter(|_| class.has("captions")) else { return };
    if video.is_empty() {
        let fix = "remove the table, or add [[video]]";
        findings.faults.add(&class.spot("captions"), "captions need pictures that carry them", fix);
    }
    if let Some(id) = captions.get::<String>("id")
        && let Some(other) = video
            .iter()
            .chain(audio)
            .filter_map(|section| section.get::<String>("id"))
            .find(|other| other.value == id.value)
    {
        let rule = format!("is also the id of the rendition at {}", other.spot.position());
        findings.faults.add(&id.spot, rule, "give each rendition its own");
    }
    for codec in video.iter().filter_map(|section| section.get::<String>("codec")).filter(|codec| codec.value == "av1")
    {
        let rule = "pictures of this codec carry no CEA-608 or CEA-708 captions here, although `captions` tells players of them";
        let fix = match captions.value::<bool>("webvtt") {
            Some(false) => "use h264 or hevc, or set captions.webvtt = true for a WebVTT rendition",
            _ => "use h264 or hevc if its players need them; others have the WebVTT rendition",
        };
        findings.warnings.add(&codec.spot, rule, fix);
    }
}

/// What an AAC rendition can carry of a program with so many channels.
fn rendition_map(section: &Section<'_>, channels: u32, findings: &mut Findings) {
    if !section.has("map") {
        if ![1, 2, 6].contains(&channels) {
            let rule = format!("must say which of the program's {channels} channels it carries");
            findings.faults.add(&section.spot("map"), rule, "write map = [\"1\", \"2\"] for the first pair");
        }
        return;
    }
    let rows = map_rows(section, findings);
    if ![1, 2, 6].contains(&rows.len()) && !rows.is_empty() {
        let rule = format!("makes {} channels; a rendition has 1, 2 or 6 (5.1)", rows.len());
        findings.faults.add(&section.spot("map"), rule, "write one text per channel of the rendition");
    }
    for (row, spot) in rows {
        if let Some(term) = row.iter().find(|term| u32::from(term.channel) > channels) {
            let rule = format!("names channel {} of a program with {channels}", term.channel);
            findings.faults.add(&spot, rule, "name a channel that the program has");
        }
    }
}

/// The rows of a channel map that can be read; the others are faults.
pub(crate) fn map_rows(section: &Section<'_>, findings: &mut Findings) -> Vec<(Vec<MapTerm>, Spot)> {
    if section.is_empty("map") {
        findings.faults.add(&section.spot("map"), "is empty", "write one text per channel, or remove it");
    }
    let mut rows = Vec::new();
    for row in section.list::<String>("map") {
        match ChannelMap::parse_row(&row.value) {
            Ok(terms) => rows.push((terms, row.spot)),
            Err(rule) => findings.faults.add(&row.spot, rule, "write \"1\", \"1@-6 + 2@-6\", or \"-\" for silence"),
        }
    }
    rows
}

/// x264 and its kin need room for a key frame; without it a segment may exceed its peak.
fn headroom(video: &[Section<'_>], segment_ms: u32, findings: &mut Findings) {
    for section in video {
        let (Some(average), Some(peak)) = (section.value::<BitRate>("bitrate"), section.get::<BitRate>("max_bitrate"))
        else {
            continue;
        };
        let room = peak.value.bps().saturating_sub(average.bps()) * u64::from(segment_ms) / average.bps().max(1);
        if peak.value >= average && room < 300 {
            let rule = format!("leaves {room} ms of `bitrate` for key frames; below 300 ms a segment may exceed it");
            findings.warnings.add(&peak.spot, rule, "raise it, 1.2 to 1.5 times `bitrate` is usual");
        }
    }
}

fn timing(class: &Section<'_>, findings: &mut Findings) {
    let duration = class.table("segments").and_then(|segments| segments.get::<u32>("duration_ms"));
    let rate = class.table("program").and_then(|program| program.get::<FrameRate>("frame_rate"));
    if let (Some(duration), Some(rate)) = (&duration, rate) {
        headroom(&class.tables("video"), duration.value, findings);
        let frames = u64::from(duration.value) * u64::from(rate.value.num());
        if !frames.is_multiple_of(1000 * u64::from(rate.value.den())) {
            let rule = format!("gives segments of {} ms no whole number of frames", duration.value);
            findings.warnings.add(
                &rate.spot,
                rule,
                "segments vary by a frame; correct, but choose a whole rate if you can",
            );
        }
    }
    if let Some(duration) = &duration
        && !3_600_000_u32.is_multiple_of(duration.value)
    {
        findings.faults.add(&duration.spot, "must divide an hour without remainder", "1000 and 2000 are usual");
    }
    let gop = class.table("gop").and_then(|gop| gop.get::<u32>("duration_ms"));
    if let (Some(gop), Some(duration)) = (gop, &duration)
        && gop.value != duration.value
    {
        let rule = format!("must equal the duration of a segment ({} ms): one closed GOP per segment", duration.value);
        findings.faults.add(&gop.spot, rule, format!("write {}", duration.value));
    }
    let Some(thresholds) = class.table("thresholds") else { return };
    if let (Some(warn), Some(alarm)) =
        (thresholds.get::<u32>("backlog_warn_s"), thresholds.get::<u32>("backlog_alarm_s"))
        && alarm.value <= warn.value
    {
        let at = if thresholds.has("backlog_alarm_s") { &alarm.spot } else { &warn.spot };
        let rule = format!("backlog_alarm_s ({}) must be more than backlog_warn_s ({})", alarm.value, warn.value);
        findings.faults.add(at, rule, "warn first, alarm later");
    }
    if let (Some(stall), Some(duration)) = (thresholds.get::<u32>("stall_ms"), duration)
        && stall.value <= duration.value
    {
        let rule = format!("must be more than a segment ({} ms), else a healthy worker is killed", duration.value);
        findings.faults.add(&stall.spot, rule, "4000 is usual");
    }
}

/// What low latency asks of parts (rfc8216bis 4.4.3.7, 4.4.4.9).
fn parts(class: &Section<'_>, findings: &mut Findings) {
    let Some(segments) = class.table("segments") else { return };
    let Some(part) = segments.get::<u32>("part_ms") else { return };
    if segments.value::<u32>("duration_ms").is_some_and(|duration| part.value * 2 > duration) {
        let fix = "write 200 for segments of 1 s, 300 to 500 for longer ones";
        findings.faults.add(&part.spot, "must not be more than half a segment", fix);
    }
    if segments.value::<u32>("playlist_segments").is_some_and(|count| count < 6) {
        let at = segments.spot("playlist_segments");
        findings.faults.add(&at, "must be at least 6 with parts, else players have nothing to fall back to", "write 8");
    }
    let rate = class.table("program").and_then(|program| program.value::<FrameRate>("frame_rate"));
    let sound = class.table("audio_policy").and_then(|policy| policy.value::<u32>("sample_rate"));
    if let (Some(rate), Some(sound), Some(pace)) = (rate, sound, PartPace::new(part.value))
        && !pace.is_even(rate, sound)
    {
        let (pictures, frames) = (pace.pictures(rate), pace.aac_frames(sound));
        let rule =
            format!("makes parts of {pictures} pictures and of {frames} AAC frames, which differ by more than 15 %");
        findings.faults.add(&part.spot, rule, "choose a multiple of the duration of a picture, such as 240");
    }
}

fn envelope(class: &Section<'_>, video: &[Section<'_>], audio: &[Section<'_>], findings: &mut Findings) {
    let Some(envelope) = class.table("envelope") else { return };
    let sum = |key: &str, sections: &[Section<'_>]| -> Option<u64> {
        sections.iter().map(|section| section.value::<BitRate>(key).map(BitRate::bps)).sum()
    };
    let sound = sum("bitrate", audio);
    let total = |key: &str| sum(key, video)?.checked_add(sound?).map(BitRate);
    if let (Some(least), Some(average)) = (envelope.get::<BitRate>("min"), total("bitrate"))
        && average < least.value
    {
        let rule = format!("the renditions together average {average}, which is below the envelope");
        findings.faults.add(&least.spot, rule, "lower the envelope or raise the ladder");
    }
    if let (Some(most), Some(peak)) = (envelope.get::<BitRate>("max"), total("max_bitrate"))
        && peak > most.value
    {
        let rule = format!("the renditions together peak at {peak}, which is above the envelope");
        findings.faults.add(&most.spot, rule, "raise the envelope or lower the ladder");
    }
}
