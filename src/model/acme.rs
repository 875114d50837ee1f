//! What is asked of a certificate authority (ACME, RFC 8555).

use std::path::PathBuf;

use url::Url;

/// A certificate that is to be had and kept fresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acme {
    /// For which names; at least one, lower case.
    pub domains: Vec<String>,
    /// Whom the authority writes to when something is wrong, an address of e-mail.
    pub contact: Option<String>,
    /// Where the authority says what it offers.
    pub directory: Url,
    /// Authorities that its server has to be vouched for by, and no others; those that the box trusts if none.
    pub ca_file: Option<PathBuf>,
}
