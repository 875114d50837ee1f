//! Connections are kept: an origin sees a few of them, however much is sent.

use uplink::model::status::DestinationState;

use crate::origin::Origin;
use crate::studio::{Studio, until};

#[tokio::test]
async fn connections_are_used_again_and_again() {
    let (mut studio, origin) = (Studio::new(), Origin::start().await);
    studio.produce(20);
    let pusher = studio.push_to(&origin.url());
    // What waits first, several at a time; then as on air, one number after the other.
    for _ in 0..25 {
        studio.produce(1);
        let end = studio.grid.start_of(studio.next);
        until(&pusher, "even", |status| {
            status.state == DestinationState::Streaming && status.queue_segments == 0 && status.position == Some(end)
        })
        .await;
    }
    let (objects, connections) = (origin.paths().len(), origin.connections());
    eprintln!("{objects} objects by {connections} connections");
    assert!(origin.segment_puts() >= 45 * studio.renditions.len() && objects > 200, "{objects}");
    // As many as are in flight at once, and a few that were closed for any reason.
    assert!(connections * 10 <= objects, "{connections} connections for {objects} objects");
    origin.assert_no_violation();
}
