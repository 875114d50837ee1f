//! The confidence monitor: a small picture of what leaves the box.
