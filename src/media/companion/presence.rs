//! Whether something is encoded for a tick. Pure.

/// What is to be done with a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is encoded, and so was the one before.
    Go,
    /// It is the first one again.
    Begin,
    /// The one before was the last: flush, and encode nothing.
    End,
    /// Nothing.
    Rest,
}

/// Where a companion stands. See the module's header.
#[derive(Debug, Default)]
pub(super) struct Presence {
    /// The last segment in which it delivered; none while nothing is encoded.
    seen: Option<u64>,
}

impl Presence {
    /// For a tick in segment `number`.
    pub(super) fn turn(&mut self, number: u64, delivers: bool) -> Turn {
        match (self.seen, delivers) {
            (None, true) => {
                self.seen = Some(number);
                Turn::Begin
            }
            (None, false) => Turn::Rest,
            (Some(seen), true) => {
                // What the loudness correction holds back comes stamped a little earlier.
                self.seen = Some(seen.max(number));
                Turn::Go
            }
            (Some(seen), false) if number <= seen => Turn::Go,
            (Some(_), false) => {
                self.seen = None;
                Turn::End
            }
        }
    }

    /// Whether something is being encoded.
    #[cfg(test)]
    fn is_on(&self) -> bool {
        self.seen.is_some()
    }

    /// The encoder is gone.
    pub(super) fn leave(&mut self) {
        self.seen = None;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_loss_is_continued_to_the_end_of_its_segment_and_a_return_begins_at_once() {
        let mut presence = Presence::default();
        let ticks = [(7, false), (7, true), (7, false), (7, false), (8, false), (8, false), (8, true), (9, true)];
        let turns: Vec<Turn> = ticks.iter().map(|(number, delivers)| presence.turn(*number, *delivers)).collect();
        use Turn::{Begin, End, Go, Rest};
        assert_eq!(turns, [Rest, Begin, Go, Go, End, Rest, Begin, Go]);
        // A short loss within a segment is none.
        assert_eq!([presence.turn(9, false), presence.turn(9, true), presence.turn(10, true)], [Go, Go, Go]);
        presence.leave();
        assert_eq!(presence.turn(10, false), Rest);
    }

    proptest! {
        #[test]
        fn nothing_that_was_delivered_is_left_out(delivers in prop::collection::vec(any::<bool>(), 1..400), length in 1u64..60) {
            let mut presence = Presence::default();
            let mut alive = vec![false; 400];
            for (tick, delivers) in delivers.iter().enumerate() {
                let number = tick as u64 / length;
                let on = matches!(presence.turn(number, *delivers), Turn::Go | Turn::Begin);
                prop_assert!(on || !delivers);
                prop_assert_eq!(on, presence.is_on());
                alive[number as usize] |= delivers;
                // Nothing is encoded of a segment in which nothing has come yet.
                prop_assert!(!on || alive[number as usize]);
            }
        }
    }
}
