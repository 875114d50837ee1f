//! What moves: the newest playlists and parts of renditions with low latency, and who waits for the next ones.
//!
//! Players wait on a watch per rendition: thousands of them cost a task each, and are woken together. Nothing of this is
//! needed after a restart: it is read from the tree when it is first asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;
use tokio::time::timeout;

use super::directives::Directives;
use super::lowlat::LowLatency;
use super::problem::Problem;
use crate::model::{ChannelId, RenditionId};

/// A rendition, as waiters see it.
#[derive(Debug, Default)]
struct Heard {
    list: watch::Sender<Option<Arc<LowLatency>>>,
    /// The newest part, by segment and place.
    part: watch::Sender<Option<(u64, u32)>>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Live {
    renditions: Mutex<HashMap<ChannelId, HashMap<RenditionId, Arc<Heard>>>>,
}

impl Live {
    /// A media playlist was pushed, or read.
    pub(crate) fn heard(&self, channel: &ChannelId, rendition: &RenditionId, text: &str) {
        let list = LowLatency::read(text).map(Arc::new);
        let mut renditions = self.lock();
        let known = renditions.get(channel).is_some_and(|of| of.contains_key(rendition));
        // Without parts there is nothing to wait for.
        if list.is_some() || known {
            let heard = renditions.entry(channel.clone()).or_default().entry(rendition.clone()).or_default();
            heard.list.send_replace(list);
        }
    }

    /// A part was pushed.
    pub(crate) fn arrived(&self, channel: &ChannelId, rendition: &RenditionId, number: u64, index: u32) {
        if let Some(heard) = self.get(channel, rendition) {
            heard.part.send_modify(|newest| *newest = (*newest).max(Some((number, index))));
        }
    }

    /// A playlist was deleted.
    pub(crate) fn forget(&self, channel: &ChannelId, rendition: &RenditionId) {
        let mut renditions = self.lock();
        if let Some(of) = renditions.get_mut(channel) {
            of.remove(rendition);
            if of.is_empty() {
                renditions.remove(channel);
            }
        }
    }

    /// The newest playlist of a rendition, if it has parts.
    pub(crate) fn list(&self, channel: &ChannelId, rendition: &RenditionId) -> Option<Arc<LowLatency>> {
        self.get(channel, rendition)?.list.borrow().clone()
    }

    /// The other renditions of a channel that have parts, by name.
    pub(crate) fn others(&self, channel: &ChannelId, rendition: &RenditionId) -> Vec<(String, Arc<LowLatency>)> {
        let renditions = self.lock();
        let others = renditions.get(channel).into_iter().flatten().filter(|(id, _)| *id != rendition);
        let listed = others.filter_map(|(id, heard)| Some((id.to_string(), heard.list.borrow().clone()?)));
        let mut listed: Vec<_> = listed.collect();
        listed.sort_by(|one, other| one.0.cmp(&other.0));
        listed
    }

    /// The first playlist of a rendition that has what is asked for.
    pub(crate) async fn wait(
        &self,
        channel: &ChannelId,
        rendition: &RenditionId,
        asked: &Directives,
    ) -> Result<Arc<LowLatency>, Problem> {
        let heard = self.get(channel, rendition).ok_or(Problem::NotFound)?;
        let now = heard.list.borrow().clone().ok_or(Problem::NotFound)?;
        if now.has(asked) {
            return Ok(now);
        }
        if now.is_too_far(asked) {
            return Err(Problem::Directive("`_HLS_msn` or `_HLS_part` is too far ahead of the live edge"));
        }
        let mut lists = heard.list.subscribe();
        let waiting = lists.wait_for(|list| list.as_ref().is_none_or(|list| list.has(asked)));
        match timeout(now.patience(), waiting).await {
            Ok(Ok(list)) => list.clone().ok_or(Problem::NotFound),
            Ok(Err(_)) => Err(Problem::NotFound),
            Err(_) => Err(Problem::NotInTime(now.patience())),
        }
    }

    /// Waits for a part that players were told to expect; at once, if it is none of those.
    pub(crate) async fn wait_for_part(&self, channel: &ChannelId, rendition: &RenditionId, number: u64, index: u32) {
        let Some(heard) = self.get(channel, rendition) else { return };
        let Some(list) = heard.list.borrow().clone().filter(|list| list.hints_at(number, index)) else { return };
        let (mut parts, mut lists) = (heard.part.subscribe(), heard.list.subscribe());
        let there = parts.wait_for(|newest| newest.is_some_and(|newest| newest >= (number, index)));
        // Its segment may have ended before it.
        let over = lists.wait_for(|list| list.as_ref().is_none_or(|list| list.end().segment > number));
        let either = async {
            tokio::select! {
                _ = there => {}
                _ = over => {}
            }
        };
        // Either way the tree is asked then.
        let _ = timeout(list.patience(), either).await;
    }

    fn get(&self, channel: &ChannelId, rendition: &RenditionId) -> Option<Arc<Heard>> {
        self.lock().get(channel)?.get(rendition).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ChannelId, HashMap<RenditionId, Arc<Heard>>>> {
        self.renditions.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
