//! Who waits for whom, on a clock that stands still while nobody waits.

use super::*;
use proptest::prelude::*;

fn turn(rank: Rank, metered: bool) -> Turn {
    Turn { pace: Arc::default(), rank, metered, least: 0 }
}

proptest! {
    #[test]
    fn backfill_takes_its_share_and_not_a_piece_while_something_before_it_is_under_way(
        limit in 1_000u64..50_000_000,
        steps in prop::collection::vec((0u64..50, 0u8..12), 1..300),
    ) {
        let start = Instant::now();
        let (mut now, mut gone) = (start, 0u64);
        let mut state = State { limit: Some(limit), ..State::default() };
        for (millis, what) in steps {
            now += Duration::from_millis(millis);
            match what {
                0 => state.under_way[0] += 1,
                1 => state.under_way[1] += 1,
                2 => state.under_way[0] = state.under_way[0].saturating_sub(1),
                3 => state.under_way[1] = state.under_way[1].saturating_sub(1),
                _ => {}
            }
            let [live, window] = state.under_way.map(|count| count > 0);
            for (rank, waits) in [(Rank::Window, live), (Rank::Older, live || window)] {
                for _ in 0..64 {
                    match state.ask(&turn(rank, true), PIECE as u64, now) {
                        Answer::Go => {
                            prop_assert!(!waits);
                            gone += PIECE as u64;
                        }
                        Answer::Held => { prop_assert!(waits); break }
                        Answer::NotBefore(at) => { prop_assert!(at > now && !waits); break }
                    }
                }
            }
            let allowed = limit as f64 * ((now - start) + DEPTH).as_secs_f64() + PIECE as f64;
            prop_assert!(gone as f64 <= allowed + 1.0, "{gone} of {allowed}");
        }
    }
}

#[test]
fn without_a_limit_for_a_trial_and_where_it_is_open_it_goes_as_it_can() {
    let (now, bytes) = (Instant::now(), PIECE as u64);
    let mut state = State { limit: Some(1000), ..State::default() };
    assert!((0..100).all(|_| state.ask(&turn(Rank::Older, false), bytes, now) == Answer::Go));
    state.limit = None;
    assert!((0..100).all(|_| state.ask(&turn(Rank::Older, true), bytes, now) == Answer::Go));
    (state.limit, state.open, state.under_way) = (Some(1), true, [2, 2]);
    assert!((0..100).all(|_| state.ask(&turn(Rank::Older, true), bytes, now) == Answer::Go));
}

/// Seconds at which the pieces of transfers went.
type Gone = Arc<Mutex<Vec<(Rank, f64)>>>;

/// A transfer of so many pieces, which others wait for from its first piece to its last.
async fn transfer(pace: Arc<Pace>, rank: Rank, pieces: usize, begun: Instant, gone: Gone) {
    let _hold = pace.hold(rank);
    let turn = (rank != Rank::Live).then(|| pace.turn(rank, 0, true));
    for _ in 0..pieces {
        match &turn {
            Some(turn) => turn.wait(PIECE as u64).await,
            // The connection takes a piece a quarter of a second.
            None => tokio::time::sleep(Duration::from_millis(250)).await,
        }
        gone.lock().unwrap().push((rank, begun.elapsed().as_secs_f64()));
    }
}

fn times(gone: &Gone, rank: Rank) -> Vec<f64> {
    gone.lock().unwrap().iter().filter(|(of, _)| *of == rank).map(|(_, at)| *at).collect()
}

/// The slowest line that there is, an old segment on its way that would take 100 s, and then something that players see.
#[tokio::test(start_paused = true)]
async fn an_old_segment_under_way_holds_up_neither_the_live_edge_nor_the_window() {
    let (pace, gone, begun) = (Arc::new(Pace::default()), Gone::default(), Instant::now());
    // A piece a second.
    pace.limit(Some(PIECE as u64));
    let send = |rank, pieces| tokio::spawn(transfer(pace.clone(), rank, pieces, begun, gone.clone()));
    let old = send(Rank::Older, 100);
    tokio::time::sleep(Duration::from_millis(4500)).await;
    assert_eq!(times(&gone, Rank::Older).len(), 5, "{gone:?}");

    // The live edge goes as fast as the connection takes it, and nothing beside it.
    send(Rank::Live, 8).await.unwrap();
    let live = times(&gone, Rank::Live);
    assert!(live[7] < 6.6, "{live:?}");
    assert!(!times(&gone, Rank::Older).iter().any(|at| (4.5..live[7]).contains(at)), "{gone:?}");

    // The window has the whole share, but for what keeps the old request alive.
    let from = begun.elapsed().as_secs_f64();
    send(Rank::Window, 10).await.unwrap();
    let window = times(&gone, Rank::Window);
    assert!(window[0] - from < 1.1 && window[9] - from < 10.2, "{window:?} from {from}");
    let beside = times(&gone, Rank::Older).iter().filter(|at| **at > from).count();
    assert!(beside <= 4, "{gone:?}");

    // And it waits for the live edge in the middle of its own transfer.
    let window = send(Rank::Window, 2);
    let live = send(Rank::Live, 8);
    live.await.unwrap();
    let end = begun.elapsed().as_secs_f64();
    window.await.unwrap();
    let last = times(&gone, Rank::Window).into_iter().fold(0.0, f64::max);
    assert!(last > end, "{gone:?}");
    // Without anything before it the old one goes on, to its end.
    old.await.unwrap();
    assert_eq!(times(&gone, Rank::Older).len(), 100);
    assert_eq!(pace.state().under_way, [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn what_began_while_nothing_was_live_yields_as_soon_as_something_is() {
    let (pace, gone, begun) = (Arc::new(Pace::default()), Gone::default(), Instant::now());
    pace.open();
    let old = pace.turn(Rank::Older, 0, true);
    for _ in 0..50 {
        old.wait(PIECE as u64).await;
    }
    assert_eq!((begun.elapsed(), pace.waits()), (Duration::ZERO, 0));
    pace.limit(None);
    let live = tokio::spawn(transfer(pace.clone(), Rank::Live, 4, begun, gone.clone()));
    tokio::task::yield_now().await;
    assert!(!pace.is_metering());
    old.wait(PIECE as u64).await;
    assert_eq!((times(&gone, Rank::Live).len(), pace.waits()), (4, 1));
    live.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_held_moves_now_and_then() {
    let pace = Arc::new(Pace::default());
    pace.limit(None);
    let (_hold, begun) = (pace.hold(Rank::Live), Instant::now());
    pace.turn(Rank::Window, 0, true).wait(PIECE as u64).await;
    assert!((TRICKLE..TRICKLE + Duration::from_millis(10)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}
