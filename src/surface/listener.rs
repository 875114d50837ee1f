//! Listening for OSC: who may send, in which order things are done, and what is said of it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::account::Account;
use super::desk::CarryOut;
use super::osc::{Wish, wishes};
use crate::model::ChannelId;
use crate::model::status::ApplianceStatus;
use crate::model::surface::{OscInput, Surfaces};

/// A packet that is longer is cut, and is then no order.
const PACKET: usize = 1500;
/// Between two attempts to listen.
const AGAIN: Duration = Duration::from_secs(5);
/// Orders of a channel that wait for the one before.
const WAITING: usize = 16;
/// Between two lines about senders who may not, or about what is no order.
const QUIET: Duration = Duration::from_secs(60);

/// Until the configuration is gone.
pub(super) async fn hear(
    mut configured: watch::Receiver<Arc<Surfaces>>,
    status: watch::Receiver<Arc<ApplianceStatus>>,
    act: Arc<CarryOut>,
    account: Arc<Account>,
) {
    loop {
        let wanted = configured.borrow_and_update().osc.clone();
        let alive = match &wanted {
            None => configured.changed().await.is_ok(),
            Some(input) => tokio::select! {
                alive = other(&mut configured, &wanted) => alive,
                error = listen(input, &status, &act, &account) => {
                    // Said once, not with every attempt.
                    if account.listens(Some(error.to_string())) {
                        let listen = input.listen;
                        tracing::error!("OSC cannot be heard on {listen}: {error}; end the program that does, or change [surfaces.osc] listen");
                    }
                    sleep(AGAIN).await;
                    continue;
                }
            },
        };
        if !alive {
            return;
        }
    }
}

/// Waits for something else to be configured; false if nothing will be any more.
async fn other(configured: &mut watch::Receiver<Arc<Surfaces>>, known: &Option<OscInput>) -> bool {
    configured.wait_for(|surfaces| surfaces.osc != *known).await.is_ok()
}

/// Does what comes in. Ends only if it cannot listen.
async fn listen(
    input: &OscInput,
    status: &watch::Receiver<Arc<ApplianceStatus>>,
    act: &Arc<CarryOut>,
    account: &Arc<Account>,
) -> std::io::Error {
    let socket = match UdpSocket::bind(input.listen).await {
        Ok(socket) => socket,
        Err(error) => return error,
    };
    account.listens(None);
    tracing::info!("OSC is heard on {}", input.listen);
    let mut lanes = Lanes { act: act.clone(), account: account.clone(), of: BTreeMap::new() };
    let (mut strangers, mut noise) = (Quiet::default(), Quiet::default());
    let mut packet = [0; PACKET];
    loop {
        let (length, sender) = match socket.recv_from(&mut packet).await {
            Ok(received) => received,
            Err(error) => return error,
        };
        if !may(input, sender.ip()) {
            let count = account.heard(|counts| &mut counts.strangers);
            strangers.say(|| {
                tracing::warn!("OSC of {sender} is refused ({count} so far): [surfaces.osc] from does not name it");
            });
            continue;
        }
        for wish in wishes(&packet[..length]) {
            let known = wish.and_then(|wish| is_known(&wish, status).map(|()| wish));
            if let Err(reason) = known.and_then(|wish| lanes.pass(wish, sender)) {
                let count = account.heard(|counts| &mut counts.noise);
                noise.say(|| tracing::warn!("OSC of {sender} is no order ({count} so far): {reason}"));
            }
        }
    }
}

fn may(input: &OscInput, sender: IpAddr) -> bool {
    input.from.iter().any(|network| network.contains(sender))
}

fn is_known(wish: &Wish, status: &watch::Receiver<Arc<ApplianceStatus>>) -> Result<(), String> {
    let channel = wish.channel();
    match status.borrow().channels.iter().any(|known| known.id == *channel) {
        true => Ok(()),
        false => Err(format!("there is no channel `{channel}`")),
    }
}

/// Orders of one channel are carried out one behind the other; channels do not wait for each other.
struct Lanes {
    act: Arc<CarryOut>,
    account: Arc<Account>,
    of: BTreeMap<ChannelId, mpsc::Sender<(Wish, SocketAddr)>>,
}

impl Lanes {
    fn pass(&mut self, wish: Wish, sender: SocketAddr) -> Result<(), String> {
        let (act, account) = (&self.act, &self.account);
        let lane = self.of.entry(wish.channel().clone()).or_insert_with(|| {
            let (lane, waiting) = mpsc::channel(WAITING);
            tokio::spawn(carry_out(waiting, act.clone(), account.clone()));
            lane
        });
        lane.try_send((wish, sender)).map_err(|_| format!("{WAITING} orders of this channel wait already"))
    }
}

/// Every order has its bound where it is carried out.
async fn carry_out(mut waiting: mpsc::Receiver<(Wish, SocketAddr)>, act: Arc<CarryOut>, account: Arc<Account>) {
    while let Some((wish, sender)) = waiting.recv().await {
        let said = format!("{wish:?}");
        match act(wish, sender).await {
            Ok(text) => {
                account.heard(|counts| &mut counts.done);
                tracing::info!("OSC of {sender}: {said}: {text}");
            }
            Err(reason) => {
                account.heard(|counts| &mut counts.refused);
                tracing::warn!("OSC of {sender}: {said} is refused: {reason}");
            }
        }
    }
}

/// Lets the first line through, and then one in a minute.
#[derive(Default)]
struct Quiet {
    said: Option<Instant>,
}

impl Quiet {
    fn say(&mut self, say: impl FnOnce()) {
        if self.said.is_none_or(|said| said.elapsed() >= QUIET) {
            self.said = Some(Instant::now());
            say();
        }
    }
}
