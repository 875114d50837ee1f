//! The ways into the API: network, TLS, unix socket; who is let in; and what a reload changes of that.
//!
//! ```text
//! [api] as it is in force ─▶ Gate ─┬─▶ Access (open or not)
//!                                  ├─▶ Certificate (usual) ◀── files, or the box's own
//!                                  └─▶ Keeper ─▶ Certificate (issued, challenges); what is wrong ─▶ alarms
//! ```

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::arguments::Place;
use super::failure::Failure;
use super::listeners::Listeners;
use crate::access::{Access, Certificate, CertificateError, Keeper, Names};
use crate::api::Doors;
use crate::config::{Checked, Tls};
use crate::model::status::ApplianceStatus;
use crate::store::Accounts;

/// What the configuration says of the doors, as it was read last.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted(Arc<Mutex<Option<Said>>>);

#[derive(Debug, Clone)]
struct Said {
    open: bool,
    tls: Option<Tls>,
}

impl Said {
    fn by(checked: &Checked) -> Self {
        Self { open: checked.open, tls: checked.tls.clone() }
    }
}

impl Wanted {
    /// It was read; whether it will be in force shows later.
    pub(super) fn learn(&self, checked: &Checked) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Said::by(checked));
    }
}

/// What can be changed of the doors while they are open.
pub(super) struct Gate {
    wanted: Wanted,
    access: Access,
    certificate: Option<Certificate>,
    own: Own,
    listen: SocketAddr,
    /// Where a certificate of an authority is kept.
    acme: PathBuf,
    /// Has it renewed, where the configuration names an authority.
    keeper: Option<AbortOnDropHandle<()>>,
    /// What is wrong with the certificate.
    trouble: watch::Sender<Option<String>>,
}

/// Where this box keeps a certificate of its own, and for which names.
struct Own {
    directory: PathBuf,
    appliance: String,
}

impl Own {
    fn certificate(&self) -> Result<Certificate, CertificateError> {
        Certificate::of_its_own(&self.directory, &Names::of_this_box(std::slice::from_ref(&self.appliance)))
    }

    /// What is shown to who does not come by the name of a certificate that an authority has issued.
    fn usual(&self, tls: Option<&Tls>) -> Result<Certificate, CertificateError> {
        match tls {
            Some(Tls::Files(files)) => Certificate::of_files(&files.certificate, &files.key),
            Some(Tls::Acme(_)) | None => self.certificate(),
        }
    }
}

/// Opens them all, where the API listens.
pub(super) async fn open(place: &Place, checked: &Checked, at: Listeners) -> Result<(Doors, Gate), Failure> {
    let listen = checked.listen;
    let own = Own { directory: place.state.join("tls"), appliance: checked.appliance.clone() };
    let encrypted = checked.tls.is_some() || !listen.ip().is_loopback();
    // It is better to be reached with a warning of the browser than not at all; what is wrong is told below.
    let first = || own.usual(checked.tls.as_ref()).or_else(|_| own.certificate());
    let certificate = encrypted.then(first).transpose()?;
    if let Some(certificate) = &certificate {
        tracing::info!("the API's certificate has the SHA-256 fingerprint {}", certificate.fingerprint());
    }
    let access = Access::of(Accounts::new(&place.state.join("access.db")), &place.state, checked.open).await;
    if checked.open {
        tracing::warn!("[api] access = \"open\": everybody who reaches {listen} may everything");
    }
    let doors =
        Doors { network: at.network, certificate: certificate.clone(), socket: at.local, access: access.clone() };
    let acme = Keeper::place(&place.state);
    let mut gate = Gate {
        wanted: Wanted::default(),
        access,
        certificate,
        own,
        listen,
        acme,
        keeper: None,
        trouble: watch::Sender::new(None),
    };
    gate.wanted.learn(checked);
    gate.apply();
    Ok((doors, gate))
}

impl Gate {
    pub(super) fn wanted(&self) -> Wanted {
        self.wanted.clone()
    }

    /// What is wrong with the certificate, now and from now on.
    pub(super) fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.trouble.subscribe()
    }

    /// Does what the configuration says, each time one is put in force. Ends with the supervisor.
    pub(super) async fn follow(mut self, mut status: watch::Receiver<Arc<ApplianceStatus>>) {
        let mut generation = status.borrow().config.generation;
        while status.changed().await.is_ok() {
            let newest = status.borrow_and_update().config.generation;
            if newest != std::mem::replace(&mut generation, newest) {
                self.apply();
            }
        }
    }

    fn apply(&mut self) {
        let Some(said) = self.wanted.0.lock().unwrap_or_else(PoisonError::into_inner).clone() else { return };
        // The listener stays where it is until the next start: what is right for another place is not for this one.
        self.access.set_open(said.open && self.listen.ip().is_loopback());
        match self.certificate.clone() {
            Some(shown) => self.show(&shown, said.tls.as_ref()),
            None if said.tls.is_some() => tracing::warn!("[api.tls] takes effect when uplinkd is started again"),
            None => {}
        }
    }

    fn show(&mut self, shown: &Certificate, tls: Option<&Tls>) {
        match self.own.usual(tls) {
            Ok(certificate) => {
                shown.take_over(&certificate);
                self.trouble.send_if_modified(|known| !matches!(tls, Some(Tls::Acme(_))) && known.take().is_some());
            }
            Err(error) => {
                let text =
                    format!("[api.tls] cannot be used, the last good certificate is shown, or the box's own: {error}");
                tracing::error!("{text}");
                self.trouble.send_replace(Some(text));
            }
        }
        // A reload asks the authority at once, however long it was to wait.
        self.keeper = match tls {
            Some(Tls::Acme(acme)) => {
                let (keeper, told) = (Keeper::new(acme.clone(), &self.acme, shown.clone()), self.trouble.clone());
                Some(AbortOnDropHandle::new(tokio::spawn(keeper.keep(move |trouble| drop(told.send_replace(trouble))))))
            }
            _ => {
                shown.expect(&[]);
                None
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::api::tests::rig::rig;
    use crate::config::TlsFiles;

    /// Not the moment of the reading counts, which may be a dry run, but that of the configuration in force.
    #[tokio::test]
    async fn a_reload_changes_who_is_let_in_and_the_certificate_when_it_is_in_force() {
        let dir = tempfile::tempdir().unwrap();
        let (handle, rig) = rig(dir.path());
        let own = |name: &str| Own { directory: dir.path().join(name), appliance: "box".to_owned() };
        let (shown, other) = (own("own").certificate().unwrap(), own("other").certificate().unwrap());
        let access = Access::open_to_all();
        let listen: SocketAddr = "127.0.0.1:8080".parse().unwrap();
        let gate = Gate {
            wanted: Wanted::default(),
            access: access.clone(),
            certificate: Some(shown.clone()),
            own: own("own"),
            listen,
            acme: dir.path().join("acme"),
            keeper: None,
            trouble: watch::Sender::new(None),
        };
        let trouble = gate.trouble();
        let wanted = gate.wanted();
        let following = tokio::spawn(gate.follow(handle.status()));
        let directory = dir.path().join("other");
        let tls = TlsFiles { certificate: directory.join("certificate.pem"), key: directory.join("key.pem") };
        *wanted.0.lock().unwrap() = Some(Said { open: false, tls: Some(Tls::Files(tls.clone())) });
        let mut changes = access.changes();
        rig.change(|status| status.channels.clear());
        tokio::task::yield_now().await;
        assert!(access.is_open() && shown.fingerprint() != other.fingerprint());
        rig.change(|status| status.config.generation += 1);
        let _ = tokio::time::timeout(Duration::from_secs(60), changes.changed()).await;
        // Who is let in comes first, and the certificate in the same breath.
        tokio::task::yield_now().await;
        assert!(!access.is_open());
        assert_eq!((shown.fingerprint(), trouble.borrow().clone()), (other.fingerprint(), None));
        // Files that cannot be used any more change nothing but what is said of them.
        std::fs::write(&tls.key, "no key").unwrap();
        let mut trouble = trouble;
        rig.change(|status| status.config.generation += 1);
        tokio::time::timeout(Duration::from_secs(60), trouble.changed()).await.unwrap().unwrap();
        assert!(trouble.borrow().as_ref().unwrap().contains("key.pem"));
        assert_eq!(shown.fingerprint(), other.fingerprint());
        *wanted.0.lock().unwrap() = Some(Said { open: false, tls: None });
        rig.change(|status| status.config.generation += 1);
        tokio::time::timeout(Duration::from_secs(60), trouble.changed()).await.unwrap().unwrap();
        assert_eq!(*trouble.borrow(), None);
        drop((rig, handle));
        following.abort();
    }
}
