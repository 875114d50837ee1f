//! One order: account, challenges (TLS-ALPN-01, RFC 8737), certificate.

use std::sync::Arc;
use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewAccount, NewOrder, Order, OrderStatus, Problem,
    RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};

use super::courier::{Courier, innermost};
use super::kept::Shelf;
use crate::access::certificate::{Certificate, keyed};
use crate::model::acme::Acme;

/// How often an order is looked at; the whole of it has a bound of its own.
const PACE: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(500)).timeout(Duration::from_secs(120));
/// The authority has no such account: it was begun anew, as test servers are.
const NO_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// Key and chain in PEM, or what went wrong.
pub(super) async fn issued(wanted: &Acme, shelf: &Shelf, shown: &Certificate) -> Result<String, String> {
    let account = account(wanted, shelf).await?;
    let names: Vec<Identifier> = wanted.domains.iter().cloned().map(Identifier::Dns).collect();
    let order = match account.new_order(&NewOrder::new(&names)).await {
        Err(Error::Api(problem)) if problem.r#type.as_deref() == Some(NO_ACCOUNT) => {
            shelf.forget_account();
            let account = self::account(wanted, shelf).await?;
            account.new_order(&NewOrder::new(&names)).await
        }
        order => order,
    };
    let mut order = order.map_err(words)?;
    let done = carried_out(&mut order, shown).await;
    shown.challenge(None);
    done
}

async fn account(wanted: &Acme, shelf: &Shelf) -> Result<Account, String> {
    let builder = Account::builder_with_http(Box::new(Courier::trusting(wanted.ca_file.as_deref())?));
    if let Some(kept) = shelf.account().and_then(|text| serde_json::from_str(&text).ok()) {
        return builder.from_credentials(kept).await.map_err(words);
    }
    let contact = wanted.contact.as_ref().map(|address| format!("mailto:{address}"));
    let contact: Vec<&str> = contact.as_deref().into_iter().collect();
    // Who writes the table `acme` agrees to the authority's terms: the reference of the configuration says so.
    let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let (account, made) = builder.create(&new, wanted.directory.to_string(), None).await.map_err(words)?;
    let text = serde_json::to_string(&made).map_err(|error| error.to_string())?;
    if let Err(error) = shelf.keep_account(&text) {
        tracing::warn!(%error, "the account with the authority cannot be kept: the next run makes another one");
    }
    Ok(account)
}

async fn carried_out(order: &mut Order, shown: &Certificate) -> Result<String, String> {
    // One after the other: an authority that looks sees the one that it was told of.
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(words)?;
        if authorization.status != AuthorizationStatus::Pending {
            continue;
        }
        let domain = authorization.identifier().to_string();
        let mut challenge = authorization.challenge(ChallengeType::TlsAlpn01).ok_or_else(|| {
            format!("it offers no TLS-ALPN-01 for {domain}, and no other kind of challenge is known here")
        })?;
        let answer = answer_to(domain.clone(), challenge.key_authorization().digest().as_ref())?;
        shown.challenge(Some((domain, Arc::new(answer))));
        challenge.set_ready().await.map_err(words)?;
    }
    match order.poll_ready(&PACE).await {
        Ok(OrderStatus::Ready) => {}
        Ok(_) => return Err(refusal(order).await),
        Err(error @ Error::Api(_)) => return Err(format!("{}; {}", words(error), refusal(order).await)),
        Err(error) => return Err(words(error)),
    }
    let key = order.finalize().await.map_err(words)?;
    let chain = order.poll_certificate(&PACE).await.map_err(words)?;
    Ok(format!("{key}\n{chain}"))
}

/// A certificate that says that this box is asked for (RFC 8737, section 3).
fn answer_to(domain: String, digest: &[u8]) -> Result<rustls::sign::CertifiedKey, String> {
    let made = || {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new([domain])?;
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
        Ok::<_, rcgen::Error>((params.self_signed(&key)?, key))
    };
    let (certificate, key) = made().map_err(|error| error.to_string())?;
    keyed(certificate.der().clone(), &key).map_err(|error| error.to_string())
}

/// Why it does not believe that the names are ours.
async fn refusal(order: &mut Order) -> String {
    let mut reasons = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let domain = authorization.identifier().to_string();
        let Ok(state) = authorization.refresh().await else { continue };
        let said = state.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        reasons.extend(said.map(|problem| format!("{domain}: {}", detail(problem))));
    }
    match reasons.is_empty() {
        true => "it refuses the order and does not say why".to_owned(),
        false => reasons.join("; "),
    }
}

fn words(error: Error) -> String {
    match error {
        Error::Api(problem) => detail(&problem),
        Error::Other(error) => innermost(&*error),
        Error::Timeout(_) => "it did not come to an end with the order in time".to_owned(),
        error => error.to_string(),
    }
}

fn detail(problem: &Problem) -> String {
    let kind = problem.r#type.as_deref().and_then(|kind| kind.rsplit(':').next()).unwrap_or("no kind");
    format!("{} ({kind})", problem.detail.as_deref().unwrap_or("no reason given"))
}
