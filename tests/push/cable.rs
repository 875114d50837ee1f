//! A pulled network cable: no refusal, no reset, just silence; and a link that is too slow. Each runs in a network
//! namespace of its own.

use std::process::Command;
use std::time::{Duration, Instant};

use uplink::model::EndpointStatus;
use uplink::model::status::DestinationState;
use uplink::model::{EventCode, WhenSlow};

use crate::nginx::Nginx;
use crate::studio::{Studio, until};

const INSIDE: &str = "UPLINK_TEST_INSIDE_NAMESPACE";

fn loopback(state: &str) {
    order(&format!("ip link set lo {state}"));
}

fn order(command: &str) {
    let mut words = command.split(' ');
    let program = words.next().expect("a program");
    let done = Command::new(program).args(words).status().expect("it is there");
    assert!(done.success(), "{command}");
}

/// This test again, as a process in a namespace where its loopback is its own.
fn run_inside(test: &str) {
    let allowed = Command::new("unshare").args(["--net", "ip", "link", "set", "lo", "up"]).output();
    let tools = Command::new("tc").arg("-Version").output().is_ok();
    if !tools || !allowed.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "\n*** SKIPPED: no right to make a network namespace (or no tc); push is not tested against a bad network ***\n"
        );
        return;
    }
    let this = std::env::current_exe().expect("this program");
    let output = Command::new("timeout")
        .args(["120", "unshare", "--net"])
        .arg(this)
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare runs");
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "inside the namespace: {}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_pulled_cable_is_noticed_and_so_is_its_return() {
    if std::env::var_os(INSIDE).is_none() {
        return run_inside("cable::a_pulled_cable_is_noticed_and_so_is_its_return");
    }
    loopback("up");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(pull_and_plug());
}

fn even(status: &EndpointStatus) -> bool {
    status.state == DestinationState::Streaming && status.queue_segments == 0
}

async fn pull_and_plug() {
    let Some(nginx) = Nginx::start() else { return };
    let mut studio = Studio::new();
    studio.produce(1);
    let pusher = studio.push_to(&nginx.url());
    until(&pusher, "connected", even).await;
    loopback("down");
    let pulled = Instant::now();
    studio.produce(1);
    let status = until(&pusher, "interrupted", |status| status.state == DestinationState::Interrupted).await;
    eprintln!("noticed {} ms after the cable was pulled: {}", pulled.elapsed().as_millis(), status.health.reason);
    studio.produce(30);
    // The length of the outage, not a wait for anything: every connection dies and the backoff nears its cap.
    tokio::time::sleep(Duration::from_secs(8)).await;
    loopback("up");
    let plugged = Instant::now();
    until(&pusher, "streaming", |status| status.state == DestinationState::Streaming).await;
    eprintln!("noticed {} ms after the cable was plugged", plugged.elapsed().as_millis());
    studio.produce(1);
    until(&pusher, "even", even).await;
    eprintln!("even {} ms after the cable was plugged", plugged.elapsed().as_millis());
    assert!(pusher.stop(Duration::from_secs(10)).await.is_nothing());
    studio.assert_delivered(&nginx.root(), studio.first..studio.next);
    studio.assert_playlists(&nginx.root());
    assert_eq!(studio.count(EventCode::PushInterrupted), 1);
}

#[test]
fn a_link_that_is_too_slow_carries_what_it_can() {
    if std::env::var_os(INSIDE).is_none() {
        return run_inside("cable::a_link_that_is_too_slow_carries_what_it_can");
    }
    loopback("up");
    order("ip link set lo mtu 1500");
    // The channel is 6.5 Mbit/s.
    order("tc qdisc add dev lo root tbf rate 5mbit burst 32k latency 300ms");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(push_through_a_straw());
}

async fn push_through_a_straw() {
    let Some(nginx) = Nginx::start() else { return };
    let mut studio = Studio::new();
    let mut description = studio.description(&nginx.url());
    description.upload.line.when_slow = WhenSlow::Wait;
    let pusher = studio.push(description);
    let mut tick = tokio::time::interval(studio.grid.duration());
    for _ in 0..20 {
        tick.tick().await;
        studio.produce(1);
    }
    let status = pusher.status().borrow().clone();
    eprintln!("at the end of the show: {} segments wait, {}", status.queue_segments, status.health.reason);
    let status = until(&pusher, "even", even).await;
    eprintln!("{} bytes sent, {} acknowledged", status.bytes_sent, status.bytes_acknowledged);
    // What is given up and sent again must not eat up what little there is.
    assert!(status.bytes_sent < status.bytes_acknowledged * 3 / 2, "{status:#?}");
    assert!(pusher.stop(Duration::from_secs(30)).await.is_nothing());
    studio.assert_delivered(&nginx.root(), studio.first..studio.next);
    studio.assert_playlists(&nginx.root());
}
