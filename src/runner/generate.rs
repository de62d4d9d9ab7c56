//! Generation: the prompt in chunks, then launches of several steps, until a stop token, a limit or the caller ends it.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::graph::{Phase, STOP_TOKENS};
use crate::pjrt::Buffer;
use crate::runner::{RunError, Session};
use hlo::ElementType::{F32, Pred, S32, U64};

/// How long one launch of several decode steps should take, so that text streams smoothly and a caller can break off.
const LAUNCH: Duration = Duration::from_millis(60);

/// How the next token is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0 takes the likeliest token.
    pub temperature: f32,
    /// Only the `top_k` likeliest tokens and their equals; 0 means all.
    pub top_k: u32,
    /// Only the likeliest tokens that together reach this share; 1 means all.
    pub top_p: f32,
    /// Only tokens at least this fraction as likely as the likeliest; 0 means all.
    pub min_p: f32,
    pub seed: u64,
}

impl Sampling {
    /// The likeliest token always.
    pub const GREEDY: Sampling = Sampling { temperature: 0.0, top_k: 0, top_p: 1.0, min_p: 0.0, seed: 0 };

    fn check(&self) -> Result<(), RunError> {
        let rows = [
            ("temperature", self.temperature, self.temperature >= 0.0 && self.temperature.is_finite(), "0 or more"),
            ("top-p", self.top_p, self.top_p > 0.0 && self.top_p <= 1.0, "more than 0, at most 1"),
            ("min-p", self.min_p, (0.0..=1.0).contains(&self.min_p), "0 to 1"),
        ];
        match rows.into_iter().find(|(_, _, fits, _)| !fits) {
            Some((name, value, _, expected)) => Err(RunError::Sampling { name, value, expected }),
            None => Ok(()),
        }
    }
}

/// A prompt and what is wanted after it.
#[derive(Clone, Debug)]
pub struct Request {
    pub prompt: Vec<u32>,
    pub max_new: usize,
    pub sampling: Sampling,
    /// Generation ends after one of these, 8 at most; without any, only `max_new` and the context end it.
    pub stop: Vec<u32>,
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// This stop token, which is the last of `Generation::tokens`.
    Token(u32),
    MaxNew,
    /// The cache is full.
    Context,
    /// The caller broke off.
    Interrupted,
}

/// What was generated, and how long it took.
#[derive(Clone, Debug)]
pub struct Generation {
    pub prompt_tokens: usize,
    /// Prompt tokens that an earlier turn had left in the cache, and that were not computed again.
    pub reused_tokens: usize,
    pub tokens: Vec<u32>,
    /// Natural logarithm of each token's probability under the model, before temperature and filters.
    pub logprobs: Vec<f32>,
    pub stop: Stop,
    /// From the request to the first token.
    pub first_token: Duration,
    /// From the first token to the last.
    pub decode: Duration,
}

/// One sequence on its way.
pub(super) struct Row {
    pub generation: Generation,
    pub ended: bool,
    /// Tokens that may still come.
    pub left: usize,
}

impl Session {
    /// Generates after `request.prompt`. `on_tokens` gets tokens as they arrive, several at a time, none between the chunks of a
    /// long prompt, and may break off.
    /// What the prompt shares with the tokens already in the cache is not computed again.
    pub fn generate(
        &mut self,
        request: &Request,
        on_tokens: &mut dyn FnMut(&[u32]) -> ControlFlow<()>,
    ) -> Result<Generation, RunError> {
        let mut generations = self.generate_batch(std::slice::from_ref(request), &mut |_, tokens| on_tokens(tokens))?;
        Ok(generations.remove(0))
    }

    /// Generates after several prompts at once, at most the batch that the session was set up for.
    /// `on_tokens` gets the request's place and its new tokens; breaking off ends all.
    /// The stop tokens are those of the first request.
    pub fn generate_batch(
        &mut self,
        requests: &[Request],
        on_tokens: &mut dyn FnMut(usize, &[u32]) -> ControlFlow<()>,
    ) -> Result<Vec<Generation>, RunError> {
        self.check(requests)?;
        let mut rows = Vec::with_capacity(requests.len());
        let mut interrupted = false;
        for (place, request) in requests.iter().enumerate() {
            let Some(row) = self.start(place, request, &mut || on_tokens(place, &[]))? else {
                interrupted = true;
                rows.push(Row::unanswered(request));
                continue;
            };
            if !interrupted && !row.generation.tokens.is_empty() {
                interrupted = on_tokens(place, &row.generation.tokens).is_break();
            }
            rows.push(row);
        }
        if !interrupted {
            self.decode(requests, &mut rows, on_tokens)?;
        }
        Ok(rows
            .into_iter()
            .map(|mut row| {
                if !row.ended {
                    row.generation.stop = Stop::Interrupted;
                }
                row.generation
            })
            .collect())
    }

    /// Decodes until every row has ended or the caller breaks off.
    pub(super) fn decode(
        &mut self,
        requests: &[Request],
        rows: &mut [Row],
        on_tokens: &mut dyn FnMut(usize, &[u32]) -> ControlFlow<()>,
    ) -> Result<(), RunError> {
        let started = Instant::now();
        let mut steps = 1;
        while rows.iter().any(|row| !row.ended) {
            let left = rows.iter().filter(|row| !row.ended).map(|row| row.left).max().unwrap_or(1);
            let launched = Instant::now();
            let steps_now = steps.min(left).min(self.setup.steps).max(1);
            let interrupted = self.step(requests, rows, steps_now, on_tokens)?;
            let each = launched.elapsed() / steps_now as u32;
            steps = (LAUNCH.as_nanos() / each.as_nanos().max(1)).clamp(1, self.setup.steps as u128) as usize;
            rows.iter_mut().for_each(|row| row.generation.decode = started.elapsed());
            if interrupted {
                break;
            }
        }
        Ok(())
    }

    fn check(&self, requests: &[Request]) -> Result<(), RunError> {
        if requests.len() > self.plan.batch {
            return Err(RunError::TooManyRequests { found: requests.len(), batch: self.plan.batch });
        }
        for request in requests {
            self.check_tokens(&request.prompt)?;
            request.sampling.check()?;
            if request.prompt.len() >= self.plan.context {
                return Err(RunError::PromptTooLong { tokens: request.prompt.len(), context: self.plan.context });
            }
            if request.stop.len() > STOP_TOKENS {
                return Err(RunError::TooManyStopTokens { found: request.stop.len(), most: STOP_TOKENS });
            }
        }
        Ok(())
    }

    pub(super) fn check_tokens(&self, tokens: &[u32]) -> Result<(), RunError> {
        let vocabulary = self.config.vocabulary;
        if tokens.is_empty() {
            return Err(RunError::EmptyPrompt);
        }
        match tokens.iter().enumerate().find(|(_, token)| **token as usize >= vocabulary) {
            Some((place, token)) => Err(RunError::UnknownToken { token: *token, place, vocabulary }),
            None => Ok(()),
        }
    }

    /// Takes a prompt into the cache and draws the first token after it; `None` if `between` breaks off between chunks.
    fn start(
        &mut self,
        sequence: usize,
        request: &Request,
        between: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Option<Row>, RunError> {
        let started = Instant::now();
        let reused = self.reuse(sequence, &request.prompt)?;
        let mut drawn = None;
        let mut rest = &request.prompt[reused..];
        while !rest.is_empty() {
            let bucket = self.setup.bucket(rest.len());
            let (chunk, later) = rest.split_at(bucket.min(rest.len()));
            let mut inputs = self.chunk(sequence, chunk, bucket)?;
            inputs.extend(self.drawing(&[request.sampling])?);
            let results = self.launch(Phase::Prefill { tokens: bucket }, inputs)?;
            self.cache.append(sequence, chunk);
            rest = later;
            drawn = Some(results);
            if !rest.is_empty() && between().is_break() {
                return Ok(None);
            }
        }
        self.cache.snapshot()?;
        let drawn = drawn.ok_or(RunError::EmptyPrompt)?;
        let [token, logprob] = drawn.as_slice() else {
            return Err(RunError::Results { program: "prefill".to_owned(), found: drawn.len(), expected: 2 });
        };
        let token = self.token(integers(token)?[0], self.cache.len(sequence))?;
        let left = request.max_new.min(self.plan.context - request.prompt.len());
        let mut row = Row { ended: left == 0, left, ..Row::unanswered(request) };
        row.generation.reused_tokens = reused;
        row.generation.first_token = started.elapsed();
        if !row.ended {
            row.take(token, floats(logprob)?[0], request, self.plan.context);
        }
        Ok(Some(row))
    }

    /// Decodes up to `steps` tokens of every row that has not ended; whether the caller broke off.
    fn step(
        &mut self,
        requests: &[Request],
        rows: &mut [Row],
        steps: usize,
        on_tokens: &mut dyn FnMut(usize, &[u32]) -> ControlFlow<()>,
    ) -> Result<bool, RunError> {
        let batch = self.plan.batch;
        let mut tokens = vec![0i32; batch];
        let mut positions = vec![0i32; batch];
        let mut ended = vec![1u8; batch];
        let mut samplings = vec![Sampling::GREEDY; batch];
        for (place, row) in rows.iter().enumerate() {
            tokens[place] = row.generation.tokens.last().map_or(0, |token| *token as i32);
            positions[place] = self.cache.len(place) as i32;
            ended[place] = u8::from(row.ended);
            samplings[place] = requests[place].sampling;
        }
        let mut stop = [-1i32; STOP_TOKENS];
        for (place, token) in requests[0].stop.iter().enumerate() {
            stop[place] = *token as i32;
        }
        let mut inputs = vec![
            self.input(S32, &[batch], &tokens)?,
            self.input(S32, &[batch], &positions)?,
            self.input(Pred, &[batch], &ended)?,
            self.input(S32, &[], &[steps as i32])?,
            self.input(S32, &[STOP_TOKENS], &stop)?,
        ];
        inputs.extend(self.drawing(&samplings)?);
        let results = self.launch(Phase::Decode { steps: self.setup.steps }, inputs)?;
        let [drawn, logprobs] = results.as_slice() else {
            return Err(RunError::Results { program: "decode".to_owned(), found: results.len(), expected: 2 });
        };
        let (drawn, logprobs) = (integers(drawn)?, floats(logprobs)?);
        let mut broken = false;
        for (place, row) in rows.iter_mut().enumerate().filter(|(_, row)| !row.ended) {
            let first = row.generation.tokens.len();
            for step in 0..steps {
                let at = place * self.setup.steps + step;
                if row.ended || drawn[at] < 0 {
                    break;
                }
                // A step writes the token before the one it draws.
                let before = row.generation.tokens.last().copied().unwrap_or(0);
                self.cache.append(place, &[before]);
                let token = self.token(drawn[at], self.cache.len(place))?;
                row.take(token, logprobs[at], &requests[place], self.plan.context);
            }
            broken |= on_tokens(place, &row.generation.tokens[first..]).is_break();
        }
        Ok(broken)
    }

    /// Keeps what the cache holds of the beginning of `prompt`; gives how many tokens that are.
    fn reuse(&mut self, sequence: usize, prompt: &[u32]) -> Result<usize, RunError> {
        self.restore_cache()?;
        self.cache.keep_common(sequence, prompt)
    }

    /// The inputs of a prefill or score program: `chunk` after what `sequence` holds, padded to `bucket`.
    pub(super) fn chunk(&self, sequence: usize, chunk: &[u32], bucket: usize) -> Result<Vec<Buffer>, RunError> {
        let mut tokens: Vec<i32> = chunk.iter().map(|token| *token as i32).collect();
        tokens.resize(bucket, 0);
        let scalar = |value: usize| self.input(S32, &[], &[value as i32]);
        let start = self.cache.len(sequence);
        Ok(vec![self.input(S32, &[bucket], &tokens)?, scalar(sequence)?, scalar(start)?, scalar(chunk.len())?])
    }

    fn drawing(&self, samplings: &[Sampling]) -> Result<Vec<Buffer>, RunError> {
        let dims = [samplings.len()];
        let floats = |of: fn(&Sampling) -> f32| self.input(F32, &dims, &samplings.iter().map(of).collect::<Vec<f32>>());
        let top_k: Vec<i32> = samplings.iter().map(|s| i32::try_from(s.top_k).unwrap_or(i32::MAX)).collect();
        let seeds: Vec<u64> = samplings.iter().map(|s| s.seed).collect();
        Ok(vec![
            floats(|s| s.temperature)?,
            self.input(S32, &dims, &top_k)?,
            floats(|s| s.top_p)?,
            floats(|s| s.min_p)?,
            self.input(U64, &dims, &seeds)?,
        ])
    }

    /// The token that a program drew for `position`; the vocabulary's size stands for logits that are not numbers.
    fn token(&self, drawn: i32, position: usize) -> Result<u32, RunError> {
        let token = u32::try_from(drawn).ok().filter(|token| (*token as usize) < self.config.vocabulary);
        token.ok_or(RunError::NotANumber { position: position.saturating_sub(1) })
    }
}

impl Row {
    /// A row whose prompt has brought no token yet.
    pub(super) fn unanswered(request: &Request) -> Row {
        let generation = Generation {
            prompt_tokens: request.prompt.len(),
            reused_tokens: 0,
            tokens: Vec::new(),
            logprobs: Vec::new(),
            stop: Stop::MaxNew,
            first_token: Duration::ZERO,
            decode: Duration::ZERO,
        };
        Row { generation, ended: false, left: 0 }
    }

    fn take(&mut self, token: u32, logprob: f32, request: &Request, context: usize) {
        self.generation.tokens.push(token);
        self.generation.logprobs.push(logprob);
        self.left -= 1;
        if request.stop.contains(&token) {
            self.generation.stop = Stop::Token(token);
            self.ended = true;
        } else if self.left == 0 {
            let full = request.prompt.len() + self.generation.tokens.len() >= context;
            self.generation.stop =
                if full && self.generation.tokens.len() < request.max_new { Stop::Context } else { Stop::MaxNew };
            self.ended = true;
        }
    }
}

fn integers(buffer: &Buffer) -> Result<Vec<i32>, RunError> {
    Ok(bytemuck::pod_collect_to_vec(&buffer.to_host()?))
}

fn floats(buffer: &Buffer) -> Result<Vec<f32>, RunError> {
    Ok(bytemuck::pod_collect_to_vec(&buffer.to_host()?))
}
