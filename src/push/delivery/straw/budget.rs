//! A destination whose budget is spent, and then is not any more.

use super::*;
use crate::model::Carried;

#[test]
fn a_spent_budget_leaves_the_lowest_rendition_and_what_it_kept_back_is_not_owed() {
    // Also where the line would have it follow.
    let mut world = World::new(LinePolicy { backfill_dropped: true, ..LinePolicy::default() });
    world.run(20, Some(WHOLE * 3));
    world.run(20, None);
    world.flow.ration(true);
    let from = world.newest;
    world.run(60, Some(WHOLE * 3));
    let kept_back = |world: &World, to: u64| (from + 1..to).all(|number| !world.there[0].contains(&number));
    assert!(kept_back(&world, world.newest) && world.owed() == 0);
    let carried = |world: &World| {
        let status = world.flow.status(&world.delivery, &world.link, world.now);
        status.renditions.iter().map(|rendition| rendition.carried).collect::<Vec<_>>()
    };
    assert_eq!(carried(&world), [Carried::Withheld, Carried::Whole]);
    let text = world.delivery.lanes[0].published.clone().unwrap();
    assert_eq!(text.matches("#EXT-X-GAP").count(), 6, "{text}");
    assert!(world.edges.values().all(|edge| edge + 2 >= world.newest), "{:?} at {}", world.edges, world.newest);
    world.flow.ration(false);
    let again = world.newest;
    world.run(30, Some(WHOLE * 3));
    assert_eq!((carried(&world), world.turns.len()), (vec![Carried::Whole; 2], 0), "it was not the line");
    assert!(kept_back(&world, again));
    world.assert_complete(again + 1);
}
