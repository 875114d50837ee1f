//! A number that goes to its target in a straight line, so that no change is heard as a click.

/// The number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ramp {
    now: f32,
    target: f32,
    step: f32,
}

impl Ramp {
    pub(crate) fn at(value: f32) -> Self {
        Self { now: value, target: value, step: 0.0 }
    }

    /// Goes to `target` within `samples`; where it is going already it keeps its pace.
    pub(crate) fn go(&mut self, target: f32, samples: usize) {
        if target != self.target {
            self.target = target;
            self.step = (target - self.now) / samples.max(1) as f32;
        }
    }

    /// The value for the next sample.
    pub(crate) fn next(&mut self) -> f32 {
        let value = self.now;
        if self.now != self.target {
            let moved = self.now + self.step;
            let there = if self.step > 0.0 { moved >= self.target } else { moved <= self.target };
            // Rounding must not leave it a hair beside the target.
            self.now = if there || self.step == 0.0 { self.target } else { moved };
        }
        value
    }

    /// Whether it is zero and stays so.
    pub(crate) fn is_zero(&self) -> bool {
        self.now == 0.0 && self.target == 0.0
    }

    pub(crate) fn target(&self) -> f32 {
        self.target
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_arrives_exactly_and_stays() {
        let mut ramp = Ramp::at(1.0);
        ramp.go(0.0, 480);
        let values: Vec<f32> = (0..481).map(|_| ramp.next()).collect();
        assert_eq!((values[0], values[480]), (1.0, 0.0));
        assert!(values.windows(2).all(|pair| pair[0] - pair[1] < 1.01 / 480.0));
        assert!(ramp.is_zero());
    }
}
