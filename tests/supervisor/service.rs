//! The real `uplinkd` as a service manager runs it: what it tells, what it is handed over, where its log goes. The service
//! manager's and the journal's end of each socket is held by the test.

use std::io::{IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::Signal;

use super::place::{Place, Running};
use super::rig::{SOON, signal, until};

/// A socket for datagrams, whose reads are bounded.
pub fn datagrams(path: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(path).unwrap();
    socket.set_read_timeout(Some(SOON)).unwrap();
    socket
}

/// The next thing that the daemon tells its service manager, and descriptors that come with it.
fn told(manager: &UnixDatagram) -> (String, Vec<OwnedFd>) {
    let mut text = [0_u8; 4096];
    let mut space = [MaybeUninit::<u8>::uninit(); 256];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut into = [IoSliceMut::new(&mut text)];
    let received = recvmsg(manager, &mut into, &mut ancillary, RecvFlags::CMSG_CLOEXEC).expect("it is told in time");
    let descriptors = ancillary.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect::<Vec<_>>(),
        _ => Vec::new(),
    });
    let descriptors = descriptors.collect();
    (String::from_utf8_lossy(&text[..received.bytes]).into_owned(), descriptors)
}

/// The daemon with these descriptors from number 3 on, as systemd passes them.
fn handed(place: &Place, [first, second]: [OwnedFd; 2], names: &str, manager: &Path) -> Running {
    let daemon = place.command();
    let pass = "exec 3<&0 4<&1 0</dev/null 1>&2; export LISTEN_PID=$$; exec \"$@\"";
    let log = place.directory.path().join("uplinkd.log");
    let mut command = Command::new("sh");
    command.args(["-c", pass, "sh"]).arg(daemon.get_program()).args(daemon.get_args());
    command.env("LISTEN_FDS", "2").env("LISTEN_FDNAMES", names).env("NOTIFY_SOCKET", manager);
    command.stdin(Stdio::from(first)).stdout(Stdio::from(second)).stderr(std::fs::File::create(&log).unwrap());
    Running { child: command.spawn().unwrap(), log }
}

pub fn asked(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("nobody is refused");
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.write_all(b"GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").unwrap();
    stream
}

pub fn answered(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn who_connects_while_there_is_no_daemon_is_served_by_the_next() {
    let place = Place::new(&["a"]);
    let path = place.directory.path().join("notify");
    let manager = datagrams(&path);
    let log = place.directory.path().join("first.log");
    let mut command = place.command();
    command.env("NOTIFY_SOCKET", &path).stderr(std::fs::File::create(&log).unwrap());
    let mut first = Running { child: command.spawn().unwrap(), log };
    let mut kept = Vec::new();
    for name in ["api", "api-socket"] {
        let (text, mut descriptors) = told(&manager);
        assert_eq!((text, descriptors.len()), (format!("FDSTORE=1\nFDNAME={name}\nFDPOLL=0\n"), 1));
        kept.append(&mut descriptors);
    }
    assert_eq!(told(&manager).0, "READY=1\n");
    let worker = place.worker("a");
    signal(first.pid(), Signal::KILL);
    first.code();
    let waiting = asked(place.port);
    let local = kept.pop().unwrap();
    let network = kept.pop().unwrap();
    let mut second = handed(&place, [network, local], "api:api-socket", &path);
    assert!(answered(waiting).starts_with("HTTP/1.1 200"));
    assert_eq!(told(&manager).0, "READY=1\n", "they are kept already");
    until("the worker is taken over", || second.log().contains("took over worker"));
    assert_eq!(place.worker_now("a"), worker);
    let mut uplinkctl = Command::new(env!("CARGO_BIN_EXE_uplinkctl"));
    let said = uplinkctl.arg("--socket").arg(place.runtime().join("api.sock")).arg("status").output().unwrap();
    assert_eq!(said.status.code(), Some(0), "{}", String::from_utf8_lossy(&said.stderr));
    signal(second.pid(), Signal::TERM);
    assert_eq!(second.code(), Some(0), "{}", second.log());
}

#[test]
fn a_socket_that_listens_elsewhere_is_closed_and_the_configuration_holds() {
    let place = Place::new(&["a"]);
    let path = place.directory.path().join("notify");
    let manager = datagrams(&path);
    let network = TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = network.local_addr().unwrap();
    let local = UnixListener::bind(place.directory.path().join("other.sock")).unwrap();
    let mut daemon = handed(&place, [network.into(), local.into()], "api:mine", &path);
    let mut said: Vec<String> = (0..5).map(|_| told(&manager).0).collect();
    said.sort();
    let expected = [
        "FDSTORE=1\nFDNAME=api\nFDPOLL=0\n",
        "FDSTORE=1\nFDNAME=api-socket\nFDPOLL=0\n",
        "FDSTOREREMOVE=1\nFDNAME=api\n",
        "FDSTOREREMOVE=1\nFDNAME=mine\n",
        "READY=1\n",
    ];
    assert_eq!(said, expected);
    assert!(answered(asked(place.port)).starts_with("HTTP/1.1 200"));
    assert!(TcpStream::connect(elsewhere).is_err(), "nobody listens there any more");
    signal(daemon.pid(), Signal::TERM);
    assert_eq!(daemon.code(), Some(0), "{}", daemon.log());
}

/// The entries that reach the journal, each as its fields (systemd.io/JOURNAL_NATIVE_PROTOCOL), until `last` is among them.
fn entries(journal: &UnixDatagram, last: impl Fn(&[(String, String)]) -> bool) -> Vec<Vec<(String, String)>> {
    let mut all = Vec::new();
    loop {
        let mut bytes = vec![0; 1 << 16];
        let length = journal.recv(&mut bytes).unwrap_or_else(|error| panic!("{error}; so far: {all:#?}"));
        let entry = fields(&bytes[..length]);
        let done = last(&entry);
        all.push(entry);
        if done {
            return all;
        }
    }
}

fn fields(mut bytes: &[u8]) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut fields = Vec::new();
    while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
        let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
        if let Some(equals) = line.iter().position(|byte| *byte == b'=') {
            fields.push((text(&line[..equals]), text(&line[equals + 1..])));
            bytes = rest;
        } else {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            fields.push((text(line), text(&rest[8..8 + length])));
            bytes = &rest[8 + length + 1..];
        }
    }
    fields
}

fn has(entry: &[(String, String)], name: &str, value: &str) -> bool {
    entry.iter().any(|(known, said)| known == name && said == value)
}

#[test]
fn the_journal_gets_each_field_and_the_line_for_people() {
    let probe = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: fields in the journal: this machine allows no user namespaces");
        return;
    }
    let place = Place::new(&["a"]);
    let directory = place.directory.path().join("journal");
    std::fs::create_dir(&directory).unwrap();
    let journal = datagrams(&directory.join("socket"));
    let log = place.directory.path().join("uplinkd.log");
    let stream = std::fs::File::create(&log).unwrap();
    let meta = stream.metadata().unwrap();
    let daemon = place.command();
    // The journal's socket has one place only: there the daemon finds the test's.
    let mount = "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && mount --bind \"$1\" /run/systemd/journal \
                 && shift && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]).arg(&directory);
    command.arg(daemon.get_program()).args(daemon.get_args()).stdin(Stdio::null()).stderr(stream);
    command.env("JOURNAL_STREAM", format!("{}:{}", meta.dev(), meta.ino()));
    let mut daemon = Running { child: command.spawn().unwrap(), log };
    let started = |entry: &[(String, String)]| has(entry, "CODE", "worker_started");
    let all = entries(&journal, started);
    let entry = all.last().unwrap();
    for (name, value) in [("CHANNEL", "a"), ("PRIORITY", "6"), ("SYSLOG_IDENTIFIER", "uplinkd")] {
        assert!(has(entry, name, value), "{name}: {entry:?}");
    }
    let (_, message) = entry.iter().find(|(name, _)| name == "MESSAGE").unwrap();
    assert!(message.starts_with("started worker ") && message.contains("channel=a"), "{message}");
    assert_eq!(daemon.log(), "", "nothing goes there as well");
    place.worker("a");
    signal(daemon.pid(), Signal::TERM);
    entries(&journal, |entry| has(entry, "CODE", "channel_stopped") || has(entry, "CODE", "daemon_stopping"));
    assert_eq!(daemon.code(), Some(0));
    // Whose standard error is not the journal writes there.
    let mut daemon = place.start();
    until("it writes to standard error", || daemon.log().contains("worker_started"));
    signal(daemon.pid(), Signal::TERM);
    assert_eq!(daemon.code(), Some(0));
}
