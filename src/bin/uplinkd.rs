//! `uplinkd`, see `uplink::app`.

fn main() {}
