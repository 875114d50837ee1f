//! Telling displays by TSL UMD: at once when something changes, and all of it every few seconds, for a display that was
//! off or a packet that was lost.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::account::Account;
use super::tsl::packets;
use crate::model::status::ApplianceStatus;
use crate::model::surface::{Surfaces, TslTarget};

/// Between two times that everything is told.
const ROUND: Duration = Duration::from_secs(2);
/// A packet that the system does not take in this time is not sent.
const SEND: Duration = Duration::from_secs(1);

/// Until nobody speaks any more.
pub(super) async fn tell(
    mut configured: watch::Receiver<Arc<Surfaces>>,
    mut status: watch::Receiver<Arc<ApplianceStatus>>,
    account: Arc<Account>,
) {
    let mut round = interval(ROUND);
    round.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = BTreeMap::<String, Vec<Vec<u8>>>::new();
    loop {
        let (alive, everything) = tokio::select! {
            changed = configured.changed() => (changed.is_ok(), true),
            changed = status.changed() => (changed.is_ok(), false),
            _ = round.tick() => (true, true),
        };
        if !alive {
            return;
        }
        let targets = configured.borrow_and_update().clone();
        let snapshot = status.borrow_and_update().clone();
        told.retain(|name, _| targets.tsl.iter().any(|target| target.name == *name));
        for target in &targets.tsl {
            let packets = packets(target, &snapshot);
            if everything || told.get(&target.name) != Some(&packets) {
                say(target, sent(target.address, &packets).await, &account);
                // What failed is known all the same: it goes out with the next round.
                told.insert(target.name.clone(), packets);
            }
        }
    }
}

/// Counts it, and says it once, not with every round.
fn say(target: &TslTarget, done: std::io::Result<usize>, account: &Account) {
    let (name, address) = (&target.name, target.address);
    let done = done.map_err(|error| error.to_string());
    match (account.told(name, done.clone()), done) {
        (true, Ok(_)) => tracing::info!("displays `{name}` ({address}) are told again"),
        (true, Err(error)) => {
            tracing::warn!("displays `{name}` ({address}) cannot be told: {error}; it is tried again");
        }
        (false, _) => {}
    }
}

/// How many went out.
async fn sent(address: SocketAddr, packets: &[Vec<u8>]) -> std::io::Result<usize> {
    let any: SocketAddr = if address.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).await?;
    for packet in packets {
        timeout(SEND, socket.send_to(packet, address)).await.map_err(|_| std::io::ErrorKind::TimedOut)??;
    }
    Ok(packets.len())
}
