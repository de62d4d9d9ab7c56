//! What is decided before a graph is built: how weights and cache are stored, on how many devices, for which sizes, and how the
//! target's compiler likes its products spelled. Knows no tensor and no device.

use std::fmt;

use hlo::ElementType;

use crate::config::Config;
use crate::target::{Platform, Target};

/// How numbers are stored on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Precision {
    F32,
    Bf16,
    /// E4M3FN codes; a scale a row, or a scale a head and token in the cache.
    Fp8,
    /// Signed integers with scales likewise.
    Int8,
    /// E2M1 codes, 32 of them with one power of two as scale: the published form of the experts, exact.
    Mxfp4,
}

impl Precision {
    pub const ALL: [Precision; 5] =
        [Precision::F32, Precision::Bf16, Precision::Fp8, Precision::Int8, Precision::Mxfp4];

    /// As typed and as JSON shows it.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
            Precision::Fp8 => "fp8",
            Precision::Int8 => "int8",
            Precision::Mxfp4 => "mxfp4",
        }
    }

    pub fn named(name: &str) -> Option<Precision> {
        Precision::ALL.into_iter().find(|precision| precision.name() == name)
    }

    /// The type of the stored values.
    pub fn element(self) -> ElementType {
        match self {
            Precision::F32 => ElementType::F32,
            Precision::Bf16 => ElementType::Bf16,
            Precision::Fp8 => ElementType::F8E4M3FN,
            Precision::Int8 => ElementType::S8,
            Precision::Mxfp4 => ElementType::F4E2M1FN,
        }
    }

    /// Whether values are codes that mean something only with a scale.
    pub fn is_scaled(self) -> bool {
        matches!(self, Precision::Fp8 | Precision::Int8 | Precision::Mxfp4)
    }

    /// The largest magnitude of a code, which the largest value of a row is mapped to.
    pub fn largest_code(self) -> f64 {
        match self {
            Precision::Int8 => 127.0,
            Precision::Fp8 => 448.0,
            Precision::Mxfp4 => 6.0,
            Precision::F32 | Precision::Bf16 => 1.0,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a model is stored and computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Strategy {
    /// The experts' matrices: what `--weights` says.
    pub experts: Precision,
    /// Attention, embedding and head.
    pub dense: Precision,
    /// Keys and values.
    pub cache: Precision,
    /// f32 or bf16: the operands of products. Sums, norms and softmax are f32 always.
    pub compute: ElementType,
}

impl Strategy {
    /// Experts in `experts`, all else in bf16.
    pub fn new(experts: Precision) -> Strategy {
        Strategy { experts, dense: Precision::Bf16, cache: Precision::Bf16, compute: ElementType::Bf16 }
    }

    /// Everything in one float type, f32 or bf16.
    pub fn plain(element: ElementType) -> Strategy {
        let stored = if element == ElementType::F32 { Precision::F32 } else { Precision::Bf16 };
        Strategy { experts: stored, dense: stored, cache: stored, compute: element }
    }

    /// How the router's matrix is stored: never in codes.
    pub fn router(self) -> Precision {
        if self.dense == Precision::F32 { Precision::F32 } else { Precision::Bf16 }
    }

    /// Whether weights are exactly those of the published checkpoint, MXFP4 experts and bf16 elsewhere.
    pub fn is_exact(self) -> bool {
        let exact = |stored: Precision| matches!(stored, Precision::F32 | Precision::Bf16);
        (exact(self.experts) || self.experts == Precision::Mxfp4) && exact(self.dense) && exact(self.cache)
    }
}

impl fmt::Display for Strategy {
    /// `mxfp4 experts, bf16 else, bf16 cache`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} experts, {} else, {} cache", self.experts, self.dense, self.cache)
    }
}

/// How the parts of a program are written for which there is a kernel as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kernels {
    /// As everything else: in plain StableHLO.
    Plain,
    /// As calls of kernels for the host's processor: all products with weights, on one device.
    Host,
    /// A decode step's as kernels in Mosaic's dialect, which only a TPU runs. None of them has been executed on one.
    Mosaic,
    /// As the same kernels, written out as loops that any plugin runs: to see what they compute, and slow.
    Loops,
}

/// How a compiler likes the same formulas written. Each field was found by the compiler's own figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spelling {
    /// The fewest rows of a product in bf16. With fewer a TPU's compiler takes the vector unit, at 3 to 6 times the cycles; a host's
    /// converts the whole matrix to f32 first for a single row, at a tenth of the speed.
    pub product_rows: usize,
    /// The fewest rows of an expert's product where a single sequence decodes. One row is for the vector unit.
    pub rows_of_one: usize,
    /// Whether experts are taken as checkpoints have them: gates and ups by turns, and MXFP4 as published bytes, which are then mapped
    /// and never copied. Otherwise gates come before ups, and MXFP4 has its outputs innermost.
    pub experts_as_published: bool,
    /// Values of MXFP4 as published that are unpacked at once, of which a core's cache has room.
    pub unpacked_at_once: usize,
    /// A multiple for the outputs of an MXFP4 product. Where the lanes do not divide them, unpacking is not fused into the product.
    pub lanes: usize,
    /// The fewest and the most rows of an expert's block where many rows are grouped. Up to the fewest, a product takes about as long as
    /// one of a single row, bound by what brings and unpacks the matrix; beyond the most, no less for each row.
    pub block_rows: (usize, usize),
    /// Whether rows that choose nearly every expert anyway ask all of them in one product, where they are not MXFP4.
    pub asks_experts_at_once: bool,
    /// Rows of an expert's block that lie together in memory and are moved as they are.
    pub slots_of_tile: usize,
    /// Slots that a decode step reads at once; a cache of up to twice as many is read in one piece, since a part taken inside a loop
    /// is copied first.
    pub decode_block: usize,
    /// Whether a single row's experts are written one after another rather than as a loop.
    pub unrolls_experts: bool,
    /// Whether arguments ask for device layouts.
    pub asks_for_layouts: bool,
    /// The most tokens that one launch of decode draws. More than one is a loop around everything.
    pub decode_steps: usize,
    pub kernels: Kernels,
}

impl Spelling {
    pub const HOST: Spelling = Spelling {
        product_rows: 2,
        rows_of_one: 2,
        experts_as_published: true,
        unpacked_at_once: 1 << 21,
        lanes: 1,
        block_rows: (8, usize::MAX),
        asks_experts_at_once: false,
        slots_of_tile: 8,
        decode_block: ATTENTION_BLOCK,
        unrolls_experts: false,
        asks_for_layouts: false,
        decode_steps: 16,
        kernels: Kernels::Host,
    };
    pub const TPU: Spelling = Spelling {
        product_rows: 8,
        rows_of_one: 8,
        experts_as_published: false,
        unpacked_at_once: usize::MAX,
        lanes: 128,
        block_rows: (64, 256),
        asks_experts_at_once: true,
        slots_of_tile: 16,
        decode_block: 4096,
        unrolls_experts: true,
        asks_for_layouts: true,
        decode_steps: 16,
        kernels: Kernels::Plain,
    };
    /// Where a loop around everything would have all weights copied before it.
    pub const TPU_WITHOUT_LOOPS: Spelling = Spelling { decode_steps: 1, ..Spelling::TPU };
    /// Where a matrix that is read for one row goes through the vector unit sooner than it fills the matrix unit.
    pub const TPU_BY_VECTOR: Spelling = Spelling { rows_of_one: 1, ..Spelling::TPU };

    pub fn of(target: &Target) -> Spelling {
        match (target.platform, target.chip) {
            (Platform::Tpu, Some(chip)) if chip.retiles_in_loops => Spelling::TPU_WITHOUT_LOOPS,
            (Platform::Tpu, Some(chip)) if chip.takes_single_rows_by_vector => Spelling::TPU_BY_VECTOR,
            (Platform::Tpu, _) => Spelling::TPU,
            (Platform::Cpu | Platform::Cuda, _) => Spelling::HOST,
        }
    }
}

/// What a set of programs that share one cache is specialised for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub strategy: Strategy,
    pub spelling: Spelling,
    /// Devices that share the model by tensor parallelism.
    pub devices: usize,
    /// Tokens that a sequence may have.
    pub context: usize,
    /// Sequences that the cache holds and that decode together.
    pub batch: usize,
    /// The largest number of tokens that a prefill or score program takes at once.
    pub largest_prefill: usize,
}

/// Keys that one pass of the running softmax takes where many tokens look at them.
const ATTENTION_BLOCK: usize = 512;

/// Values that share a scale in MXFP4.
pub const MXFP4_BLOCK: usize = 32;

/// Tokens that a prefill takes at once unless something else is asked for.
pub const LARGEST_PREFILL: usize = 512;

/// Prefill buckets of a bundle unless others are asked for.
pub const PREFILL: [usize; 2] = [128, LARGEST_PREFILL];

/// Tokens that a score program takes at once: its logits are `[tokens, vocabulary]` f32, which is what bounds it.
pub const SCORE_TOKENS: usize = 128;

impl Plan {
    /// A plan for one sequence of `context` tokens on this machine's processor.
    pub fn host(strategy: Strategy, context: usize) -> Plan {
        let (spelling, largest_prefill) = (Spelling::HOST, LARGEST_PREFILL);
        Plan { strategy, spelling, devices: 1, context, batch: 1, largest_prefill }
    }

    /// A plan for one sequence of `context` tokens on `target`.
    pub fn new(target: &Target, strategy: Strategy, context: usize) -> Plan {
        let spelling = Spelling::of(target);
        Plan { spelling, devices: target.devices, ..Plan::host(strategy, context) }
    }

    /// The same for `batch` sequences and prefill buckets of so many tokens. A score program always has room.
    pub fn sized(self, batch: usize, prefill: &[usize]) -> Plan {
        let largest_prefill = prefill.iter().copied().max().unwrap_or(0).max(SCORE_TOKENS);
        Plan { batch, largest_prefill, ..self }
    }

    /// Slots of a full layer's cache: the context and room for the padding of a last chunk, in whole attention blocks.
    pub fn slots(&self) -> usize {
        let slots = (self.context + self.largest_prefill).next_multiple_of(ATTENTION_BLOCK);
        if slots <= 2 * self.spelling.decode_block { slots } else { slots.next_multiple_of(self.spelling.decode_block) }
    }

    /// Keys that one pass of the running softmax takes, for `tokens` tokens of each sequence.
    pub fn attention_block(&self, tokens: usize) -> usize {
        let slots = self.slots();
        match tokens {
            1 if slots <= 2 * self.spelling.decode_block && slots > self.spelling.decode_block => slots,
            1 => self.spelling.decode_block.min(slots),
            _ => ATTENTION_BLOCK,
        }
    }

    /// Of `tokens` tokens of each sequence, how many look at a full layer's cache at once.
    pub fn query_block(&self, tokens: usize) -> usize {
        tokens.min(ATTENTION_BLOCK)
    }

    /// The fewest rows of a product; in f32 a single row is as good as any.
    pub fn product_rows(&self) -> usize {
        if self.strategy.compute == ElementType::F32 { 1 } else { self.spelling.product_rows }
    }

    /// Rows of the stream that carries so many tokens.
    pub fn stream_rows(&self, tokens: usize) -> usize {
        if self.calls_kernels() { tokens } else { tokens.max(self.product_rows()) }
    }

    /// Whether products with weights are calls of the host's kernels. Over several devices the compiler would not know how to divide them.
    pub fn calls_kernels(&self) -> bool {
        self.spelling.kernels == Kernels::Host && self.devices == 1
    }

    /// Whether experts are MXFP4 in the bytes of checkpoints.
    pub fn unpacks_published(&self) -> bool {
        self.spelling.experts_as_published && self.strategy.experts == Precision::Mxfp4
    }

    /// The fewest rows of an expert's product; a single one is good where its matrix is unpacked to f32.
    pub fn expert_rows(&self) -> usize {
        if self.unpacks_published() { 1 } else { self.product_rows() }
    }

    /// The fewest rows of an expert's product that one row of the stream asks for.
    pub fn rows_of_one(&self) -> usize {
        self.expert_rows().min(self.spelling.rows_of_one)
    }

    /// Rows of an expert's block where `rows` rows are grouped by expert: enough for an even spread, so that few blocks are half empty.
    pub fn block_rows(&self, config: &Config, rows: usize) -> usize {
        let even = (rows * config.experts_per_token / config.experts).max(1);
        let (fewest, most) = self.spelling.block_rows;
        even.next_power_of_two().clamp(fewest, most)
    }

    /// Whether `rows` rows ask all experts at once: no more of them than an expert takes for the price of one, and with two choices for
    /// every expert, which leave one in seven unchosen where they are spread evenly.
    pub fn asks_all_at_once(&self, config: &Config, rows: usize) -> bool {
        self.spelling.asks_experts_at_once
            && self.strategy.experts != Precision::Mxfp4
            && rows <= self.block_rows(config, rows)
            && rows * config.experts_per_token >= 2 * config.experts
    }

    /// Whether a decode step's experts are kernels: those of a single sequence in MXFP4, on one device, since the compiler divides
    /// no kernel among several.
    pub fn has_expert_kernels(&self) -> bool {
        self.has_kernels_of_a_step()
            && !self.spelling.experts_as_published
            && self.strategy.compute == ElementType::Bf16
            && self.strategy.experts == Precision::Mxfp4
            && self.devices == 1
            && self.batch == 1
    }

    /// Whether its attention is a kernel: over a cache in bf16, likewise on one device.
    pub fn has_attention_kernels(&self) -> bool {
        let bf16 = self.strategy.cache == Precision::Bf16 && self.strategy.compute == ElementType::Bf16;
        self.has_kernels_of_a_step() && bf16 && self.devices == 1
    }

    fn has_kernels_of_a_step(&self) -> bool {
        matches!(self.spelling.kernels, Kernels::Mosaic | Kernels::Loops)
    }

    /// Devices among which the drawing of a step's tokens is divided. Of few rows logits are exchanged, which is one exchange; of many,
    /// sums in every pass over them, which are many exchanges of little.
    pub fn drawing_devices(&self, config: &Config) -> usize {
        const FEW_ROWS: usize = 8;
        if self.batch > FEW_ROWS && config.vocabulary.is_multiple_of(self.devices) { self.devices } else { 1 }
    }

    /// Devices along the mesh axis that divides the kv heads; the others along the second axis hold the same heads.
    pub fn head_devices(&self, config: &Config) -> usize {
        greatest_common_divisor(config.kv_heads, self.devices)
    }

    /// Channels of an expert on each device. Divided experts are padded with channels of zeros to whole blocks of MXFP4, gates
    /// and ups together to whole lanes.
    pub fn expert_width(&self, config: &Config) -> usize {
        let own = config.expert_width.div_ceil(self.devices);
        if self.devices == 1 { own } else { own.next_multiple_of(MXFP4_BLOCK.max(self.spelling.lanes / 2)) }
    }

    /// Channels that the experts' last product gives: those of the stream, and in MXFP4 padding to whole lanes.
    pub fn down_outputs(&self, config: &Config) -> usize {
        match self.strategy.experts {
            Precision::Mxfp4 => config.hidden.next_multiple_of(self.spelling.lanes),
            _ => config.hidden,
        }
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(target: &str, experts: Precision) -> Plan {
        Plan::new(&Target::named(target).expect("a target"), Strategy::new(experts), 4096)
    }

    #[test]
    fn experts_are_divided_into_whole_blocks_and_lanes() {
        let config = Config::gpt_oss_20b();
        let rows = [
            ("v5e-1", 2880, 2944),
            ("tpu7x-2", 1472, 2944),
            ("v6e-4", 768, 2944),
            ("v2-8", 384, 2944),
            ("cpu-4", 736, 2880),
        ];
        for (target, width, outputs) in rows {
            let plan = plan(target, Precision::Mxfp4);
            assert_eq!((plan.expert_width(&config), plan.down_outputs(&config)), (width, outputs), "{target}");
        }
        assert_eq!(plan("v6e-4", Precision::Fp8).down_outputs(&config), 2880);
    }

    #[test]
    fn heads_are_divided_as_far_as_they_go() {
        let config = Config { kv_heads: 6, query_heads: 12, ..Config::gpt_oss_20b() };
        let found =
            [1, 2, 4, 8, 9].map(|devices| Plan { devices, ..plan("cpu", Precision::Bf16) }.head_devices(&config));
        assert_eq!(found, [1, 2, 2, 2, 3]);
    }
}
