//! What is recorded beside the program: `record` of a recording, `[channels.<id>.clean_feed]` and `[channels.<id>.iso]`.

use super::Findings;
use super::checked::{Companion, Destination, DestinationKind, Record, SourceKind};
use super::keys::key;
use super::stream_class::{StreamClass, VideoRendition};
use crate::document::{Key, Kind, Need, Placed, Section, Shape, suggestion};
use crate::model::{BitRate, PictureSize, RecordedOf, RenditionId, SourceId, VideoCodec};
use crate::profile::EFFORTS;

/// A name of a source gets `iso-` in front and `-sound` behind it.
const LONGEST_SOURCE: usize = 50;

static WHAT: Kind = Kind::Text(80);

pub(super) const RECORD: Key = key(
    "record",
    Kind::List(&WHAT),
    Need::Optional,
    "What is recorded, each as a recording of its own: `program` (so it is if missing), `clean` (the program without \
     graphics), `source:<id>` (that source by itself, on air or not) and `sources` (every source of the channel). All \
     but `program` cost an encoder each, for as long as the channel is on air",
);

pub(super) static CLEAN_FEED: Shape = Shape::plain(
    "How the program without graphics is encoded (H.264), where a destination records it.",
    &[SIZE, BITRATE, EFFORT, SOUND],
);

pub(super) static ISO: Shape = Shape::plain(
    "How each source is encoded by itself (H.264), where a destination records it. Its picture is the one that the \
     program would show of it, its sound that before gain, mute and fade.",
    &[SIZE, BITRATE, EFFORT, SOUND],
);

const SIZE: Key = key(
    "size",
    Kind::Size,
    Need::Optional,
    "Picture size, not larger than the program; that of the program if missing",
);
const BITRATE: Key = key(
    "bitrate",
    Kind::BitRate,
    Need::Optional,
    "Average bit rate; if missing, 1.5 times that of the best rendition for as many pixels",
);
const EFFORT: Key = key("effort", Kind::Word(EFFORTS), Need::Default("\"low\""), "Picture quality against load");
const SOUND: Key = key("sound_bitrate", Kind::BitRate, Need::Default("\"192k\""), "Bit rate of the sound (AAC)");

/// What a recording destination records; the program if it does not say.
pub(super) fn record(section: &Section<'_>, findings: &mut Findings) -> Option<Vec<Record>> {
    let written = section.list::<String>("record");
    if !section.has("record") {
        return Some(vec![Record::Of(RecordedOf::Program)]);
    }
    if section.is_empty("record") {
        findings.faults.add(&section.spot("record"), "names nothing", "write [\"program\"], or remove it");
        return None;
    }
    let mut all: Vec<Record> = Vec::new();
    for Placed { value, spot } in written {
        let read = if value == "sources" { Ok(Record::Sources) } else { value.parse().map(Record::Of) };
        match read {
            Ok(one) if all.contains(&one) => findings.faults.add(&spot, "is named twice", "remove one"),
            Ok(one) => all.push(one),
            Err(_) => {
                let fix = "write one of program, clean, sources and source:<id>";
                findings.faults.add(&spot, "is nothing that can be recorded", fix);
                return None;
            }
        }
    }
    Some(all)
}

/// Sources of a channel, as far as they are known.
pub(super) struct Sources<'a> {
    /// As the configuration names them.
    pub(super) named: &'a [Placed<String>],
    /// As they are used: another one may have been put in their place for this run.
    pub(super) used: &'a [Placed<super::checked::Source>],
}

/// What the destinations of a channel record beside its program, each once.
pub(super) fn read(
    section: &Section<'_>,
    class: &StreamClass,
    sources: &Sources<'_>,
    destinations: &[Placed<Destination>],
    findings: &mut Findings,
) -> Option<Vec<Companion>> {
    let mut wanted: Vec<(RecordedOf, &Placed<Destination>)> = Vec::new();
    let mut want = |of: RecordedOf, placed| {
        if !of.is_program() && !wanted.iter().any(|(known, _)| *known == of) {
            wanted.push((of, placed));
        }
    };
    for placed in destinations {
        let Some(DestinationKind::Recording(recorded)) = placed.value.endpoints.first() else { continue };
        for record in &recorded.record {
            match record {
                Record::Of(RecordedOf::Source(source)) if !known(source, sources, placed, findings) => {}
                Record::Of(of) => want(of.clone(), placed),
                Record::Sources => {
                    sources.used.iter().for_each(|one| want(RecordedOf::Source(one.value.id.clone()), placed));
                }
            }
        }
    }
    let (clean, iso) = (section.table("clean_feed")?, section.table("iso")?);
    let mut companions = Vec::new();
    for (of, placed) in wanted {
        let setting = if of == RecordedOf::Clean { &clean } else { &iso };
        companions.extend(companion(of, setting, class, sources, placed, findings));
    }
    Some(companions)
}

/// Whether the channel has the source. One that stands for another during this run is recorded by its own name only.
fn known(source: &SourceId, sources: &Sources<'_>, placed: &Placed<Destination>, findings: &mut Findings) -> bool {
    if sources.used.iter().any(|one| one.value.id == *source) {
        return true;
    }
    let named: Vec<&str> = sources.named.iter().map(|one| one.value.as_str()).collect();
    if !named.contains(&source.as_str()) {
        let rule = format!("records the source `{source}`, which the channel does not have");
        findings.faults.add(&placed.spot, rule, suggestion(source.as_str(), &named));
    }
    false
}

fn companion(
    of: RecordedOf,
    setting: &Section<'_>,
    class: &StreamClass,
    sources: &Sources<'_>,
    placed: &Placed<Destination>,
    findings: &mut Findings,
) -> Option<Companion> {
    let slug = of.slug()?;
    if let RecordedOf::Source(source) = &of
        && source.as_str().len() > LONGEST_SOURCE
    {
        let rule = format!("records the source `{source}`, whose name is too long for that");
        findings.faults.add(&placed.spot, rule, format!("use at most {LONGEST_SOURCE} characters"));
        return None;
    }
    let (id, sound) = (RenditionId::new(slug.clone()).ok()?, RenditionId::new(format!("{slug}-sound")).ok()?);
    let taken =
        |id: &RenditionId| class.video.iter().any(|one| one.id == *id) || class.audio.iter().any(|one| one.id == *id);
    if taken(&id) || taken(&sound) {
        let rule =
            format!("records `{of}`, which would be called `{slug}`, and {} has a rendition of that name", class.name);
        findings.faults.add(&placed.spot, rule, "rename the rendition in the stream class");
        return None;
    }
    let heard = |source: &SourceId| {
        let kind = sources.used.iter().find(|one| one.value.id == *source).map(|one| &one.value.kind);
        matches!(kind, Some(SourceKind::Alsa { .. }))
    };
    let pictures = !class.video.is_empty() && !matches!(&of, RecordedOf::Source(source) if heard(source));
    let video = if pictures { Some(pictures_of(id, setting, class, findings)?) } else { None };
    Some(Companion { of, video, sound, sound_bitrate: setting.value("sound_bitrate")? })
}

fn pictures_of(
    id: RenditionId,
    setting: &Section<'_>,
    class: &StreamClass,
    findings: &mut Findings,
) -> Option<VideoRendition> {
    let program = class.program.size;
    let size = setting.get::<PictureSize>("size");
    if let Some(size) =
        size.as_ref().filter(|size| size.value.width() > program.width() || size.value.height() > program.height())
    {
        let rule = format!("is larger than the program of {} ({program})", class.name);
        findings.faults.add(&size.spot, rule, "make it no larger than the program, or leave it out");
        return None;
    }
    let size = size.map_or(program, |size| size.value);
    let bitrate = setting.value::<BitRate>("bitrate").unwrap_or_else(|| usual(class, size));
    let h264 = class.video.iter().find(|one| one.codec == VideoCodec::H264);
    Some(VideoRendition {
        id,
        size,
        bitrate,
        max_bitrate: BitRate(bitrate.bps() * 3 / 2),
        codec: VideoCodec::H264,
        h264_profile: h264.map_or_else(|| "high".to_owned(), |one| one.h264_profile.clone()),
        effort: setting.value("effort")?,
        latency: "low".to_owned(),
    })
}

/// Whoever edits a recording encodes it once more.
fn usual(class: &StreamClass, size: PictureSize) -> BitRate {
    let pixels = |size: PictureSize| f64::from(size.width()) * f64::from(size.height());
    let best = class.video.iter().max_by_key(|one| one.bitrate.bps());
    let rate = best.map_or(0.0, |best| best.bitrate.bps() as f64 / pixels(best.size) * pixels(size));
    BitRate(((rate * 1.5 / 1000.0).round() as u64 * 1000).max(100_000))
}
