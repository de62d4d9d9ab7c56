//! Keys and values on the devices, and which tokens they hold.

use crate::config::{Config, LayerKind};
use crate::graph::cache;
use crate::pjrt::{Buffer, LoadedExecutable};
use crate::plan::Plan;
use crate::runner::RunError;

/// The cache of all sequences. Programs take its buffers and give them back.
pub(super) struct KvCache {
    /// Which of the buffers are rings; a ring forgets, and so cannot be cut short.
    rings: Vec<usize>,
    window: usize,
    buffers: Vec<Buffer>,
    sequences: Vec<Sequence>,
}

/// What one sequence of the cache holds.
#[derive(Default)]
struct Sequence {
    tokens: Vec<u32>,
    /// The rings as they were after this many tokens.
    snapshot: Option<Snapshot>,
}

struct Snapshot {
    tokens: usize,
    rings: Vec<Vec<u8>>,
}

impl KvCache {
    /// An empty cache, where `program` wants its arguments from number `first` on.
    pub fn new(program: &LoadedExecutable, first: usize, config: &Config, plan: &Plan) -> Result<KvCache, RunError> {
        let tensors = cache(config, plan);
        let is_ring = |place: &usize| config.layer_kinds[tensors[*place].layer] == LayerKind::Sliding;
        let rings = (0..tensors.len()).filter(is_ring).collect();
        let empty = program.placements().skip(first).zip(tensors.iter().map(|tensor| &tensor.ty));
        // The same zeros for all: memory that is touched for the first time costs more than what is copied.
        let zeros = vec![0; tensors.iter().map(|tensor| tensor.ty.host_bytes()).max().unwrap_or(0)];
        let buffers = empty.map(|(place, ty)| program.client().upload(place, ty, &zeros[..ty.host_bytes()]));
        let buffers = buffers.collect::<Result<_, _>>()?;
        let sequences = (0..plan.batch).map(|_| Sequence::default()).collect();
        Ok(KvCache { rings, window: config.sliding_window, buffers, sequences })
    }

    /// Hands the buffers to a program, which must give as many back to `put_back`.
    /// When it fails they are lost, and with them what they held: `new` then starts again.
    pub fn take(&mut self) -> Vec<Buffer> {
        std::mem::take(&mut self.buffers)
    }

    pub fn put_back(&mut self, buffers: Vec<Buffer>) {
        self.buffers = buffers;
    }

    pub fn is_lost(&self) -> bool {
        self.buffers.is_empty()
    }

    pub fn len(&self, sequence: usize) -> usize {
        self.sequences[sequence].tokens.len()
    }

    /// Notes that a program wrote `tokens` after those that `sequence` holds.
    pub fn append(&mut self, sequence: usize, tokens: &[u32]) {
        self.sequences[sequence].tokens.extend_from_slice(tokens);
    }

    /// Cuts `sequence` down to what it can share with `prompt`, short of its last token, whose logits are wanted;
    /// gives the number of tokens kept.
    pub fn keep_common(&mut self, sequence: usize, prompt: &[u32]) -> Result<usize, RunError> {
        if self.sequences.len() > 1 {
            // A sequence that ends before the others still goes through their steps, which write over what it held.
            self.clear(sequence);
            return Ok(0);
        }
        let held = &self.sequences[sequence];
        let common = held.tokens.iter().zip(&prompt[..prompt.len() - 1]).take_while(|(a, b)| a == b).count();
        let intact = common == held.tokens.len() || held.tokens.len() <= self.window || self.rings.is_empty();
        let keep = match &held.snapshot {
            _ if intact => common,
            Some(snapshot) if snapshot.tokens <= common => {
                for (place, bytes) in self.rings.iter().zip(&snapshot.rings) {
                    self.buffers[*place] = self.buffers[*place].upload_beside(bytes)?;
                }
                snapshot.tokens
            }
            _ => 0,
        };
        let held = &mut self.sequences[sequence];
        held.tokens.truncate(keep);
        if held.snapshot.as_ref().is_some_and(|snapshot| snapshot.tokens > keep) {
            held.snapshot = None;
        }
        Ok(keep)
    }

    /// Remembers the rings as they are, so that a later prompt may go on from here. With several sequences nothing is remembered:
    /// their rings share buffers and go on at their own pace.
    pub fn snapshot(&mut self) -> Result<(), RunError> {
        let [sequence] = self.sequences.as_mut_slice() else { return Ok(()) };
        let rings = self.rings.iter().map(|place| self.buffers[*place].to_host()).collect::<Result<_, _>>()?;
        sequence.snapshot = Some(Snapshot { tokens: sequence.tokens.len(), rings });
        Ok(())
    }

    /// Forgets all tokens of `sequence`.
    pub fn clear(&mut self, sequence: usize) {
        self.sequences[sequence] = Sequence::default();
    }
}
