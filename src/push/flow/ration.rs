//! What a spent budget leaves a destination of the ladder: the video rendition with the smallest rate, sound and text. The
//! others are left out as those are which a line does not carry: players are told to take another.

use super::super::description::{Medium, PushedVideo};
use super::super::lane::Lane;
use super::super::tally::now;
use super::Flow;

impl Flow {
    /// Whether it gets the lowest video rendition only, from now on.
    pub(crate) fn ration(&mut self, lowest_only: bool) {
        self.lowest_only = lowest_only;
    }

    /// Leaves out what a spent budget keeps from the destination: nothing is owed of it, and no trial is made. Takes up
    /// what it does not keep any more. The lanes of which that changed something; `video` tells the rates.
    pub(crate) fn keep_to_budget(&mut self, lanes: &mut [Lane], video: &[PushedVideo]) -> Vec<usize> {
        let lowest = video.iter().min_by_key(|video| video.bitrate.bps()).map(|video| &video.id);
        let mut touched = Vec::new();
        for (index, lane) in lanes.iter_mut().enumerate().filter(|(_, lane)| lane.medium == Medium::Video) {
            let (was, barred) = (lane.is_barred(), self.lowest_only && lowest != Some(&lane.id));
            if !was && !barred {
                continue;
            }
            if barred && !was {
                lane.bar(true);
            }
            let passed = lane.pass_over();
            if was && !barred {
                lane.bar(false);
            }
            let count = self.counts.entry(lane.id.clone()).or_default();
            count.left_out += passed;
            if was != barred {
                count.since = barred.then(now);
            }
            if was != barred || passed > 0 {
                touched.push(index);
            }
        }
        touched
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::model::{BitRate, FrameRate, LinePolicy, PictureSize, RenditionId};
    use crate::push::delivery::{Delivery, straw};
    use crate::push::record::Delivered;

    fn video(name: &str, rate: u64) -> PushedVideo {
        PushedVideo {
            id: RenditionId::new(name).unwrap(),
            size: "320x180".parse::<PictureSize>().unwrap(),
            frame_rate: FrameRate::new(25, 1).unwrap(),
            bitrate: BitRate(rate),
            max_bitrate: BitRate(rate),
        }
    }

    #[test]
    fn the_smallest_rate_stays_wherever_it_stands() {
        let video = [video("high", 2_000_000), video("low", 300_000), video("middle", 800_000)];
        let lane = |video: &PushedVideo| {
            Lane::new(video.id.clone(), Medium::Video, Delivered::default(), Delivery::object_backoff())
        };
        let mut lanes: Vec<Lane> = video.iter().map(lane).collect();
        let mut flow = Flow::new(&straw::description(LinePolicy::default()), Instant::now());
        let dropped = |lanes: &[Lane]| lanes.iter().map(Lane::is_dropped).collect::<Vec<_>>();
        assert!(flow.keep_to_budget(&mut lanes, &video).is_empty());
        flow.ration(true);
        assert_eq!((flow.keep_to_budget(&mut lanes, &video), dropped(&lanes)), (vec![0, 2], vec![true, false, true]));
        assert!(flow.keep_to_budget(&mut lanes, &video).is_empty(), "nothing new");
        lanes.iter_mut().for_each(Lane::rest);
        assert_eq!(dropped(&lanes), [true, false, true], "on standby, too");
        flow.ration(false);
        assert_eq!((flow.keep_to_budget(&mut lanes, &video), dropped(&lanes)), (vec![0, 2], vec![false; 3]));
    }
}
