//! The pictures of an endpoint: a port for each size of them, and which of these the session of the moment sends.
//!
//! ```text
//! ports ──offer──▶ those that have pictures ──answer──▶ those that are taken ──open──▶ session
//!                        ▲ the largest alone, if the endpoint has refused several: until a session has come about
//! ```

use std::sync::Arc;
use std::time::Duration;

use gstreamer as gst;

use super::peer::Accepted;
use super::port::{Inlet, Port};
use crate::media::encode::Tap;
use crate::model::RenditionId;
use crate::model::status::LayerFigures;

/// For the first access unit, which says what the stream is.
pub(super) const FIRST_UNIT: Duration = Duration::from_secs(5);

/// See the module's header.
pub(super) struct Pictures {
    /// Largest first.
    sizes: Vec<(RenditionId, Arc<Port>)>,
    /// Where keyframes of several sizes are asked for.
    tap: Option<Tap>,
    /// Places of the sizes that are offered as layers, and of these the ones that are sent.
    offered: Vec<usize>,
    sent: Vec<usize>,
    /// Why one is offered alone.
    alone: Option<String>,
    /// What was last told of layers that are not sent.
    told: Option<String>,
}

impl Pictures {
    /// Keyframes of several sizes are asked for at `tap`.
    pub(super) fn new(sizes: Vec<(RenditionId, Arc<Port>)>, tap: &Tap) -> Self {
        let tap = (sizes.len() > 1).then(|| tap.clone());
        Self { sizes, tap, offered: Vec::new(), sent: Vec::new(), alone: None, told: None }
    }

    pub(super) fn ports(&self) -> impl Iterator<Item = &Arc<Port>> {
        self.sizes.iter().map(|(_, port)| port)
    }

    /// Those that are to be offered.
    pub(super) fn candidates(&self) -> Vec<Arc<Port>> {
        let most = if self.alone.is_some() { 1 } else { self.sizes.len() };
        self.ports().take(most).cloned().collect()
    }

    /// An offer stands with the sizes of these places.
    pub(super) fn offer(&mut self, places: Vec<usize>) {
        self.offered = places;
    }

    /// The offer was refused. Whether it is worth another one, without layers.
    pub(super) fn refuse(&mut self, why: &str) -> bool {
        let layered = self.offered.len() > 1;
        if layered {
            self.alone = Some(why.to_owned());
        }
        layered
    }

    /// The offer is answered. A part of a sentence if other layers than before are left out.
    pub(super) fn accept(&mut self, accepted: &Accepted) -> Option<String> {
        let known = accepted.layers.iter().filter_map(|layer| self.offered.get(*layer));
        self.sent = known.copied().collect();
        let why = match (&self.alone, accepted.why) {
            (Some(refused), _) => format!("the offer of several was refused: {refused}"),
            (None, Some(why)) => why.to_owned(),
            (None, None) if self.offered.len() < self.sizes.len() => "the others are not encoded".to_owned(),
            (None, None) => "its answer takes no more".to_owned(),
        };
        let names: Vec<&str> = self.sent.iter().map(|place| self.sizes[*place].0.as_str()).collect();
        let (some, all) = (self.sent.len(), self.sizes.len());
        let told = (some < all).then(|| format!("{some} of {all} layers ({}): {why}", names.join(", ")));
        let news = told.clone().filter(|told| self.told.as_ref() != Some(told));
        self.told = told;
        news
    }

    /// Pictures go into the session, whose inlets are those of the layers that were offered.
    pub(super) fn open(&self, inlets: &[Inlet]) {
        for (place, inlet) in self.offered.iter().zip(inlets) {
            if self.sent.contains(place) {
                self.sizes[*place].1.open(inlet.clone());
            }
        }
    }

    /// They go nowhere. The next session is offered everything again, if this one came about.
    pub(super) fn shut(&mut self) {
        self.ports().for_each(|port| port.shut());
        if !self.sent.is_empty() {
            self.alone = None;
        }
        (self.offered, self.sent) = (Vec::new(), Vec::new());
    }

    /// The peer cannot go on without keyframes of these layers. Of pictures in one size, which are those of HLS, they are
    /// only counted.
    pub(super) fn ask_keyframes(&self, layers: &[usize]) {
        let Some(tap) = &self.tap else { return };
        for place in layers.iter().filter_map(|layer| self.offered.get(*layer)) {
            tap.ask_keyframe(&self.sizes[*place].0);
        }
    }

    /// The same of all that are sent.
    pub(super) fn ask_all_keyframes(&self) {
        let Some(tap) = &self.tap else { return };
        self.sent.iter().for_each(|place| tap.ask_keyframe(&self.sizes[*place].0));
    }

    /// What becomes of each size if there are several, by what was sent and what arrived of each layer that is offered.
    pub(super) fn figures(&self, each: &[(u64, u64)]) -> Vec<LayerFigures> {
        if self.sizes.len() < 2 {
            return Vec::new();
        }
        let figures = |(place, (rendition, _)): (usize, &(RenditionId, Arc<Port>))| {
            let layer = self.offered.iter().position(|offered| *offered == place);
            let (bytes_sent, bytes_acknowledged) = layer.and_then(|n| each.get(n).copied()).unwrap_or_default();
            let sent = self.sent.contains(&place);
            LayerFigures { rendition: rendition.clone(), sent, bytes_sent, bytes_acknowledged }
        };
        self.sizes.iter().enumerate().map(figures).collect()
    }
}

/// What the media of ports are, by their places: of those that have any in time.
pub(super) async fn ready(ports: &[Arc<Port>]) -> (Vec<usize>, Vec<gst::Caps>) {
    let caps = ports.iter().map(|port| tokio::time::timeout(FIRST_UNIT, port.caps()));
    let caps = futures::future::join_all(caps).await;
    caps.into_iter().enumerate().filter_map(|(place, caps)| Some((place, caps.ok()?))).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::clock::HouseClock;

    fn pictures(names: &[&str]) -> Pictures {
        let clock = HouseClock::start();
        let size = |name: &&str| (RenditionId::new(*name).unwrap(), Arc::new(Port::new(clock)));
        Pictures::new(names.iter().map(size).collect(), &Tap::default())
    }

    fn accepted(layers: &[usize], why: Option<&'static str>) -> Accepted {
        Accepted { layers: layers.to_vec(), why }
    }

    #[test]
    fn layers_are_counted_by_rendition() {
        let mut pictures = pictures(&["720p", "360p", "180p"]);
        // The middle one has no pictures.
        pictures.offer(vec![0, 2]);
        let told = pictures.accept(&accepted(&[0, 1], None));
        assert_eq!(told.as_deref(), Some("2 of 3 layers (720p, 180p): the others are not encoded"));
        let figures = pictures.figures(&[(10, 5), (4, 2), (7, 7)]);
        let figures: Vec<_> = figures.iter().map(|f| (f.sent, f.bytes_sent, f.bytes_acknowledged)).collect();
        assert_eq!(figures, [(true, 10, 5), (false, 0, 0), (true, 4, 2)]);
        assert_eq!(pictures.accept(&accepted(&[0, 1], None)), None, "told already");
        let told = pictures.accept(&accepted(&[1], None)).unwrap();
        assert!(told.starts_with("1 of 3 layers (180p): "), "{told}");
    }

    #[test]
    fn an_endpoint_that_refuses_layers_is_offered_one_until_a_session_has_come_about() {
        let mut pictures = pictures(&["720p", "180p"]);
        assert_eq!(pictures.candidates().len(), 2);
        pictures.offer(vec![0, 1]);
        assert!(pictures.refuse("HTTP 422"));
        pictures.shut();
        assert_eq!(pictures.candidates().len(), 1);
        pictures.offer(vec![0]);
        assert!(!pictures.refuse("HTTP 422"), "it is not the layers");
        let told = pictures.accept(&accepted(&[0], None)).unwrap();
        assert_eq!(told, "1 of 2 layers (720p): the offer of several was refused: HTTP 422");
        pictures.shut();
        assert_eq!(pictures.candidates().len(), 2);
    }

    #[test]
    fn pictures_in_one_size_are_no_layers() {
        let mut pictures = pictures(&["720p"]);
        pictures.offer(vec![0]);
        assert!(!pictures.refuse("HTTP 422"));
        assert_eq!(pictures.accept(&accepted(&[0], None)), None);
        assert_eq!(pictures.figures(&[(1, 1)]), []);
    }
}
