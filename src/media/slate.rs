//! The slate: what is shown when no source is healthy.
