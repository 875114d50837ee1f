//! Alarms of a real daemon: raised, told to a webhook, kept over its death.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::rig::{Rig, SOON};

/// A program that is told: head and body of each request.
struct Hook {
    address: SocketAddr,
    requests: Receiver<(String, Value)>,
}

impl Hook {
    fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (told, requests) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let Some(request) = answer(stream) else { continue };
                if told.send(request).is_err() {
                    return;
                }
            }
        });
        Self { address, requests }
    }

    /// Waits until it is told of this; what comes before is what may come twice.
    fn until(&self, kind: &str) -> (String, Value) {
        loop {
            let (head, body) = self.requests.recv_timeout(SOON).unwrap_or_else(|_| panic!("{kind} never came"));
            if body["type"] == kind && body["alarm"]["code"] == "config_rejected" {
                return (head, body);
            }
        }
    }
}

/// Takes one request, and acknowledges it.
fn answer(stream: TcpStream) -> Option<(String, Value)> {
    stream.set_read_timeout(Some(SOON)).ok()?;
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        let lower = line.to_lowercase();
        length = lower.strip_prefix("content-length:").map_or(length, |value| value.trim().parse().unwrap());
        head.push_str(&lower);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    reader.get_mut().write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").ok()?;
    Some((head, serde_json::from_slice(&body).ok()?))
}

fn alarm(rig: &Rig) -> Option<Value> {
    let list = rig.get("/api/v1/alarms").json();
    list["items"].as_array().unwrap().iter().find(|alarm| alarm["id"] == "config_rejected").cloned()
}

#[test]
fn an_alarm_is_told_and_outlives_the_daemon_until_somebody_has_seen_it() {
    let hook = Hook::listen();
    let mut rig = Rig::new(&[("a", "sources = [\"test\"]\norder = \"off-air\"")]);
    std::fs::write(rig.path("ops.secret"), "0123456789abcdef").unwrap();
    let url = format!("http://{}/hook", hook.address);
    rig.edit(|text| format!("{text}[notify.webhooks.ops]\nurl = \"{url}\"\nsecret_file = \"ops.secret\"\n"));
    rig.start_daemon();
    rig.wait_event("daemon_started", None);
    rig.edit(|text| text.replace("stream_class = \"rig\"", "stream_class = \"gone\""));
    assert_eq!(rig.post("/api/v1/config/reload", &json!({})).status, 422);
    let (head, body) = hook.until("alarm_raised");
    assert!(head.contains("uplink-signature: t=") && head.contains(",v1="), "{head}");
    assert_eq!((&body["appliance"], &body["alarm"]["active"]), (&json!("rig"), &json!(true)));
    assert!(alarm(&rig).is_some_and(|alarm| alarm["active"] == true && alarm["acked"].is_null()));
    assert!(rig.status().alarms.unacknowledged >= 1);

    rig.edit(|text| text.replace("stream_class = \"gone\"", "stream_class = \"rig\""));
    assert_eq!(rig.post("/api/v1/config/reload", &json!({})).status, 200);
    hook.until("alarm_cleared");
    assert_eq!(rig.end_daemon(Signal::SIGTERM), Some(0));
    rig.start_daemon();
    rig.until("what nobody has seen is still there, and over", || {
        alarm(&rig).is_some_and(|alarm| alarm["active"] == false)
    });
    let raised = rig.events().iter().any(|e| e["code"] == "alarm_raised" && e["subject"] == "config_rejected");
    assert!(!raised, "it is not raised again");
    let acked = rig.post("/api/v1/alarms/config_rejected/ack", &json!({"by": "ada"})).json();
    assert_eq!((&acked["changed"], &acked["alarm"]["acked"]["by"]), (&json!(true), &json!("ada")));
    assert_eq!(alarm(&rig), None);
    hook.until("alarm_acked");
}
