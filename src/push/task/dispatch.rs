//! How an object leaves: from the spool, encrypted where that is wanted, under the path that it has there.

use std::time::Instant;

use super::super::delivery::Post;
use super::super::link::Gate;
use super::super::object::Object;
use super::super::protect::Lock;
use super::super::requests::Content;
use super::Task;

impl Task {
    /// Starts all that may be started.
    pub(super) fn send(&mut self, now: Instant) {
        if self.listing_since.is_some() || self.is_yielding() {
            return;
        }
        while let Some((object, probe)) = self.delivery.next(self.link.gate(now), self.ladder.text(), now) {
            self.start(object, probe, now);
        }
        // Behind everything else.
        let free = self.link.gate(now) == Gate::Open && self.delivery.post() == Post::Deliver;
        let sweep = self.sweep.as_mut().filter(|_| free);
        if let Some(object) = sweep.and_then(|sweep| sweep.next(&self.delivery.lanes, now)) {
            self.start(object, false, now);
        }
    }

    pub(super) fn start(&mut self, object: Object, probe: bool, now: Instant) {
        let (usual, label) = self.delivery.address(&self.description.channel, self.description.grid, &object);
        let content = match self.content(&object) {
            Content::Text(text) => Content::Text(self.layout.playlist(&usual, text)),
            content => content,
        };
        let address = (self.layout.path(&usual), label, self.terms(&object));
        let passage = self.flow.begin(&object, &self.delivery, now);
        self.requests.start(self.store.clone(), address, content, (object, probe), passage, now);
    }

    /// What is sent of `object`: encrypted, if that is wanted.
    pub(super) fn content(&self, object: &Object) -> Content {
        let content = self.clear_content(object);
        match self.lock(object) {
            Some(lock) => Content::Locked(Box::new(content), lock),
            None => content,
        }
    }

    fn lock(&self, object: &Object) -> Option<Lock> {
        let protection = self.protection.as_ref()?;
        let (lane, number, init) = match object {
            Object::Init { lane, name } => {
                let lane = &self.delivery.lanes[*lane];
                (lane, lane.renamed.get(name)?.1, name.as_str())
            }
            Object::Segment { lane, number, .. } | Object::Part { lane, number, .. } => {
                let lane = &self.delivery.lanes[*lane];
                // Without one it cannot be encrypted, and so it is not sent.
                (lane, *number, lane.init_of(*number).unwrap_or_default())
            }
            _ => return None,
        };
        let codec = self.spool.codec(&lane.id, lane.spool_init(init));
        match object {
            Object::Init { .. } => protection.init(lane.medium, codec, number),
            _ => protection.segment(lane.medium, codec, number),
        }
    }

    fn clear_content(&self, object: &Object) -> Content {
        let file = |lane: usize, name: &str| Content::Media(self.spool.path(&self.delivery.lanes[lane].id, name));
        match object {
            Object::Init { lane, name } => file(*lane, self.delivery.lanes[*lane].spool_init(name)),
            Object::Segment { lane, number, .. } => {
                file(*lane, &self.delivery.lanes[*lane].medium.segment_name(*number))
            }
            Object::Part { lane, number, index } => {
                Content::Part(self.delivery.lanes[*lane].parts.data(*number, *index))
            }
            Object::Playlist { text, .. } | Object::Multivariant { text } => Content::Text(text.clone()),
            Object::Check { .. } => Content::Nothing,
            Object::Look { .. } => Content::Reading,
            Object::Remove { .. } => Content::Removal,
        }
    }
}
