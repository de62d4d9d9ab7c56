//! Scoring: the logits of every position of a token sequence.

use crate::graph::Phase;
use crate::plan::SCORE_TOKENS;
use crate::progress::{Event, Progress, Unit};
use crate::runner::{RunError, Session};

impl Session {
    /// Logits of every position: f32 `[tokens, vocabulary]`, row-major, handed over in pieces of whole rows.
    /// What the cache held is forgotten.
    pub fn score(
        &mut self,
        tokens: &[u32],
        on_rows: &mut dyn FnMut(&[f32]) -> Result<(), std::io::Error>,
        progress: &dyn Progress,
    ) -> Result<(), RunError> {
        self.check_tokens(tokens)?;
        if tokens.len() > self.plan.context {
            return Err(RunError::PromptTooLong { tokens: tokens.len(), context: self.plan.context });
        }
        let (bucket, phase) = (SCORE_TOKENS, Phase::Score { tokens: SCORE_TOKENS });
        self.load(phase, progress)?;
        self.cache.clear(0);
        progress.report(Event::Begin { what: "score", total: Some(tokens.len() as u64), unit: Unit::Tokens });
        for chunk in tokens.chunks(bucket) {
            let inputs = self.chunk(0, chunk, bucket)?;
            let results = self.launch(phase, inputs)?;
            self.cache.append(0, chunk);
            let [logits] = results.as_slice() else {
                return Err(RunError::Results { program: "score".to_owned(), found: results.len(), expected: 1 });
            };
            let logits: Vec<f32> = bytemuck::pod_collect_to_vec(&logits.to_host()?);
            on_rows(&logits[..chunk.len() * self.config.vocabulary])?;
            progress.report(Event::Advance(chunk.len() as u64));
        }
        progress.report(Event::End(""));
        Ok(())
    }
}
