//! `uplink-origin`, see `uplink::app`.

fn main() {}
