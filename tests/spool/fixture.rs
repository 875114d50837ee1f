//! Small but valid fragmented MP4 on the epoch grid, and a spool to put it into.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use uplink::model::{MediaTime, RenditionId, SegmentGrid};
use uplink::spool::{Chunk, Init, Mended, Segment, Spool, SpoolError};

/// The first segment of most tests: some time in November 2026.
pub const FIRST: u64 = 897_000_000;

/// Plenty.
pub const QUOTA: u64 = 1 << 30;

pub fn grid() -> SegmentGrid {
    SegmentGrid::new(2000).unwrap()
}

pub fn id(name: &str) -> RenditionId {
    RenditionId::new(name).unwrap()
}

/// A rendition's encoder and muxer.
#[derive(Clone)]
pub struct Feed {
    pub id: RenditionId,
    timescale: u64,
    sample: u64,
    entry: Vec<u8>,
    codec: &'static str,
    /// Bytes of media in a chunk.
    pub payload: usize,
}

/// 30 pictures a second.
pub fn video() -> Feed {
    let avcc = boxed(b"avcC", &[1, 0x64, 0, 0x1f, 0xff]);
    let entry = boxed(b"avc1", &[&[0; 78], avcc.as_slice()].concat());
    Feed { id: id("v180"), timescale: 30_000, sample: 1000, entry, codec: "avc1.64001f", payload: 200 }
}

/// AAC at 48 kHz.
pub fn audio() -> Feed {
    let esds = boxed(b"esds", &[0, 0, 0, 0, 3, 9, 0, 1, 0, 4, 4, 0x40, 0x15, 5, 2, 0x11, 0x90]);
    let entry = boxed(b"mp4a", &[&[0; 28], esds.as_slice()].concat());
    Feed { id: id("a-main"), timescale: 48_000, sample: 1024, entry, codec: "mp4a.40.2", payload: 50 }
}

impl Feed {
    pub fn init(&self) -> Init {
        let mdhd = boxed(b"mdhd", &[&[0; 12], (self.timescale as u32).to_be_bytes().as_slice(), &[0; 8]].concat());
        let stsd = boxed(b"stsd", &[&[0; 4], 1u32.to_be_bytes().as_slice(), &self.entry].concat());
        let minf = boxed(b"minf", &boxed(b"stbl", &stsd));
        let tkhd = boxed(b"tkhd", &[[0; 12].as_slice(), &1u32.to_be_bytes(), &[0; 68]].concat());
        let trak = boxed(b"trak", &[tkhd, boxed(b"mdia", &[mdhd, minf].concat())].concat());
        let trex =
            [&[0; 4], [0, 0, 0, 1, 0, 0, 0, 1].as_slice(), &(self.sample as u32).to_be_bytes(), &[0; 8]].concat();
        let moov = boxed(b"moov", &[trak, boxed(b"mvex", &boxed(b"trex", &trex))].concat());
        let data = [boxed(b"ftyp", b"cmfc\0\0\0\0"), moov].concat();
        Init { rendition: self.id.clone(), codec: self.codec.to_owned(), data: data.into() }
    }

    /// Another initialisation of the same format, as after a change of encoder settings.
    pub fn other_init(&self) -> Init {
        let init = self.init();
        Init { data: [init.data.as_ref(), &boxed(b"free", b"other")].concat().into(), ..init }
    }

    /// One of the four chunks of a segment: the samples that begin in its half second.
    pub fn chunk(&self, number: u64, quarter: u64) -> Chunk {
        let first = |half: u64| (half * self.timescale).div_ceil(2 * self.sample);
        let half = number * 4 + quarter;
        let (from, to) = (first(half), first(half + 1));
        let time = |sample: u64| {
            let nanos = (u128::from(sample * self.sample) * 1_000_000_000).div_ceil(self.timescale.into());
            MediaTime::from_nanos(nanos as u64)
        };
        let tfhd = boxed(b"tfhd", &[0x00020000u32.to_be_bytes(), 1u32.to_be_bytes()].concat());
        let tfdt = boxed(b"tfdt", &[&[1, 0, 0, 0], (from * self.sample).to_be_bytes().as_slice()].concat());
        let trun = boxed(b"trun", &[0u32.to_be_bytes(), ((to - from) as u32).to_be_bytes()].concat());
        let moof = boxed(b"moof", &boxed(b"traf", &[tfhd, tfdt, trun].concat()));
        let mdat = boxed(b"mdat", &vec![half as u8; self.payload]);
        let data = [boxed(b"styp", b"cmfl\0\0\0\0"), moof, mdat].concat();
        Chunk {
            rendition: self.id.clone(),
            number,
            start: time(from),
            duration: time(to).since(time(from)),
            independent: quarter == 0,
            last: quarter == 3,
            data: data.into(),
        }
    }
}

pub fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes(), kind.as_slice(), content].concat()
}

/// The time at which chunk `quarter` of segment `number` begins.
pub fn at(number: u64, quarter: u64) -> MediaTime {
    grid().start_of(number) + Duration::from_millis(500 * quarter)
}

pub fn try_open(dir: &Path, feeds: &[Feed], now: MediaTime) -> Result<(Spool, Mended), SpoolError> {
    let ids: Vec<RenditionId> = feeds.iter().map(|feed| feed.id.clone()).collect();
    Spool::open(dir, QUOTA, Duration::from_secs(3600), grid(), &ids, now)
}

/// A new run of the worker: opens the spool and puts the initialisations.
pub fn start(dir: &Path, feeds: &[Feed], now: MediaTime) -> (Spool, Mended) {
    let (spool, mended) = try_open(dir, feeds, now).unwrap();
    for feed in feeds {
        spool.put_init(feed.init()).unwrap();
    }
    (spool, mended)
}

/// Writes the chunks from one place up to another, in all renditions, as a worker does.
pub fn play(spool: &Spool, feeds: &[Feed], from: (u64, u64), to: (u64, u64)) {
    for half in from.0 * 4 + from.1..to.0 * 4 + to.1 {
        for feed in feeds {
            spool.put_chunk(feed.chunk(half / 4, half % 4)).unwrap();
        }
    }
}

/// (number, discontinuity sequence, discontinuity) of each segment.
pub fn listed(spool: &Spool, feed: &Feed) -> Vec<(u64, u64, bool)> {
    let of = |segment: &Segment| (segment.number, segment.discontinuity_sequence, segment.discontinuity);
    spool.segments(&feed.id).iter().map(of).collect()
}

/// Everything that has to be true of a spool at any time.
pub fn check(spool: &Spool) {
    for rendition in &spool.renditions() {
        let segments = spool.segments(rendition);
        for segment in &segments {
            let data = fs::read(spool.segment_path(rendition, segment.number)).expect("a listed segment is there");
            assert_eq!(data.len() as u64, segment.bytes);
            assert!(spool.path(rendition, &segment.init).is_file(), "its initialisation is there");
            assert!(spool.codec(rendition, &segment.init).is_some(), "its codec is known");
            assert_eq!(grid().number_at(segment.start + Duration::from_millis(5)), segment.number);
            assert!(!segment.duration.is_zero() && segment.duration <= grid().duration() + Duration::from_millis(25));
        }
        for pair in segments.windows(2) {
            assert!(pair[0].number < pair[1].number);
            let steps = pair[1].discontinuity_sequence - pair[0].discontinuity_sequence;
            assert_eq!(steps > 0, pair[1].discontinuity, "{pair:?}");
        }
    }
}

/// Makes 6 s of segments in `<dir>/video` and `<dir>/audio`, named as in a spool but without an index. False where there
/// is no ffmpeg for it.
pub fn ffmpeg_segments(dir: &Path) -> bool {
    let make = |rendition: &str, arguments: &[&str]| {
        let dir = dir.join(rendition);
        fs::create_dir(&dir).unwrap();
        let made = Command::new("timeout")
            .args(["30", "ffmpeg", "-v", "error"])
            .args(arguments)
            .args(["-f", "hls", "-hls_time", "2", "-hls_list_size", "0", "-hls_segment_type", "fmp4"])
            .args(["-hls_segment_filename", "%d.m4s", "-hls_fmp4_init_filename", "init.mp4", "out.m3u8"])
            .current_dir(&dir)
            .status();
        let made = made.is_ok_and(|status| status.success());
        if made {
            let init = fs::read(dir.join("init.mp4")).unwrap();
            fs::rename(dir.join("init.mp4"), dir.join(uplink::hls::init_name(&init))).unwrap();
        }
        made
    };
    let picture = ["-f", "lavfi", "-i", "testsrc=size=64x64:rate=25:duration=6", "-c:v", "libx264"];
    let picture = [&picture, ["-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25"].as_slice()].concat();
    make("video", &picture) && make("audio", &["-f", "lavfi", "-i", "sine=sample_rate=48000:duration=6", "-c:a", "aac"])
}
