//! Mends the movie header (`moov`, ISO/IEC 14496-12 8.2): it carries the time of its making.

/// Sets creation and modification times to zero, "unknown": the same encode then has the same initialisation after a
/// restart and on another box.
pub(super) fn forget_creation_time(mut data: &mut [u8]) {
    while let Some(size) = data.first_chunk::<4>().map(|size| u32::from_be_bytes(*size) as usize) {
        if size < 8 || size > data.len() {
            return;
        }
        let (this, rest) = data.split_at_mut(size);
        let (kind, content) = this[4..].split_at_mut(4);
        match &*kind {
            b"moov" | b"trak" | b"mdia" => forget_creation_time(content),
            b"mvhd" | b"tkhd" | b"mdhd" => {
                let times = if content.first() == Some(&1) { 16 } else { 8 };
                if let Some(times) = content.get_mut(4..4 + times) {
                    times.fill(0);
                }
            }
            _ => {}
        }
        data = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes()[..], kind, content].concat()
    }

    fn movie(times: u8) -> Vec<u8> {
        let long = [&[1, 0, 0, 7][..], &[times; 16], &[9; 8]].concat();
        let short = [&[0, 0, 0, 7][..], &[times; 8], &[9; 8]].concat();
        let media = boxed(b"mdia", &boxed(b"mdhd", &short));
        let track = boxed(b"trak", &[boxed(b"tkhd", &long), media].concat());
        [boxed(b"ftyp", b"cmf2"), boxed(b"moov", &[boxed(b"mvhd", &long), track].concat())].concat()
    }

    #[test]
    fn only_the_times_are_zeroed() {
        let mut data = movie(5);
        forget_creation_time(&mut data);
        assert_eq!(data, movie(0));
    }

    #[test]
    fn damage_does_not_panic() {
        for end in 0..movie(5).len() {
            forget_creation_time(&mut movie(5)[..end]);
        }
        forget_creation_time(&mut [0; 64]);
        forget_creation_time(&mut [255; 64]);
    }
}
