//! Which files of a repository are wanted, as the hub's own tools say it: `*` and `?` match a `/` too.

use super::listing::Entry;

/// What is to be included, everything if nothing is named, and what of that is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    pub include: Vec<String>,
    pub exclude: Vec<String>,
}

impl Choice {
    /// The entries that are wanted, in their order.
    pub fn of<'a>(&self, entries: &'a [Entry]) -> Vec<&'a Entry> {
        entries.iter().filter(|entry| self.takes(&entry.path)).collect()
    }

    fn takes(&self, path: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, path));
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }
}

/// Whether the whole of `path` is as `pattern` says: `*` any characters, `?` one, `[a-z]` and `[!a-z]` one of a set; a pattern
/// that ends with `/` means all below that folder.
fn matches(pattern: &str, path: &str) -> bool {
    let mut pattern: Vec<char> = pattern.chars().collect();
    if pattern.last() == Some(&'/') {
        pattern.push('*');
    }
    let path: Vec<char> = path.chars().collect();
    // Where the last `*` stood, and how much of the path it has taken.
    let (mut place, mut at, mut star) = (0, 0, None);
    while at < path.len() {
        if pattern.get(place) == Some(&'*') {
            star = Some((place, at));
            place += 1;
        } else if let Some(length) = one(&pattern[place..], path[at]) {
            place += length;
            at += 1;
        } else if let Some((star_place, taken)) = star {
            star = Some((star_place, taken + 1));
            (place, at) = (star_place + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[place..].iter().all(|&rest| rest == '*')
}

/// How much of the pattern stands for `found`; none if what comes first does not.
fn one(pattern: &[char], found: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '[' => match set(&pattern[1..]) {
            // A bracket that nothing closes is itself.
            None => (found == '[').then_some(1),
            Some((members, length)) => {
                let (members, not) = match members {
                    ['!', rest @ ..] => (rest, true),
                    _ => (members, false),
                };
                (contains(members, found) != not).then_some(length + 1)
            }
        },
        first => (*first == found).then_some(1),
    }
}

/// What stands before the closing bracket, and the length with it; a bracket that comes first is a member.
fn set(pattern: &[char]) -> Option<(&[char], usize)> {
    let first = usize::from(pattern.first() == Some(&'!')) + 1;
    let end = pattern.iter().skip(first).position(|&member| member == ']')? + first;
    Some((&pattern[..end], end + 1))
}

fn contains(mut members: &[char], found: char) -> bool {
    loop {
        match members {
            [] => return false,
            [low, '-', high, rest @ ..] => {
                if (*low..=*high).contains(&found) {
                    return true;
                }
                members = rest;
            }
            [member, rest @ ..] => {
                if *member == found {
                    return true;
                }
                members = rest;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_a_shell_across_folders() {
        let rows = [
            ("original/*", "original/model.safetensors", true),
            ("original/", "original/deep/config.json", true),
            ("original/*", "model.safetensors", false),
            ("*.safetensors", "original/model.safetensors", true),
            ("*.safetensors", "model.safetensors.index.json", false),
            ("model-0000?-of-*", "model-00002-of-00003.safetensors", true),
            ("model-0000[0-1]-*", "model-00002-of-00003.safetensors", false),
            ("model-0000[!01]-*", "model-00002-of-00003.safetensors", true),
            ("[]a]", "]", true),
            ("[a", "[a", true),
            ("*a*b*c", "xxaxxbxxcxxc", true),
            ("*a*b*c", "xxaxxbxxcxxd", false),
            ("", "a", false),
            ("Größe?", "Größe2", true),
        ];
        for (pattern, path, expected) in rows {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_excluded_is_not_taken() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let choice = Choice { include: words(&["original/*"]), exclude: words(&["*.json"]) };
        assert!(choice.takes("original/model.safetensors") && !choice.takes("original/config.json"));
        assert!(Choice::default().takes("anything"));
    }
}
