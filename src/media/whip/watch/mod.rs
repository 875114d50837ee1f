//! Who watches the program live in a browser (WHEP, draft-ietf-wish-whep): the same session the other way round, offered by
//! the browser and answered here.
//!
//! ```text
//! offer ─▶ place (so many, kept) ─▶ answer ─▶ session ─▶ over: the place is free
//!                                               ▲ lowest H.264 rendition (tap), Opus (encoded once): a port each
//! ```
//!
//! Owns: who watches a channel, and each session. Must not: know who somebody is (the daemon does, which keeps a session for
//! as long as that may watch), encode pictures, or take anything from the program.
//!
//! Pictures are those of HLS, and nothing is encoded for who watches: that costs no processor, whatever the box carries, and
//! the channel is exactly what viewers get. The price is that pictures begin with the next segment, since a keyframe that is
//! asked for would take its bits from viewers, and that a channel without H.264 has none (HEVC and AV1 are taken by few
//! browsers): the confidence picture does there. No stream class has B-frames, which WebRTC has no place for.
//!
//! Everything goes by UDP to whoever has shown that it is there (ICE): nobody is waited for. Whoever takes less than is sent
//! loses it in a port of its own.

mod answer;
mod offer;
mod place;
mod session;

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use self::offer::Offer;
use self::place::{Full, Place, Places};
use self::session::{Course, Session};
use super::feed::Feed;
use super::opus::OpusEncoders;
use super::peer::{Notes, Peer};
use super::port::Port;
use crate::media::clock::HouseClock;
use crate::media::encode::Tap;
use crate::model::{BitRate, RenditionId, VideoCodec, WatchAnswer, WatchAsk, WatchRefusal};
use crate::plan::{ChannelPlan, OpusPlan, VideoRenditionPlan};

/// Access units that may wait on their way to a port, which never blocks.
const WAITING: usize = 60;
/// What sessions tell that nobody has heard yet.
const NOTES: usize = 64;
/// Of the sound: as good as anybody hears.
const SOUND: BitRate = BitRate(96_000);

/// See the module's header. Who watches is sent nothing any more when it is dropped.
pub struct Watchers {
    tap: Tap,
    opus: Arc<OpusEncoders>,
    clock: HouseClock,
    places: Arc<Places>,
}

/// What is watched.
struct Watched {
    rendition: RenditionId,
    profile: String,
    sound: OpusPlan,
}

impl Watched {
    /// The lowest rendition that browsers take, if there is one.
    fn of(plan: &ChannelPlan) -> Option<Self> {
        let rendition = plan.video.iter().rfind(|rendition| is_taken(rendition))?;
        let profile = rendition.encoders.first()?.h264_profile.clone();
        let sound = OpusPlan { map: None, layout: plan.sound.layout, bitrate: SOUND };
        Some(Self { rendition: rendition.id.clone(), profile, sound })
    }
}

fn is_taken(rendition: &VideoRenditionPlan) -> bool {
    rendition.encoders.iter().all(|encoder| encoder.codec == VideoCodec::H264)
}

impl Watchers {
    /// Nobody watches yet.
    pub fn new(tap: Tap, opus: Arc<OpusEncoders>, clock: HouseClock) -> Self {
        Self { tap, opus, clock, places: Arc::default() }
    }

    /// Another plan is in force: who watches what is not encoded any more, watches no longer.
    pub fn keep_to(&self, plan: &ChannelPlan) {
        self.places.retain(|id| plan.video.iter().any(|rendition| rendition.id == *id && is_taken(rendition)));
    }

    /// Does what is asked, of a channel with this plan. Blocks for as long as the box looks for its addresses; needs a tokio
    /// runtime around it.
    pub fn ask(&self, ask: WatchAsk, plan: &ChannelPlan) -> WatchAnswer {
        let known = |found: bool, answer: WatchAnswer| match found {
            true => answer,
            false => refused(WatchRefusal::NoSuchSession, "the session has ended already"),
        };
        match ask {
            WatchAsk::Offer { sdp } => self.admit(&sdp, plan).unwrap_or_else(|refusal| refusal),
            WatchAsk::Keep { session } => known(self.places.keep(&session, Instant::now()), WatchAnswer::Kept),
            WatchAsk::Leave { session } => known(self.places.leave(&session), WatchAnswer::Left),
        }
    }

    fn admit(&self, sdp: &str, plan: &ChannelPlan) -> Result<WatchAnswer, WatchAnswer> {
        let watched = Watched::of(plan).ok_or_else(|| {
            let text = "the channel has no rendition in H.264, which is what browsers take live: look at its confidence \
                        picture, or add one to its stream class";
            refused(WatchRefusal::NoRendition, text)
        })?;
        let offer = Offer::read(sdp, &watched.profile).map_err(|reason| refused(WatchRefusal::BadOffer, &reason))?;
        let place = self.places.take(&watched.rendition, Instant::now()).map_err(|Full(most)| {
            refused(
                WatchRefusal::Full,
                &format!("{most} watch this channel already, and no more may: close one of them"),
            )
        })?;
        let session = place.name().to_owned();
        let sdp = self.begin(place, &offer, &watched).map_err(|reason| {
            tracing::warn!(reason, "somebody cannot watch");
            refused(WatchRefusal::Failed, &reason)
        })?;
        tracing::info!(session, rendition = %watched.rendition, "somebody watches");
        Ok(WatchAnswer::Admitted { session, sdp })
    }

    /// The answer; the session is on its way.
    fn begin(&self, place: Place, offer: &Offer, watched: &Watched) -> Result<String, String> {
        let (queue, noted) = mpsc::channel(NOTES);
        let name = format!("watch-{}", &place.name()[..8]);
        let (peer, answer) = Peer::answering(&name, offer, self.clock, Notes { life: 0, queue })?;
        let pictures = Arc::new(Port::new(self.clock));
        let units = self.tap.subscribe(&watched.rendition, WAITING);
        let feed = Feed::start(&name, units, Arc::clone(&pictures)).map_err(|error| error.to_string())?;
        let sound = peer.sound.as_ref().map(|_| Arc::new(Port::new(self.clock)));
        let encoder = sound.as_ref().map(|port| {
            let encoder = self.opus.get(&watched.sound).map_err(|error| error.to_string())?;
            encoder.listen(port);
            Ok::<_, String>(encoder)
        });
        let course = Course::new(Instant::now());
        let (peer, feeds) = (Arc::new(peer), (feed, encoder.transpose()?));
        tokio::spawn(Session { place, peer, pictures, sound, _feeds: feeds, course }.run(noted));
        Ok(answer)
    }
}

fn refused(why: WatchRefusal, text: &str) -> WatchAnswer {
    WatchAnswer::Refused { why, text: text.to_owned() }
}
