//! Letting in: who a request is of, logging in and out, the first admin.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Mutex as Turn, Semaphore, watch};

use super::accounts::{self, BadEntry, Session, SessionView, User};
use super::caller::{By, Caller, Credentials, Peer, Via};
use super::chance::{self, NoChance};
use super::crowd::Crowd;
use super::first_run::FirstRun;
use super::limits::Limits;
use super::password::{HashError, Hashed};
use super::presence::Roll;
use super::registry::{Changes, Conflict, Registry};
use super::role::Role;
use crate::model::{MediaTime, Secret};
use crate::store::{Accounts, AccountsError};

/// Passwords that are hashed at once; each takes a processor and 19 MiB, which channels on air need more.
const HASHES: usize = 2;
/// How long somebody waits for the turn of a password.
const TURN: Duration = Duration::from_secs(5);
/// As whom guesses of the first admin's code are counted: no name of a user.
const FIRST: &str = "the first admin";
/// Until the database is tried again that could not be read at the start.
const AGAIN: Duration = Duration::from_secs(2);
/// What is kept of a browser's name, characters.
const AGENT: usize = 120;

/// Why somebody is not let in, or may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Nobody can log in yet.
    #[error(
        "this box has no users yet: make the first admin with the one-time code that stands on its console, in its log and in `first-run-code` of its state directory"
    )]
    SetupRequired,
    /// No credentials, or a session that is over.
    #[error("log in first, or send a token as `Authorization: Bearer upl_…`")]
    LoginRequired,
    /// Unknown, expired, revoked: all the same.
    #[error("the token is not good, or no longer: make another one")]
    BadToken,
    /// Known, but not allowed.
    #[error("this needs the role {0}")]
    Forbidden(&'static str),
    /// A password would go over the network for all to read.
    #[error("passwords are only taken over TLS or on the box itself: use https")]
    NotPrivate,
    /// Too many wrong ones.
    #[error("too many wrong passwords: wait {} s", .0.as_secs().max(1))]
    TooMany(Duration),
    /// Name or password.
    #[error("name or password is wrong")]
    Wrong,
    /// Of the first admin.
    #[error("the one-time code is wrong: it stands on the box's console and in its log")]
    WrongCode,
    /// Others are being let in.
    #[error("too many passwords are being looked at: try again in a moment")]
    Busy,
    /// The database.
    #[error("{0}")]
    Unavailable(String),
    /// With what is there.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// What was sent.
    #[error(transparent)]
    Bad(#[from] BadEntry),
    /// Here.
    #[error("{0}")]
    Internal(String),
}

impl From<AccountsError> for Denied {
    fn from(error: AccountsError) -> Self {
        Denied::Unavailable(error.to_string())
    }
}

impl From<HashError> for Denied {
    fn from(error: HashError) -> Self {
        Denied::Internal(error.to_string())
    }
}

impl From<NoChance> for Denied {
    fn from(error: NoChance) -> Self {
        Denied::Internal(error.to_string())
    }
}

/// A session that was just opened.
#[derive(Debug)]
pub struct Opened {
    /// What the cookie says.
    pub secret: Secret,
    /// Who that is.
    pub caller: Caller,
    /// The session.
    pub session: SessionView,
}

/// Who may what; cheap to clone.
#[derive(Clone)]
pub struct Access(pub(super) Arc<Inner>);

pub(super) struct Inner {
    open: AtomicBool,
    /// None until it has been read.
    registry: Mutex<Option<Registry>>,
    /// Held while a change is made and written, so that changes come one after the other.
    turn: Turn<()>,
    limits: Mutex<Limits>,
    crowd: Crowd,
    hashing: Arc<Semaphore>,
    pub(super) accounts: Option<Accounts>,
    first: Option<FirstRun>,
    code: Mutex<Option<Secret>>,
    changed: watch::Sender<u64>,
    /// Who is here.
    pub(super) roll: Arc<Roll>,
}

impl Access {
    /// Everybody may everything, and nothing is kept: for a stage, and for tests.
    pub fn open_to_all() -> Self {
        Self::new(true, Some(Registry::default()), None, None)
    }

    /// With the users of `accounts`, or `open` to everybody. If they cannot be read, nobody but who comes by the unix socket
    /// is let in until they can, which is tried again and again.
    pub async fn of(accounts: Accounts, state: &Path, open: bool) -> Self {
        let access = Self::new(open, None, Some(accounts), Some(FirstRun::at(state)));
        if !access.read_accounts().await {
            let inner = Arc::downgrade(&access.0);
            tokio::spawn(async move {
                tokio::time::sleep(AGAIN).await;
                while let Some(inner) = inner.upgrade() {
                    if Access(inner).read_accounts().await {
                        return;
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            });
        }
        access
    }

    fn new(open: bool, registry: Option<Registry>, accounts: Option<Accounts>, first: Option<FirstRun>) -> Self {
        Self(Arc::new(Inner {
            open: AtomicBool::new(open),
            registry: Mutex::new(registry),
            turn: Turn::new(()),
            limits: Mutex::default(),
            crowd: Crowd::default(),
            hashing: Arc::new(Semaphore::new(HASHES)),
            accounts,
            first,
            code: Mutex::default(),
            changed: watch::Sender::new(0),
            roll: Arc::default(),
        }))
    }

    /// Whether they are known now.
    pub(super) async fn read_accounts(&self) -> bool {
        let Some(accounts) = &self.0.accounts else { return true };
        match accounts.load().await {
            Ok(pages) => {
                *locked(&self.0.registry) = Some(Registry::of(pages));
                self.0.changed.send_modify(|changes| *changes += 1);
                self.ask_for_first();
                true
            }
            // It has been told where it happened.
            Err(_) => false,
        }
    }

    /// Makes the code for the first admin, if one is needed.
    fn ask_for_first(&self) {
        let nobody = locked(&self.0.registry).as_ref().is_some_and(|registry| !registry.has_users());
        let mut code = locked(&self.0.code);
        if let (true, None, false, Some(first)) = (nobody, &*code, self.is_open(), &self.0.first) {
            match first.code() {
                Ok(made) => *code = Some(Secret::new(made)),
                Err(error) => tracing::error!(%error, "no code for the first admin"),
            }
        }
    }

    /// Whether everybody may everything.
    pub fn is_open(&self) -> bool {
        self.0.open.load(Ordering::Relaxed)
    }

    /// As the configuration says from now on.
    pub fn set_open(&self, open: bool) {
        if self.0.open.swap(open, Ordering::Relaxed) != open {
            tracing::warn!(open, "who may use the API was changed");
            self.ask_for_first();
            self.0.changed.send_modify(|changes| *changes += 1);
        }
    }

    /// Wakes when somebody who was let in may be so no longer.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Logins that failed since the start.
    pub fn login_failures(&self) -> u64 {
        locked(&self.0.limits).failures()
    }

    /// It was right after all.
    pub(super) fn forget_tries(&self, name: &str, via: &Via) {
        locked(&self.0.limits).right(name, via);
    }

    /// Whether one more failure of somebody unknown is to be in the audit log.
    pub(super) fn may_note(&self) -> bool {
        locked(&self.0.limits).may_note(Instant::now())
    }

    /// Who shows these credentials.
    pub fn identify(&self, credentials: Credentials<'_>, via: &Via) -> Result<Caller, Denied> {
        let caller = |name: String, role, by| Caller { name, role, by, via: *via };
        if self.is_open() {
            return Ok(caller("everybody".to_owned(), Some(Role::Admin), By::Open));
        }
        if let Peer::Socket { uid } = via.peer {
            return Ok(caller(format!("uid {uid}"), Some(role_on_this_box(uid)), By::Socket));
        }
        let now = now();
        let mut registry = locked(&self.0.registry);
        let registry = registry.as_mut().ok_or_else(not_read)?;
        if !registry.has_users() {
            return Err(Denied::SetupRequired);
        }
        let (found, seen) = match credentials {
            Credentials::None => return Err(Denied::LoginRequired),
            Credentials::Bearer(text) => {
                let (token, seen) = registry.token(text, now).ok_or(Denied::BadToken)?;
                let by = By::Token { id: token.id, scopes: token.scopes };
                (caller(token.name, token.role, by), seen)
            }
            Credentials::Cookie(secret) => {
                let (session, user, seen) = registry.session(secret, now).ok_or(Denied::LoginRequired)?;
                (caller(user.name, Some(user.role), By::Session(session.id)), seen)
            }
        };
        if let (Some(seen), Some(accounts)) = (seen, &self.0.accounts) {
            accounts.note(seen);
        }
        Ok(found)
    }

    /// Whether somebody who was let in would be now: for what goes on and on.
    pub fn holds(&self, caller: &Caller) -> bool {
        let now = now();
        let registry = locked(&self.0.registry);
        let registry = registry.as_ref();
        match &caller.by {
            By::Open => self.is_open(),
            By::Socket | By::Osc => true,
            By::Session(id) => registry.is_some_and(|registry| registry.is_session(id, now)),
            By::Token { id, .. } => registry.is_some_and(|registry| registry.is_token(id, now)),
        }
    }

    /// Logs in. Takes the same time and says the same, whether there is such a user or not.
    pub async fn login(&self, name: &str, password: Secret, via: &Via, agent: &str) -> Result<Opened, Denied> {
        if !via.is_private() {
            return Err(Denied::NotPrivate);
        }
        let name = accounts::name(name).unwrap_or_default();
        let known = {
            let registry = locked(&self.0.registry);
            let registry = registry.as_ref().ok_or_else(not_read)?;
            if !registry.has_users() {
                return Err(Denied::SetupRequired);
            }
            registry.user(&name).map(|user| user.password.clone())
        };
        self.proven(&name, via, known.clone().unwrap_or_else(Hashed::of_nobody), password).await?;
        let known = known.ok_or(Denied::Wrong)?;
        let good = move |user: &&User| !user.disabled && user.password == known;
        let opened = self.open_session(&name, via, agent, good).await?;
        locked(&self.0.limits).right(&name, via);
        Ok(opened)
    }

    /// Makes the first admin, and logs it in.
    pub async fn set_up(
        &self,
        code: &Secret,
        name: &str,
        password: Secret,
        via: &Via,
        agent: &str,
    ) -> Result<Opened, Denied> {
        if !via.is_private() {
            return Err(Denied::NotPrivate);
        }
        let wanted = locked(&self.0.code).clone();
        let wanted = wanted.ok_or_else(|| match locked(&self.0.registry).is_some() {
            true => Denied::Conflict(Conflict::SetUp),
            false => not_read(),
        })?;
        locked(&self.0.limits).begin(FIRST, via, Instant::now()).map_err(Denied::TooMany)?;
        if !chance::same(&code.reveal().trim().to_uppercase(), wanted.reveal()) {
            return Err(Denied::WrongCode);
        }
        locked(&self.0.limits).right(FIRST, via);
        let user = self.made(name, password, Role::Admin).await?;
        let name = user.name.clone();
        self.change(|registry| match registry.has_users() {
            true => Err(Conflict::SetUp.into()),
            false => Ok((registry.add_user(user)?, ())),
        })
        .await?;
        self.no_more_first();
        self.open_session(&name, via, agent, |_| true).await
    }

    /// There is a user: the code is good for nothing any more.
    pub(super) fn no_more_first(&self) {
        if locked(&self.0.code).take().is_some()
            && let Some(first) = &self.0.first
        {
            first.spend();
        }
    }

    /// Whether `password` is the one of `hashed`; counted as a try of `name`.
    pub(super) async fn proven(&self, name: &str, via: &Via, hashed: Hashed, password: Secret) -> Result<(), Denied> {
        let _one = self.0.crowd.enter(via).ok_or(Denied::Busy)?;
        locked(&self.0.limits).begin(name, via, Instant::now()).map_err(Denied::TooMany)?;
        match self.hashing(move || hashed.is_of(password.reveal())).await? {
            true => Ok(()),
            false => Err(Denied::Wrong),
        }
    }

    /// A user to be added.
    pub(super) async fn made(&self, name: &str, password: Secret, role: Role) -> Result<User, Denied> {
        let name = accounts::name(name)?;
        accounts::password(password.reveal(), &name)?;
        let password = self.hashing(move || Hashed::of(password.reveal())).await?;
        Ok(User { name, role, password, created: now(), disabled: false })
    }

    /// Off the runtime's threads, and not too many at once.
    pub(super) async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, Denied> {
        let permit = tokio::time::timeout(TURN, self.0.hashing.clone().acquire_owned()).await;
        let permit = permit.map_err(|_| Denied::Busy)?.map_err(|_| Denied::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        Ok(done.await.map_err(|error| Denied::Internal(format!("hashing a password failed: {error}")))??)
    }

    async fn open_session(
        &self,
        name: &str,
        via: &Via,
        agent: &str,
        good: impl FnOnce(&&User) -> bool,
    ) -> Result<Opened, Denied> {
        let (secret, id, now) = (chance::secret()?, chance::id()?, now());
        let agent = agent.chars().filter(|c| !c.is_control()).take(AGENT).collect();
        let from = via.to_string();
        let session = Session { id: id.clone(), user: name.to_owned(), created: now, used: now, from, agent };
        let view = session.view(Some(&id));
        let role = self
            .change(|registry| {
                let role = registry.user(name).filter(good).map(|user| user.role).ok_or(Denied::Wrong)?;
                Ok((registry.open_session(&secret, session), role))
            })
            .await?;
        let caller = Caller { name: name.to_owned(), role: Some(role), by: By::Session(id), via: *via };
        Ok(Opened { secret: Secret::new(secret), caller, session: view })
    }

    /// Makes a change; it is on the disk, and in force, when this returns.
    pub(super) async fn change<T>(
        &self,
        make: impl FnOnce(&mut Registry) -> Result<(Changes, T), Denied>,
    ) -> Result<T, Denied> {
        let _turn = self.0.turn.lock().await;
        let mut next = locked(&self.0.registry).clone().ok_or_else(not_read)?;
        let (changes, value) = make(&mut next)?;
        if let Some(accounts) = &self.0.accounts {
            accounts.change(changes).await?;
        }
        *locked(&self.0.registry) = Some(next);
        self.0.changed.send_modify(|changes| *changes += 1);
        Ok(value)
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&Registry) -> T) -> Result<T, Denied> {
        locked(&self.0.registry).as_ref().map(look).ok_or_else(not_read)
    }
}

/// Root and the daemon's own user; others are let in by the group of the socket.
fn role_on_this_box(uid: u32) -> Role {
    let own = rustix::process::geteuid().as_raw();
    if uid == 0 || uid == own { Role::Admin } else { Role::Operator }
}

fn not_read() -> Denied {
    Denied::Unavailable("users cannot be read now: look at the disk and at access.db in the state directory".to_owned())
}

pub(super) fn now() -> MediaTime {
    MediaTime::from_system(SystemTime::now())
}

/// Held for moments, and what it holds is whole whoever panicked.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
