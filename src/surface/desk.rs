//! All surfaces at work: they follow the configuration and the snapshots.

use std::net::SocketAddr;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::watch;

use super::account::{Account, SurfacesStatus};
use super::osc::Wish;
use super::{listener, teller};
use crate::model::status::ApplianceStatus;
use crate::model::surface::Surfaces as Configured;

/// Carries out what the sender at this address wishes, in bounded time, and says what happened or why it did not.
pub type CarryOut = Box<dyn Fn(Wish, SocketAddr) -> BoxFuture<'static, Result<String, String>> + Send + Sync>;

/// Cheap to clone; all are one. The tasks end with the last of them.
#[derive(Clone)]
pub struct Surfaces {
    configured: Arc<watch::Sender<Arc<Configured>>>,
    account: Arc<Account>,
}

impl Default for Surfaces {
    fn default() -> Self {
        Self { configured: Arc::new(watch::Sender::new(Arc::default())), account: Arc::default() }
    }
}

impl Surfaces {
    /// This is in force from now on.
    pub fn learn(&self, configured: Configured) {
        self.configured.send_if_modified(|known| {
            let changes = **known != configured;
            if changes {
                *known = Arc::new(configured);
            }
            changes
        });
    }

    /// Tells what `status` says, and has what is asked carried out by `act`. Call it inside a tokio runtime.
    pub fn begin(&self, status: watch::Receiver<Arc<ApplianceStatus>>, act: CarryOut) {
        let (configured, account) = (|| self.configured.subscribe(), || self.account.clone());
        tokio::spawn(teller::tell(configured(), status.clone(), account()));
        tokio::spawn(listener::hear(configured(), status, Arc::new(act), account()));
    }

    /// How they stand.
    pub fn status(&self) -> SurfacesStatus {
        self.account.status(&self.configured.borrow())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::UdpSocket;
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    use super::*;
    use crate::model::status::Showing;
    use crate::model::surface::{Display, OscInput, TslTarget};
    use crate::surface::studio::{appliance, id, source};

    const SOON: Duration = Duration::from_secs(60);

    async fn display() -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }

    async fn until(holds: impl Fn() -> bool) {
        let held = async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(SOON, held).await.expect("it never came to hold");
    }

    /// Waits for a packet whose lamps are these.
    async fn lamps(display: &UdpSocket, control: u8) {
        let mut packet = [0; 64];
        let seen = async {
            loop {
                let (length, _) = display.recv_from(&mut packet).await.unwrap();
                if length > 8 && packet[8] == control {
                    return;
                }
            }
        };
        timeout(SOON, seen).await.expect("the lamps never came");
    }

    #[tokio::test]
    async fn a_display_is_told_at_once_and_again_after_it_was_moved() {
        let (status, seen) = watch::channel(Arc::new(appliance()));
        let surfaces = Surfaces::default();
        let (first, address) = display().await;
        let camera = vec![Display::Source(id("demo"), source("cam-1"))];
        let target = TslTarget { name: "wall".into(), address, screen: 0, first_index: 0, displays: camera };
        surfaces.learn(Configured { tsl: vec![target.clone()], osc: None });
        surfaces.begin(seen, Box::new(|_, _| Box::pin(async { Err("nothing is asked".to_owned()) })));
        lamps(&first, 0b1101_0100).await;
        status.send_modify(|status| {
            let channel = &mut Arc::make_mut(status).channels[0];
            channel.report.as_mut().unwrap().program.showing = Showing::Slate;
        });
        lamps(&first, 0b1100_0000).await;
        let (second, address) = display().await;
        surfaces.learn(Configured { tsl: vec![TslTarget { address, ..target }], osc: None });
        lamps(&second, 0b1100_0000).await;
        // With the next round, too.
        lamps(&second, 0b1100_0000).await;
        until(|| surfaces.status().tsl[0].packets >= 4).await;
        let told = surfaces.status().tsl.remove(0);
        assert!(told.last_error.is_none() && told.displays == 1, "{told:?}");
    }

    /// Sends until something comes of it: a packet is lost before the other end listens.
    async fn heard(packet: &[u8], to: SocketAddr, asked: &mut mpsc::Receiver<Wish>) -> Wish {
        let sender = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let heard = async {
            loop {
                // Nobody listens yet, and the kernel says so.
                let _ = sender.send_to(packet, to).await;
                if let Ok(Some(wish)) = timeout(Duration::from_millis(200), asked.recv()).await {
                    return wish;
                }
            }
        };
        timeout(SOON, heard).await.expect("the order never came")
    }

    #[tokio::test]
    async fn who_may_is_heard_and_who_may_not_is_not() {
        let (_status, seen) = watch::channel(Arc::new(appliance()));
        let (asked, mut wishes) = mpsc::channel(64);
        let surfaces = Surfaces::default();
        let act: CarryOut = Box::new(move |wish, sender| {
            assert!(sender.ip().is_loopback());
            let asked = asked.clone();
            Box::pin(async move { asked.send(wish).await.map(|()| "done".to_owned()).map_err(|_| String::new()) })
        });
        surfaces.begin(seen, act);
        let (free, listen) = display().await;
        drop(free);
        let from = vec!["127.0.0.1".parse().unwrap()];
        surfaces.learn(Configured { tsl: Vec::new(), osc: Some(OscInput { listen, from }) });
        let take = Wish::Take(id("demo"), Some(source("cam-1")));
        assert_eq!(heard(b"/uplink/demo/take\0\0\0,s\0\0cam-1\0\0\0", listen, &mut wishes).await, take);
        let stranger = UdpSocket::bind("127.0.0.2:0").await.unwrap();
        for _ in 0..5 {
            stranger.send_to(b"/uplink/demo/slate\0\0,\0\0\0", listen).await.unwrap();
        }
        until(|| surfaces.status().osc.unwrap().heard.strangers == 5).await;
        let release = b"/uplink/demo/release\0\0\0\0,\0\0\0";
        let mut next = heard(release, listen, &mut wishes).await;
        // The first order may have been sent twice.
        while next == take {
            next = heard(release, listen, &mut wishes).await;
        }
        assert_eq!(next, Wish::Release(id("demo")), "a stranger was heard");
        until(|| surfaces.status().osc.unwrap().heard.done >= 2).await;
        assert_eq!(surfaces.status().osc.unwrap().heard.noise, 0);
    }
}
