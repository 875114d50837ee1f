//! `[notify]`: who is told of alarms.

use super::Findings;
use super::files::Base;
use super::keys::key;
use super::secrets::{self, Credentials, Rule};
use crate::document::{Key, Kind, Need, Section, Shape};
use crate::model::notify::{Mail, MailTls, Notified, Wanted, Webhook};
use crate::model::{AlarmNews, AlarmPriority};

pub(super) static NOTIFY: Shape = Shape::plain(
    "Who is told of alarms. What cannot be delivered is kept, over restarts of the daemon too, and tried again for a day. \
     `uplinkctl notify` shows how it stands, `uplinkctl notify test NAME` tries it.",
    &[
        key("webhooks", Kind::Map(&WEBHOOK), Need::Optional, "Addresses that are told by HTTP"),
        key("email", Kind::Table(&MAIL), Need::Optional, "People who are told by e-mail"),
    ],
);

static PRIORITY: Kind = Kind::Word(&[
    ("critical", "now: viewers notice, or something is being lost"),
    ("warning", "during the show: it is degraded, or the next fault is not covered"),
    ("info", "in the next days"),
]);
static NEWS: Kind = Kind::Word(&[
    ("raised", "it was raised, or has become worse"),
    ("cleared", "it is over"),
    ("acked", "somebody has seen it"),
    ("shelved", "somebody has put it aside, or it comes back"),
]);

const PRIORITIES: Key = key(
    "priorities",
    Kind::List(&PRIORITY),
    Need::Default("[\"critical\", \"warning\", \"info\"]"),
    "Alarms of which priority",
);

static WEBHOOK: Shape = Shape::plain(
    "One address. Each notice is one POST of JSON with the header `Uplink-Signature: t=SECONDS,v1=HEX`, HEX being the \
     HMAC-SHA256 of `SECONDS.BODY`. Any 2xx is an acknowledgement; 410 ends it; everything else is tried again.",
    &[
        key("url", Kind::Url(&["http", "https"]), Need::Required("\"https://ops.example/uplink\""), "Where to"),
        key("secret_file", Kind::Path, Need::Optional, "File with what requests are signed with: 16 to 200 characters"),
        key("secret_credential", Kind::Text(100), Need::Optional, "The same as a systemd credential"),
        PRIORITIES,
        key(
            "events",
            Kind::List(&NEWS),
            Need::Default("[\"raised\", \"cleared\", \"acked\"]"),
            "What it is told of an alarm",
        ),
    ],
);

static ADDRESS: Kind = Kind::Text(200);

static MAIL: Shape = Shape::plain(
    "E-mail. What is raised within half a minute is one mail.",
    &[
        key("server", Kind::Text(253), Need::Required("\"smtp.example\""), "Host name or address of the mail server"),
        key(
            "port",
            Kind::Integer(1, 65_535, "TCP port"),
            Need::Optional,
            "Its port; 587 with `starttls`, 465 with `tls`, 25 with `off` if missing",
        ),
        key(
            "tls",
            Kind::Word(&[
                ("starttls", "the connection becomes TLS before anything is said, or nothing is sent"),
                ("tls", "TLS from the first byte"),
                ("off", "in the clear: for a server on this box, or in a network of its own"),
            ]),
            Need::Default("\"starttls\""),
            "How it is spoken to",
        ),
        key("from", Kind::Text(200), Need::Required("\"uplink@studio.example\""), "Sender"),
        key("to", Kind::List(&ADDRESS), Need::Required("[\"ops@studio.example\"]"), "Recipients"),
        key("user", Kind::Text(200), Need::Optional, "User, if the server wants one"),
        key("password_file", Kind::Path, Need::Optional, "File with the user's password"),
        key("password_credential", Kind::Text(100), Need::Optional, "The same as a systemd credential"),
        PRIORITIES,
        key("events", Kind::List(&NEWS), Need::Default("[\"raised\"]"), "What they are told of an alarm"),
        key(
            "most_per_hour",
            Kind::Integer(1, 120, "mails"),
            Need::Default("12"),
            "Most mails in an hour; what comes on top waits for the next one",
        ),
    ],
);

/// Everybody who is told. Who is faulty is left out, and the fault recorded.
pub(super) fn read(
    root: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Notified {
    let Some(section) = root.table("notify") else { return Notified::default() };
    let each = |(name, of): (String, Section<'_>)| webhook(name, &of, base, credentials, findings);
    let webhooks = section.map("webhooks").into_iter().filter_map(each).collect();
    let mail = section.has("email").then(|| section.table("email")).flatten();
    Notified { webhooks, mail: mail.and_then(|of| self::mail(&of, base, credentials, findings)) }
}

fn webhook(
    name: String,
    of: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Option<Webhook> {
    let faults = &mut findings.faults;
    if name == crate::model::notify::MAIL {
        faults.add(of.place(), "is the name of the e-mail", "give the webhook another name");
        return None;
    }
    if !of.has("secret_file") && !of.has("secret_credential") {
        let fix = "add `secret_file`; make the secret with `openssl rand -hex 32` and give it to the receiver";
        faults.add(&of.spot("secret_file"), "is missing: nobody could tell our requests from others", fix);
        return None;
    }
    let secret = secrets::read(of, "secret", Rule::GuestKey, base, credentials, faults);
    let url = super::address::without_credentials(of, "url", "remove them: requests are signed", faults)?;
    let wanted = wanted(of, &[AlarmNews::Raised, AlarmNews::Cleared, AlarmNews::Acked]);
    Some(Webhook { name, url: url.value, secret, wanted })
}

fn mail(of: &Section<'_>, base: &Base<'_>, credentials: &Credentials, findings: &mut Findings) -> Option<Mail> {
    let faults = &mut findings.faults;
    let before = faults.len();
    let (tls, usual) = match of.value::<String>("tls")?.as_str() {
        "tls" => (MailTls::Tls, 465),
        "off" => (MailTls::Off, 25),
        _ => (MailTls::StartTls, 587),
    };
    let port = match of.value::<u32>("port") {
        Some(port) => u16::try_from(port).ok()?,
        None => usual,
    };
    let password = secrets::read(of, "password", Rule::Password, base, credentials, faults);
    let user = of.get::<String>("user");
    let written = of.has("password_file") || of.has("password_credential");
    match &user {
        Some(user) if !written => {
            faults.add(&user.spot, "stands without a password", "add `password_file`, or remove it");
        }
        Some(user) if tls == MailTls::Off => {
            let fix = "use `tls = \"starttls\"` or `\"tls\"`, or a server that takes mail without a user";
            faults.add(&user.spot, "would be sent in the clear, with its password", fix);
        }
        None if written => {
            faults.add(&of.spot("user"), "is missing beside the password", "add it, or remove the password");
        }
        _ => {}
    }
    let to = of.list::<String>("to");
    if of.is_empty("to") {
        faults.add(&of.spot("to"), "names nobody", "name at least one address");
    }
    let from = of.get::<String>("from");
    for one in to.iter().chain(&from).filter(|one| !is_address(&one.value)) {
        faults.add(&one.spot, "is no e-mail address", "write it as name@host");
    }
    (faults.len() == before).then_some(())?;
    Some(Mail {
        server: of.value("server")?,
        port,
        tls,
        from: from?.value,
        to: to.into_iter().map(|one| one.value).collect(),
        login: user.and_then(|user| Some((user.value, password?))),
        wanted: wanted(of, &[AlarmNews::Raised]),
        per_hour: of.value("most_per_hour")?,
    })
}

/// What no server takes for certain; the rest it has to say itself.
fn is_address(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && !b"<>(),;:\\\"[]".contains(&b));
    let (name, host) = text.rsplit_once('@').unwrap_or_default();
    plain && !name.is_empty() && !name.contains('@') && !host.is_empty() && !host.starts_with('.')
}

fn wanted(of: &Section<'_>, usual: &[AlarmNews]) -> Wanted {
    let words = |name: &str| of.list::<String>(name).into_iter().map(|one| one.value).collect::<Vec<_>>();
    let (priorities, events) = (words("priorities"), words("events"));
    let among = |words: &[String], word: &str| words.iter().any(|one| one == word);
    let all = AlarmPriority::ALL.iter().copied();
    let priorities = all.filter(|one| !of.has("priorities") || among(&priorities, one.as_str())).collect();
    let every = [AlarmNews::Raised, AlarmNews::Cleared, AlarmNews::Acked, AlarmNews::Shelved];
    let mut news: Vec<AlarmNews> = match of.has("events") {
        true => every.into_iter().filter(|one| among(&events, one.as_str())).collect(),
        false => usual.to_vec(),
    };
    if news.contains(&AlarmNews::Shelved) {
        news.push(AlarmNews::Unshelved);
    }
    Wanted { priorities, news }
}
