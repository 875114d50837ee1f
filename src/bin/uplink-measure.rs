//! `uplink-measure`, see `uplink::app`.

fn main() {}
