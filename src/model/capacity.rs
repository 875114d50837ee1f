//! What a box can carry and what channels take of it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Amounts of what channels compete for.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Resources {
    /// Processor cores.
    pub cores: f64,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Bytes per second to and from the disk of the spool.
    pub disk_bytes_per_second: u64,
}

/// One channel's share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChannelNeeds {
    /// The channel.
    pub channel: super::ChannelId,
    /// Whether it counts now: it is ordered on air.
    pub on_air: bool,
    /// What it takes.
    pub needs: Resources,
    /// Encoder sessions that it holds, by hardware profile.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sessions: BTreeMap<String, u32>,
}

/// Encoding sessions of one kind of hardware.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SessionRoom {
    /// The hardware profile.
    pub profile: String,
    /// So many there are.
    pub sessions: u32,
    /// So many are held by channels that are ordered on air.
    pub taken: u32,
}

/// How many more channels of a stream class fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ClassFit {
    /// The stream class.
    pub stream_class: String,
    /// What the next one would take.
    pub needs: Resources,
    /// So many more fit beside what is on air; where encoder sessions run out, with lesser encoders.
    pub more: u32,
    /// Encoder sessions that the next one would get, by hardware profile.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sessions: BTreeMap<String, u32>,
}

/// What the box can carry, what is taken, and what else fits.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CapacityStatus {
    /// What channels may take together.
    pub room: Resources,
    /// What those take that are ordered on air.
    pub taken: Resources,
    /// Encoder sessions of hardware that has a limit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<SessionRoom>,
    /// Each channel, in the order of the configuration.
    pub channels: Vec<ChannelNeeds>,
    /// Each stream class.
    pub classes: Vec<ClassFit>,
    /// Whether costs were measured on this box, or are those of the shipped profiles.
    pub measured: bool,
    /// What was measured of the disk; none if a guess counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<DiskRate>,
}

/// How fast the disk of the spool takes what is synced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DiskRate {
    /// Bytes a second.
    pub bytes_per_second: u64,
    /// The device, as the kernel numbers it.
    pub device: String,
    /// When.
    pub measured_at: super::MediaTime,
}

impl Resources {
    /// Both together.
    pub fn and(self, other: Self) -> Self {
        Self {
            cores: self.cores + other.cores,
            memory_bytes: self.memory_bytes.saturating_add(other.memory_bytes),
            disk_bytes_per_second: self.disk_bytes_per_second.saturating_add(other.disk_bytes_per_second),
        }
    }

    /// What of `wanted` does not fit beside `taken`, in words; none if it does.
    pub fn lacks(self, taken: Self, wanted: Self) -> Option<String> {
        let total = taken.and(wanted);
        let mut lacks = Vec::new();
        if total.cores > self.cores + 1e-9 {
            let (wants, left) = (wanted.cores, (self.cores - taken.cores).max(0.0));
            lacks.push(format!("it takes {wants:.2} cores and {left:.2} of {:.2} are free", self.cores));
        }
        if total.memory_bytes > self.memory_bytes {
            let left = self.memory_bytes.saturating_sub(taken.memory_bytes);
            lacks.push(format!("it takes {} of memory and {} are free", bytes(wanted.memory_bytes), bytes(left)));
        }
        if total.disk_bytes_per_second > self.disk_bytes_per_second {
            let left = self.disk_bytes_per_second.saturating_sub(taken.disk_bytes_per_second);
            let wants = bytes(wanted.disk_bytes_per_second);
            lacks.push(format!("it takes {wants} a second of the disk and {} are free", bytes(left)));
        }
        (!lacks.is_empty()).then(|| lacks.join("; "))
    }

    /// Whether any of it is more than in `other`.
    pub fn exceeds(self, other: Self) -> bool {
        other.lacks(Self::default(), self).is_some()
    }

    /// How often `each` fits beside `taken`, at most 99.
    pub fn fits(self, taken: Self, each: Self) -> u32 {
        let mut taken = taken;
        for count in 0..99 {
            if self.lacks(taken, each).is_some() {
                return count;
            }
            taken = taken.and(each);
        }
        99
    }
}

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (memory, disk) = (bytes(self.memory_bytes), bytes(self.disk_bytes_per_second));
        write!(f, "{:.2} cores, {memory} of memory, {disk} a second of disk", self.cores)
    }
}

fn bytes(count: u64) -> String {
    match count {
        0..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.1} GB", count as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cores: f64, megabytes: u64, disk: u64) -> Resources {
        Resources { cores, memory_bytes: megabytes * 1_000_000, disk_bytes_per_second: disk * 1_000_000 }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let room = of(4.0, 8000, 50);
        assert_eq!(room.lacks(of(3.0, 1000, 10), of(1.0, 500, 1)), None);
        let text = room.lacks(of(3.5, 7900, 10), of(1.0, 500, 1)).unwrap();
        assert_eq!(
            text,
            "it takes 1.00 cores and 0.50 of 4.00 are free; it takes 500.0 MB of memory and 100.0 MB are free"
        );
        assert!(room.lacks(of(0.0, 0, 50), of(0.1, 1, 1)).unwrap().contains("of the disk"));
    }

    #[test]
    fn more_of_anything_is_more() {
        let one = of(1.0, 100, 1);
        assert!(!one.exceeds(one) && !of(0.5, 100, 1).exceeds(one));
        assert!(of(1.1, 1, 1).exceeds(one) && of(0.1, 101, 0).exceeds(one) && of(0.1, 1, 2).exceeds(one));
    }

    #[test]
    fn the_scarcest_decides_how_many_fit() {
        let room = of(4.0, 2000, 50);
        assert_eq!(room.fits(of(1.0, 0, 0), of(1.0, 100, 1)), 3);
        assert_eq!(room.fits(of(0.0, 0, 0), of(0.1, 900, 1)), 2);
        assert_eq!((room.fits(of(9.0, 0, 0), of(0.1, 1, 1)), room.fits(of(0.0, 0, 0), of(0.0, 0, 0))), (0, 99));
    }
}
