//! From the HTTP client's errors to the failures that `policy` judges.

use std::error::Error;
use std::io;

use crate::policy::HttpFailure;

/// What kind of failure `error` is. Its text never holds the url: that may carry a user's name and password.
pub(crate) fn classify(error: reqwest::Error) -> HttpFailure {
    let error = error.without_url();
    let cause = plain(&error);
    if has_source::<rustls::Error>(&error) {
        return HttpFailure::Tls(cause);
    }
    if error.is_connect() {
        // The resolver's error has no type of its own; the connector marks it with these words.
        if find(&error, |error| error.to_string().starts_with("dns error").then_some(())).is_some() {
            return HttpFailure::Resolve(cause);
        }
        let cause = if error.is_timeout() { "no answer in time".to_owned() } else { cause };
        return HttpFailure::Connect(cause);
    }
    if error.is_timeout() || io_kind(&error) == Some(io::ErrorKind::TimedOut) {
        return HttpFailure::Stalled(cause);
    }
    HttpFailure::Broken(cause)
}

/// The cause behind all others, for whoever looks at a panel: what the operating system or the peer said, without numbers.
fn plain(error: &reqwest::Error) -> String {
    if io_kind(error) == Some(io::ErrorKind::ConnectionRefused) {
        return "nobody listens there (connection refused)".to_owned();
    }
    let mut last: &dyn Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    let text = last.to_string();
    text.split(" (os error ").next().unwrap_or(&text).to_owned()
}

fn has_source<E: Error + 'static>(error: &reqwest::Error) -> bool {
    find(error, |error| error.downcast_ref::<E>().map(|_| ())).is_some()
}

fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    find(error, |error| error.downcast_ref::<io::Error>().map(io::Error::kind))
}

/// The first hit of `test` in the causes of `error`. An io::Error keeps what it wraps out of source(), and TLS errors
/// travel that way, more than one deep.
fn find<T>(error: &reqwest::Error, test: impl Fn(&(dyn Error + 'static)) -> Option<T>) -> Option<T> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(found) = test(error) {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}
