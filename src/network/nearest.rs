//! Which known names look like a misspelt one.

/// Longest name that is compared: the comparison takes quadratic time, and a file may hold any name.
const MAX_LENGTH: usize = 80;

/// Known names that differ from `name` by at most a third of its letters, most alike first.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    if name.len() > MAX_LENGTH {
        return Vec::new();
    }
    let reach = (name.chars().count() / 3).max(1);
    let name = name.to_lowercase();
    let distance = |candidate: &str| strsim::damerau_levenshtein(&name, &candidate.to_lowercase());
    let comparable = known.into_iter().filter(|candidate| candidate.len() <= MAX_LENGTH);
    let mut found: Vec<_> = comparable.map(|candidate| (distance(candidate), candidate)).collect();
    found.retain(|(distance, _)| *distance <= reach);
    found.sort_by_key(|(distance, _)| *distance);
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

/// The clause `; did you mean ..?` for a misspelt name, or nothing where no known name looks like it.
pub(super) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).first().map_or_else(String::new, |found| format!("; did you mean `{found}`?"))
}
