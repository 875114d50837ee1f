//! What a V4L2 driver says of the signal at its input. The numbers and layouts are those of `linux/videodev2.h` and
//! `linux/v4l2-dv-timings.h`, which are part of the kernel's binary interface.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;

/// `struct v4l2_dv_timings` with the member of its union that exists (BT.656/1120).
#[repr(C, packed)]
#[derive(Clone, Copy)]
struct Timings {
    kind: u32,
    width: u32,
    height: u32,
    interlaced: u32,
    polarities: u32,
    pixel_clock: u64,
    /// Horizontal front porch, sync, back porch; vertical; vertical of the second field.
    blanking: [u32; 9],
    standards: u32,
    flags: u32,
    /// Aspect, CEA and HDMI codes and what is reserved, up to the size of the union.
    rest: [u8; 60],
}

/// `struct v4l2_input`
#[repr(C)]
#[derive(Clone, Copy)]
struct Input {
    index: u32,
    name: [u8; 32],
    kind: u32,
    audio_set: u32,
    tuner: u32,
    standards: u64,
    status: u32,
    capabilities: u32,
    reserved: [u32; 3],
}

mod calls {
    use super::{Input, Timings};

    nix::ioctl_readwrite!(enum_input, b'V', 26, Input);
    nix::ioctl_read!(get_input, b'V', 38, i32);
    nix::ioctl_readwrite!(set_timings, b'V', 87, Timings);
    nix::ioctl_readwrite!(get_timings, b'V', 88, Timings);
    nix::ioctl_read!(query_timings, b'V', 99, Timings);
}

/// `V4L2_IN_ST_NO_POWER | V4L2_IN_ST_NO_SIGNAL`
const ST_NOTHING: u32 = 0x3;
/// `V4L2_IN_ST_NO_H_LOCK | V4L2_IN_ST_NO_SYNC | V4L2_IN_ST_NO_CARRIER`
const ST_NO_LOCK: u32 = 0x0001_0100 | 0x0004_0000;
/// `V4L2_IN_CAP_DV_TIMINGS`
const CAP_TIMINGS: u32 = 0x2;

/// The format of a digital signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalFormat {
    /// Pixels of a line.
    pub width: u32,
    /// Lines of a picture.
    pub height: u32,
    /// Whether fields come instead of pictures.
    pub interlaced: bool,
    /// Pictures (or fields) per thousand seconds.
    pub millihertz: u64,
}

impl std::fmt::Display for SignalFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scan = if self.interlaced { 'i' } else { 'p' };
        let (whole, part) = (self.millihertz / 1000, self.millihertz % 1000 / 10);
        write!(f, "{}x{}{scan}{whole}", self.width, self.height)?;
        if part == 0 { Ok(()) } else { write!(f, ".{part:02}") }
    }
}

/// What the driver says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoSignal {
    /// Nothing is sent.
    Nothing,
    /// Something is sent that the device cannot hold on to.
    Unlocked,
    /// A signal that the device cannot read.
    OutOfRange,
    /// A signal, and its format where the driver knows it.
    Locked(Option<SignalFormat>),
    /// This driver does not tell (web cameras), or not now.
    Untold,
}

/// A capture device, opened only to be asked: whoever captures from it is not disturbed.
#[derive(Debug)]
pub struct VideoInput(File);

impl VideoInput {
    /// Opens the device. May block in its driver.
    pub fn open(device: &Path) -> io::Result<Self> {
        let flags = nix::libc::O_NONBLOCK | nix::libc::O_CLOEXEC;
        OpenOptions::new().read(true).write(true).custom_flags(flags).open(device).map(Self)
    }

    /// The signal now. May block in the driver. Errors if the device is gone.
    pub fn signal(&self) -> io::Result<VideoSignal> {
        let input = self.selected()?;
        let dark = input.map_or(VideoSignal::Untold, |input| match input.status {
            status if status & ST_NOTHING != 0 => VideoSignal::Nothing,
            status if status & ST_NO_LOCK != 0 => VideoSignal::Unlocked,
            _ => VideoSignal::Untold,
        });
        let digital = input.is_some_and(|input| input.capabilities & CAP_TIMINGS != 0);
        if !digital {
            return Ok(dark);
        }
        match self.query() {
            Ok(timings) => Ok(VideoSignal::Locked(Some(timings.format()))),
            Err(Errno::ENOLINK) => Ok(VideoSignal::Nothing),
            Err(Errno::ENOLCK) => Ok(VideoSignal::Unlocked),
            Err(Errno::ERANGE) => Ok(VideoSignal::OutOfRange),
            Err(Errno::ENODEV) => Err(Errno::ENODEV.into()),
            Err(_) => Ok(dark),
        }
    }

    /// Sets the device to the format that its sender has: most drivers leave that to whoever opens them, and capture in
    /// the format of last time. Says whether anything had to be changed. Refused while somebody captures.
    pub fn follow_sender(&self) -> io::Result<bool> {
        let mut sent = self.query()?;
        if self.current().is_ok_and(|current| current.format() == sent.format()) {
            return Ok(false);
        }
        #[allow(unsafe_code, reason = "ioctl has no safe wrapper")]
        // SAFETY: the descriptor is open, and the structure has the size and layout that the call's number names.
        unsafe { calls::set_timings(self.0.as_raw_fd(), &raw mut sent) }?;
        Ok(true)
    }

    /// The input that is selected; none if the driver knows no inputs.
    fn selected(&self) -> io::Result<Option<Input>> {
        let mut index = 0;
        #[allow(unsafe_code, reason = "ioctl has no safe wrapper")]
        // SAFETY: the descriptor is open, and the call writes one integer.
        let selected = unsafe { calls::get_input(self.0.as_raw_fd(), &raw mut index) };
        match selected {
            Err(Errno::ENODEV) => return Err(Errno::ENODEV.into()),
            Err(_) => return Ok(None),
            Ok(_) => {}
        }
        let mut input = Input {
            index: u32::try_from(index).unwrap_or(0),
            name: [0; 32],
            kind: 0,
            audio_set: 0,
            tuner: 0,
            standards: 0,
            status: 0,
            capabilities: 0,
            reserved: [0; 3],
        };
        #[allow(unsafe_code, reason = "ioctl has no safe wrapper")]
        // SAFETY: the descriptor is open, and the structure has the size and layout that the call's number names.
        let asked = unsafe { calls::enum_input(self.0.as_raw_fd(), &raw mut input) };
        match asked {
            Ok(_) => Ok(Some(input)),
            Err(Errno::ENODEV) => Err(Errno::ENODEV.into()),
            Err(_) => Ok(None),
        }
    }

    fn query(&self) -> Result<Timings, Errno> {
        let mut timings = Timings::EMPTY;
        #[allow(unsafe_code, reason = "ioctl has no safe wrapper")]
        // SAFETY: the descriptor is open, and the structure has the size and layout that the call's number names.
        unsafe { calls::query_timings(self.0.as_raw_fd(), &raw mut timings) }?;
        Ok(timings)
    }

    fn current(&self) -> Result<Timings, Errno> {
        let mut timings = Timings::EMPTY;
        #[allow(unsafe_code, reason = "ioctl has no safe wrapper")]
        // SAFETY: the descriptor is open, and the structure has the size and layout that the call's number names.
        unsafe { calls::get_timings(self.0.as_raw_fd(), &raw mut timings) }?;
        Ok(timings)
    }
}

impl Timings {
    const EMPTY: Self = Self {
        kind: 0,
        width: 0,
        height: 0,
        interlaced: 0,
        polarities: 0,
        pixel_clock: 0,
        blanking: [0; 9],
        standards: 0,
        flags: 0,
        rest: [0; 60],
    };

    fn format(&self) -> SignalFormat {
        let Self { width, height, interlaced, pixel_clock, blanking, .. } = *self;
        let sum = |lines: &[u32]| lines.iter().map(|&line| u64::from(line)).sum::<u64>();
        let across = u64::from(width) + sum(&blanking[..3]);
        // Of an interlaced signal the second field has its own blanking, and two fields make a frame.
        let down = u64::from(height) + if interlaced == 0 { sum(&blanking[3..6]) } else { sum(&blanking[3..]) };
        let frames = (pixel_clock.saturating_mul(1000) + across * down / 2).checked_div(across * down).unwrap_or(0);
        let millihertz = if interlaced == 0 { frames } else { frames * 2 };
        SignalFormat { width, height, interlaced: interlaced != 0, millihertz }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_the_size_of_the_kernels() {
        assert_eq!((size_of::<Timings>(), size_of::<Input>()), (132, 80));
    }

    #[test]
    fn formats_are_read_as_broadcasters_write_them() {
        let timings = |size: (u32, u32), interlaced, pixel_clock, blanking| {
            let (width, height) = size;
            Timings { width, height, interlaced, pixel_clock, blanking, ..Timings::EMPTY }.format().to_string()
        };
        // CEA-861 codes 16, 20 and 4, and the last at 1000/1001.
        assert_eq!(timings((1920, 1080), 0, 148_500_000, [88, 44, 148, 4, 5, 36, 0, 0, 0]), "1920x1080p60");
        assert_eq!(timings((1920, 1080), 1, 74_250_000, [528, 44, 148, 2, 5, 15, 2, 5, 16]), "1920x1080i50");
        assert_eq!(timings((1280, 720), 0, 74_175_824, [110, 40, 220, 5, 5, 20, 0, 0, 0]), "1280x720p59.94");
        assert_eq!(timings((0, 0), 0, 0, [0; 9]), "0x0p0");
    }

    #[test]
    fn what_is_no_capture_device_tells_nothing() {
        assert_eq!(VideoInput::open(Path::new("/dev/null")).unwrap().signal().unwrap(), VideoSignal::Untold);
        assert!(VideoInput::open(Path::new("/dev/null")).unwrap().follow_sender().is_err());
        assert!(VideoInput::open(Path::new("/dev/no-such-device")).is_err());
    }
}
