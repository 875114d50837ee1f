//! Addresses: URLs that anybody may read, and whether they leave the box.

use url::Url;

use crate::document::{Faults, Placed, Section};

/// The URL `name` of `of`. One that holds a user or password is a fault: configuration files are read by many, and secrets
/// stand in files of their own, as `fix` says.
pub(super) fn without_credentials(of: &Section<'_>, name: &str, fix: &str, faults: &mut Faults) -> Option<Placed<Url>> {
    let placed = of.get::<Url>(name)?;
    if placed.value.username().is_empty() && placed.value.password().is_none() {
        return Some(placed);
    }
    faults.add(&placed.spot, "must not hold a user or password", fix);
    None
}

/// Whether what is sent there stays on this box.
pub(super) fn is_loopback(url: &Url) -> bool {
    // By its text: in schemes that the standard does not know, an address is a name.
    let host = url.host_str().unwrap_or_default();
    host == "localhost" || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_loopback_whatever_the_scheme() {
        for here in ["http://127.0.0.1:80/", "https://localhost/a", "rtmp://127.8.8.8/app", "rtmp://[::1]:1935/app"] {
            assert!(is_loopback(&here.parse().unwrap()), "{here}");
        }
        for there in ["http://192.0.2.1/", "rtmp://localhost.example/app", "http://[::2]/", "s3://bucket/"] {
            assert!(!is_loopback(&there.parse().unwrap()), "{there}");
        }
    }
}
