//! Letting in, over a real database.

use super::*;
use crate::model::{MediaTime, Secret};
use crate::store::Accounts;

const PASSWORD: &str = "correct horse battery";

struct Site {
    access: Access,
    state: tempfile::TempDir,
}

fn here() -> Via {
    Via { peer: Peer::Network("127.0.0.1".parse().unwrap()), encrypted: false }
}

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

async fn fresh() -> Site {
    let state = tempfile::tempdir().unwrap();
    let accounts = Accounts::new(&state.path().join("access.db"));
    Site { access: Access::of(accounts, state.path(), false).await, state }
}

impl Site {
    fn code(&self) -> Secret {
        secret(&std::fs::read_to_string(self.state.path().join("first-run-code")).unwrap())
    }

    /// Another run of the daemon.
    async fn again(self) -> Site {
        let Site { access, state } = self;
        drop(access);
        let accounts = Accounts::new(&state.path().join("access.db"));
        Site { access: Access::of(accounts, state.path(), false).await, state }
    }
}

async fn with_ada() -> (Site, Opened) {
    let one = fresh().await;
    let opened = one.access.set_up(&one.code(), "Ada", secret(PASSWORD), &here(), "a browser").await.unwrap();
    (one, opened)
}

#[tokio::test]
async fn the_first_admin_needs_the_code_of_the_console_and_there_is_only_one_first() {
    let one = fresh().await;
    let shown = |credentials| one.access.identify(credentials, &here());
    assert_eq!(shown(Credentials::None), Err(Denied::SetupRequired));
    assert_eq!(shown(Credentials::Cookie("forged")), Err(Denied::SetupRequired));
    let login = one.access.login("ada", secret(PASSWORD), &here(), "").await;
    assert_eq!(login.unwrap_err(), Denied::SetupRequired);
    let wrong = one.access.set_up(&secret("AAAAA-AAAAA-AAAAA-AAAAA"), "ada", secret(PASSWORD), &here(), "").await;
    assert_eq!(wrong.unwrap_err(), Denied::WrongCode);
    let far = Via { peer: Peer::Network("192.0.2.7".parse().unwrap()), encrypted: false };
    let read_by_all = one.access.set_up(&one.code(), "ada", secret(PASSWORD), &far, "").await;
    assert_eq!(read_by_all.unwrap_err(), Denied::NotPrivate);
    let short = one.access.set_up(&one.code(), "ada", secret("short"), &here(), "").await;
    assert!(matches!(short.unwrap_err(), Denied::Bad(BadEntry::Password(_))));
    let code = one.code();
    let one = one.again().await;
    assert_eq!(one.code().reveal().trim(), code.reveal().trim(), "a restart changes nothing");
    let lower = secret(&code.reveal().to_lowercase());
    let opened = one.access.set_up(&lower, "Ada", secret(PASSWORD), &here(), "a browser").await.unwrap();
    assert_eq!((opened.caller.name.as_str(), opened.caller.role), ("ada", Some(Role::Admin)));
    assert!(!one.state.path().join("first-run-code").exists());
    let second = one.access.set_up(&code, "eve", secret(PASSWORD), &here(), "").await;
    assert_eq!(second.unwrap_err(), Denied::Conflict(Conflict::SetUp));
}

#[tokio::test]
async fn a_session_survives_the_daemon_and_ends_with_the_logout() {
    let (one, opened) = with_ada().await;
    let one = one.again().await;
    let caller = one.access.identify(Credentials::Cookie(opened.secret.reveal()), &here()).unwrap();
    assert_eq!(caller, opened.caller);
    let stored = std::fs::read(one.state.path().join("access.db")).unwrap();
    let journal = std::fs::read(one.state.path().join("access.db-wal")).unwrap_or_default();
    for bytes in [stored, journal] {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains(opened.secret.reveal()) && !text.contains(PASSWORD));
    }
    assert!(one.access.holds(&caller));
    let mut changes = one.access.changes();
    changes.mark_unchanged();
    one.access.logout(&caller).await.unwrap();
    assert!(changes.has_changed().unwrap() && !one.access.holds(&caller));
    let after = one.access.identify(Credentials::Cookie(opened.secret.reveal()), &here());
    assert_eq!(after, Err(Denied::LoginRequired));
}

#[tokio::test]
async fn wrong_names_and_wrong_passwords_are_the_same() {
    let (one, _) = with_ada().await;
    for name in ["ada", "nobody", "", "../../etc", "ADA'--"] {
        let denied = one.access.login(name, secret("wrong password"), &here(), "").await.unwrap_err();
        assert_eq!(denied, Denied::Wrong, "{name}");
    }
    one.access.login(" ADA ", secret(PASSWORD), &here(), "").await.unwrap();
}

#[tokio::test]
async fn ten_wrong_passwords_lock_one_user_at_one_address() {
    let (one, _) = with_ada().await;
    for _ in 0..10 {
        let denied = one.access.login("ada", secret("wrong password"), &here(), "").await.unwrap_err();
        assert_eq!(denied, Denied::Wrong);
    }
    let locked = one.access.login("ada", secret(PASSWORD), &here(), "").await.unwrap_err();
    assert!(matches!(locked, Denied::TooMany(_)), "{locked:?}");
    let elsewhere = Via { peer: Peer::Network("127.0.0.2".parse().unwrap()), encrypted: false };
    one.access.login("ada", secret(PASSWORD), &elsewhere, "").await.unwrap();
}

#[tokio::test]
async fn users_are_made_changed_and_removed_by_their_sessions_end() {
    let (one, ada) = with_ada().await;
    one.access.add_user("bob", secret(PASSWORD), Role::Viewer).await.unwrap();
    let bob = one.access.login("bob", secret(PASSWORD), &here(), "").await.unwrap();
    let own = one.access.sessions(&bob.caller).unwrap();
    assert_eq!(own.iter().map(|session| session.user.as_str()).collect::<Vec<_>>(), ["bob"]);
    assert_eq!(one.access.sessions(&ada.caller).unwrap().len(), 2);
    let foreign = one.access.end_session(&bob.caller, ada.caller.session().unwrap()).await;
    assert!(matches!(foreign, Err(Denied::Conflict(Conflict::NoSession(_)))));
    let wrong = one.access.change_password(&bob.caller, secret("not that one"), secret("another long one")).await;
    assert_eq!(wrong, Err(Denied::Wrong));
    one.access.change_password(&bob.caller, secret(PASSWORD), secret("another long one")).await.unwrap();
    assert!(one.access.holds(&bob.caller), "the session that changes it goes on");
    assert_eq!(one.access.login("bob", secret(PASSWORD), &here(), "").await.unwrap_err(), Denied::Wrong);
    let promoted = UserChange { role: Some(Role::Operator), ..UserChange::default() };
    let (before, after) = one.access.change_user("bob", promoted).await.unwrap();
    assert_eq!((before.role, after.role), (Role::Viewer, Role::Operator));
    assert!(!one.access.holds(&bob.caller));
    one.access.remove_user("bob").await.unwrap();
    let gone = one.access.login("bob", secret("another long one"), &here(), "").await.unwrap_err();
    assert_eq!(gone, Denied::Wrong);
    let last = one.access.remove_user("ada").await.unwrap_err();
    assert_eq!(last, Denied::Conflict(Conflict::LastAdmin("ada".into())));
}

#[tokio::test]
async fn tokens_are_shown_once_and_revoked() {
    let (one, ada) = with_ada().await;
    let new =
        |role, scopes: &[Scope], expires| NewToken { name: "robot".into(), role, scopes: scopes.to_vec(), expires };
    let none = one.access.make_token(&ada.caller, new(None, &[], None)).await.unwrap_err();
    assert!(matches!(none, Denied::Bad(BadEntry::Token(_))));
    let past = one.access.make_token(&ada.caller, new(Some(Role::Viewer), &[], Some(MediaTime::from_secs(1)))).await;
    assert!(past.is_err());
    let scopes = [Scope::Metrics, Scope::Metrics];
    let (view, text) = one.access.make_token(&ada.caller, new(None, &scopes, None)).await.unwrap();
    assert_eq!((view.created_by.as_str(), view.scopes.as_slice()), ("ada", &[Scope::Metrics][..]));
    let one = one.again().await;
    let caller = one.access.identify(Credentials::Bearer(text.reveal()), &here()).unwrap();
    assert!(caller.has(Scope::Metrics) && !caller.may(Role::Viewer));
    let mut forged = text.reveal().to_owned();
    forged.pop();
    for bad in [forged.as_str(), "", "upl_", "Bearer", text.reveal().trim_start_matches("upl_")] {
        assert_eq!(one.access.identify(Credentials::Bearer(bad), &here()), Err(Denied::BadToken), "{bad}");
    }
    one.access.remove_token(&view.id).await.unwrap();
    assert_eq!(one.access.identify(Credentials::Bearer(text.reveal()), &here()), Err(Denied::BadToken));
}

#[tokio::test]
async fn the_socket_and_an_open_box_need_no_credentials() {
    let one = fresh().await;
    let by_socket = |uid| one.access.identify(Credentials::None, &Via { peer: Peer::Socket { uid }, encrypted: false });
    assert_eq!(by_socket(0).unwrap().role, Some(Role::Admin));
    assert_eq!(by_socket(rustix::process::geteuid().as_raw()).unwrap().role, Some(Role::Admin));
    assert_eq!(by_socket(4_000_000).unwrap().role, Some(Role::Operator));
    let first = one.access.add_user("ada", secret(PASSWORD), Role::Admin).await.unwrap();
    assert_eq!(first.name, "ada");
    assert!(!one.state.path().join("first-run-code").exists(), "root has made the first admin");
    assert_eq!(one.access.identify(Credentials::None, &here()), Err(Denied::LoginRequired));
    one.access.set_open(true);
    let anybody = one.access.identify(Credentials::None, &here()).unwrap();
    assert_eq!((anybody.role, anybody.by.clone()), (Some(Role::Admin), By::Open));
    one.access.set_open(false);
    assert!(!one.access.holds(&anybody));
}

#[tokio::test]
async fn the_audit_log_is_read_page_by_page() {
    let (one, ada) = with_ada().await;
    for n in 0..5 {
        let entry = AuditEntry::by(Some(&ada.caller), &here(), "POST /x".into(), format!("/x/{n}"));
        one.access.record(&AuditEntry { status: 200, ..entry });
    }
    let page = one.access.audited(None, 3).await.unwrap();
    assert_eq!(page.iter().map(|row| row.entry.target.as_str()).collect::<Vec<_>>(), ["/x/4", "/x/3", "/x/2"]);
    let rest = one.access.audited(Some(page[2].id), 10).await.unwrap();
    assert_eq!(rest.len(), 2);
    assert_eq!((rest[0].entry.who.as_str(), rest[0].entry.role), ("ada", Some(Role::Admin)));
}
