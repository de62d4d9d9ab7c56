//! Plain logits of a text, kept in a temporary file while the model that they judge runs, and how the comparison is told.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::model::Compute;
use super::terminal;
use crate::partial;
use crate::plan::Strategy;
use crate::progress::{Event, Progress};
use crate::runner::{Comparison, RunError, Session, Setup, TextDivergence};
use crate::weights::packed::PackedError;

/// Logits f32 `[tokens, vocabulary]` in a file without a name, which goes when this goes, however that comes about.
pub struct Reference {
    file: File,
    folder: PathBuf,
}

impl Reference {
    /// Scores `tokens` as `setup` says, and closes the model again. The file lies beside `out`, or in the system's temporary folder.
    pub fn score(setup: &Setup, against: Compute, tokens: &[u32], out: Option<&Path>) -> Result<Reference, Failure> {
        let folder = out.map_or_else(std::env::temp_dir, |out| partial::folder(out).to_owned());
        let mut session = match Session::open_to_score(setup, &terminal::BAR) {
            Ok(session) => session,
            Err(RunError::Weights(error @ PackedError::Other { .. })) => {
                let way_out =
                    "score the checkpoint that it was packed from, with its precisions as `--weights` and `--dense`";
                return Err(Failure::from(error).hint(way_out));
            }
            Err(error) => return Err(error.into()),
        };
        let bytes = 4 * (tokens.len() * session.config().vocabulary) as u64;
        let unwritten = |error: std::io::Error| {
            let doing = format!("cannot keep {} of plain logits in `{}`", terminal::bytes(bytes), folder.display());
            let failure = Failure::new(doing).because(error);
            failure
                .hint("name a folder with room by the environment variable `TMPDIR` or `--out`, or give a shorter text")
        };
        let mut file = tempfile::tempfile_in(&folder).map_err(unwritten)?;
        let what = format!("score in plain {}", against.name());
        score(&mut session, tokens, &what, &mut |logits| {
            file.write_all(bytemuck::cast_slice(logits)).map_err(unwritten)
        })?;
        file.rewind().map_err(unwritten)?;
        Ok(Reference { file, folder })
    }

    /// Scores the same tokens with the model that is judged, and compares. `keep` gets its rows too.
    pub fn judge(
        &mut self,
        session: &mut Session,
        tokens: &[u32],
        keep: &mut dyn FnMut(&[f32]) -> Result<(), Failure>,
    ) -> Result<TextDivergence, Failure> {
        let mut comparison = Comparison::new(tokens, session.config().vocabulary);
        let mut plain: Vec<f32> = Vec::new();
        score(session, tokens, "score", &mut |logits| {
            plain.resize(logits.len(), 0.0);
            let read = self.file.read_exact(bytemuck::cast_slice_mut(&mut plain));
            read.map_err(|error| Failure::file("read plain logits in", &self.folder, &error))?;
            comparison.add(&plain, logits)?;
            keep(logits)
        })?;
        Ok(comparison.of_text())
    }
}

/// Scores `tokens` under a bar that says `what`. What goes wrong with the rows is told as such, not as a failure of the model.
pub fn score(
    session: &mut Session,
    tokens: &[u32],
    what: &str,
    take: &mut dyn FnMut(&[f32]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut failed = None;
    let mut on_rows = |logits: &[f32]| {
        take(logits).map_err(|failure| {
            failed = Some(failure);
            std::io::Error::other("told already")
        })
    };
    let outcome = session.score(tokens, &mut on_rows, &Named(what));
    match failed {
        Some(failure) => Err(failure),
        None => Ok(outcome?),
    }
}

/// The terminal's bars, with a name of its own for scoring.
struct Named<'a>(&'a str);

impl Progress for Named<'_> {
    fn report(&self, event: Event<'_>) {
        terminal::BAR.report(match event {
            Event::Begin { what: "score", total, unit } => Event::Begin { what: self.0, total, unit },
            event => event,
        });
    }
}

/// The comparison for people.
pub fn text(model: &str, tokens: usize, judged: Strategy, against: Compute, found: &TextDivergence) -> String {
    let (compute, plain) = (judged.compute, against.name());
    let row = |name: &str, value: String, unit: &str| vec![name.to_owned(), value, unit.to_owned()];
    let rows = vec![
        row("mean KL divergence", number(found.mean_kl_nats), "nats"),
        row(
            "largest KL divergence",
            number(found.max_kl_nats),
            &format!("nats, after token {}", found.max_kl_position),
        ),
        row("top-1 agreement", format!("{:.2}", found.top1_agreement_percent), "%"),
        row("mean difference of logits", number(found.mean_absolute_logit_difference), ""),
        row("largest difference of logits", number(found.max_absolute_logit_difference), ""),
        row("perplexity", format!("{:.4}", found.perplexity), ""),
        row(&format!("perplexity in plain {plain}"), format!("{:.4}", found.reference_perplexity), ""),
    ];
    let table = terminal::table(&["figure", "value", ""], &[1], rows);
    let exact = exactness(judged, Strategy::plain(against.element()));
    format!("{model}, {tokens} tokens: {judged}, products in {compute}, against plain {plain}\n\n{table}{exact}")
}

/// Why exact weights differ at all; empty if they are not exact.
fn exactness(judged: Strategy, plain: Strategy) -> &'static str {
    let holds_the_cache_alike = judged.cache == plain.cache;
    match judged.is_exact() {
        true if judged.compute == plain.compute && holds_the_cache_alike => {
            "\nThe weights are exactly the checkpoint's: the differences are only the order of sums.\n"
        }
        true => {
            "\nThe weights are exactly the checkpoint's: the differences are the rounding of products' operands and of the cache.\n"
        }
        false => "",
    }
}

/// Three digits, small ones with an exponent.
fn number(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        _ if value.abs() < 0.001 => format!("{value:.2e}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Precision;
    use hlo::ElementType;

    #[test]
    fn only_exact_strategies_are_called_exact() {
        let [bf16, f32] = [ElementType::Bf16, ElementType::F32].map(Strategy::plain);
        let rows = [
            (Strategy::new(Precision::Mxfp4), bf16, "order of sums"),
            (Strategy::new(Precision::Mxfp4), f32, "rounding of products"),
            (Strategy { experts: Precision::Mxfp4, ..f32 }, f32, "order of sums"),
            (Strategy { cache: Precision::Bf16, ..f32 }, f32, "and of the cache"),
            (Strategy::new(Precision::Fp8), bf16, ""),
            (Strategy { cache: Precision::Int8, ..bf16 }, bf16, ""),
        ];
        for (judged, plain, said) in rows {
            let found = exactness(judged, plain);
            assert!(found.contains(said) && found.is_empty() == said.is_empty(), "{judged}: {found}");
        }
    }

    #[test]
    fn the_table_lines_up_and_says_its_units() {
        let found = TextDivergence {
            mean_kl_nats: 0.000_123_4,
            max_kl_nats: 0.5,
            max_kl_position: 17,
            top1_agreement_percent: 98.25,
            mean_absolute_logit_difference: 0.0,
            max_absolute_logit_difference: 1.25,
            perplexity: 12.5,
            reference_perplexity: 12.25,
        };
        let text = text("tiny", 57, Strategy::new(Precision::Fp8), Compute::Bf16, &found);
        let expected = "\
tiny, 57 tokens: fp8 experts, bf16 else, bf16 cache, products in bf16, against plain bf16

figure                          value
mean KL divergence            1.23e-4  nats
largest KL divergence          0.5000  nats, after token 17
top-1 agreement                 98.25  %
mean difference of logits           0
largest difference of logits   1.2500
perplexity                    12.5000
perplexity in plain bf16      12.2500
";
        assert_eq!(text, expected);
    }
}
