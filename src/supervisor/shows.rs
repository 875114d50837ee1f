//! Shows: from an order to begin one to its end, or from the channel's start to its stop. What is counted meanwhile is
//! theirs, and their loudness is measured by itself.

use tokio::sync::oneshot;

use super::asks::{Answer, Ask, Reply, outcome};
use super::channel::{Channel, Mail};
use super::handle::Refusal;
use super::journal::{Journal, now};
use super::root::Root;
use super::seat::Seat;
use crate::model::cost::{GB, Traffic};
use crate::model::status::ChannelOrder;
use crate::model::{Act, ChannelId, Event, EventCode, Severity};

/// The longest title, characters.
const TITLE: usize = 200;

impl Root {
    /// Begins a show (with a title, or without one), or ends the one that is on.
    pub(super) fn on_show(&self, id: &ChannelId, begin: Option<Option<String>>, reply: Reply) {
        let answer = match (self.seats.iter().find(|seat| seat.plan.channel == *id), begin) {
            (None, _) => Err(Refusal::UnknownChannel(id.clone())),
            (Some(seat), Some(title)) => self.begin_show(seat, title),
            (Some(seat), None) => self.end_show(seat),
        };
        // Whoever asked may have gone.
        let _ = reply.send(answer);
    }

    fn begin_show(&self, seat: &Seat, title: Option<String>) -> Answer {
        let title = title.map(|title| title.trim().to_owned()).filter(|title| !title.is_empty());
        if title.as_ref().is_some_and(|title| title.chars().count() > TITLE || title.contains(char::is_control)) {
            return Err(Refusal::Impossible(format!("a title is one line of at most {TITLE} characters")));
        }
        let id = &seat.plan.channel;
        self.shared.costs.begin_show(id, title.clone(), now());
        began(&self.shared.journal, id, title.as_deref());
        let status = seat.status.borrow().clone();
        let mut text = format!("{} has begun", named(title.as_deref()));
        if status.report.is_some() {
            // Nobody waits for it: a show begins whether its loudness can be measured or not.
            let (reply, _) = oneshot::channel();
            let _ = seat.mailbox.try_send(Mail::Ask(Ask::Act(Act::RestartLoudness), reply));
            text.push_str("; its loudness is measured from now on");
        }
        Ok(outcome(true, &status, text))
    }

    fn end_show(&self, seat: &Seat) -> Answer {
        let id = &seat.plan.channel;
        let status = seat.status.borrow().clone();
        Ok(match self.shared.costs.end_show(id, now()) {
            Some((title, sent)) => {
                let text = ended(&self.shared.journal, id, title.as_deref(), sent);
                outcome(true, &status, text)
            }
            None => outcome(false, &status, "no show is on".to_owned()),
        })
    }
}

impl Channel {
    /// A channel that is put on air begins a show, unless one has begun already; one that is taken off air ends it.
    pub(super) fn show_goes_with(&self, order: ChannelOrder) {
        let (costs, journal) = (&self.shared.costs, &self.shared.journal);
        match order {
            ChannelOrder::OnAir if costs.begin_if_none(&self.id, now()) => began(journal, &self.id, None),
            ChannelOrder::OnAir => {}
            ChannelOrder::OffAir => {
                if let Some((title, sent)) = costs.end_show(&self.id, now()) {
                    ended(journal, &self.id, title.as_deref(), sent);
                }
            }
        }
    }
}

fn named(title: Option<&str>) -> String {
    title.map_or_else(|| "a show".to_owned(), |title| format!("show `{title}`"))
}

fn began(journal: &Journal, id: &ChannelId, title: Option<&str>) {
    let text = format!("{} has begun", named(title));
    journal.tell(Event::new(now(), Severity::Info, EventCode::ShowBegan, text).channel(id));
}

/// Tells that a show has ended, and gives what was told.
fn ended(journal: &Journal, id: &ChannelId, title: Option<&str>, sent: Traffic) -> String {
    let acknowledged = sent.acknowledged as f64 / GB;
    let text = format!("{} has ended: {acknowledged:.2} GB were acknowledged", named(title));
    journal.tell(Event::new(now(), Severity::Info, EventCode::ShowEnded, text.clone()).channel(id));
    text
}
