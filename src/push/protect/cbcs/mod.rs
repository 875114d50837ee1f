//! Common Encryption, scheme `cbcs` (ISO/IEC 23001-7, 10.4), of CMAF chunks (ISO/IEC 23000-19, 8). Pure.
//!
//! Sound: each sample from its first byte on, all whole blocks. Pictures: of each slice what is behind its head, one block
//! of ten. All samples of a key have the same initialisation vector, which stands in the initialisation (`tenc`). A chunk
//! is encrypted without looking at others, so the parts of a segment are its bytes.

mod fragment;
mod init;
mod slices;

pub(crate) use fragment::samples;
pub(crate) use init::init;

/// How samples are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Units of H.264.
    Avc,
    /// Units of HEVC.
    Hevc,
    /// Sound, in one piece.
    Sound,
    /// Something else.
    Unknown,
}

impl Coding {
    /// By the codec string of the initialisation (RFC 6381).
    pub(crate) fn of(codec: Option<&str>) -> Self {
        match codec.and_then(|codec| codec.get(..4)) {
            Some("avc1" | "avc3") => Self::Avc,
            Some("hvc1" | "hev1") => Self::Hevc,
            Some("mp4a") => Self::Sound,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::super::key::{ContentKey, Namer};
    use super::*;
    use crate::model::ChannelId;

    /// An initialisation, and the chunk behind it, as ffmpeg encodes and cuts them.
    fn encoded(directory: &Path, encoder: &str) -> Option<(Vec<u8>, Vec<u8>)> {
        let said = Command::new("ffmpeg")
            .current_dir(directory)
            .args(
                "-v error -f lavfi -i testsrc2=size=640x360:rate=25:duration=1 -tag:v hvc1 -pix_fmt yuv420p".split(' '),
            )
            .args([
                "-c:v",
                encoder,
                "-f",
                "hls",
                "-hls_segment_type",
                "fmp4",
                "-hls_segment_filename",
                "%d.m4s",
                "l.m3u8",
            ])
            .output();
        if !said.is_ok_and(|said| said.status.success()) {
            eprintln!("SKIPPED: no ffmpeg with {encoder} here; encrypted HEVC is not decrypted by a stranger");
            return None;
        }
        let [init, segment] = ["init.mp4", "0.m4s"].map(|name| std::fs::read(directory.join(name)).unwrap());
        let moof = segment.windows(4).position(|four| four == b"moof").unwrap() - 4;
        Some((init, segment[moof..].to_vec()))
    }

    /// What ffmpeg finds: each packet with its times and a hash of its bytes.
    fn packets(directory: &Path, data: &[&[u8]; 2], key: &[&str]) -> String {
        let file = directory.join("chunk.mp4");
        std::fs::write(&file, data.concat()).unwrap();
        let mut command = Command::new("timeout");
        command.args(["60", "ffmpeg", "-v", "error"]).args(key).arg("-i").arg(&file);
        let said = command.args(["-c", "copy", "-copyinkf", "-f", "framehash", "-"]).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        let text = String::from_utf8(said.stdout).unwrap();
        text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn encrypted_hevc_is_decrypted_by_a_stranger() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let Some((clear_init, clear)) = encoded(directory, "libx265") else { return };
        let id = Namer::Content("test".to_owned()).key_id(&ChannelId::new("demo").unwrap(), 1);
        let key = ContentKey { id, key: [0x42; 16], iv: [0xab; 16], boxes: Vec::new(), tags: Vec::new() };
        let locked_init = init(&clear_init, Coding::Hevc, &key).unwrap();
        let locked = samples(&clear, Coding::Hevc, &key).unwrap();
        let made = packets(directory, &[&clear_init, &clear], &[]);
        assert_eq!(made.lines().count(), 25);
        let there = packets(directory, &[&locked_init, &locked], &["-decryption_key", &"42".repeat(16)]);
        assert_eq!(there, made);
        let wrong = packets(directory, &[&locked_init, &locked], &["-decryption_key", &"43".repeat(16)]);
        assert_ne!(wrong, made);
    }
}
