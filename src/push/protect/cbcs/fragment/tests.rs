use super::super::super::cbc::tests::decrypt;
use super::super::super::key::Namer;
use super::*;
use crate::model::ChannelId;
use proptest::prelude::*;

fn key() -> ContentKey {
    let id = Namer::Content("test".to_owned()).key_id(&ChannelId::new("demo").unwrap(), 1);
    ContentKey { id, key: *b"0123456789abcdef", iv: id.vector(), boxes: Vec::new(), tags: Vec::new() }
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// One chunk with these samples, in two runs if there are enough.
fn chunk(samples: &[Vec<u8>]) -> Vec<u8> {
    let build = |offset: u32| -> Vec<u8> {
        let (first, second) = samples.split_at(samples.len().div_ceil(2));
        let mut track = full(b"tfhd", 0, 0x02_0000 | DEFAULT_DURATION, &words(&[1, 512])).unwrap();
        track.extend(full(b"tfdt", 1, 0, &words(&[0, 7])).unwrap());
        for (index, run) in [first, second].iter().enumerate() {
            let flags = SIZE | TIME_OFFSET | if index == 0 { DATA_OFFSET | FIRST_FLAGS } else { 0 };
            let mut content = words(&[run.len() as u32]);
            content.extend(if index == 0 { words(&[offset, 0x0200_0000]) } else { Vec::new() });
            run.iter().for_each(|sample| content.extend(words(&[sample.len() as u32, 0])));
            track.extend(full(b"trun", 0, flags, &content).unwrap());
        }
        let head = full(b"mfhd", 0, 0, &words(&[1])).unwrap();
        wrap(b"moof", &[head, wrap(b"traf", &track).unwrap()].concat()).unwrap()
    };
    let length = build(0).len() as u32;
    [wrap(b"styp", b"cmfc").unwrap(), build(length + 8), wrap(b"mdat", &samples.concat()).unwrap()].concat()
}

/// A slice, and whatever.
fn picture(length: usize, seed: u64) -> Vec<u8> {
    let unit = |first: u8, length: usize| {
        let mut random = fastrand::Rng::with_seed(seed + u64::from(first));
        let mut unit = vec![0; length];
        random.fill(&mut unit);
        unit[0] = first;
        [words(&[length as u32]), unit].concat()
    };
    [unit(0x09, 2), unit(0x65, length.max(1)), unit(0x06, 40), unit(0x41, length / 2 + 1)].concat()
}

/// What a player does: reads where samples are, and by `saio` what is told of them.
fn play(data: &[u8], key: &ContentKey) -> Vec<Vec<u8>> {
    let mut played = Vec::new();
    let top = spans(data, 0..data.len()).unwrap();
    for moof in top.iter().filter(|span| span.kind == *b"moof") {
        let fragment = Fragment::read(data, moof).unwrap();
        let place = fragment.parts.iter().find(|span| span.kind == *b"saio");
        let mut at = place.map(|span| moof.whole.start + u32_at(&data[span.content.clone()], 8).unwrap() as usize);
        for sample in &fragment.samples {
            let mut bytes = data[sample.clone()].to_vec();
            match &mut at {
                None => decrypt(&key.key, &key.iv, &mut bytes),
                Some(at) => {
                    let count = u16::from_be_bytes([data[*at], data[*at + 1]]);
                    *at += 2;
                    let mut place = 0;
                    for _ in 0..count {
                        place += usize::from(u16::from_be_bytes([data[*at], data[*at + 1]]));
                        let protected = u32_at(data, *at + 2).unwrap() as usize;
                        reveal(key, &mut bytes[place..place + protected]);
                        place += protected;
                        *at += 6;
                    }
                }
            }
            played.push(bytes);
        }
    }
    played
}

/// One block of ten, chained.
fn reveal(key: &ContentKey, protected: &mut [u8]) {
    let places: Vec<usize> = (0..protected.len()).step_by(160).filter(|at| at + 16 <= protected.len()).collect();
    let mut chain: Vec<u8> = places.iter().flat_map(|at| protected[*at..at + 16].to_vec()).collect();
    decrypt(&key.key, &key.iv, &mut chain);
    places.iter().zip(chain.chunks(16)).for_each(|(at, clear)| protected[*at..at + 16].copy_from_slice(clear));
}

#[test]
fn pictures_come_back_and_their_heads_were_never_gone() {
    let clear: Vec<Vec<u8>> = [900, 20, 5000].iter().map(|length| picture(*length, 1)).collect();
    let segment = [chunk(&clear[..2]), chunk(&clear[2..])].concat();
    let locked = samples(&segment, Coding::Avc, &key()).unwrap();
    assert_eq!(play(&locked, &key()), clear);
    assert_eq!(locked, samples(&segment, Coding::Avc, &key()).unwrap(), "the same each time");
    let parts = [&segment[..chunk(&clear[..2]).len()], &segment[chunk(&clear[..2]).len()..]];
    let parts = parts.map(|part| samples(part, Coding::Avc, &key()).unwrap());
    assert_eq!(locked, parts.concat(), "parts are the bytes of their segment");
    let sample = &spans(&locked, 0..locked.len()).unwrap()[2];
    let bytes = &locked[sample.content.clone()];
    assert_eq!(bytes[..6 + 4 + 64], clear[0][..6 + 4 + 64]);
    assert_ne!(bytes[74..90], clear[0][74..90]);
}

#[test]
fn sound_comes_back_and_its_chunks_keep_their_size() {
    let clear: Vec<Vec<u8>> = [200, 7, 16].iter().map(|length| picture(*length, 2)[..*length].to_vec()).collect();
    let locked = samples(&chunk(&clear), Coding::Sound, &key()).unwrap();
    assert_eq!(locked.len(), chunk(&clear).len());
    assert_eq!(play(&locked, &key()), clear);
}

#[test]
fn what_is_no_chunk_is_refused() {
    let good = chunk(&[picture(300, 3)]);
    assert!(samples(&good, Coding::Unknown, &key()).is_err());
    assert!(samples(&good[..good.len() - 1], Coding::Avc, &key()).is_err());
    assert!(samples(&wrap(b"moov", b"").unwrap(), Coding::Avc, &key()).is_err());
    let head = good.len() - spans(&good, 0..good.len()).unwrap()[2].whole.len();
    assert!(samples(&good[..head], Coding::Avc, &key()).is_err(), "a head without media");
    let picture = vec![picture(300, 4), vec![1, 2, 3, 4, 5]];
    assert!(samples(&chunk(&picture), Coding::Avc, &key()).is_err(), "units that are as long as nothing");
}

proptest! {
    #[test]
    fn any_picture_comes_back(lengths in prop::collection::vec(1usize..2000, 1..6), seed in 0u64..1000) {
        let clear: Vec<Vec<u8>> = lengths.iter().map(|length| picture(*length, seed)).collect();
        let locked = samples(&chunk(&clear), Coding::Avc, &key()).unwrap();
        prop_assert_eq!(play(&locked, &key()), clear);
    }

    #[test]
    fn any_bytes_are_survived(data in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..300) {
        let _ = samples(&data, Coding::Avc, &key());
        let mut broken = chunk(&[picture(100, 5)]);
        let at = at % broken.len();
        broken[at] ^= 0xff;
        let _ = samples(&broken, Coding::Avc, &key());
    }
}
