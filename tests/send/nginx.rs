//! A real nginx that takes RTMP, keeps what it gets, and asks the test whether a key is right.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::peers::{Peer, free_tcp_port};

const MODULE: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";
pub const KEY: &str = "right-key-0123";

pub struct Nginx {
    directory: tempfile::TempDir,
    pub port: u16,
    peer: Option<Peer>,
}

impl Nginx {
    /// None, loudly, where it is not installed.
    pub fn start() -> Option<Self> {
        if !std::path::Path::new(MODULE).exists() {
            eprintln!("\n*** SKIPPED: no nginx with RTMP (Debian: nginx-light, libnginx-mod-rtmp) ***\n");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let port = free_tcp_port();
        let asked = answer_for_keys();
        let root = directory.path().display();
        let configuration = format!(
            "load_module {MODULE};\ndaemon off;\nmaster_process off;\nuser root;\npid {root}/pid;\nerror_log {root}/error.log info;\n\
             events {{ worker_connections 64; }}\n\
             rtmp {{ server {{ listen 127.0.0.1:{port}; chunk_size 4096;\n\
             application live {{ live on; record all; record_path {root}; record_suffix -%s.flv; record_unique off;\n\
             on_publish http://127.0.0.1:{asked}/; }} }} }}\n"
        );
        std::fs::write(directory.path().join("nginx.conf"), configuration).unwrap();
        let mut nginx = Self { directory, port, peer: None };
        nginx.come_back();
        Some(nginx)
    }

    pub fn come_back(&mut self) {
        let directory = self.directory.path();
        let mut command = Command::new("nginx");
        command.arg("-c").arg(directory.join("nginx.conf")).arg("-p").arg(directory).arg("-e").arg("error.log");
        self.peer = Some(Peer::run(&mut command, directory, "nginx", None));
        let end = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < end, "nginx does not listen: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn go_away(&mut self) {
        self.peer = None;
    }

    pub fn log(&self) -> String {
        let said = self.peer.as_ref().map_or_else(String::new, Peer::log);
        said + &std::fs::read_to_string(self.directory.path().join("error.log")).unwrap_or_default()
    }

    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// What was recorded, oldest first.
    pub fn recorded(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.directory.path()).unwrap().flatten().map(|entry| entry.path());
        let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "flv")).collect();
        files.sort();
        files
    }
}

/// Says 200 to the right key and 403 to any other.
fn answer_for_keys() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut reader = BufReader::new(socket.try_clone().unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
                line.clear();
            }
            let mut body = vec![0; length];
            let _ = std::io::Read::read_exact(&mut reader, &mut body);
            let right = String::from_utf8_lossy(&body).contains(&format!("name={KEY}"));
            let answer = if right { "200 OK" } else { "403 Forbidden" };
            let _ = write!(socket, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    port
}
