//! `srt://host:port?mode=…`, as ffmpeg and srt-live-transmit write it.

use super::checked::SrtMode;

/// What stands in an SRT address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SrtAddress {
    pub(crate) mode: SrtMode,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) latency_ms: Option<u32>,
    pub(crate) stream_id: Option<String>,
}

/// Reads an address. The error is the rule that is broken.
pub(crate) fn parse(text: &str) -> Result<SrtAddress, String> {
    let rest = text.strip_prefix("srt://").ok_or("must begin with srt://")?;
    let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, port) = authority.trim_end_matches('/').rsplit_once(':').ok_or("must name a port: srt://host:port")?;
    let port = port.parse::<u16>().ok().filter(|port| *port > 0).ok_or("must name a port from 1 to 65535")?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    check_host(host)?;
    let mut address =
        SrtAddress { mode: SrtMode::Caller, host: host.to_owned(), port, latency_ms: None, stream_id: None };
    if host.is_empty() {
        address.mode = SrtMode::Listener;
    }
    // Stream ids hold `+` as it is; only forms read it as a space.
    for (key, value) in url::form_urlencoded::parse(query.replace('+', "%2B").as_bytes()) {
        option(&mut address, &key, &value)?;
    }
    if address.host.is_empty() {
        match address.mode {
            SrtMode::Caller => return Err("a caller must name its peer: srt://host:port".to_owned()),
            SrtMode::Listener => address.host = "0.0.0.0".to_owned(),
        }
    }
    Ok(address)
}

/// A host name or IP address by its form.
pub(crate) fn check_host(host: &str) -> Result<(), String> {
    let good = host.len() <= 253 && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:%".contains(&b));
    if good { Ok(()) } else { Err("must name a host or an IP address".to_owned()) }
}

fn option(address: &mut SrtAddress, key: &str, value: &str) -> Result<(), String> {
    match key {
        "mode" => {
            address.mode = match value {
                "caller" => SrtMode::Caller,
                "listener" => SrtMode::Listener,
                _ => return Err("mode must be caller or listener".to_owned()),
            }
        }
        "latency" => {
            let latency = value.parse().ok().filter(|latency| (20..=8000).contains(latency));
            address.latency_ms = Some(latency.ok_or("latency must be 20 to 8000 milliseconds")?);
        }
        "streamid" if (1..=512).contains(&value.len()) => address.stream_id = Some(value.to_owned()),
        "streamid" => return Err("streamid must be 1 to 512 characters".to_owned()),
        "passphrase" => return Err("must not hold the passphrase, secrets stand in files".to_owned()),
        _ => return Err("knows no options but mode, latency and streamid".to_owned()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_senders_write_them() {
        let address = parse("srt://cam.example:9000?latency=200&streamid=#!::r=a+b,m=request").unwrap();
        assert_eq!((address.host.as_str(), address.port, address.mode), ("cam.example", 9000, SrtMode::Caller));
        assert_eq!(address.latency_ms, Some(200));
        assert_eq!(address.stream_id.as_deref(), Some("#!::r=a+b,m=request"));
        let listener = parse("srt://:9000").unwrap();
        assert_eq!((listener.host.as_str(), listener.mode), ("0.0.0.0", SrtMode::Listener));
        assert_eq!(parse("srt://[::1]:7001?mode=caller").unwrap().host, "::1");
    }

    #[test]
    fn faulty_addresses_say_why() {
        for (text, rule) in [
            ("http://a:1", "must begin with srt://"),
            ("srt://a", "must name a port: srt://host:port"),
            ("srt://a:0", "must name a port from 1 to 65535"),
            ("srt://a b:1", "must name a host or an IP address"),
            ("srt://:9000?mode=caller", "a caller must name its peer: srt://host:port"),
            ("srt://a:1?latency=9", "latency must be 20 to 8000 milliseconds"),
            ("srt://a:1?passphrase=0123456789", "must not hold the passphrase, secrets stand in files"),
            ("srt://a:1?pbkeylen=16", "knows no options but mode, latency and streamid"),
        ] {
            assert_eq!(parse(text), Err(rule.to_owned()), "{text}");
        }
    }
}
