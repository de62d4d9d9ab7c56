//! What people hand in: lists of token ids and prompts, from arguments, files or standard input. It knows no verb.

use std::io::{IsTerminal, Read};
use std::path::Path;

use super::failure::Failure;

/// Token ids of `1,2,3`, or of the file `@FILE`, where blanks, line ends and a JSON array's brackets separate them too.
/// `option` is what it was given to, for messages.
pub fn token_list(option: &str, argument: &str) -> Result<Vec<u32>, Failure> {
    let (text, place) = match argument.strip_prefix('@') {
        Some(file) => (read_text(Path::new(file))?, format!("`{file}`")),
        None => (argument.to_owned(), format!("`{option}`")),
    };
    let words =
        text.split(|c: char| c == ',' || c.is_whitespace() || c == '[' || c == ']').filter(|word| !word.is_empty());
    let tokens: Result<Vec<u32>, Failure> = words
        .enumerate()
        .map(|(index, word)| {
            word.parse().map_err(|_| {
                Failure::usage(format!("entry {index} of {place} is `{word}`, expected a token id such as `200006`"))
                    .hint("ids are separated by commas; `@FILE` reads them from a file; `precast tokens --text` makes them from text")
            })
        })
        .collect();
    let tokens = tokens?;
    if tokens.is_empty() {
        return Err(Failure::usage(format!("{place} holds no token ids, expected at least one")));
    }
    Ok(tokens)
}

/// The text that an option was given, or that of the file `@FILE`.
pub fn text_or_file(argument: &str) -> Result<String, Failure> {
    match argument.strip_prefix('@') {
        Some(file) => read_text(Path::new(file)),
        None => Ok(argument.to_owned()),
    }
}

/// A file of text; `-` is standard input.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    if path == Path::new("-") {
        return read_stdin();
    }
    std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))
}

/// The prompt: the argument, or standard input if that is `-` or absent while something is piped in; none otherwise.
pub fn prompt(argument: Option<&str>) -> Result<Option<String>, Failure> {
    match argument {
        Some("-") => read_stdin().map(Some),
        Some(text) => Ok(Some(text.to_owned())),
        None if std::io::stdin().is_terminal() => Ok(None),
        None => read_stdin().map(|text| (!text.trim().is_empty()).then_some(text)),
    }
}

fn read_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    match std::io::stdin().read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::new("cannot read standard input").because(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_separated_by_commas_blanks_or_brackets() {
        for text in ["1,2,3", "1, 2 ,3,", "[1, 2, 3]\n", "1\n2\n3\n"] {
            assert_eq!(token_list("--tokens", text).ok(), Some(vec![1, 2, 3]), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_token_is_named_with_its_place() {
        let Err(Failure::Told(told)) = token_list("--tokens", "1,two,3") else { panic!("`two` is no token") };
        assert!(format!("{told:?}").contains("entry 1 of `--tokens` is `two`"), "{told:?}");
        assert!(
            token_list("--tokens", "").is_err()
                && token_list("--tokens", "-1").is_err()
                && token_list("--tokens", "4294967296").is_err()
        );
    }
}
