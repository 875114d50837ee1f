//! The certificate by which DTLS peers know each other: ECDSA on P-256, which all of them must take (RFC 8827, 6.5).
//! GStreamer 1.22 makes RSA ones, which strict peers refuse.

/// A fresh one with its key, PEM.
pub(super) fn make() -> Result<String, rcgen::Error> {
    let key = rcgen::KeyPair::generate()?;
    let mut parameters = rcgen::CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "uplink");
    let certificate = parameters.self_signed(&key)?;
    Ok(certificate.pem() + &key.serialize_pem())
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_is_another_one() {
        let (one, other) = (super::make().unwrap(), super::make().unwrap());
        assert_ne!(one, other);
        assert!(one.contains("BEGIN CERTIFICATE") && one.contains("BEGIN PRIVATE KEY"), "{one}");
    }
}
