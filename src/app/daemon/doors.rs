//! The ways into the API: network, TLS, unix socket; who is let in; and what a reload changes of that.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::arguments::Place;
use super::failure::Failure;
use super::listeners::Listeners;
use crate::access::{Access, Certificate, CertificateError, Names};
use crate::api::Doors;
use crate::config::{Checked, TlsFiles};
use crate::model::status::ApplianceStatus;
use crate::store::Accounts;

/// What the configuration says of the doors, as it was read last.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted(Arc<Mutex<Option<Said>>>);

#[derive(Debug, Clone)]
struct Said {
    open: bool,
    tls: Option<TlsFiles>,
}

impl Wanted {
    /// It was read; whether it will be in force shows later.
    pub(super) fn learn(&self, checked: &Checked) {
        let said = Said { open: checked.open, tls: checked.tls.clone() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
    }
}

/// What can be changed of the doors while they are open.
pub(super) struct Gate {
    wanted: Wanted,
    access: Access,
    certificate: Option<Certificate>,
    own: Own,
    listen: SocketAddr,
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

    /// That of the configuration; this box's own if there is none, or it cannot be used: then it is better to be reached
    /// with a warning than not at all.
    fn best(&self, files: Option<&TlsFiles>) -> Result<Certificate, CertificateError> {
        match files.map(|files| Certificate::of_files(&files.certificate, &files.key)) {
            Some(Ok(certificate)) => Ok(certificate),
            Some(Err(error)) => {
                tracing::error!(%error, "[api.tls] cannot be used, a certificate of this box's own is shown");
                self.certificate()
            }
            None => self.certificate(),
        }
    }
}

/// Opens them all, where the API listens.
pub(super) async fn open(place: &Place, checked: &Checked, at: Listeners) -> Result<(Doors, Gate), Failure> {
    let listen = checked.listen;
    let own = Own { directory: place.state.join("tls"), appliance: checked.appliance.clone() };
    let wanted = checked.tls.is_some() || !listen.ip().is_loopback();
    let certificate = wanted.then(|| own.best(checked.tls.as_ref())).transpose()?;
    let tls = certificate.as_ref().map(Certificate::server).transpose()?;
    if let Some(certificate) = &certificate {
        tracing::info!("the API's certificate has the SHA-256 fingerprint {}", certificate.fingerprint());
    }
    let access = Access::of(Accounts::new(&place.state.join("access.db")), &place.state, checked.open).await;
    if checked.open {
        tracing::warn!("[api] access = \"open\": everybody who reaches {listen} may everything");
    }
    let doors = Doors { network: at.network, tls, socket: at.local, access: access.clone() };
    Ok((doors, Gate { wanted: Wanted::default(), access, certificate, own, listen }))
}

impl Gate {
    pub(super) fn wanted(&self) -> Wanted {
        self.wanted.clone()
    }

    /// Does what the configuration says, each time one is put in force. Ends with the supervisor.
    pub(super) async fn follow(self, mut status: watch::Receiver<Arc<ApplianceStatus>>) {
        let mut generation = status.borrow().config.generation;
        while status.changed().await.is_ok() {
            let newest = status.borrow_and_update().config.generation;
            if newest != std::mem::replace(&mut generation, newest) {
                self.apply();
            }
        }
    }

    fn apply(&self) {
        let Some(said) = self.wanted.0.lock().unwrap_or_else(PoisonError::into_inner).clone() else { return };
        // The listener stays where it is until the next start: what is right for another place is not for this one.
        self.access.set_open(said.open && self.listen.ip().is_loopback());
        match &self.certificate {
            Some(shown) => self.show(shown, said.tls.as_ref()),
            None if said.tls.is_some() => tracing::warn!("[api.tls] takes effect when uplinkd is started again"),
            None => {}
        }
    }

    fn show(&self, shown: &Certificate, files: Option<&TlsFiles>) {
        let wanted = match files {
            Some(files) => Certificate::of_files(&files.certificate, &files.key),
            None => self.own.certificate(),
        };
        match wanted {
            Ok(certificate) => shown.take_over(&certificate),
            Err(error) => tracing::error!(%error, "[api.tls] cannot be used, the last certificate is shown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::api::tests::rig::rig;

    /// Not the moment of the reading counts, which may be a dry run, but that of the configuration in force.
    #[tokio::test]
    async fn a_reload_changes_who_is_let_in_and_the_certificate_when_it_is_in_force() {
        let dir = tempfile::tempdir().unwrap();
        let (handle, rig) = rig(dir.path());
        let own = |name: &str| Own { directory: dir.path().join(name), appliance: "box".to_owned() };
        let (shown, other) = (own("own").certificate().unwrap(), own("other").certificate().unwrap());
        let access = Access::open_to_all();
        let listen: SocketAddr = "127.0.0.1:8080".parse().unwrap();
        let certificate = Some(shown.clone());
        let gate = Gate { wanted: Wanted::default(), access: access.clone(), certificate, own: own("own"), listen };
        let wanted = gate.wanted();
        let following = tokio::spawn(gate.follow(handle.status()));
        let directory = dir.path().join("other");
        let tls = TlsFiles { certificate: directory.join("certificate.pem"), key: directory.join("key.pem") };
        *wanted.0.lock().unwrap() = Some(Said { open: false, tls: Some(tls) });
        let mut changes = access.changes();
        rig.change(|status| status.channels.clear());
        tokio::task::yield_now().await;
        assert!(access.is_open() && shown.fingerprint() != other.fingerprint());
        rig.change(|status| status.config.generation += 1);
        let _ = tokio::time::timeout(Duration::from_secs(60), changes.changed()).await;
        // Who is let in comes first, and the certificate in the same breath.
        tokio::task::yield_now().await;
        assert!(!access.is_open());
        assert_eq!(shown.fingerprint(), other.fingerprint());
        drop((rig, handle));
        following.abort();
    }
}
