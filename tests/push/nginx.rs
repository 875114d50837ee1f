//! A real nginx with WebDAV on loopback.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// One nginx process at a time, always on the same port and the same root.
pub struct Nginx {
    directory: tempfile::TempDir,
    port: u16,
    process: Option<Child>,
}

impl Nginx {
    /// None, loudly, where there is no nginx.
    pub fn start() -> Option<Self> {
        if find().is_none() {
            eprintln!(
                "\n*** SKIPPED: no nginx on this machine (Debian: nginx-light); push is not tested against it ***\n"
            );
            return None;
        }
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join("root")).expect("a root");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
        let mut nginx = Self { directory, port, process: None };
        nginx.come_back();
        Some(nginx)
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/live", self.port)
    }

    /// Where `/live` lies.
    pub fn root(&self) -> PathBuf {
        self.directory.path().join("root/live")
    }

    pub fn go_away(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("nginx can be killed");
            process.wait().expect("nginx ends");
        }
    }

    pub fn come_back(&mut self) {
        let configuration = self.directory.path().join("nginx.conf");
        std::fs::write(&configuration, configure(self.directory.path(), self.port)).expect("a configuration");
        let binary = find().expect("nginx was there before");
        let process = Command::new(binary)
            .arg("-c")
            .arg(&configuration)
            .arg("-p")
            .arg(self.directory.path())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx starts");
        self.process = Some(process);
        let end = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < end, "nginx does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.go_away();
    }
}

fn find() -> Option<PathBuf> {
    ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"].into_iter().map(PathBuf::from).find(|p| p.exists())
}

fn configure(directory: &Path, port: u16) -> String {
    let directory = directory.display();
    // One process and no master: killing it is all it takes. As root, nginx would give up its rights to the directory.
    format!(
        "daemon off; master_process off; user root; pid {directory}/nginx.pid; error_log {directory}/error.log;
         events {{ worker_connections 64; }}
         http {{
           access_log {directory}/access.log;
           client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
           fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
           client_max_body_size 64m;
           server {{
             listen 127.0.0.1:{port};
             location / {{ root {directory}/root; dav_methods PUT DELETE; create_full_put_path on; }}
           }}
         }}\n"
    )
}
