//! A mail: its words, and its way to the server.

use std::fmt::Write;
use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::pace::Pace;
use crate::model::notify::{Mail, MailTls};
use crate::model::{AlarmNews, AlarmNotice};

/// A subject is cut here, characters.
const SUBJECT: usize = 120;

/// Sends these notices as one mail.
pub(super) async fn send(mail: &Mail, notices: &[&AlarmNotice], pace: &Pace) -> Result<(), String> {
    let message = message(mail, notices)?;
    let transport = transport(mail, notices, pace.answer)?;
    match tokio::time::timeout(2 * pace.answer, transport.send(message)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(causes(&error)),
        Err(_) => Err("no answer in time".to_owned()),
    }
}

fn transport(
    mail: &Mail,
    notices: &[&AlarmNotice],
    answer: Duration,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let parameters = || TlsParameters::new(mail.server.clone()).map_err(|error| causes(&error));
    let tls = match mail.tls {
        MailTls::Off => Tls::None,
        MailTls::StartTls => Tls::Required(parameters()?),
        MailTls::Tls => Tls::Wrapper(parameters()?),
    };
    let host = domain(notices);
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&mail.server)
        .port(mail.port)
        .tls(tls)
        .timeout(Some(answer))
        .hello_name(ClientId::Domain(host));
    if let Some((user, password)) = &mail.login {
        builder = builder.credentials(Credentials::new(user.clone(), password.reveal().to_owned()));
    }
    Ok(builder.build())
}

fn message(mail: &Mail, notices: &[&AlarmNotice]) -> Result<Message, String> {
    let mailbox = |text: &str| text.parse().map_err(|error| format!("`{text}` is no address: {error}"));
    let mut builder = Message::builder().from(mailbox(&mail.from)?).subject(subject(notices));
    for to in &mail.to {
        builder = builder.to(mailbox(to)?);
    }
    let id = notices.first().map_or(0, |first| first.at.as_nanos());
    builder = builder.message_id(Some(format!("<{id}@{}>", domain(notices)))).header(ContentType::TEXT_PLAIN);
    builder.body(body(notices)).map_err(|error| error.to_string())
}

/// The box by a name that mail servers take.
fn domain(notices: &[&AlarmNotice]) -> String {
    let name = notices.first().map_or("", |notice| notice.appliance.as_str());
    let plain: String = name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    match plain.trim_matches('-') {
        "" => "uplink".to_owned(),
        plain => plain.to_owned(),
    }
}

fn subject(notices: &[&AlarmNotice]) -> String {
    let worst = notices.iter().max_by_key(|notice| (notice.news == AlarmNews::Raised, notice.alarm.priority));
    let Some(worst) = worst else { return "nothing".to_owned() };
    let more = match notices.len() {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    let (priority, news) = (worst.alarm.priority.as_str(), worst.news.as_str());
    let text = format!("[{}] {priority} {news}{more}: {}", worst.appliance, worst.alarm.reason);
    one_line(&text).chars().take(SUBJECT).collect()
}

/// What came from elsewhere begins no line of its own.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn body(notices: &[&AlarmNotice]) -> String {
    let mut text = String::new();
    for AlarmNotice { at, news, appliance, alarm } in notices {
        let priority = alarm.priority.as_str().to_uppercase();
        let _ = writeln!(text, "{priority} {}: {} at {at}, on {appliance}", news.as_str(), alarm.id);
        let _ = writeln!(text, "  {}", one_line(&alarm.reason));
        if *news == AlarmNews::Raised {
            let _ = writeln!(text, "  What to do: {}.", alarm.action);
        }
        text.push('\n');
    }
    text.push_str(
        "`uplinkctl alarms` on the box lists what is active now; `uplinkctl alarm ack ID` says that you know.\n",
    );
    text
}

/// Every cause: a server's refusal stands behind the first.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    one_line(&text)
}
