//! What a compiler predicts that a program costs: the figures it left in its optimized program, summed over everything that
//! one launch runs. Knows the program's proto, and no device: nothing here was measured.

mod inside;
mod part;
mod products;
mod program;
mod shape;
#[cfg(test)]
mod tests;
mod trips;
mod walk;

use serde::{Deserialize, Serialize};

use crate::pjrt::proto::HloModuleProtoWithConfig;
pub use trips::Known;

/// How many of the dearest instructions are kept.
const DEAREST: usize = 200;

/// The prediction for one program. Cycles and bytes are those of one launch on one device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Loops' bodies times their trips, conditionals by their dearest branch. What has no figure is in `uncosted`.
    pub cycles: u64,
    /// Multiplications and additions of all products, counted in the optimized program with loops and branches as `cycles` has them;
    /// not what is padded to fill a unit. 0 in figures that were kept before this was counted.
    #[serde(default)]
    pub flops: u64,
    /// The same cycles by part of the model, the dearest first.
    pub parts: Vec<PartCost>,
    /// The dearest instructions, at most 200, the dearest first.
    pub instructions: Vec<InstructionCost>,
    /// What the compiler gave no figure for, whatever moves most bytes first.
    pub uncosted: Vec<Uncosted>,
    /// Kernels of ours, which the compiler gives no figure for either, in the order of their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kernels: Vec<KernelCost>,
    /// Exchanges between devices, in the order of the program.
    pub collectives: Vec<Collective>,
    /// In the order of the program, outer before inner.
    pub loops: Vec<LoopCost>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartCost {
    /// `attention`, `experts`, `router`, `head`, `sampling`, `embedding`, `norms`, `copies`, `collectives` or `other`.
    pub part: String,
    pub cycles: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstructionCost {
    pub name: String,
    /// With what is inside of it, if it is a fusion: `convolution fusion`, `copy`.
    pub opcode: String,
    pub part: String,
    /// The scope of the graph that it comes from, such as `layers.3.attention`; empty if the compiler does not say.
    pub scope: String,
    /// Of the result, such as `bf16[8, 2880]`.
    pub shape: String,
    /// How often it runs in one launch.
    pub trips: u64,
    /// Of all its runs.
    pub cycles: u64,
    /// What all its runs read from and write to the device's main memory, padding left out; none if that cannot be told.
    pub bytes: Option<u64>,
}

/// Instructions that cost something which the compiler does not tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uncosted {
    /// `copy-start` is a copy, and `slice-start` the copy of a part, that goes on beside other work.
    pub opcode: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_call_target: Option<String>,
    /// Instructions of the program, not how often they run.
    pub count: u64,
    /// The largest of their results, and the bytes that it holds.
    pub shape: String,
    pub largest_bytes: u64,
    /// What the results of all runs hold; a few bytes for arithmetic on scalars.
    pub bytes: u64,
}

/// Calls of one kernel with the same shapes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelCost {
    pub name: String,
    /// Of its result, such as `f32[4, 1, 5760]`.
    pub shape: String,
    /// How often it runs in one launch.
    pub trips: u64,
    /// What all its runs stream between memory and the core, as the kernel says of itself: at most, where a part is not needed.
    pub bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collective {
    /// Such as `all-reduce`, also for one that starts here and is waited for later.
    pub opcode: String,
    pub scope: String,
    pub shape: String,
    /// What one run leaves on each device.
    pub bytes: u64,
    /// How often it runs in one launch.
    pub trips: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopCost {
    pub name: String,
    pub scope: String,
    /// How often its body is counted each time it is entered.
    pub trips: u64,
    pub known: Known,
    /// How often it is entered in one launch.
    pub entered: u64,
    /// Of all its trips.
    pub cycles: u64,
}

impl Cost {
    /// Sums what the compiler noted in `program`. A program without a single figure costs 0 cycles, and says so by what is
    /// uncosted.
    pub fn of(program: &HloModuleProtoWithConfig) -> Cost {
        program.hlo_module.as_ref().map(|module| walk::cost(module, DEAREST)).unwrap_or_default()
    }

    /// Bytes that all runs of kernels stream in one launch.
    pub fn kernel_bytes(&self) -> u64 {
        self.kernels.iter().map(|kernel| kernel.bytes).fold(0, u64::saturating_add)
    }

    /// How often kernels run in one launch.
    pub fn kernel_runs(&self) -> u64 {
        self.kernels.iter().map(|kernel| kernel.trips).fold(0, u64::saturating_add)
    }

    /// Whether the compiler priced anything at all; XLA's CPU compiler does not.
    pub fn is_predicted(&self) -> bool {
        self.cycles > 0
    }
}
