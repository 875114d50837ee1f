//! The certificate by which DTLS peers know each other: ECDSA on P-256, which all of them must take (RFC 8827, 6.5).
//! GStreamer 1.22 makes RSA ones, which strict peers refuse.

/// A certificate with its key.
#[derive(Debug)]
pub(super) struct Certificate {
    /// Certificate and key, PEM.
    pub(super) pem: String,
    /// As session descriptions name it (RFC 8122, 5).
    pub(super) fingerprint: String,
}

/// A fresh one.
pub(super) fn make() -> Result<Certificate, rcgen::Error> {
    let key = rcgen::KeyPair::generate()?;
    let mut parameters = rcgen::CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "uplink");
    let certificate = parameters.self_signed(&key)?;
    let digest = <sha2::Sha256 as sha2::Digest>::digest(certificate.der());
    let bytes: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(Certificate { pem: certificate.pem() + &key.serialize_pem(), fingerprint: bytes.join(":") })
}

impl Certificate {
    /// The session description with this certificate's fingerprint: webrtcbin writes down that of the one it made
    /// before it was given this.
    pub(super) fn named_in(fingerprint: &str, description: &str) -> String {
        let line = |line: &str| match line.starts_with("a=fingerprint:") {
            true => format!("a=fingerprint:sha-256 {fingerprint}\r\n"),
            false => format!("{line}\r\n"),
        };
        description.lines().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_another_one() {
        let (one, other) = (make().unwrap(), make().unwrap());
        assert_ne!(one.fingerprint, other.fingerprint);
        assert!(one.pem.contains("BEGIN CERTIFICATE") && one.pem.contains("BEGIN PRIVATE KEY"), "{}", one.pem);
        let text = "v=0\r\na=fingerprint:sha-256 00:11\r\nm=audio\r\na=fingerprint:sha-256 22\r\n";
        let named = Certificate::named_in(&one.fingerprint, text);
        assert_eq!((named.matches(&one.fingerprint).count(), named.contains("00:11")), (2, false), "{named}");
        assert_eq!(one.fingerprint.len(), 32 * 3 - 1);
    }
}
