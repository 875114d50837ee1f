//! Captions as cues: what a receiver shows, from when to when.

use std::time::Duration;

use super::receiver::Receiver;
use super::screen::{Change, Row};
use super::service::Service;
use super::triplet::{Kind, Triplet, kind};
use crate::model::MediaTime;

/// Letters that are shown as they come are gathered for so long: a cue for each would be thirty a second.
const SETTLE: Duration = Duration::from_millis(400);
/// As long as CC1 was heard within this time, CEA-708 beside it says the same once more.
const PREFERRED: Duration = Duration::from_secs(60);
/// Without a word for so long nothing is shown any more, as receivers do it (ANSI/CTA-608-E).
const FORGET: Duration = Duration::from_secs(16);

/// A text on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cue {
    /// From then on.
    pub(crate) start: MediaTime,
    /// Until then.
    pub(crate) end: MediaTime,
    /// Its rows, from the top; never empty.
    pub(crate) rows: Vec<Row>,
}

/// Follows the captions of a program: CEA-608 CC1 or, where there is none, service 1 of CEA-708.
#[derive(Debug, Default)]
pub(crate) struct Cues {
    receiver: Receiver,
    service: Service,
    /// When CC1 was last heard.
    line21: Option<MediaTime>,
    /// When what is shown was last heard.
    heard: MediaTime,
    shown: Vec<Row>,
    since: MediaTime,
    /// Letters have come since then that are not in `shown`.
    typing: Option<MediaTime>,
    done: Vec<Cue>,
}

impl Cues {
    /// Takes what the picture at `at` carries; also asked with nothing, for what time alone does.
    pub(crate) fn take(&mut self, triplets: &[Triplet], at: MediaTime) {
        for triplet in triplets {
            match kind(*triplet) {
                Some(Kind::Line21 { second: false }) => self.take_pair([triplet[1], triplet[2]], at),
                Some(Kind::Dtvcc { start }) => self.take_dtvcc(start, [triplet[1], triplet[2]], at),
                _ => {}
            }
        }
        if self.typing.is_some_and(|begun| at.since(begun) >= SETTLE) {
            self.settle();
        }
        if !self.shown.is_empty() && at.since(self.heard) >= FORGET {
            self.receiver.erase();
            self.service.erase();
            self.typing = None;
            self.show(at, Vec::new());
        }
    }

    /// What was shown until `at` since the last time; what still is begins a new cue there.
    pub(crate) fn cut(&mut self, at: MediaTime) -> Vec<Cue> {
        self.settle();
        let shown = self.shown.clone();
        self.show(at, Vec::new());
        (self.shown, self.since) = (shown, self.since.max(at));
        std::mem::take(&mut self.done)
    }

    fn take_pair(&mut self, pair: [u8; 2], at: MediaTime) {
        // Letters that are erased or moved a moment after they came were shown for that moment.
        let before = self.typing.filter(|_| Receiver::is_command(pair)).map(|begun| (begun, self.receiver.rows()));
        let change = self.receiver.take(pair);
        if self.receiver.is_ours() {
            (self.heard, self.line21) = (at, Some(at));
        }
        self.changed(change, before, at);
    }

    fn take_dtvcc(&mut self, start: bool, pair: [u8; 2], at: MediaTime) {
        if self.line21.is_some_and(|heard| at.since(heard) < PREFERRED) {
            self.service.take(start, pair);
            return;
        }
        self.line21 = None;
        let before = self.typing.map(|begun| (begun, self.service.rows()));
        let change = self.service.take(start, pair);
        if change != Change::Nothing {
            self.heard = at;
        }
        self.changed(change, before, at);
    }

    fn changed(&mut self, change: Change, before: Option<(MediaTime, Vec<Row>)>, at: MediaTime) {
        match change {
            Change::Nothing => {}
            Change::Typing => {
                self.typing.get_or_insert(at);
            }
            Change::Flip => {
                self.typing = None;
                if let Some((begun, rows)) = before {
                    self.show(begun, rows);
                }
                self.show(at, self.rows());
            }
        }
    }

    fn settle(&mut self) {
        if let Some(begun) = self.typing.take() {
            self.show(begun, self.rows());
        }
    }

    fn rows(&self) -> Vec<Row> {
        if self.line21.is_some() { self.receiver.rows() } else { self.service.rows() }
    }

    fn show(&mut self, at: MediaTime, rows: Vec<Row>) {
        if rows == self.shown {
            return;
        }
        let at = at.max(self.since);
        let (before, since) = (std::mem::replace(&mut self.shown, rows), std::mem::replace(&mut self.since, at));
        if !before.is_empty() && at > since {
            self.done.push(Cue { start: since, end: at, rows: before });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::captions::line21;
    use crate::media::captions::triplet::of_pair;

    fn at(millis: u64) -> MediaTime {
        MediaTime::from_nanos((1_763_683_200_000 + millis) * 1_000_000)
    }

    /// One pair per picture at 25 frames per second, from `from` on.
    fn feed(cues: &mut Cues, from: u64, pairs: impl IntoIterator<Item = [u8; 2]>) -> u64 {
        pairs.into_iter().fold(from, |millis, pair| {
            cues.take(&[of_pair(pair)], at(millis));
            millis + 40
        })
    }

    fn told(cues: Vec<Cue>) -> Vec<(u64, u64, String)> {
        let text = |cue: &Cue| cue.rows.iter().map(|row| row.text.as_str()).collect::<Vec<_>>().join("/");
        let millis = |time: MediaTime| time.since(at(0)).as_millis() as u64;
        cues.iter().map(|cue| (millis(cue.start), millis(cue.end), text(cue))).collect()
    }

    #[test]
    fn a_text_that_stays_is_cut_and_goes_on() {
        let mut cues = Cues::default();
        feed(&mut cues, 0, [[0x14, 0x20], [0x14, 0x70], *b"Hi", [0x14, 0x2f]]);
        assert_eq!(told(cues.cut(at(2000))), [(120, 2000, "Hi".into())]);
        assert_eq!(told(cues.cut(at(4000))), [(2000, 4000, "Hi".into())]);
        feed(&mut cues, 5000, [[0x14, 0x2c]]);
        assert_eq!(told(cues.cut(at(6000))), [(4000, 5000, "Hi".into())]);
        assert_eq!(told(cues.cut(at(8000))), []);
    }

    #[test]
    fn typing_is_gathered_and_the_whole_line_is_there_in_the_end() {
        let mut cues = Cues::default();
        let end = feed(&mut cues, 0, line21::tests::roll_up("Good evening, this is the news"));
        cues.take(&[], at(end + 1000));
        let told = told(cues.cut(at(4000)));
        assert_eq!(told.last().map(|cue| cue.2.as_str()), Some("Good evening, this is the news"));
        assert!(told.len() <= 3 && told.windows(2).all(|pair| pair[0].1 == pair[1].0), "{told:?}");
    }

    #[test]
    fn an_hour_of_talk_costs_next_to_nothing() {
        let mut cues = Cues::default();
        let mut pairs = Vec::new();
        let (mut lines, mut found) = (0, 0);
        let begun = std::time::Instant::now();
        for picture in 0..90_000u64 {
            let now = at(picture * 40);
            if picture.is_multiple_of(50) {
                found +=
                    cues.cut(now).iter().filter(|cue| cue.rows.iter().any(|row| row.text.starts_with("line"))).count();
            }
            if pairs.is_empty() {
                lines += 1;
                pairs = line21::tests::roll_up(&format!("line {lines} of what is said all day"));
                pairs.reverse();
            }
            let said: Vec<Triplet> = pairs.pop().into_iter().map(of_pair).collect();
            cues.take(&said, now);
        }
        println!("{:.2} µs per picture", begun.elapsed().as_secs_f64() * 1e6 / 90_000.0);
        assert!(lines > 3000 && found > lines && found < 90_000 / 10 * 2, "{lines} lines in {found} cues");
        assert!(cues.done.len() < 10 && cues.shown.len() <= 3, "nothing piles up");
    }

    #[test]
    fn what_is_erased_a_moment_later_was_shown() {
        let mut cues = Cues::default();
        let end = feed(&mut cues, 0, line21::tests::roll_up("Brief").into_iter().chain(line21::erase()));
        let told = told(cues.cut(at(2000)));
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].1, told[0].2.as_str()), (end - 80, "Brief"));
    }

    #[test]
    fn captions_that_nobody_takes_away_go_by_themselves() {
        let mut cues = Cues::default();
        feed(&mut cues, 0, [[0x14, 0x29], *b"Hi"]);
        for second in 1..20 {
            cues.take(&[], at(second * 1000));
        }
        assert_eq!(told(cues.cut(at(20_000))), [(40, 17_000, "Hi".into())]);
    }
}
