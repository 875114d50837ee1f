//! What the life of a worker looks like in the log: notes as events.

use std::path::Path;
use std::time::Duration;

use super::journal::now;
use super::lifecycle::Note;
use crate::ipc::LinkError;
use crate::model::{ChannelId, Event, EventCode, Fault, Severity};
use crate::system::Exit;

/// Who the notes are about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) channel: &'a ChannelId,
    pub(crate) pid: u32,
    /// Where the worker writes its log.
    pub(crate) log: &'a Path,
    /// What the worker said before it ended.
    pub(crate) last_words: Option<&'a str>,
    /// Whether the channel is wanted on air.
    pub(crate) wanted: bool,
}

impl About<'_> {
    fn event(&self, severity: Severity, code: EventCode, text: String) -> Event {
        Event::new(now(), severity, code, text).channel(self.channel)
    }

    fn see_log(&self) -> String {
        format!("the worker's own log is {}", self.log.display())
    }

    /// The event of a note; none where somebody else tells it better.
    pub(crate) fn tell(&self, note: &Note) -> Option<Event> {
        let pid = self.pid;
        Some(match note {
            Note::Up => return None,
            Note::Gone if self.wanted => return None,
            Note::Adopted if !self.wanted => {
                let text = format!("took over worker {pid}, which delivers what is left");
                self.event(Severity::Info, EventCode::WorkerAdopted, text)
            }
            Note::Rested(true) => {
                let text = format!("everything that was left is delivered: worker {pid} is gone");
                self.event(Severity::Info, EventCode::RemainderDelivered, text)
            }
            Note::Rested(false) => {
                let text = "what is left stays in the spool, and is delivered after the next start".to_owned();
                self.event(Severity::Warning, EventCode::RemainderLeft, text)
            }
            Note::Adopted => {
                let text = format!("took over worker {pid}, which had stayed on air");
                self.event(Severity::Info, EventCode::WorkerAdopted, text)
            }
            Note::Replacing(why) => {
                let text = format!("found worker {pid}: {why}; it is stopped");
                self.event(Severity::Warning, EventCode::WorkerReplaced, text)
            }
            Note::Died(exit, wait) => self.died(*exit, *wait),
            Note::Stalled(what, long) => {
                let text = format!("worker {pid} stalled: {what} for {:.1} s; it is killed", long.as_secs_f64());
                let event = self.event(Severity::Error, EventCode::WorkerStalled, text);
                event.blame(Fault::Internal, format!("often a driver or a disk; {}", self.see_log()))
            }
            Note::Refused(reason) => {
                let text = format!("worker {pid} refused the start: {reason}");
                self.event(Severity::Error, EventCode::WorkerDied, text).blame(Fault::Internal, self.see_log())
            }
            Note::GaveUp(wait) => {
                let text = format!("the worker ends again and again; from now on one attempt every {}", seconds(*wait));
                let event = self.event(Severity::Error, EventCode::ChannelFailed, text);
                event.blame(Fault::Internal, format!("{}; then start the channel again", self.see_log()))
            }
            Note::Gone => {
                let text = if pid == 0 { "off air".to_owned() } else { format!("off air: worker {pid} is gone") };
                self.event(Severity::Info, EventCode::ChannelStopped, text)
            }
            Note::Unkillable => {
                let text = format!("worker {pid} does not die: it hangs in the kernel");
                let hint = "a driver hangs: unplug the card, or restart the machine";
                self.event(Severity::Error, EventCode::ChannelFailed, text).blame(Fault::Hardware, hint)
            }
        })
    }

    fn died(&self, exit: Exit, wait: Duration) -> Event {
        let said = self.last_words.map(|words| format!(" ({words})")).unwrap_or_default();
        let next = if wait.is_zero() {
            "starting again at once".to_owned()
        } else {
            format!("starting again in {}", seconds(wait))
        };
        let text = format!("worker {} {exit}{said}; {next}", self.pid);
        let event = self.event(Severity::Error, EventCode::WorkerDied, text);
        match exit {
            // A kill from outside: the kernel short of memory, or a person.
            Exit::Signal(9) => {
                event.blame(Fault::Hardware, "killed from outside: short of memory? see the kernel log (dmesg)")
            }
            _ => event.blame(Fault::Internal, self.see_log()),
        }
    }

    /// The worker's process could not be started.
    pub(crate) fn not_started(&self, program: &Path, error: &std::io::Error) -> Event {
        let text = format!("{} cannot be started: {error}", program.display());
        let event = self.event(Severity::Error, EventCode::WorkerDied, text);
        event.blame(Fault::Internal, "install the worker beside the daemon, or name it with --worker")
    }

    /// The peer broke the protocol.
    pub(crate) fn violation(&self, error: &LinkError) -> Event {
        let text = format!("the connection to worker {} was ended: {error}", self.pid);
        self.event(Severity::Warning, EventCode::ProtocolViolation, text).blame(Fault::Internal, self.see_log())
    }
}

fn seconds(wait: Duration) -> String {
    format!("{} s", (wait.as_secs_f64() * 100.0).round() / 100.0)
}
