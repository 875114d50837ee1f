//! Reports of a modelled line, and the bit rates that follow.

use proptest::prelude::*;

use super::*;

const FLOOR: BitRate = BitRate(200_000);
const CEILING: BitRate = BitRate(2_000_000);
const SECOND: Duration = Duration::from_secs(1);

fn good(rate: BitRate) -> Feedback {
    Feedback { loss: 0.0, round_trip: Some(Duration::from_millis(40)), sent: Some(rate), arrived: Some(rate) }
}

/// Reports once a second of a line that carries `most`, with a queue in front of it; the rates that follow.
fn on_a_line(congestion: &mut Congestion, start: Instant, most: impl Fn(u64) -> u64, seconds: u64) -> Vec<u64> {
    let mut queue = 0.0;
    let step = |second: u64| {
        let (sent, line) = (congestion.rate().bps(), most(second));
        queue = f64::max(queue + sent as f64 - line as f64, 0.0);
        // Routers hold half a second.
        let lost = f64::max(queue - line as f64 / 2.0, 0.0);
        queue -= lost;
        let arrived = sent.min(line);
        let feedback = Feedback {
            loss: lost / sent as f64,
            round_trip: Some(Duration::from_secs_f64(0.04 + queue / line as f64)),
            sent: Some(BitRate(sent)),
            arrived: Some(BitRate(arrived)),
        };
        congestion.heard(feedback, start + SECOND * second as u32);
        congestion.rate().bps()
    };
    (1..=seconds).map(step).collect()
}

#[test]
fn a_line_that_carries_it_gets_the_ceiling_within_seconds() {
    let (mut congestion, start) = (Congestion::new(FLOOR, CEILING), Instant::now());
    assert_eq!((congestion.rate(), congestion.bottleneck()), (BitRate(1_000_000), None));
    for second in 1..=2 {
        congestion.heard(good(congestion.rate()), start + SECOND * second);
    }
    assert_eq!((congestion.rate(), congestion.bottleneck()), (CEILING, None));
}

#[test]
fn a_line_that_gets_narrow_is_met_within_seconds_and_used_again_when_it_is_wide() {
    let (mut congestion, start) = (Congestion::new(FLOOR, CEILING), Instant::now());
    let rates = on_a_line(&mut congestion, start, |second| if second < 10 { 5_000_000 } else { 600_000 }, 60);
    assert_eq!(rates[8], CEILING.bps());
    assert!(rates[12] < 600_000, "three seconds later: {rates:?}");
    assert!(rates[12..].iter().all(|rate| *rate < 800_000), "{rates:?}");
    let late: u64 = rates[30..].iter().sum::<u64>() / 30;
    assert!(late > 420_000, "most of the line is used: {late}, {rates:?}");
    assert!(matches!(congestion.bottleneck(), Some(Bottleneck::Queue | Bottleneck::Loss)));
    let again = on_a_line(&mut congestion, start + SECOND * 60, |_| 5_000_000, 30);
    assert_eq!(again[29], CEILING.bps(), "{again:?}");
}

#[test]
fn losses_lower_it_by_half_their_share_and_few_change_nothing() {
    let (mut congestion, start) = (Congestion::new(FLOOR, CEILING), Instant::now());
    let lossy = |loss| Feedback { loss, ..good(BitRate(1_000_000)) };
    congestion.heard(lossy(0.05), start);
    assert_eq!(congestion.rate(), BitRate(1_000_000));
    congestion.heard(lossy(0.2), start + SECOND);
    assert_eq!((congestion.rate(), congestion.bottleneck()), (BitRate(900_000), Some(Bottleneck::Loss)));
    congestion.heard(lossy(0.2), start + SECOND + SECOND / 2);
    assert_eq!(congestion.rate(), BitRate(900_000), "word of what was sent before");
    congestion.heard(lossy(0.0), start + 3 * SECOND);
    assert_eq!(congestion.rate(), BitRate(900_000), "not calm for long enough");
    congestion.heard(lossy(0.0), start + 5 * SECOND);
    assert!(congestion.rate() > BitRate(900_000));
}

#[test]
fn a_receiver_that_wants_less_gets_less_at_once() {
    let mut congestion = Congestion::new(FLOOR, CEILING);
    congestion.bounded(BitRate(500_000));
    assert_eq!((congestion.rate(), congestion.bottleneck()), (BitRate(500_000), Some(Bottleneck::Receiver)));
    congestion.bounded(BitRate(50_000));
    assert_eq!(congestion.rate(), FLOOR, "but not less than is of any use");
    congestion.over();
    assert_eq!(congestion.rate(), BitRate(1_000_000), "another session, another receiver");
}

#[test]
fn pictures_that_need_little_prove_nothing() {
    let (mut congestion, start) = (Congestion::new(FLOOR, CEILING), Instant::now());
    for second in 1..60 {
        congestion.heard(good(BitRate(100_000)), start + SECOND * second);
    }
    assert_eq!(congestion.rate(), BitRate(1_000_000));
    congestion.heard(Feedback { loss: 0.9, ..good(BitRate(100_000)) }, start + SECOND * 60);
    let low = congestion.rate();
    assert!(low < BitRate(600_000));
    for second in 61..70 {
        congestion.heard(good(BitRate(100_000)), start + SECOND * second);
    }
    assert_eq!(congestion.rate(), low);
    for second in 70..120 {
        congestion.heard(good(BitRate(100_000)), start + SECOND * second);
    }
    assert_eq!(congestion.rate(), BitRate(1_000_000), "as a session begins");
}

#[test]
fn a_box_that_was_busy_for_a_moment_costs_little() {
    let (mut congestion, start) = (Congestion::new(FLOOR, CEILING), Instant::now());
    let late = Feedback {
        round_trip: Some(Duration::from_millis(200)),
        arrived: Some(BitRate(300_000)),
        ..good(BitRate(900_000))
    };
    congestion.heard(good(BitRate(900_000)), start);
    let before = congestion.rate();
    congestion.heard(late, start + SECOND);
    assert_eq!(congestion.rate(), BitRate(765_000), "from {before}");
    congestion.heard(late, start + 2 * SECOND);
    assert_eq!(congestion.rate(), BitRate(765_000), "word of what was sent before, too");
    congestion.heard(late, start + 3 * SECOND);
    assert_eq!(congestion.rate(), BitRate(210_000), "it was the line");
}

#[test]
fn a_longer_route_is_no_queue_for_ever() {
    let (mut congestion, start) = (Congestion::new(FLOOR, CEILING), Instant::now());
    let by = |millis, second: u32, congestion: &mut Congestion| {
        let trip = Some(Duration::from_millis(millis));
        congestion.heard(Feedback { round_trip: trip, ..good(congestion.rate()) }, start + SECOND * second);
    };
    (1..30).for_each(|second| by(40, second, &mut congestion));
    (30..200).for_each(|second| by(240, second, &mut congestion));
    assert_eq!(congestion.rate(), CEILING);
}

proptest! {
    #[test]
    fn it_stays_within_its_bounds_whatever_is_reported(
        reports in proptest::collection::vec((0.0f64..1.5, 0u64..5000, 0u64..20_000_000, 0u64..20_000_000, 0u64..3000), 0..200)
    ) {
        let (mut congestion, mut now) = (Congestion::new(FLOOR, CEILING), Instant::now());
        for (loss, trip, sent, arrived, wait) in reports {
            now += Duration::from_millis(wait);
            let (sent, arrived) = (Some(BitRate(sent)), Some(BitRate(arrived)));
            if wait % 7 == 0 { congestion.bounded(BitRate(sent.map_or(0, BitRate::bps))); }
            congestion.heard(Feedback { loss, round_trip: Some(Duration::from_millis(trip)), sent, arrived }, now);
            prop_assert!((FLOOR..=CEILING).contains(&congestion.rate()));
        }
    }
}
