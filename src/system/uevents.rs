//! What the kernel, and udev after it, say about devices that come and go.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::netlink::{KOBJECT_UEVENT, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The kernel's own messages, and those of udev, which come when its rules have been applied and links are there.
const GROUPS: u32 = 1 | 2;
/// Longer than any message.
const LONGEST: usize = 8192;

/// Notices of devices, as a stream.
#[derive(Debug)]
pub struct Uevents(AsyncFd<OwnedFd>);

impl Uevents {
    /// Begins to listen. Errors where there is no netlink (some containers). Needs a tokio runtime.
    pub fn listen() -> io::Result<Self> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(KOBJECT_UEVENT))?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
        #[allow(unsafe_code, reason = "registering a descriptor is unsafe for types that may hand out another one")]
        // SAFETY: an OwnedFd is one descriptor for all its life, and the AsyncFd is never opened up again.
        let registered = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE)? };
        Ok(Self(registered))
    }

    /// Waits for news of a device of one of these subsystems. What was lost because too much came at once counts as
    /// news. Safe to cancel.
    pub async fn changed(&self, subsystems: &[&str]) -> io::Result<()> {
        loop {
            let mut ready = self.0.readable().await?;
            let mut message = [0u8; LONGEST];
            match recv(self.0.get_ref().as_fd(), &mut message, RecvFlags::empty()) {
                Ok((length, _)) if is_of(&message[..length.min(LONGEST)], subsystems) => return Ok(()),
                Ok(_) => {}
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                Err(Errno::NOBUFS) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// A message is a head and `KEY=value` parted by zeros; udev's head is binary.
fn is_of(message: &[u8], subsystems: &[&str]) -> bool {
    let mut lines = message.split(|&byte| byte == 0);
    // After udev's binary head the first line may begin in the middle of a part.
    let value = lines.find_map(|line| {
        let at = line.windows(10).position(|part| part == b"SUBSYSTEM=")?;
        Some(&line[at + 10..])
    });
    value.is_some_and(|value| subsystems.iter().any(|subsystem| subsystem.as_bytes() == value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart_by_subsystem() {
        let kernel = b"add@/devices/x/video0\0ACTION=add\0SUBSYSTEM=video4linux\0MAJOR=81\0";
        let udev = b"libudev\0\xfe\xed\xca\xfe\x28\0\0\0UDEV_DATABASE_VERSION=1\0SUBSYSTEM=sound\0";
        assert!(is_of(kernel, &["video4linux"]) && !is_of(kernel, &["sound"]));
        assert!(is_of(udev, &["video4linux", "sound"]) && !is_of(udev, &["net"]));
        assert!(!is_of(b"", &["sound"]));
    }
}
