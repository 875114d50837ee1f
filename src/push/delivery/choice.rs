//! What goes next, of each kind of object. The order of kinds is that of [`Delivery::next`].

use std::time::Instant;

use super::super::description::Medium;
use super::super::lane::Lane;
use super::super::object::Object;
use super::{BEHIND, Delivery, FILLING, LOOK, Search};

impl Delivery {
    /// What is told of renditions that are left out goes on with the others.
    pub(super) fn follow(&mut self) {
        let carried = self.carried().filter(|lane| lane.medium != Medium::Text);
        let edge = carried.filter_map(|lane| Some(lane.last_acknowledged()?.number)).min();
        if let Some(edge) = edge {
            self.lanes.iter_mut().for_each(|lane| lane.follow(edge));
        }
        self.lanes.iter_mut().filter(|lane| lane.hidden).for_each(Lane::show_if_solid);
    }

    /// How many requests may be under way in the window behind the live edge.
    fn room_in_window(&self, now: Instant) -> usize {
        if self.filling.is_some_and(|until| now < until) {
            return FILLING.saturating_sub(self.backfilling);
        }
        // What players can see is not kept waiting by what is old.
        self.side_by_side().saturating_sub(self.backfilling).max(BEHIND)
    }

    /// Requests behind the live edge. As long as it is not known what the destination lost they go one by one, for the
    /// search has its turn between them: nothing may seem delivered before that.
    fn side_by_side(&self) -> usize {
        if self.search == Search::Off { self.behind } else { BEHIND }
    }

    /// Whether the line belongs to a segment of the live edge.
    fn is_yielding(&self) -> bool {
        self.yields && self.lanes.iter().any(Lane::is_live)
    }

    /// Something small that the destination has to take some day anyway.
    pub(super) fn look(&mut self, now: Instant) -> Option<Object> {
        if self.look_at.is_some_and(|at| now < at) {
            return None;
        }
        let object = self.small(now)?;
        self.look_at = Some(now + LOOK);
        Some(object)
    }

    pub(super) fn small(&mut self, now: Instant) -> Option<Object> {
        let ready = |lane: &Lane| lane.current_init().filter(|_| lane.init.ready(now)).map(str::to_owned);
        let (lane, name) = self.lanes.iter().enumerate().find_map(|(index, lane)| Some((index, ready(lane)?)))?;
        self.lanes[lane].init.busy = true;
        Some(Object::Init { lane, name })
    }

    pub(super) fn probe(&mut self, multivariant: Option<&str>, now: Instant) -> Option<Object> {
        // One that is owed but has to wait keeps its turn: a file that cannot be read would be tried without end.
        let newest = self.lanes.iter().enumerate().filter_map(|(index, lane)| Some((lane.newest_owed(now)?, index)));
        // Of equal numbers the first lane: the best picture.
        let mut newest: Vec<(u64, usize)> = newest.collect();
        newest.sort_by_key(|(number, index)| (std::cmp::Reverse(*number), *index));
        newest
            .into_iter()
            .find_map(|(number, lane)| self.segment_if(lane, number, false, now))
            .or_else(|| if self.tells(now) { self.any_playlist(multivariant, now) } else { self.small(now) })
    }

    /// A playlist, whether it is known there or not.
    fn any_playlist(&mut self, multivariant: Option<&str>, now: Instant) -> Option<Object> {
        for index in 0..self.lanes.len() {
            let text = self.lanes[index].playlist.ready(now).then(|| self.wanted(index)).flatten();
            if let Some(text) = text {
                self.lanes[index].playlist.busy = true;
                return Some(Object::Playlist { lane: index, text });
            }
        }
        let text = multivariant.filter(|_| self.multivariant.ready(now))?.to_owned();
        self.multivariant.busy = true;
        Some(Object::Multivariant { text })
    }

    pub(super) fn init(&mut self, now: Instant) -> Option<Object> {
        let (lane, name) = self.lanes.iter().enumerate().find_map(|(index, lane)| {
            let name = lane.missing_init().filter(|_| lane.init.ready(now))?;
            Some((index, name.to_owned()))
        })?;
        self.lanes[lane].init.busy = true;
        Some(Object::Init { lane, name })
    }

    pub(super) fn part(&mut self) -> Option<Object> {
        let next =
            |(lane, rendition): (usize, &Lane)| rendition.next_part().map(|(number, index)| (number, index, lane));
        // The oldest of all renditions first: none runs away from the others.
        let (number, index, lane) = self.lanes.iter().enumerate().filter_map(next).min()?;
        self.lanes[lane].parts.start(number, index);
        Some(Object::Part { lane, number, index })
    }

    pub(super) fn live(&mut self, now: Instant) -> Option<Object> {
        (0..self.lanes.len()).find_map(|index| self.segment_if(index, self.lanes[index].live(now)?, false, now))
    }

    pub(super) fn playlist(&mut self, multivariant: Option<&str>, now: Instant) -> Option<Object> {
        if !self.tells(now) {
            return None;
        }
        for index in 0..self.lanes.len() {
            let wanted = self.lanes[index].playlist.ready(now).then(|| self.wanted(index)).flatten();
            if wanted.is_some() && wanted != self.lanes[index].published {
                self.lanes[index].playlist.busy = true;
                return wanted.map(|text| Object::Playlist { lane: index, text });
            }
        }
        let text = multivariant.filter(|text| self.published.as_deref() != Some(text))?;
        self.multivariant.ready(now).then(|| {
            self.multivariant.busy = true;
            Object::Multivariant { text: text.to_owned() }
        })
    }

    pub(super) fn check(&mut self) -> Option<Object> {
        if self.backfilling > 0 || self.catching.len() >= FILLING {
            return None;
        }
        let (lane, number) = match self.search {
            Search::Off | Search::AwaitingControl => return None,
            Search::Control { lane, number } => (lane, number),
            Search::Running { .. } => {
                let last = |(index, lane): (usize, &Lane)| Some((index, *lane.unchecked.last()?));
                let Some(found) = self.lanes.iter().enumerate().filter_map(last).max_by_key(|(_, number)| *number)
                else {
                    self.search = Search::Off;
                    return None;
                };
                found
            }
        };
        self.backfilling += 1;
        Some(Object::Check { lane, number })
    }

    /// What is missing in the playlist's window: it waits for the live edge, and for nothing else.
    pub(super) fn catch(&mut self, now: Instant) -> Option<Object> {
        if self.catching.len() >= self.room_in_window(now) || self.is_yielding() {
            return None;
        }
        let (number, lane) = self.missing(false, now)?;
        let object = self.segment_if(lane, number, true, now)?;
        if matches!(object, Object::Segment { .. }) {
            self.catching.insert((lane, number));
        }
        Some(object)
    }

    /// The newest that is missing in the window behind the live edge, of renditions that are left out or of the others.
    pub(super) fn missing(&self, dropped: bool, now: Instant) -> Option<(u64, usize)> {
        let lanes = self.lanes.iter().enumerate().filter(|(_, lane)| lane.is_dropped() == dropped);
        lanes
            .filter_map(|(index, lane)| Some((lane.backfill_in_window(self.window, now)?, index)))
            .max_by_key(|(number, index)| (*number, std::cmp::Reverse(*index)))
    }

    /// What is older, while nothing else is under way behind the live edge.
    pub(super) fn backfill(&mut self, now: Instant) -> Option<Object> {
        if self.backfilling >= self.side_by_side() || !self.catching.is_empty() || self.is_yielding() {
            return None;
        }
        let oldest = |dropped: bool| {
            let lanes = self.lanes.iter().enumerate().filter(|(_, lane)| lane.is_dropped() == dropped);
            lanes.filter_map(|(index, lane)| Some((lane.backfill_oldest(now)?, index))).min()
        };
        let (number, lane) = oldest(false).or_else(|| self.missing(true, now)).or_else(|| oldest(true))?;
        let object = self.segment_if(lane, number, true, now)?;
        self.backfilling += usize::from(matches!(object, Object::Segment { .. }));
        Some(object)
    }

    /// The newest segment of the rendition that is to be tried, if the line is free.
    pub(super) fn try_one(&mut self, now: Instant) -> Option<Object> {
        let idle = self.backfilling == 0 && self.catching.is_empty() && !self.lanes.iter().any(Lane::is_live);
        let index = self.trial.filter(|_| idle)?;
        self.trial = None;
        let lane = self.lanes.get(index).filter(|lane| lane.is_dropped())?;
        let number = lane.newest().filter(|number| !lane.delivered.acknowledged.contains(*number))?;
        let object = self.segment_if(index, number, true, now)?;
        self.trying = matches!(object, Object::Segment { .. }).then_some((index, number));
        self.backfilling += usize::from(self.trying.is_some());
        Some(object)
    }

    /// Segment `number`, unless its initialisation has to go first and may not yet.
    fn segment_if(&mut self, lane: usize, number: u64, backfill: bool, now: Instant) -> Option<Object> {
        let known = self.lanes[lane].segment(number).is_some_and(|s| self.lanes[lane].delivered.has_init(&s.init));
        if known || self.lanes[lane].init.ready(now) { self.segment(lane, number, backfill) } else { None }
    }

    /// Segment `number`, or its initialisation if that has to go first.
    pub(super) fn segment(&mut self, index: usize, number: u64, backfill: bool) -> Option<Object> {
        let lane = &mut self.lanes[index];
        let init = lane.segment(number)?.init.clone();
        if !lane.delivered.has_init(&init) {
            lane.init.busy = true;
            return Some(Object::Init { lane: index, name: init });
        }
        lane.start(number, backfill);
        Some(Object::Segment { lane: index, number, backfill })
    }

    pub(super) fn wanted(&self, lane: usize) -> Option<String> {
        self.lanes[lane].wanted_playlist(&self.timing, self.window)
    }
}
