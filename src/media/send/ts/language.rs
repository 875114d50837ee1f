//! Languages as ISO_639_language_descriptor wants them: three letters.

/// Two letters (ISO 639-1) → three (ISO 639-2/T), for the languages that broadcasters name most.
const TABLE: &[(&str, &[u8; 3])] = &[
    ("ar", b"ara"),
    ("bg", b"bul"),
    ("ca", b"cat"),
    ("cs", b"ces"),
    ("cy", b"cym"),
    ("da", b"dan"),
    ("de", b"deu"),
    ("el", b"ell"),
    ("en", b"eng"),
    ("es", b"spa"),
    ("et", b"est"),
    ("eu", b"eus"),
    ("fa", b"fas"),
    ("fi", b"fin"),
    ("fr", b"fra"),
    ("ga", b"gle"),
    ("gl", b"glg"),
    ("he", b"heb"),
    ("hi", b"hin"),
    ("hr", b"hrv"),
    ("hu", b"hun"),
    ("id", b"ind"),
    ("is", b"isl"),
    ("it", b"ita"),
    ("ja", b"jpn"),
    ("ko", b"kor"),
    ("lt", b"lit"),
    ("lv", b"lav"),
    ("ms", b"msa"),
    ("nb", b"nob"),
    ("nl", b"nld"),
    ("nn", b"nno"),
    ("no", b"nor"),
    ("pl", b"pol"),
    ("pt", b"por"),
    ("ro", b"ron"),
    ("ru", b"rus"),
    ("sk", b"slk"),
    ("sl", b"slv"),
    ("sr", b"srp"),
    ("sv", b"swe"),
    ("th", b"tha"),
    ("tr", b"tur"),
    ("uk", b"ukr"),
    ("vi", b"vie"),
    ("zh", b"zho"),
];

/// The code of a BCP 47 tag; none where it has none that is known.
pub(super) fn code(tag: &str) -> Option<[u8; 3]> {
    let primary = tag.split('-').next()?.to_ascii_lowercase();
    match *primary.as_bytes() {
        [a, b, c] if [a, b, c].iter().all(u8::is_ascii_lowercase) => Some([a, b, c]),
        _ => TABLE.iter().find(|(two, _)| *two == primary).map(|(_, three)| **three),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_three_letters() {
        assert_eq!(code("de-AT"), Some(*b"deu"));
        assert_eq!(code("gsw"), Some(*b"gsw"));
        assert_eq!((code("x-klingon"), code("")), (None, None));
    }
}
