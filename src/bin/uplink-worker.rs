//! `uplink-worker`, see `uplink::app`.

fn main() {}
