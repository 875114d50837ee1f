//! How often something took so long, as Prometheus counts it.

/// Counts by upper bound.
#[derive(Debug, Clone)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One more than bounds: what took longer than the last.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// Of seconds up to these, in order.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    /// Something took so long.
    pub fn take(&mut self, seconds: f64) {
        let place = self.bounds.iter().position(|bound| seconds <= *bound).unwrap_or(self.bounds.len());
        self.counts[place] += 1;
        self.sum += seconds;
    }

    /// Of all that was taken.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// How often.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Upper bound and count of each, not added up.
    pub fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        bounds.zip(self.counts.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_as_long_as_a_bound_is_within_it_and_nothing_is_beyond_all() {
        let mut took = Histogram::new(&[0.5, 1.0, 30.0, 60.0]);
        [0.1, 0.5, 0.51, 30.0, 600.0].into_iter().for_each(|seconds| took.take(seconds));
        let counts: Vec<u64> = took.buckets().into_iter().map(|(_, count)| count).collect();
        assert_eq!(counts, [2, 1, 1, 0, 1]);
        assert_eq!((took.count(), took.buckets().last().unwrap().0), (5, f64::INFINITY));
        assert!((took.sum() - 631.11).abs() < 1e-9);
    }
}
