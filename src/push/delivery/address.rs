//! Where an object lies, and what is told of it there.

use crate::hls;
use crate::model::{ChannelId, RenditionId, SegmentGrid};

use super::super::object::Object;
use super::super::store::Label;
use super::Delivery;

impl Delivery {
    /// Usual path below the base url, and what is told of it; `grid` says how often playlists change.
    pub(crate) fn address(&self, channel: &ChannelId, grid: SegmentGrid, object: &Object) -> (String, Label) {
        let lane = |index: usize| -> (&RenditionId, Label) {
            (&self.lanes[index].id, Label::media(self.lanes[index].medium.content_type()))
        };
        match object {
            Object::Init { lane: index, name } => (hls::object_path(channel, lane(*index).0, name), lane(*index).1),
            Object::Segment { lane: index, number, .. }
            | Object::Check { lane: index, number }
            | Object::Remove { lane: index, number } => {
                let name = self.lanes[*index].medium.segment_name(*number);
                (hls::object_path(channel, lane(*index).0, &name), lane(*index).1)
            }
            Object::Part { lane: index, number, index: part } => {
                (hls::object_path(channel, lane(*index).0, &hls::part_name(*number, *part)), lane(*index).1)
            }
            Object::Playlist { lane: index, .. } | Object::Look { lane: index, .. } => {
                let every = self.lanes[*index].parts.target().unwrap_or(grid.duration());
                (hls::media_playlist_path(channel, lane(*index).0), Label::playlist(every))
            }
            Object::Multivariant { .. } => (hls::multivariant_path(channel), Label::playlist(grid.duration())),
        }
    }
}
