//! The disk's rate as it was measured, kept in the state directory: with the device, so that another disk is measured
//! anew, and with the time, so that a figure of long ago is.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::model::{DiskRate, MediaTime};
use crate::system::{device_of, synced_rate};

/// The file, beside the orders.
const FILE: &str = "disk-rate.json";
/// A figure that is older is measured anew, when nothing is on air.
const OLD: Duration = Duration::from_secs(30 * 24 * 3600);

/// What was measured of the disk that `state` is on; none if that was another disk, or nobody has.
pub(super) fn known(state: &Path) -> Option<DiskRate> {
    let text = std::fs::read_to_string(state.join(FILE)).ok()?;
    let rate: DiskRate = serde_json::from_str(&text)
        .inspect_err(|error| tracing::warn!(%error, "{FILE} cannot be read: the disk counts as not measured"))
        .ok()?;
    let device = device_of(state).ok()?;
    if rate.device != device {
        tracing::warn!("{FILE} is of another disk ({}): this one counts as not measured", rate.device);
        return None;
    }
    Some(rate)
}

/// Measures the disk that `directory` is on, which keeps it busy for half a second.
pub(super) fn measure(directory: &Path) -> std::io::Result<DiskRate> {
    let (device, bytes_per_second) = (device_of(directory)?, synced_rate(directory)?);
    Ok(DiskRate { device, bytes_per_second, measured_at: now() })
}

/// What is known, measured now if it is not, or is old.
pub(super) fn fresh(state: &Path) -> Option<DiskRate> {
    if let Some(rate) = known(state).filter(|rate| now().since(rate.measured_at) < OLD) {
        return Some(rate);
    }
    let measured = measure(state).and_then(|rate| {
        let text = serde_json::to_vec_pretty(&rate)?;
        let temporary = state.join("disk-rate.tmp");
        std::fs::write(&temporary, text)?;
        std::fs::rename(temporary, state.join(FILE))?;
        Ok(rate)
    });
    measured.inspect_err(|error| tracing::warn!(%error, "the disk could not be measured")).ok()
}

fn now() -> MediaTime {
    MediaTime::from_system(SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_measured_once_and_anew_on_another_disk_or_after_a_month() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(known(state.path()), None);
        let first = fresh(state.path()).unwrap();
        assert_eq!((known(state.path()), fresh(state.path())), (Some(first.clone()), Some(first.clone())));
        let put = |rate: &DiskRate| std::fs::write(state.path().join(FILE), serde_json::to_vec(rate).unwrap()).unwrap();
        put(&DiskRate { device: "0:0".to_owned(), ..first.clone() });
        assert_eq!(known(state.path()), None);
        let old = DiskRate { measured_at: MediaTime::from_secs(1_000_000_000), ..first.clone() };
        put(&old);
        assert_eq!(known(state.path()), Some(old));
        assert!(fresh(state.path()).unwrap().measured_at >= first.measured_at);
        std::fs::write(state.path().join(FILE), "garbage").unwrap();
        assert_eq!(known(state.path()), None);
    }
}
