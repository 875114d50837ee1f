//! What is asked of an encoder → the element's properties in its own units.

use serde_json::Value;

use super::{BitRateUnit, Encoder, Profile};
use crate::model::{BitRate, FrameRate, PictureSize, VideoCodec};

/// H.264 profiles a rendition may ask for (ITU-T H.264 annex A), all 4:2:0 8 bit.
pub const H264_PROFILES: &[(&str, &str)] = &[
    ("constrained-baseline", "every player, least efficient"),
    ("main", "every player of the last fifteen years"),
    ("high", "television and every current player, most efficient"),
];

/// How hard an encoder tries: picture quality against load.
pub const EFFORTS: &[(&str, &str)] = &[
    ("lowest", "line-up and tests: least load"),
    ("low", "many channels on one box"),
    ("medium", "one or two channels on one box"),
    ("high", "picture quality first"),
];

/// How long an encoder may hold a picture back.
pub const LATENCIES: &[(&str, &str)] = &[
    ("low", "a picture in is a picture out"),
    ("normal", "up to half a second of lookahead, for more picture from the same bit rate"),
];

/// What a template may hold.
pub(crate) const PLACEHOLDERS: &[&str] =
    &["bitrate", "max_bitrate", "target_percent", "vbv_size", "vbv_ms", "gop_frames", "segment_frames", "threads"];

/// What is asked of an encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeRequest {
    /// Pixels.
    pub size: PictureSize,
    /// Frames per second.
    pub frame_rate: FrameRate,
    /// Average bit rate.
    pub bitrate: BitRate,
    /// Bit rate that no segment exceeds.
    pub max_bitrate: BitRate,
    /// Duration of a segment, which is that of a GOP.
    pub segment_ms: u32,
    /// What to encode to.
    pub codec: VideoCodec,
    /// One of [`H264_PROFILES`]; of no meaning for other codecs.
    pub h264_profile: String,
    /// One of [`EFFORTS`].
    pub effort: String,
    /// One of [`LATENCIES`].
    pub latency: String,
}

/// An encoder with its properties resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The profile it comes from.
    pub profile: String,
    /// Element factory.
    pub element: String,
    /// Properties in the element's own units.
    pub properties: Vec<(String, Value)>,
    /// Raw format it takes.
    pub input_format: String,
    /// H.264 profile to ask for in the caps behind it.
    pub h264_profile: String,
    /// What it encodes to.
    pub codec: VideoCodec,
    /// Properties that follow the bit rate.
    pub rates: Vec<String>,
    /// Its hardware was found in the box.
    pub found: bool,
    /// Sessions there are of it on the hardware, and whether those of the whole box; none without a limit.
    pub sessions: Option<(u32, bool)>,
    /// Processor seconds per thousand megapixels.
    pub cost: Option<f64>,
    /// Elements in front of it.
    pub upload: Vec<String>,
    /// Memory in which it gets its pictures behind them; none of ordinary memory.
    pub memory: Option<String>,
    /// Whether these elements scale and convert, too.
    pub converts: bool,
    /// Counts pictures to its keyframes, instead of being asked for them.
    pub counts: bool,
    /// Runs on hardware.
    pub hardware: bool,
}

impl EncodeRequest {
    /// The buffer behind the encoder. A leaky bucket that drains at the average rate lets a segment of T seconds hold
    /// at most average × T + buffer bits: (peak − average) × T keeps every segment below the peak. An IDR frame has to
    /// fit, so it is never less than 300 ms; more than 2 s is latency without gain.
    fn vbv_ms(&self) -> u64 {
        let (average, peak) = (self.bitrate.bps().max(1), self.max_bitrate.bps());
        (peak.saturating_sub(average) * u64::from(self.segment_ms) / average).clamp(300, 2000)
    }

    /// Ten GOPs: far beyond the next forced key frame, within what every driver accepts.
    fn gop_frames(&self) -> u64 {
        let millis = u64::from(self.segment_ms);
        (millis * u64::from(self.frame_rate.num())).div_ceil(1000 * u64::from(self.frame_rate.den())) * 10
    }

    /// Encoder threads: two for 720p30, in proportion to the pixel rate, at most eight. Each costs a frame of latency.
    fn threads(&self) -> u64 {
        let pixels = u64::from(self.size.width()) * u64::from(self.size.height());
        let rate = pixels * u64::from(self.frame_rate.num()) / u64::from(self.frame_rate.den());
        (rate * 2).div_ceil(1280 * 720 * 30).clamp(1, 8)
    }

    fn value_of(&self, placeholder: &str, unit: BitRateUnit) -> Option<u64> {
        let in_unit = |rate: BitRate| match unit {
            BitRateUnit::Bit => rate.bps(),
            BitRateUnit::Kilobit => rate.kbps(),
        };
        Some(match placeholder {
            "bitrate" => in_unit(self.bitrate),
            "max_bitrate" => in_unit(self.max_bitrate),
            "vbv_size" => in_unit(BitRate(self.bitrate.bps() * self.vbv_ms() / 1000)),
            // The average as a share of the peak; drivers take 50 to 100.
            "target_percent" => (self.bitrate.bps() * 100 / self.max_bitrate.bps().max(1)).clamp(50, 100),
            "vbv_ms" => self.vbv_ms(),
            "gop_frames" => self.gop_frames(),
            "segment_frames" => self.gop_frames() / 10,
            "threads" => self.threads(),
            _ => return None,
        })
    }
}

impl Encoder {
    /// Whether it can do what is asked.
    pub fn can(&self, request: &EncodeRequest) -> bool {
        let within =
            |small: PictureSize, large: PictureSize| small.width() <= large.width() && small.height() <= large.height();
        self.codec == request.codec
            && (self.codec != VideoCodec::H264 || self.h264_profiles.contains(&request.h264_profile))
            && self.min_size.is_none_or(|least| within(least, request.size))
            && self.max_size.is_none_or(|most| within(request.size, most))
    }

    pub(crate) fn resolve(&self, profile: &Profile, request: &EncodeRequest) -> Candidate {
        let mut properties = self.properties.clone();
        let extra = self.effort.iter().find(|(effort, _)| *effort == request.effort);
        let late = self.latency.iter().find(|(latency, _)| *latency == request.latency);
        for (name, value) in extra.into_iter().chain(late).flat_map(|(_, values)| values) {
            match properties.iter_mut().find(|(known, _)| known == name) {
                Some((_, old)) => *old = value.clone(),
                None => properties.push((name.clone(), value.clone())),
            }
        }
        let follows = |value: &Value| ["{bitrate}", "{max_bitrate}", "{vbv_size}"].iter().any(|rate| value == rate);
        let rates = properties.iter().filter(|(_, value)| follows(value)).map(|(name, _)| name.clone()).collect();
        for (_, value) in &mut properties {
            *value = fill(value, |name| request.value_of(name, self.bitrate_unit));
        }
        Candidate {
            profile: profile.name.clone(),
            element: self.element.clone(),
            properties,
            input_format: self.input_format.clone(),
            h264_profile: request.h264_profile.clone(),
            codec: self.codec,
            rates,
            found: !profile.accelerators.is_empty(),
            sessions: self.max_sessions.map(|most| (most, self.sessions_of_box)),
            cost: self.cost.iter().find(|(effort, _)| *effort == request.effort).map(|(_, cost)| *cost),
            upload: self.upload.clone(),
            memory: Some(self.memory.clone()).filter(|memory| memory != "system"),
            converts: self.converts,
            counts: self.counts,
            hardware: profile.is_hardware(),
        }
    }
}

/// Fills placeholders in. A text that is nothing but one becomes a number.
fn fill(value: &Value, number: impl Fn(&str) -> Option<u64>) -> Value {
    let Some(text) = value.as_str() else { return value.clone() };
    if let Some(number) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).and_then(&number) {
        return Value::from(number);
    }
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, name, after)) = next_placeholder(rest) {
        filled.push_str(before);
        match number(name) {
            Some(number) => filled.push_str(&number.to_string()),
            None => filled.push_str(&rest[before.len()..rest.len() - after.len()]),
        }
        rest = after;
    }
    filled.push_str(rest);
    Value::from(filled)
}

/// Placeholders of a text, known or not.
pub(crate) fn placeholders(text: &str) -> Vec<&str> {
    let (mut names, mut rest) = (Vec::new(), text);
    while let Some((_, name, after)) = next_placeholder(rest) {
        names.push(name);
        rest = after;
    }
    names
}

fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let open = text.find('{')?;
    let close = open + text[open..].find('}')?;
    Some((&text[..open], &text[open + 1..close], &text[close + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(size: &str, rate: &str, bitrate: &str, peak: &str) -> EncodeRequest {
        EncodeRequest {
            size: size.parse().unwrap(),
            frame_rate: rate.parse().unwrap(),
            bitrate: bitrate.parse().unwrap(),
            max_bitrate: peak.parse().unwrap(),
            segment_ms: 1000,
            codec: VideoCodec::H264,
            h264_profile: "high".into(),
            effort: "low".into(),
            latency: "low".into(),
        }
    }

    #[test]
    fn no_segment_exceeds_the_peak() {
        for (bitrate, peak) in [("2.5M", "3.5M"), ("1M", "1.5M"), ("4M", "6M")] {
            let request = request("1280x720", "30", bitrate, peak);
            let segment_bits = request.bitrate.bps() + request.bitrate.bps() * request.vbv_ms() / 1000;
            assert!(segment_bits <= request.max_bitrate.bps(), "{bitrate} {peak}");
        }
        assert_eq!(request("1280x720", "30", "2M", "2M").vbv_ms(), 300);
    }

    #[test]
    fn threads_follow_the_pixel_rate() {
        for (size, rate, threads) in [
            ("320x180", "30", 1),
            ("640x360", "30", 1),
            ("1280x720", "30", 2),
            ("1280x720", "60", 4),
            ("1920x1080", "50", 8),
        ] {
            assert_eq!(request(size, rate, "1M", "2M").threads(), threads, "{size} {rate}");
        }
    }

    #[test]
    fn placeholders_become_numbers_or_part_of_a_text() {
        let number = |name: &str| (name == "bitrate").then_some(42);
        assert_eq!(fill(&"{bitrate}".into(), number), 42);
        assert_eq!(fill(&"controls,b={bitrate},x={y}".into(), number), "controls,b=42,x={y}");
        assert_eq!(fill(&"open {".into(), number), "open {");
        assert_eq!(fill(&7.into(), number), 7);
    }

    #[test]
    fn frame_rates_that_are_no_whole_number_round_the_gop_up() {
        assert_eq!(request("1280x720", "30000/1001", "1M", "2M").gop_frames(), 300);
    }
}
