//! Pace: how long decode steps take at a depth, without computing the tokens that would stand before them.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::runner::generate::Row;
use crate::runner::{Request, RunError, Sampling, Session};

impl Session {
    /// Decodes `steps` tokens of every sequence of the batch at once, and says how long that took. A sequence begins with its token
    /// of `first`, at position `depth`; what the cache holds before it is left as it is, since how long a step takes does not
    /// depend on the values it reads. Afterwards nothing is kept of these tokens.
    ///
    /// Which experts are read does depend on tokens: give every sequence another one.
    pub fn pace(&mut self, depth: usize, first: &[u32], steps: usize) -> Result<Duration, RunError> {
        if first.len() != self.plan.batch {
            return Err(RunError::TooManyRequests { found: first.len(), batch: self.plan.batch });
        }
        self.check_tokens(first)?;
        if depth + steps > self.plan.context {
            return Err(RunError::PromptTooLong { tokens: depth + steps, context: self.plan.context });
        }
        self.restore_cache()?;
        let request = |token: &u32| Request {
            prompt: vec![*token],
            max_new: steps,
            sampling: Sampling::GREEDY,
            stop: Vec::new(),
        };
        let requests: Vec<Request> = first.iter().map(request).collect();
        let mut rows = Vec::with_capacity(first.len());
        for (sequence, request) in requests.iter().enumerate() {
            self.cache.clear(sequence);
            self.cache.append(sequence, &vec![0; depth]);
            // A step feeds the newest token of its row; the prompt's only one stands in for it.
            let mut row = Row { left: steps, ended: steps == 0, ..Row::unanswered(request) };
            row.generation.tokens = request.prompt.clone();
            rows.push(row);
        }
        let decoded = self.decode(&requests, &mut rows, &mut |_, _| ControlFlow::Continue(()));
        (0..first.len()).for_each(|sequence| self.cache.clear(sequence));
        decoded?;
        Ok(rows.first().map_or(Duration::ZERO, |row| row.generation.decode))
    }
}
