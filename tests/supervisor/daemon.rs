//! The real `uplinkd`.
