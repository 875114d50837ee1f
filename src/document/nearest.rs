//! Did you mean …?

/// The known word closest to `word`, if close enough to be a slip of the finger.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Edit distance grows with the product of the lengths; nobody mistypes a whole page.
    if word.len() > 64 {
        return None;
    }
    // `token` for `token_file`: the beginning is right.
    let longer = |candidate: &&str| word.len() >= 4 && candidate.starts_with(word);
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(candidate) = known.iter().copied().find(longer) {
        return Some(candidate);
    }
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Words joined for a sentence: `a, b or c`.
pub(crate) fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        None => "none".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// What to do about an unknown word: the nearest known one, else all of them.
pub(crate) fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(word, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", one_of(known)),
    }
}

/// The fix for a name that is not among `known`: the nearest one, else all of them.
pub fn suggestion<T: AsRef<str>>(word: &str, known: &[T]) -> String {
    suggest(word, known.iter().map(AsRef::as_ref))
}

/// Levenshtein distance with swapped neighbours counted as one (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (last[j - 1] + same).min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let known = ["sources", "stream_class", "title"];
        assert_eq!(nearest("source", known), Some("sources"));
        assert_eq!(nearest("steam_class", known), Some("stream_class"));
        assert_eq!(nearest("tilte", known), Some("title"));
        assert_eq!(nearest("bitrate", known), None);
        assert_eq!(suggest("zzz", ["a", "b", "c"]), "known here: `a`, `b` or `c`");
    }
}
