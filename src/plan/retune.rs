//! A rendition at another bit rate, or with its pictures in other memory, without another plan. Average and peak move
//! together.

use std::collections::BTreeMap;

use serde_json::Value;

use super::graph::{ChannelPlan, EncoderPlan, VideoRenditionPlan};
use crate::model::{BitRate, RenditionId};

impl ChannelPlan {
    /// The plan with what operators have set; renditions that it does not have are passed over.
    pub fn at_bitrates(&self, bitrates: &BTreeMap<RenditionId, BitRate>) -> Self {
        let mut plan = self.clone();
        for rendition in &mut plan.video {
            if let Some(bitrate) = bitrates.get(&rendition.id) {
                *rendition = rendition.at_bitrate(*bitrate);
            }
        }
        plan
    }
}

impl VideoRenditionPlan {
    /// The rendition at another average bit rate.
    pub fn at_bitrate(&self, bitrate: BitRate) -> Self {
        let factor = bitrate.bps() as f64 / self.bitrate.bps().max(1) as f64;
        let mut rendition = self.clone();
        rendition.bitrate = bitrate;
        rendition.max_bitrate = BitRate((self.max_bitrate.bps() as f64 * factor).round() as u64);
        for (encoder, before) in rendition.encoders.iter_mut().zip(&self.encoders) {
            for (name, value) in before.rates_at(factor) {
                if let Some((_, planned)) = encoder.properties.iter_mut().find(|(known, _)| *known == name) {
                    *planned = value;
                }
            }
        }
        rendition
    }
}

impl EncoderPlan {
    /// The same encoder, with pictures in ordinary memory if its profile names another.
    pub fn in_ordinary_memory(&self) -> Self {
        match self.memory {
            Some(_) => Self { memory: None, converts: false, upload: Vec::new(), ..self.clone() },
            None => self.clone(),
        }
    }

    /// The properties that follow the bit rate, at `factor` times what is planned.
    pub fn rates_at(&self, factor: f64) -> Vec<(String, Value)> {
        let follows = |(name, value): &(String, Value)| {
            let planned = value.as_u64().filter(|_| self.rates.contains(name))?;
            Some((name.clone(), Value::from(((planned as f64 * factor).round() as u64).max(1))))
        };
        self.properties.iter().filter_map(follows).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_follows_the_bit_rate_moves_and_nothing_else() {
        let encoder = json!({"profile": "p", "element": "e", "input_format": "I420", "h264_profile": "high",
            "properties": [["bitrate", 2000], ["peak", 3000], ["threads", 2]], "rates": ["bitrate", "peak"]});
        let rendition: VideoRenditionPlan = serde_json::from_value(json!({"id": "v", "size": "320x180",
            "bitrate": 2_000_000, "max_bitrate": 3_000_000, "encoders": [encoder]}))
        .unwrap();
        let slower = rendition.at_bitrate(BitRate(1_000_000));
        assert_eq!((slower.bitrate, slower.max_bitrate), (BitRate(1_000_000), BitRate(1_500_000)));
        let values: Vec<u64> = slower.encoders[0].properties.iter().map(|(_, v)| v.as_u64().unwrap()).collect();
        assert_eq!(values, [1000, 1500, 2]);
        assert_eq!(slower.at_bitrate(BitRate(2_000_000)), rendition);
    }
}
