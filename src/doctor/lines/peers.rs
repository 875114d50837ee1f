//! Whom the configuration sends to: host, port, and what is spoken there.

use std::path::PathBuf;

use url::Url;

use crate::config::{Checked, DestinationKind};
use crate::model::upload::{StoreKind, Trust};
use crate::model::{Carrier, SrtMode};

/// Somebody to be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    /// `destination cloud (primary)`
    pub(super) about: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) spoken: Spoken,
}

/// What is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spoken {
    /// UDP: nobody can tell whether somebody listens.
    Udp,
    /// Something else over TCP.
    Tcp(Option<Tls>),
    /// HTTP at this path.
    Http(String, Option<Tls>),
}

/// How TLS is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tls {
    /// The only authorities that are trusted; those of the box if none.
    pub(super) authorities: Option<PathBuf>,
    /// The peer wants to see a certificate of this box, which is not shown here.
    pub(super) wants_ours: bool,
}

/// Each once, in the order of the configuration.
pub(super) fn of(checked: &Checked) -> Vec<Peer> {
    let mut peers: Vec<Peer> = Vec::new();
    for destination in checked.channels.iter().flat_map(|channel| &channel.destinations) {
        for (rank, endpoint) in destination.endpoints.iter().enumerate() {
            let rank = if rank == 0 { "primary".to_owned() } else { format!("backup-{rank}") };
            let about = format!("destination {} ({rank})", destination.id);
            if let Some(peer) = one(&about, endpoint)
                && !peers
                    .iter()
                    .any(|other| (&other.about, &other.host, other.port) == (&peer.about, &peer.host, peer.port))
            {
                peers.push(peer);
            }
        }
    }
    peers
}

/// Whom this endpoint is about.
pub(super) fn of_endpoint(endpoint: &DestinationKind) -> Option<Peer> {
    one("", endpoint)
}

fn one(about: &str, endpoint: &DestinationKind) -> Option<Peer> {
    match endpoint {
        DestinationKind::HlsPush { url, upload } => by_url(about, &place(url, &upload.store)?, &upload.trust),
        DestinationKind::Whip(whip) => by_url(about, &whip.url, &whip.trust),
        DestinationKind::Send(sent) => match &sent.carrier {
            Carrier::Srt { mode: SrtMode::Listener, .. } | Carrier::UdpTs { .. } => None,
            Carrier::Srt { host, port, .. } | Carrier::Rist { host, port, .. } => {
                Some(Peer { about: about.to_owned(), host: host.clone(), port: *port, spoken: Spoken::Udp })
            }
            Carrier::Rtmp { url, ca, .. } => {
                let tls = (url.scheme() == "rtmps").then(|| Tls { authorities: ca.clone(), wants_ours: false });
                let port = url.port().unwrap_or(if tls.is_some() { 443 } else { 1935 });
                let host = url.host_str()?.to_owned();
                Some(Peer { about: about.to_owned(), host, port, spoken: Spoken::Tcp(tls) })
            }
        },
        DestinationKind::Recording(_) => None,
    }
}

fn by_url(about: &str, url: &Url, trust: &Trust) -> Option<Peer> {
    let tls = || Tls { authorities: trust.ca_file.clone(), wants_ours: trust.identity.is_some() };
    let tls = (url.scheme() == "https").then(tls);
    let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
    let spoken = Spoken::Http(url.path().to_owned(), tls);
    Some(Peer { about: about.to_owned(), host, port: url.port_or_known_default()?, spoken })
}

/// Where a bucket is.
fn place(url: &Url, store: &StoreKind) -> Option<Url> {
    let at = |host: String| Url::parse(&format!("https://{host}/")).ok();
    match store {
        StoreKind::Origin | StoreKind::Webdav => Some(url.clone()),
        StoreKind::S3 { endpoint, region, .. } => endpoint.clone().or_else(|| at(format!("s3.{region}.amazonaws.com"))),
        StoreKind::Gcs { endpoint } => endpoint.clone().or_else(|| at("storage.googleapis.com".to_owned())),
        StoreKind::Azure { endpoint, account } => {
            endpoint.clone().or_else(|| at(format!("{account}.blob.core.windows.net")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_where_their_makers_have_them() {
        let bucket: Url = "s3://bucket/live/".parse().unwrap();
        let s3 = |endpoint| StoreKind::S3 { endpoint, region: "eu-central-1".to_owned(), virtual_host: true };
        let host = |store| place(&bucket, &store).unwrap().host_str().unwrap().to_owned();
        assert_eq!(host(s3(None)), "s3.eu-central-1.amazonaws.com");
        assert_eq!(host(s3(Some("http://10.0.0.9:9000/".parse().unwrap()))), "10.0.0.9");
        assert_eq!(host(StoreKind::Azure { endpoint: None, account: "a".to_owned() }), "a.blob.core.windows.net");
    }

    #[test]
    fn an_address_becomes_a_peer_without_its_query() {
        let peer = by_url("d", &"https://[::1]:8443/live/?token=hunter2".parse().unwrap(), &Trust::default()).unwrap();
        assert_eq!((peer.host.as_str(), peer.port), ("::1", 8443));
        assert!(matches!(&peer.spoken, Spoken::Http(path, Some(_)) if path == "/live/"));
        assert!(!format!("{peer:?}").contains("hunter2"));
    }
}
