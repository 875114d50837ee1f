//! Devices that come and go: news of them, one event each.
//!
//! The kernel tells (netlink), and udev after it; where nobody tells, `/sys` is read once a second.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::journal::{Journal, now};
use crate::hardware::inventory;
use crate::model::{CaptureDevice, Event, EventCode, Fault, Inventory, Severity};
use crate::system::Uevents;

/// What captures.
const SUBSYSTEMS: [&str; 2] = ["video4linux", "sound"];
/// Where nobody tells. Also what a message that was lost may cost, times ten.
const POLL: Duration = Duration::from_secs(1);
/// One device is several nodes, each of which is told twice: all of that is looked at once.
const SETTLE: Duration = Duration::from_millis(100);

/// Watches until it is dropped.
pub(super) async fn watch(root: PathBuf, journal: Journal) {
    let uevents = Uevents::listen()
        .inspect_err(|error| tracing::info!(%error, "devices are looked for once a second: the kernel tells nothing"))
        .ok();
    follow(&root, &journal, uevents).await;
}

async fn follow(root: &Path, journal: &Journal, mut uevents: Option<Uevents>) {
    let Some(mut known) = look(root).await else { return };
    loop {
        uevents = something_changed(uevents).await;
        let Some(current) = look(root).await else { return };
        news(&known, &current).into_iter().for_each(|event| journal.tell(event));
        known = current;
    }
}

/// Waits until a look is worth it; the same again to wait on, if it still tells.
async fn something_changed(uevents: Option<Uevents>) -> Option<Uevents> {
    let Some(told) = uevents else {
        tokio::time::sleep(POLL).await;
        return None;
    };
    // What udev adds comes later than what the kernel says, and no more than a look is lost if it does not come.
    match tokio::time::timeout(POLL * 10, told.changed(&SUBSYSTEMS)).await {
        Ok(Err(error)) => {
            tracing::warn!(%error, "the kernel tells nothing of devices any more");
            return None;
        }
        Ok(Ok(())) => tokio::time::sleep(SETTLE).await,
        Err(_) => {}
    }
    Some(told)
}

/// Reading may block; none while the daemon ends.
async fn look(root: &Path) -> Option<Inventory> {
    let root = root.to_owned();
    tokio::task::spawn_blocking(move || inventory(&root)).await.ok()
}

/// What came and what went. A device is the same as long as its port, its name and its number are.
fn news(before: &Inventory, after: &Inventory) -> Vec<Event> {
    let place = |device: &CaptureDevice| (device.path.clone(), device.name.clone(), device.kernel.clone());
    let gone_from =
        |devices: &[CaptureDevice], device: &CaptureDevice| devices.iter().all(|d| place(d) != place(device));
    let called = |device: &CaptureDevice| {
        let name = device.names.first().map_or(String::new(), |name| format!(", {name}"));
        format!("capture device {} ({}{name})", device.name, device.kernel)
    };
    let mut gone: Vec<String> =
        before.capture.iter().filter(|device| gone_from(&after.capture, device)).map(called).collect();
    let mut come: Vec<String> =
        after.capture.iter().filter(|device| gone_from(&before.capture, device)).map(called).collect();
    let sounds = |these: &Inventory, those: &Inventory| -> Vec<String> {
        let others: Vec<_> = those.sound.iter().map(|sound| &sound.device).collect();
        let missing = these.sound.iter().filter(|sound| !others.contains(&&sound.device));
        missing.map(|sound| format!("sound device {} ({})", sound.name, sound.device)).collect()
    };
    gone.extend(sounds(before, after));
    come.extend(sounds(after, before));
    let unplugged = |what: String| {
        let event = Event::new(now(), Severity::Warning, EventCode::DeviceUnplugged, format!("{what} was unplugged"));
        event.blame(Fault::Hardware, "plug it in again; a source that is named by its serial number may use any port")
    };
    let plugged =
        |what: String| Event::new(now(), Severity::Info, EventCode::DevicePlugged, format!("{what} was plugged in"));
    gone.into_iter().map(unplugged).chain(come.into_iter().map(plugged)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SoundDevice;

    fn box_with(devices: &[(&str, &str, &str)]) -> Inventory {
        let device = |(kernel, name, path): &(&str, &str, &str)| CaptureDevice {
            node: kernel.to_string(),
            kernel: kernel.to_string(),
            name: name.to_string(),
            path: Some(path.to_string()),
            names: vec![format!("path:{path}")],
            ..CaptureDevice::default()
        };
        Inventory { capture: devices.iter().map(device).collect(), ..Inventory::default() }
    }

    fn told(before: &Inventory, after: &Inventory) -> Vec<(EventCode, String)> {
        news(before, after).into_iter().map(|event| (event.code, event.text)).collect()
    }

    #[test]
    fn what_comes_and_goes_is_told_once() {
        let (none, one) = (box_with(&[]), box_with(&[("/dev/video0", "Stick", "usb-1")]));
        let text = |what: &str| format!("capture device Stick (/dev/video0, path:usb-1) was {what}");
        assert_eq!(told(&none, &one), [(EventCode::DevicePlugged, text("plugged in"))]);
        assert_eq!(told(&one, &none), [(EventCode::DeviceUnplugged, text("unplugged"))]);
        assert_eq!(told(&one, &one), []);
    }

    #[test]
    fn the_same_stick_in_another_port_went_and_came() {
        let (here, there) =
            (box_with(&[("/dev/video0", "Stick", "usb-1")]), box_with(&[("/dev/video0", "Stick", "usb-2")]));
        let codes: Vec<_> = told(&here, &there).into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, [EventCode::DeviceUnplugged, EventCode::DevicePlugged]);
    }

    #[test]
    fn links_that_udev_adds_later_are_no_news() {
        let bare = box_with(&[("/dev/video0", "Stick", "usb-1")]);
        let mut linked = bare.clone();
        linked.capture[0].links = vec!["/dev/v4l/by-path/usb-1".to_owned()];
        linked.capture[0].node = linked.capture[0].links[0].clone();
        assert_eq!(told(&bare, &linked), []);
    }

    #[test]
    fn sound_devices_are_told_too() {
        let sound =
            SoundDevice { device: "hw:CARD=C4K,DEV=0".into(), name: "Cam Link".into(), ..SoundDevice::default() };
        let (none, one) = (Inventory::default(), Inventory { sound: vec![sound], ..Inventory::default() });
        assert_eq!(told(&none, &one)[0].1, "sound device Cam Link (hw:CARD=C4K,DEV=0) was plugged in");
    }

    #[tokio::test]
    async fn where_nobody_tells_devices_are_found_all_the_same() {
        let root = tempfile::tempdir().unwrap();
        let recorder = std::sync::Arc::new(crate::telemetry::Recorder::new(Box::new(|_| {})));
        let journal = Journal::new(recorder);
        let mut events = journal.events().subscribe();
        let place = root.path().to_owned();
        let watching = tokio::spawn(async move { follow(&place, &journal, None).await });
        // Until it has looked for the first time, what is there is nothing new: so more and more is put there.
        let told = async {
            for number in 0.. {
                let class = root.path().join(format!("sys/class/video4linux/video{number}"));
                std::fs::create_dir_all(&class).unwrap();
                std::fs::write(class.join("name"), "Stick\n").unwrap();
                if let Ok(Ok(told)) = tokio::time::timeout(POLL * 2, events.recv()).await {
                    return told.event.code;
                }
            }
            unreachable!("numbers have no end")
        };
        let code = tokio::time::timeout(Duration::from_secs(30), told).await.unwrap();
        assert_eq!(code, EventCode::DevicePlugged);
        watching.abort();
    }
}
