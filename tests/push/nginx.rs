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
    kind: Kind,
}

/// What it is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Makes directories by itself.
    Plain,
    /// Makes directories when it is told to.
    Mkcol,
    /// https; key and certificate lie in the directory.
    Tls,
    /// https, and who asks has to show a certificate.
    Mutual,
}

impl Nginx {
    /// None, loudly, where there is no nginx.
    pub fn start() -> Option<Self> {
        Self::set_up(Kind::Plain)
    }

    /// One that makes no directory unless it is told to.
    pub fn start_without_directories() -> Option<Self> {
        Self::set_up(Kind::Mkcol)
    }

    /// As [`Nginx::start_with_tls`], and it wants to see that very certificate of whoever asks.
    pub fn start_with_mutual_tls() -> Option<Self> {
        Self::with_openssl(Kind::Mutual)
    }

    /// With a certificate of its own for 127.0.0.1, see [`Nginx::certificate`].
    pub fn start_with_tls() -> Option<Self> {
        Self::with_openssl(Kind::Tls)
    }

    fn with_openssl(kind: Kind) -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            eprintln!("\n*** SKIPPED: no openssl on this machine; push is not tested over https ***\n");
            return None;
        }
        Self::set_up(kind)
    }

    fn set_up(kind: Kind) -> Option<Self> {
        if find().is_none() {
            eprintln!(
                "\n*** SKIPPED: no nginx on this machine (Debian: nginx-light); push is not tested against it ***\n"
            );
            return None;
        }
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join("root")).expect("a root");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
        if kind.is_tls() {
            make_certificate(directory.path());
        }
        let mut nginx = Self { directory, port, process: None, kind };
        nginx.come_back();
        Some(nginx)
    }

    pub fn url(&self) -> String {
        let scheme = if self.kind.is_tls() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}/live", self.port)
    }

    /// What has to be trusted.
    pub fn certificate(&self) -> PathBuf {
        self.directory.path().join("cert.pem")
    }

    /// The key of that.
    pub fn key(&self) -> PathBuf {
        self.directory.path().join("key.pem")
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
        std::fs::write(&configuration, configure(self.directory.path(), self.port, self.kind))
            .expect("a configuration");
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

fn make_certificate(directory: &Path) {
    let request = "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN=uplink test\n\
                   [ext]\nsubjectAltName=IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n";
    std::fs::write(directory.join("request.cnf"), request).expect("a request");
    let made = Command::new("openssl")
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(' '))
        .args("-config request.cnf -keyout key.pem -out cert.pem".split(' '))
        .current_dir(directory)
        .output()
        .expect("openssl is there");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

impl Kind {
    fn is_tls(self) -> bool {
        matches!(self, Self::Tls | Self::Mutual)
    }
}

fn configure(directory: &Path, port: u16, kind: Kind) -> String {
    let directory = directory.display();
    let (ssl, certificate) = match kind.is_tls() {
        true => ("ssl", format!("ssl_certificate {directory}/cert.pem; ssl_certificate_key {directory}/key.pem;")),
        false => ("", String::new()),
    };
    let mutual = match kind {
        Kind::Mutual => format!("ssl_verify_client on; ssl_client_certificate {directory}/cert.pem;"),
        _ => String::new(),
    };
    let dav = match kind {
        Kind::Mkcol => "dav_methods PUT DELETE MKCOL;",
        _ => "dav_methods PUT DELETE; create_full_put_path on;",
    };
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
             listen 127.0.0.1:{port} {ssl}; {certificate} {mutual}
             location / {{ root {directory}/root; {dav} }}
           }}
         }}\n"
    )
}
