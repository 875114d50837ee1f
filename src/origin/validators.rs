//! Entity tags, conditions and ranges (RFC 9110, sections 8.8, 13 and 14).

use std::ops::RangeInclusive;

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};

use super::problem::Problem;

/// A strong entity tag over the bytes themselves: the same playlist pushed again is still the same.
pub(crate) fn tag_of_bytes(data: &[u8]) -> String {
    format!("\"{}\"", hex::encode(&Sha256::digest(data)[..12]))
}

/// A strong entity tag of a file that is never changed in place: every version is a new file.
pub(crate) fn tag_of_file(meta: &std::fs::Metadata) -> String {
    use std::os::unix::fs::MetadataExt;
    format!("\"{:x}-{:x}-{:x}.{:x}\"", meta.len(), meta.ino(), meta.mtime(), meta.mtime_nsec())
}

/// Whether the client already has this version (If-None-Match, compared weakly).
pub(crate) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    lists
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

/// The bytes that the client asks for; `None` is all of them. Several ranges, and a Range that cannot be read, are
/// ignored, as RFC 9110 14.2 allows.
pub(crate) fn wanted_range(headers: &HeaderMap, tag: &str, size: u64) -> Result<Option<RangeInclusive<u64>>, Problem> {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let Some(range) = text(header::RANGE) else { return Ok(None) };
    if text(header::IF_RANGE).is_some_and(|known| known != tag) {
        return Ok(None);
    }
    let Ok(parsed) = http_range_header::parse_range_header(range) else { return Ok(None) };
    match parsed.validate(size) {
        Ok(ranges) if ranges.len() == 1 => Ok(ranges.into_iter().next()),
        Ok(_) => Ok(None),
        Err(_) => Err(Problem::Range { size }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn ranges_of_ten_bytes() {
        for (range, answer) in [
            ("bytes=0-3", Ok(Some(0..=3))),
            ("bytes=4-", Ok(Some(4..=9))),
            ("bytes=-3", Ok(Some(7..=9))),
            ("bytes=0-99", Ok(Some(0..=9))),
            ("bytes=0-1,4-5", Ok(None)),
            ("pages=1-2", Ok(None)),
            ("bytes=a-b", Ok(None)),
            ("bytes=10-", Err(())),
        ] {
            let result = wanted_range(&headers(&[(header::RANGE, range)]), "\"t\"", 10).map_err(|_| ());
            assert_eq!(result, answer, "{range}");
        }
    }

    #[test]
    fn a_range_of_another_version_is_ignored() {
        for (tag, answer) in [("\"t\"", Some(0..=3)), ("\"other\"", None), ("W/\"t\"", None)] {
            let asked = headers(&[(header::RANGE, "bytes=0-3"), (header::IF_RANGE, tag)]);
            assert_eq!(wanted_range(&asked, "\"t\"", 10).unwrap(), answer, "{tag}");
        }
    }

    #[test]
    fn known_versions() {
        for (list, known) in [("\"t\"", true), ("W/\"t\"", true), ("\"a\", \"t\"", true), ("*", true), ("\"a\"", false)]
        {
            assert_eq!(is_known(&headers(&[(header::IF_NONE_MATCH, list)]), "\"t\""), known, "{list}");
        }
    }
}
