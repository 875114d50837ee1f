//! `uplinkctl onvif HOST`: the streams of a network camera, and what to write for them. Asks the camera itself (ONVIF Core
//! and Media, version 10), from wherever it is called; needs no daemon.
//!
//! ```text
//! its clock ─▶ where its media service is ─▶ its profiles ─▶ the address of each
//! ```
//!
//! Logins hold for a moment, and cameras' clocks are wrong: requests are dated by the camera's own.

mod soap;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use serde_json::json;
use url::Url;

use self::soap::{Login, Node, envelope};
use crate::model::Secret;

/// A camera is on this network.
const WITHIN: Duration = Duration::from_secs(10);
/// Answers have some thousand bytes.
const MOST: usize = 1 << 20;
const MEDIA: &str = "http://www.onvif.org/ver10/media/wsdl";
const DEVICE: &str = "http://www.onvif.org/ver10/device/wsdl";
const SCHEMA: &str = "http://www.onvif.org/ver10/schema";

/// Which camera.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct OnvifArguments {
    /// Its name or address, with :port if that is not 80, or the whole address of its device service.
    camera: String,
    /// User, if it asks for one.
    #[arg(long, requires = "password_file")]
    user: Option<String>,
    /// File that holds the password.
    #[arg(long, requires = "user", value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// What it streams.
#[derive(Debug, serde::Serialize)]
struct Stream {
    profile: String,
    encoding: Option<String>,
    size: Option<String>,
    frame_rate: Option<String>,
    url: String,
}

/// Asks the camera; a table and an example, or JSON.
pub(super) async fn streams(wanted: &OnvifArguments, as_json: bool) -> Result<String, String> {
    let camera = Camera::new(wanted)?;
    let streams = camera.streams().await?;
    if as_json {
        return Ok(format!("{:#}\n", json!(streams)));
    }
    Ok(listed(&streams, wanted))
}

fn listed(streams: &[Stream], wanted: &OnvifArguments) -> String {
    let mut text = String::new();
    for Stream { profile, encoding, size, frame_rate, url } in streams {
        let rate = frame_rate.as_ref().map(|rate| format!("{rate}/s"));
        let parts = [encoding.clone(), size.clone(), rate];
        let picture = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let _ = writeln!(text, "{profile:<20} {picture:<26} {url}");
    }
    if let Some(best) = streams.first() {
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let _ = writeln!(text, "\n[sources.camera]\nkind = \"rtsp\"\nurl = {}", quoted(&best.url));
        if let (Some(user), Some(file)) = (&wanted.user, &wanted.password_file) {
            let _ = writeln!(text, "user = {}\npassword_file = {}", quoted(user), quoted(&file.to_string_lossy()));
        }
    }
    text
}

struct Camera {
    http: reqwest::Client,
    device: Url,
    login: Option<Login>,
}

impl Camera {
    fn new(wanted: &OnvifArguments) -> Result<Self, String> {
        let login = match (&wanted.user, &wanted.password_file) {
            (Some(user), Some(file)) => {
                let text = std::fs::read_to_string(file);
                let text = text.map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
                Some(Login { user: user.clone(), password: Secret::new(text.trim_end_matches(['\r', '\n'])) })
            }
            _ => None,
        };
        let whole = if wanted.camera.contains("://") {
            wanted.camera.clone()
        } else {
            format!("http://{}/onvif/device_service", wanted.camera)
        };
        let device = Url::parse(&whole).map_err(|error| format!("{whole} is no address: {error}"))?;
        // Fails only if one is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(WITHIN);
        let http = http.build().map_err(|error| format!("this machine cannot speak http: {error}"))?;
        Ok(Self { http, device, login })
    }

    async fn streams(&self) -> Result<Vec<Stream>, String> {
        let ahead = self.ahead().await?;
        let ask = format!("<GetCapabilities xmlns=\"{DEVICE}\"><Category>Media</Category></GetCapabilities>");
        let answer = self.ask(&self.device, &ask, ahead).await?;
        let media = answer.text(&["Media", "XAddr"]).ok_or("it has no media service (ONVIF Media, version 10)")?;
        let media = self.reached(media)?;
        let profiles = self.ask(&media, &format!("<GetProfiles xmlns=\"{MEDIA}\"/>"), ahead).await?;
        let mut streams = Vec::new();
        for profile in profiles.all("Profiles") {
            if let Some(stream) = self.stream(&media, profile, ahead).await? {
                streams.push(stream);
            }
        }
        if streams.is_empty() { Err("it has no profile with a stream".to_owned()) } else { Ok(streams) }
    }

    async fn stream(&self, media: &Url, profile: &Node, ahead: SignedDuration) -> Result<Option<Stream>, String> {
        let Some(token) = profile.attribute("token") else { return Ok(None) };
        let ask = format!(
            "<GetStreamUri xmlns=\"{MEDIA}\"><StreamSetup><Stream xmlns=\"{SCHEMA}\">RTP-Unicast</Stream>\
             <Transport xmlns=\"{SCHEMA}\"><Protocol>RTSP</Protocol></Transport></StreamSetup>\
             <ProfileToken>{token}</ProfileToken></GetStreamUri>"
        );
        let answer = self.ask(media, &ask, ahead).await?;
        let address = answer.text(&["MediaUri", "Uri"]).ok_or("it names no address for a stream")?;
        let mut url =
            Url::parse(address).map_err(|error| format!("it names {address}, which is no address: {error}"))?;
        // Some write the login into it, which has its own place in a configuration.
        let _ = (url.set_username(""), url.set_password(None));
        let encoder = |path: &[&str]| profile.at(&["VideoEncoderConfiguration"])?.text(path).map(str::to_owned);
        let size = encoder(&["Resolution", "Width"]).zip(encoder(&["Resolution", "Height"]));
        Ok(Some(Stream {
            profile: profile.text(&["Name"]).unwrap_or(token).to_owned(),
            encoding: encoder(&["Encoding"]),
            size: size.map(|(width, height)| format!("{width}x{height}")),
            frame_rate: encoder(&["RateControl", "FrameRateLimit"]),
            url: url.to_string(),
        }))
    }

    /// How much the camera's clock is ahead of this one. It may be asked without a login.
    async fn ahead(&self) -> Result<SignedDuration, String> {
        let answer = self.send(&self.device, &format!("<GetSystemDateAndTime xmlns=\"{DEVICE}\"/>"), None).await?;
        let theirs = answer.ok().and_then(|answer| clock(&answer));
        Ok(theirs.map_or(SignedDuration::ZERO, |theirs| theirs.duration_since(Timestamp::now())))
    }

    /// Cameras behind a router name themselves by addresses of the other side.
    fn reached(&self, named: &str) -> Result<Url, String> {
        let named = Url::parse(named).map_err(|error| format!("it names {named}, which is no address: {error}"))?;
        if named.host() == self.device.host() {
            return Ok(named);
        }
        let mut reached = self.device.clone();
        reached.set_path(named.path());
        reached.set_query(named.query());
        Ok(reached)
    }

    async fn ask(&self, url: &Url, body: &str, ahead: SignedDuration) -> Result<Node, String> {
        let now = Timestamp::now() + ahead;
        let created = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let login = self.login.as_ref().map(|login| (login, created.as_str()));
        self.send(url, body, login).await?
    }

    /// The answer, or what the camera says against it; the outer error is that it does not answer.
    async fn send(&self, url: &Url, body: &str, login: Option<(&Login, &str)>) -> Result<Result<Node, String>, String> {
        let mut nonce = [0; 16];
        ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut nonce)
            .map_err(|_| "this machine gives no random numbers")?;
        let document = envelope(body, login.map(|(login, _)| login), login.map_or("", |(_, created)| created), &nonce);
        let request = self.http.post(url.clone()).header("content-type", "application/soap+xml; charset=utf-8");
        let silent = |error: reqwest::Error| format!("{url} does not answer: {}", innermost(&error));
        let mut answer = request.body(document).send().await.map_err(silent)?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(silent)? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > MOST {
                return Err(format!("{url} answers without an end"));
            }
        }
        let document = Node::read(&String::from_utf8_lossy(&bytes));
        let fault = document.as_ref().and_then(|document| document.at(&["Fault"]));
        let denied = fault.is_some_and(|fault| fault.all("Value").iter().any(|code| code.says("NotAuthorized")));
        Ok(match (document.as_ref(), fault) {
            _ if denied || status == reqwest::StatusCode::UNAUTHORIZED => Err(match self.login {
                Some(_) => "the camera refuses user or password (some have users of their own for ONVIF)".to_owned(),
                None => "the camera asks for a user: --user NAME --password-file FILE".to_owned(),
            }),
            (_, Some(fault)) => {
                Err(format!("the camera refuses: {}", fault.text(&["Text"]).unwrap_or("it does not say why")))
            }
            (Some(_), None) if status.is_success() => document.ok_or_else(String::new),
            _ => Err(format!("{url} answers {status}, and that is not ONVIF")),
        })
    }
}

/// What a camera says of its time.
fn clock(answer: &Node) -> Option<Timestamp> {
    let utc = answer.at(&["UTCDateTime"])?;
    let number = |path: &[&str]| utc.text(path)?.parse::<i16>().ok();
    let small = |path: &[&str]| i8::try_from(number(path)?).ok();
    let date = civil::Date::new(number(&["Year"])?, small(&["Month"])?, small(&["Day"])?).ok()?;
    let time = civil::Time::new(small(&["Hour"])?, small(&["Minute"])?, small(&["Second"])?, 0).ok()?;
    Some(TimeZone::UTC.to_zoned(date.to_datetime(time)).ok()?.timestamp())
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string().to_lowercase()
}
