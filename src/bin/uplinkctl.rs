//! `uplinkctl`, see `uplink::app`.

fn main() {}
