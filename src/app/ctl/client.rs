//! The API as a program sees it.

use std::fmt::Display;
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, COOKIE, ETAG, HeaderMap, HeaderValue, IF_MATCH, IF_NONE_MATCH, SET_COOKIE};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::consent::{Confirmation, Consent, encoded};

const CONNECT: Duration = Duration::from_secs(3);
const READ: Duration = Duration::from_secs(5);

/// Longer than the daemon waits for the engine, so that its answer is the one that is shown.
const COMMAND: Duration = Duration::from_secs(65);

/// How often what is to be confirmed may turn out to be something else.
const TURNS: usize = 5;

const TOO_LONG: &str = "it took too long";

/// Where a daemon listens that was told nothing else.
pub(crate) const HERE: &str = "http://127.0.0.1:8080";

/// The way to a daemon.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Reach {
    /// Address of the daemon's API [default: the socket of the daemon on this box, else http://127.0.0.1:8080].
    #[arg(long, env = "UPLINK_API", global = true)]
    pub(crate) api: Option<url::Url>,

    /// Socket of the daemon on this box: root and the daemon's own user are admin there, others of its group operators.
    #[arg(long, env = "UPLINK_SOCKET", default_value = "/run/uplink/api.sock", value_name = "FILE", global = true)]
    socket: PathBuf,

    /// File with an API token, for a daemon elsewhere.
    #[arg(long, env = "UPLINK_TOKEN_FILE", value_name = "FILE", global = true)]
    token_file: Option<PathBuf>,

    /// Certificate to trust, PEM: such as a daemon's own, tls/certificate.pem in its state directory.
    #[arg(long, env = "UPLINK_CA_FILE", value_name = "FILE", global = true)]
    ca_file: Option<PathBuf>,
}

impl Reach {
    /// By the network alone: for what belongs to a person, whom the socket does not know.
    pub(super) fn by_network(&self) -> Self {
        Self { api: self.api.clone().or_else(|| HERE.parse().ok()), token_file: None, ..self.clone() }
    }

    /// The socket, if nothing else is asked for and somebody answers there.
    fn local(&self) -> Local<'_> {
        if self.api.is_some() || self.token_file.is_some() {
            return Local::Nobody;
        }
        match UnixStream::connect(&self.socket) {
            Ok(_) => Local::Answers(&self.socket),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Local::Closed(&self.socket),
            Err(_) => Local::Nobody,
        }
    }

    fn headers(&self) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        if let Some(path) = &self.token_file {
            let file = |cause: String| Failure::File { path: path.clone(), cause };
            let text = std::fs::read_to_string(path).map_err(|error| file(error.to_string()))?;
            let value = HeaderValue::try_from(format!("Bearer {}", text.trim()));
            let mut value = value.map_err(|_| file("is no token: one line, upl_…".to_owned()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }

    fn certificates(&self) -> Result<Option<Vec<reqwest::Certificate>>, Failure> {
        let Some(path) = &self.ca_file else { return Ok(None) };
        let file = |cause: String| Failure::File { path: path.clone(), cause };
        let bytes = std::fs::read(path).map_err(|error| file(error.to_string()))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&bytes).map_err(|error| file(innermost(&error)))?;
        Ok(Some(certificates))
    }
}

/// What is behind the socket.
enum Local<'a> {
    Answers(&'a Path),
    /// This user may not.
    Closed(&'a Path),
    Nobody,
}

/// Why there is no answer to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no answer from {url}: {cause}")]
    Unreachable { url: String, cause: String },
    #[error("{detail}")]
    Refused { code: String, detail: String, errors: Vec<String> },
    #[error("{}: {cause}", path.display())]
    File { path: PathBuf, cause: String },
    #[error("{url} does not answer as an Uplink daemon does: {cause}")]
    Unreadable { url: String, cause: String },
}

impl Failure {
    pub(crate) fn unknown_channel(id: impl Display, known: impl Iterator<Item = impl Display>) -> Self {
        let known: Vec<String> = known.map(|id| id.to_string()).collect();
        let detail = format!("there is no channel `{id}`; there is: {}", known.join(", "));
        Failure::Refused { code: "unknown_channel".into(), detail, errors: Vec::new() }
    }
}

/// A problem (RFC 9457), as far as people need it.
#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
    #[serde(default)]
    errors: Vec<Fault>,
    #[serde(default)]
    confirm: Option<Confirmation>,
}

#[derive(Deserialize)]
struct Fault {
    detail: String,
}

/// What a change takes the place of.
#[derive(Debug)]
pub(crate) enum Over {
    /// What this tag names.
    This(String),
    /// Nothing: there is none yet.
    Nothing,
}

impl From<Option<String>> for Over {
    fn from(tag: Option<String>) -> Self {
        tag.map_or(Self::Nothing, Self::This)
    }
}

/// See the module.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    /// What it is called where it does not answer.
    name: String,
    /// The socket that this user may not use.
    closed: Option<PathBuf>,
    consent: Consent,
    /// Why a freeze is overridden.
    reason: Option<String>,
}

impl Client {
    pub(crate) fn new(reach: &Reach) -> Result<Self, Failure> {
        // Fails only if one is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (local, closed) = match reach.local() {
            Local::Answers(path) => (Some(path), None),
            Local::Closed(path) => (None, Some(path.to_owned())),
            Local::Nobody => (None, None),
        };
        // The host is only a name there, but one of this box.
        let base = if local.is_some() {
            "http://localhost".to_owned()
        } else {
            reach.api.as_ref().map_or(HERE, |api| api.as_str()).to_owned()
        };
        let base = base.trim_end_matches('/').to_owned();
        let name = local.map_or_else(|| base.clone(), |path| path.display().to_string());
        // An appliance is near: a proxy for the web does not know it.
        let mut http = reqwest::Client::builder().no_proxy().connect_timeout(CONNECT).read_timeout(COMMAND);
        http = http.default_headers(reach.headers()?);
        if let Some(path) = local {
            http = http.unix_socket(path);
        }
        if let Some(certificates) = reach.certificates()? {
            http = http.tls_certs_only(certificates);
        }
        let http = http.build();
        let http = http.map_err(|error| Failure::Unreachable { url: name.clone(), cause: innermost(&error) })?;
        Ok(Self { http, base, name, closed, consent: Consent::default(), reason: None })
    }

    /// The same, with who confirms what viewers would notice, and why a freeze is overridden, if it is.
    pub(crate) fn guarded(self, consent: Consent, reason: Option<String>) -> Self {
        Self { consent, reason, ..self }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    /// The text as it came, and what it says.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<(String, T), Failure> {
        self.exchange(self.http.get(self.url(path)).timeout(READ)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Option<Value>) -> Result<(String, Value), Failure> {
        let request = self.http.post(self.url(path)).timeout(COMMAND);
        self.exchange(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// The same, only in place of what is named.
    pub(crate) async fn post_over(&self, path: &str, body: Value, over: &Over) -> Result<(String, Value), Failure> {
        let request = self.http.post(self.url(path)).timeout(COMMAND).json(&body);
        self.exchange(match over {
            Over::This(tag) => request.header(IF_MATCH, tag),
            Over::Nothing => request.header(IF_NONE_MATCH, "*"),
        })
        .await
    }

    /// A document, and the tag that names it as it is now.
    pub(crate) async fn get_tagged(&self, path: &str) -> Result<(Value, Option<String>), Failure> {
        let answer = self.open(path).await?;
        let tag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let text = answer.text().await.map_err(|error| self.unreachable(&error))?;
        let document = serde_json::from_str(&text).map_err(|error| self.unreadable(error))?;
        Ok((document, tag))
    }

    /// Sends a file.
    pub(crate) async fn put(&self, path: &str, body: Vec<u8>) -> Result<(String, Value), Failure> {
        self.exchange(self.http.put(self.url(path)).timeout(COMMAND).body(body)).await
    }

    pub(crate) async fn put_json(&self, path: &str, body: &Value) -> Result<(String, Value), Failure> {
        self.exchange(self.http.put(self.url(path)).timeout(COMMAND).json(body)).await
    }

    pub(crate) async fn delete_json(&self, path: &str, body: &Value) -> Result<(String, Value), Failure> {
        self.exchange(self.http.delete(self.url(path)).timeout(COMMAND).json(body)).await
    }

    /// Changes something of what is there.
    pub(crate) async fn patch(&self, path: &str, body: Value) -> Result<(String, Value), Failure> {
        self.exchange(self.http.patch(self.url(path)).timeout(COMMAND).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<(String, Value), Failure> {
        self.exchange(self.http.delete(self.url(path)).timeout(COMMAND)).await
    }

    /// Logs in; the cookies that show it from then on.
    pub(crate) async fn log_in(&self, name: &str, password: &str) -> Result<HeaderValue, Failure> {
        let body = serde_json::json!({ "name": name, "password": password });
        let request = self.http.post(self.url("api/v1/session")).timeout(COMMAND).json(&body);
        let answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        if !answer.status().is_success() {
            let text = answer.text().await.map_err(|error| self.unreachable(&error))?;
            return Err(self.refused(&text));
        }
        let set = answer.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs: Vec<&str> = set.filter_map(|cookie| cookie.split(';').next()).collect();
        let mut cookies = HeaderValue::try_from(pairs.join("; ")).map_err(|error| self.unreadable(error))?;
        cookies.set_sensitive(true);
        Ok(cookies)
    }

    /// Changes the password of who has logged in.
    pub(crate) async fn change_password(&self, session: &HeaderValue, body: Value) -> Result<(), Failure> {
        let request = self.http.put(self.url("api/v1/session/password")).timeout(COMMAND).json(&body);
        self.exchange::<Value>(request.header(COOKIE, session)).await.map(drop)
    }

    /// The session ends; if this does not arrive, by itself.
    pub(crate) async fn log_out(&self, session: &HeaderValue) {
        let request = self.http.delete(self.url("api/v1/session")).timeout(READ);
        let _ = self.exchange::<Value>(request.header(COOKIE, session)).await;
    }

    /// An answer whose body goes on and on.
    pub(crate) async fn open(&self, path: &str) -> Result<reqwest::Response, Failure> {
        let answer = match tokio::time::timeout(READ, self.http.get(self.url(path)).send()).await {
            Ok(answer) => answer.map_err(|error| self.unreachable(&error))?,
            Err(_) => return Err(Failure::Unreachable { url: self.name.clone(), cause: TOO_LONG.to_owned() }),
        };
        match answer.status().is_success() {
            true => Ok(answer),
            false => {
                let text = answer.text().await.map_err(|error| self.unreachable(&error))?;
                Err(self.refused(&text))
            }
        }
    }

    async fn exchange<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<(String, T), Failure> {
        let request = match &self.reason {
            Some(reason) => request.header("override", encoded(reason)),
            None => request,
        };
        let mut text = match self.send(&request).await? {
            Ok(text) => text,
            Err(refused) => self.confirmed(&request, refused).await?,
        };
        // Done, and no more to say.
        if text.is_empty() {
            "null".clone_into(&mut text);
        }
        let said = serde_json::from_str(&text).map_err(|error| self.unreadable(error))?;
        text.push('\n');
        Ok((text, said))
    }

    /// What was answered, good or not.
    async fn send(&self, request: &reqwest::RequestBuilder) -> Result<Result<String, String>, Failure> {
        // Bodies are at hand, so it can be sent again.
        let again = request.try_clone().ok_or_else(|| self.unreadable("the request cannot be sent again"))?;
        let answer = again.send().await.map_err(|error| self.unreachable(&error))?;
        let good = answer.status().is_success();
        let text = answer.text().await.map_err(|error| self.unreachable(&error))?;
        Ok(if good { Ok(text) } else { Err(text) })
    }

    /// Sends it again with the confirmation that its refusal asks for, if somebody confirms it. What was confirmed is not
    /// asked about again when its time was up meanwhile; what has become something else is.
    async fn confirmed(&self, request: &reqwest::RequestBuilder, refused: String) -> Result<String, Failure> {
        let (mut refused, mut agreed) = (refused, None);
        for _ in 0..TURNS {
            let problem = serde_json::from_str::<Problem>(&refused).ok();
            let Some(wanted) = problem.and_then(|problem| problem.confirm) else { break };
            if agreed.as_ref() != Some(&wanted.text) && !self.consent.to(&wanted) {
                let detail = format!("{}; it was not confirmed: say yes at a terminal, or --yes", wanted.text);
                return Err(Failure::Refused { code: "confirmation_required".into(), detail, errors: Vec::new() });
            }
            let again = request.try_clone().ok_or_else(|| self.unreadable("the request cannot be sent again"))?;
            let again = again.header("confirm", &wanted.token);
            let again = match &wanted.name {
                Some(name) => again.header("confirm-name", encoded(name)),
                None => again,
            };
            agreed = Some(wanted.text);
            match self.send(&again).await? {
                Ok(text) => return Ok(text),
                Err(text) => refused = text,
            }
        }
        Err(self.refused(&refused))
    }

    fn refused(&self, text: &str) -> Failure {
        match serde_json::from_str::<Problem>(text) {
            Ok(Problem { code, mut detail, errors, confirm: _ }) => {
                let unknown = ["login_required", "setup_required"].contains(&code.as_str());
                if let Some(socket) = self.closed.as_ref().filter(|_| unknown) {
                    let socket = socket.display();
                    detail += &format!("; or use {socket}, as root (sudo) or as a member of its group");
                }
                Failure::Refused { code, detail, errors: errors.into_iter().map(|fault| fault.detail).collect() }
            }
            Err(error) => self.unreadable(error),
        }
    }

    pub(crate) fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let cause = if error.is_timeout() { TOO_LONG.to_owned() } else { innermost(error) };
        Failure::Unreachable { url: self.name.clone(), cause }
    }

    fn unreadable(&self, cause: impl Display) -> Failure {
        Failure::Unreadable { url: self.name.clone(), cause: cause.to_string() }
    }
}

/// The innermost cause is what a technician can act on (`connection refused`).
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string().to_lowercase()
}
