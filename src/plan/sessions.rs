//! Encoder sessions as claims: counted over all channels of the box, in the order of the configuration, best renditions
//! first. A rendition that gets none goes to the next encoder.

use std::collections::BTreeMap;

use crate::model::HardwareDevice;
use crate::profile::{Candidate, Profiles};

/// What has been claimed so far, by hardware profile.
pub(super) struct Sessions<'a> {
    profiles: &'a Profiles,
    devices: &'a [HardwareDevice],
    taken: BTreeMap<String, u32>,
}

impl<'a> Sessions<'a> {
    pub(super) fn new(profiles: &'a Profiles, devices: &'a [HardwareDevice]) -> Self {
        Self { profiles, devices, taken: BTreeMap::new() }
    }

    /// The candidates that a rendition may use, with a session claimed for the first that has a limit; and why others
    /// may not. Further ones with a limit are left out: nothing is claimed for them.
    pub(super) fn claim(&mut self, candidates: Vec<Candidate>) -> (Vec<Candidate>, Vec<String>) {
        let (mut left, mut refused, mut claimed) = (Vec::new(), Vec::new(), false);
        for candidate in candidates {
            let Some((each, of_box)) = candidate.sessions else {
                left.push(candidate);
                continue;
            };
            let most = each * if of_box { 1 } else { self.cards(&candidate.profile) };
            let taken = self.taken.entry(candidate.profile.clone()).or_default();
            let mine = left.iter().any(|other: &Candidate| other.profile == candidate.profile);
            if mine {
                // Another element on the same hardware, in the session that is claimed already.
                left.push(candidate);
            } else if claimed {
                continue;
            } else if *taken < most {
                *taken += 1;
                claimed = true;
                left.push(candidate);
            } else {
                let text = format!("all {most} sessions of {} are taken", candidate.profile);
                if !refused.contains(&text) {
                    refused.push(text);
                }
            }
        }
        (left, refused)
    }

    /// Sessions that are taken, and how many there are, of every profile that has a limit and is found here.
    fn cards(&self, profile: &str) -> u32 {
        let Some(profile) = self.profiles.get(profile) else { return 1 };
        let found = self.devices.iter().filter(|device| profile.accelerators.iter().any(|a| a.is(device))).count();
        (found as u32).max(1)
    }
}
