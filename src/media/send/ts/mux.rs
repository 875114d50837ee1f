//! The multiplexer: units of all tracks in, in the order of their decoding; packets out.

use std::time::Duration;

use super::elementary::{Adts, PictureSets};
use super::packet::{Adaptation, Pid};
use super::splices::Splices;
use super::tables::{self, Entry};
use crate::model::splice::ticks;
use crate::model::{Cued, MediaTime, VideoCodec};
use crate::plan::SpliceForm;

/// Tables come this often, and in front of every keyframe.
const TABLES: Duration = Duration::from_millis(100);
/// The name of the programme comes this often (ETSI TS 101 211: 2 s).
const SERVICE: Duration = Duration::from_secs(2);
/// AAC frames of so much sound share a PES packet: alone, a frame would fill the better part of two packets with
/// headers.
const SOUND_PES: Duration = Duration::from_millis(60);

const PAT_PID: u16 = 0x00;
const SDT_PID: u16 = 0x11;

/// What one programme consists of.
#[derive(Debug, Clone)]
pub(in crate::media::send) struct Layout {
    /// Name of the programme.
    pub name: String,
    /// `program_number`.
    pub program: u16,
    /// PID of the programme map.
    pub map_pid: u16,
    /// Tracks with their PIDs, pictures first.
    pub tracks: Vec<(u16, TrackKind)>,
    /// PID and form of splice information.
    pub splices: Option<(u16, SpliceForm)>,
    /// By how much clock references are behind the time of decoding: what a decoder buffers.
    pub lead: Duration,
}

/// One elementary stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::media::send) enum TrackKind {
    /// H.264 or HEVC.
    Picture(VideoCodec),
    /// AAC, with its language (BCP 47).
    Sound(Option<String>),
}

/// See the module's header.
pub(in crate::media::send) struct Mux {
    layout: Layout,
    tables: [(Pid, Vec<u8>); 2],
    service: (Pid, Vec<u8>),
    tracks: Vec<Track>,
    cues: Option<(Pid, SpliceForm, Splices)>,
    last_tables: Option<MediaTime>,
    last_service: Option<MediaTime>,
}

struct Track {
    pid: Pid,
    kind: TrackKind,
    config: Config,
    /// Sound that waits for its PES packet to be full, and when it begins and ends.
    sound: Vec<u8>,
    begins: MediaTime,
}

#[derive(Debug, Default)]
enum Config {
    #[default]
    Unknown,
    Pictures(PictureSets),
    Sound(Adts),
}

/// A unit as the multiplexer takes it.
pub(in crate::media::send) struct Unit<'a> {
    pub track: usize,
    pub pts: MediaTime,
    pub dts: MediaTime,
    pub duration: Duration,
    pub key: bool,
    pub data: &'a [u8],
}

impl Mux {
    pub(in crate::media::send) fn new(layout: Layout) -> Self {
        let stream_type = |kind: &TrackKind| match kind {
            TrackKind::Picture(VideoCodec::Hevc) => tables::HEVC,
            TrackKind::Picture(_) => tables::H264,
            TrackKind::Sound(_) => tables::AAC_ADTS,
        };
        let entry = |(pid, kind): &(u16, TrackKind)| Entry {
            stream_type: stream_type(kind),
            pid: *pid,
            language: if let TrackKind::Sound(language) = kind { language.clone() } else { None },
        };
        let cues =
            layout.splices.iter().map(|(pid, _)| Entry { stream_type: tables::SPLICES, pid: *pid, language: None });
        let entries: Vec<Entry> = layout.tracks.iter().map(entry).chain(cues).collect();
        // The first track carries the clock.
        let clock = layout.tracks.first().map_or(0x1fff, |(pid, _)| *pid);
        let map = tables::map(layout.program, clock, &entries);
        let association = tables::association(layout.program, layout.map_pid);
        let track = |(pid, kind): &(u16, TrackKind)| Track {
            pid: Pid::new(*pid),
            kind: kind.clone(),
            config: Config::default(),
            sound: Vec::new(),
            begins: MediaTime::default(),
        };
        Self {
            tables: [(Pid::new(PAT_PID), association), (Pid::new(layout.map_pid), map)],
            service: (Pid::new(SDT_PID), tables::service(layout.program, &layout.name)),
            tracks: layout.tracks.iter().map(track).collect(),
            cues: layout.splices.map(|(pid, form)| (Pid::new(pid), form, Splices::default())),
            last_tables: None,
            last_service: None,
            layout,
        }
    }

    /// Takes over the parameter sets of a track; false where they are not understood.
    pub(in crate::media::send) fn configure(&mut self, track: usize, data: &[u8]) -> bool {
        let Some(track) = self.tracks.get_mut(track) else { return false };
        let config = match &track.kind {
            TrackKind::Picture(VideoCodec::Hevc) => PictureSets::hevc(data).map(Config::Pictures),
            TrackKind::Picture(_) => PictureSets::avc(data).map(Config::Pictures),
            TrackKind::Sound(_) => Adts::new(data).map(Config::Sound),
        };
        let understood = config.is_some();
        track.config = config.unwrap_or_default();
        understood
    }

    /// Packets of one unit, with the tables and cues that are due in front of it. None for a unit that is not what its
    /// track was configured for.
    pub(in crate::media::send) fn put(&mut self, unit: &Unit<'_>, cued: &Cued, out: &mut Vec<u8>) -> Option<()> {
        let leads = unit.track == 0;
        if leads {
            self.around(unit, cued, out);
        }
        let lead = self.layout.lead;
        let track = self.tracks.get_mut(unit.track)?;
        match &track.config {
            Config::Pictures(sets) => {
                let data = sets.framed(unit.data, unit.key)?;
                let pes = pes(0xe0, unit.pts, Some(unit.dts), &data);
                let adaptation =
                    Adaptation { clock: leads.then(|| clock(unit.dts, lead)), random_access: leads && unit.key };
                track.pid.pes(&pes, adaptation, out);
            }
            Config::Sound(adts) => {
                let header = adts.header(unit.data.len())?;
                if track.sound.is_empty() {
                    track.begins = unit.pts;
                }
                track.sound.extend(header);
                track.sound.extend_from_slice(unit.data);
                if (unit.pts + unit.duration).since(track.begins) >= SOUND_PES {
                    let pes = pes(0xc0, track.begins, None, &track.sound);
                    let clock = leads.then(|| clock(track.begins, lead));
                    track.pid.pes(&pes, Adaptation { clock, random_access: leads }, out);
                    track.sound.clear();
                }
            }
            Config::Unknown => return None,
        }
        Some(())
    }

    /// Tables and cues.
    fn around(&mut self, unit: &Unit<'_>, cued: &Cued, out: &mut Vec<u8>) {
        let due = |last: Option<MediaTime>, every: Duration| last.is_none_or(|last| unit.dts.since(last) >= every);
        let picture = matches!(self.tracks.first(), Some(Track { kind: TrackKind::Picture(_), .. }));
        if picture && unit.key || due(self.last_tables, TABLES) {
            self.last_tables = Some(unit.dts);
            self.tables.iter_mut().for_each(|(pid, section)| pid.section(section, out));
        }
        if due(self.last_service, SERVICE) {
            self.last_service = Some(unit.dts);
            self.service.0.section(&self.service.1, out);
        }
        if let Some((pid, form, splices)) = &mut self.cues {
            splices.due(cued, *form, unit.pts).iter().for_each(|section| pid.section(section, out));
        }
    }
}

/// 27 MHz, `lead` before `time`.
fn clock(time: MediaTime, lead: Duration) -> u64 {
    let nanos = u128::from(time.as_nanos().saturating_sub(lead.as_nanos() as u64));
    (nanos * 27 / 1000 % (300 << 33)) as u64
}

/// A PES packet (ISO/IEC 13818-1, 2.4.3.6).
fn pes(stream: u8, pts: MediaTime, dts: Option<MediaTime>, data: &[u8]) -> Vec<u8> {
    let (pts, dts) = (ticks(pts.as_nanos()), dts.map(|dts| ticks(dts.as_nanos())));
    let dts = dts.filter(|dts| *dts != pts);
    let times = if dts.is_some() { 10 } else { 5 };
    // Pictures may be longer than the field counts; they may say 0.
    let length = u16::try_from(3 + times + data.len()).ok().filter(|_| stream == 0xc0).unwrap_or(0);
    let mut pes = vec![0, 0, 1, stream];
    pes.extend(length.to_be_bytes());
    // Marker, data_alignment_indicator.
    pes.extend([0x84, if dts.is_some() { 0xc0 } else { 0x80 }, times as u8]);
    pes.extend(stamp(if dts.is_some() { 3 } else { 2 }, pts));
    pes.extend(dts.map(|dts| stamp(1, dts)).into_iter().flatten());
    pes.extend_from_slice(data);
    pes
}

/// Four bits and 33 bits of time in five bytes with marker bits.
fn stamp(prefix: u8, ticks: u64) -> [u8; 5] {
    let part = |shift: u32| ((ticks >> shift) as u16 & 0x7fff) << 1 | 1;
    let [[b, c], [d, e]] = [part(15).to_be_bytes(), part(0).to_be_bytes()];
    [prefix << 4 | ((ticks >> 30) as u8 & 7) << 1 | 1, b, c, d, e]
}

#[cfg(test)]
mod tests {
    use super::super::PACKET;
    use super::super::packet::clock_at;
    use super::*;

    const RECORD: [u8; 15] = [1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 2, 0x67, 0xaa, 1, 0, 2, 0x68, 0xbb];

    fn mux() -> Mux {
        let layout = Layout {
            name: "Test".into(),
            program: 1,
            map_pid: 0x1000,
            tracks: vec![(0x100, TrackKind::Picture(VideoCodec::H264)), (0x110, TrackKind::Sound(Some("en".into())))],
            splices: Some((0x1f0, SpliceForm::Insert)),
            lead: Duration::from_millis(300),
        };
        let mut mux = Mux::new(layout);
        assert!(mux.configure(0, &RECORD) && mux.configure(1, &[0x11, 0x90]));
        mux
    }

    fn pid(packet: &[u8]) -> u16 {
        u16::from_be_bytes([packet[1] & 0x1f, packet[2]])
    }

    #[test]
    fn a_connection_begins_with_tables_and_the_clock() {
        let (mut mux, mut out) = (mux(), vec![]);
        let time = MediaTime::from_secs(1_763_683_200);
        let data = [0, 0, 0, 3, 0x65, 1, 2];
        let duration = Duration::from_millis(40);
        let unit = Unit { track: 0, pts: time, dts: time, duration, key: true, data: &data };
        mux.put(&unit, &Cued::default(), &mut out).unwrap();
        let pids: Vec<u16> = out.chunks(PACKET).map(pid).collect();
        assert_eq!(pids, [0, 0x1000, 0x11, 0x1f0, 0x100]);
        let picture = &out[4 * PACKET..];
        assert_eq!(picture[5] & 0x50, 0x50, "random access, clock");
        let at = clock_at(picture).unwrap();
        let base = u64::from(u32::from_be_bytes(picture[at.start..at.start + 4].try_into().unwrap())) << 1
            | u64::from(picture[at.start + 4] >> 7);
        assert_eq!((ticks(time.as_nanos()) - base) & 0x1_ffff_ffff, 27_000, "300 ms behind");
        assert!(mux.put(&Unit { data: &[0, 0, 0, 9, 1], ..unit }, &Cued::default(), &mut out).is_none());
    }

    #[test]
    fn sound_shares_pes_packets() {
        let (mut mux, mut out) = (mux(), vec![]);
        let duration = Duration::from_nanos(21_333_333);
        for n in 0..9u32 {
            let time = MediaTime::from_secs(10) + duration * n;
            let unit = Unit { track: 1, pts: time, dts: time, duration, key: true, data: &[0; 100] };
            mux.put(&unit, &Cued::default(), &mut out).unwrap();
        }
        let starts = out.chunks(PACKET).filter(|packet| packet[1] & 0x40 != 0).count();
        assert_eq!((starts, out.len() / PACKET), (3, 6), "three frames each");
    }

    #[test]
    fn time_stamps_have_their_marker_bits() {
        assert_eq!(stamp(2, 0), [0x21, 0, 1, 0, 1]);
        assert_eq!(stamp(3, 0x1_ffff_ffff), [0x3f, 0xff, 0xff, 0xff, 0xff]);
        let pes = pes(0xc0, MediaTime::from_secs(1), None, &[9; 10]);
        assert_eq!(pes[4..9], [0, 18, 0x84, 0x80, 5]);
    }
}
