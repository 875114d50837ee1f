//! The journal of systemd, field by field: `journalctl CHANNEL=main DESTINATION=cloud`.

use std::fmt::Debug;
use std::io::Write;

use libsystemd::logging::{Priority, connected_to_journal, journal_send};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::{DefaultVisitor, Writer};
use tracing_subscriber::layer::Context;

/// Writes what is logged into the journal: the line for people as it would stand on standard error, and each field by its
/// name beside it.
pub(super) struct Journal {
    /// What `journalctl -t` asks for; systemd gives it to lines of standard error, but not to what comes this way.
    program: String,
}

impl Journal {
    /// The journal, if it is what standard error leads to.
    pub(super) fn behind_standard_error() -> Option<Self> {
        let own = std::env::current_exe().ok();
        let name = own.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
        connected_to_journal().then(|| Self { program: name.unwrap_or_default() })
    }
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let (line, mut fields) = entry(event);
        fields.push(("SYSLOG_IDENTIFIER".to_owned(), self.program.clone()));
        let sent = journal_send(priority(*event.metadata().level()), &line, fields.into_iter());
        if sent.is_err() {
            // Its socket is gone; the stream that systemd opened for this process may still be there.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}

/// The line for people, and the fields.
type Entry = (String, Vec<(String, String)>);

fn entry(event: &Event<'_>) -> Entry {
    let (mut line, mut fields) = (String::new(), Fields(Vec::new()));
    event.record(&mut DefaultVisitor::new(Writer::new(&mut line), true));
    event.record(&mut fields);
    (line, fields.0)
}

fn priority(level: Level) -> Priority {
    match level {
        Level::ERROR => Priority::Error,
        Level::WARN => Priority::Warning,
        Level::INFO => Priority::Info,
        Level::DEBUG | Level::TRACE => Priority::Debug,
    }
}

/// Name and value of each, but for the message.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn put(&mut self, field: &Field, value: String) {
        // What begins with `log.` says where a line of the `log` crate comes from; it is part of neither line.
        if field.name() != "message" && !field.name().starts_with("log.") {
            self.0.push((field.name().to_uppercase().replace('.', "_"), value));
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::model::{self, ChannelId, EventCode, MediaTime, Severity};
    use crate::telemetry::Recorder;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<Entry>>>);

    impl<S: Subscriber> Layer<S> for Kept {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.0.lock().unwrap().push(entry(event));
        }
    }

    #[test]
    fn an_event_names_its_channel_and_what_it_is_about() {
        let kept = Kept::default();
        let event = |code, subject: &str| {
            let event = model::Event::new(MediaTime::from_secs(1), Severity::Warning, code, "no answer");
            event.channel(&ChannelId::new("main").unwrap()).subject(subject)
        };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(kept.clone()), || {
            let recorder = Recorder::new(Box::new(|_| {}));
            recorder.record(&event(EventCode::PushInterrupted, "cloud"));
            recorder.record(&event(EventCode::SourceLost, "cam"));
            recorder.record(&event(EventCode::EncoderChosen, "720p"));
        });
        let kept = kept.0.lock().unwrap();
        assert_eq!(kept[0].0, "no answer code=\"push_interrupted\" channel=main destination=\"cloud\"");
        let fields = |name: &str| -> Vec<_> {
            let value =
                |(_, fields): &Entry| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            kept.iter().map(value).collect()
        };
        assert_eq!(fields("CHANNEL"), [Some("main".to_owned()), Some("main".to_owned()), Some("main".to_owned())]);
        assert_eq!(fields("DESTINATION"), [Some("cloud".to_owned()), None, None]);
        assert_eq!(fields("SOURCE"), [None, Some("cam".to_owned()), None]);
        assert_eq!(fields("SUBJECT"), [None, None, Some("720p".to_owned())]);
        assert_eq!(fields("MESSAGE"), [None, None, None], "it is the line");
    }
}
