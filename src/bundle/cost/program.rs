//! A module with its computations and instructions at hand by id, and the figure that an instruction carries.

use std::collections::HashMap;

use crate::pjrt::proto::{HloComputationProto, HloInstructionProto, HloModuleProto};

pub(super) struct Program<'a> {
    module: &'a HloModuleProto,
    computations: HashMap<i64, &'a HloComputationProto>,
    instructions: HashMap<i64, &'a HloInstructionProto>,
    /// What ends an instruction that only begins, by the id of the latter.
    ends: HashMap<i64, &'a HloInstructionProto>,
}

impl<'a> Program<'a> {
    pub fn new(module: &'a HloModuleProto) -> Program<'a> {
        let instructions = || module.computations.iter().flat_map(|computation| &computation.instructions);
        let is_end = |instruction: &&HloInstructionProto| instruction.opcode.ends_with("-done");
        let end = |end: &'a HloInstructionProto| end.operand_ids.first().map(|begin| (*begin, end));
        Program {
            module,
            computations: module.computations.iter().map(|computation| (computation.id, computation)).collect(),
            instructions: instructions().map(|instruction| (instruction.id, instruction)).collect(),
            ends: instructions().filter(is_end).filter_map(end).collect(),
        }
    }

    pub fn entry(&self) -> Option<&'a HloComputationProto> {
        self.computation(self.module.entry_computation_id)
    }

    pub fn computation(&self, id: i64) -> Option<&'a HloComputationProto> {
        self.computations.get(&id).copied()
    }

    pub fn instruction(&self, id: i64) -> Option<&'a HloInstructionProto> {
        self.instructions.get(&id).copied()
    }

    /// The computations that `instruction` runs, in order.
    pub fn called(&self, instruction: &HloInstructionProto) -> impl Iterator<Item = &'a HloComputationProto> {
        instruction.called_computation_ids.iter().filter_map(|id| self.computation(*id))
    }

    pub fn operand(&self, instruction: &HloInstructionProto, place: usize) -> Option<&'a HloInstructionProto> {
        instruction.operand_ids.get(place).and_then(|id| self.instruction(*id))
    }

    /// The instruction that waits for `begin`, directly or after others that hand it on.
    pub fn end(&self, begin: &HloInstructionProto) -> Option<&'a HloInstructionProto> {
        self.ends.get(&begin.id).copied()
    }

    /// The compiler's figure for one run of `instruction`; libtpu keeps it beside the window that it chose.
    pub fn figure(&self, instruction: &HloInstructionProto) -> Option<u64> {
        self.config(instruction, &[&["estimated_cycles"], &["window_config", "estimated_cycles"]])
    }

    /// How often a loop runs, where the compiler says it.
    pub fn known_trips(&self, instruction: &HloInstructionProto) -> Option<u64> {
        self.config(instruction, &[&["known_trip_count", "n"]])
    }

    /// The number at the first of `places` that has one, as JSON or as text.
    fn config(&self, instruction: &HloInstructionProto, places: &[&[&str]]) -> Option<u64> {
        let bytes = self.module.backend_config(instruction);
        let config: serde_json::Value = serde_json::from_slice(bytes).ok()?;
        places.iter().find_map(|place| {
            let value = place.iter().try_fold(&config, |value, name| value.get(name))?;
            let number = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
            // The largest number stands for no figure, and so does whatever is negative.
            u64::try_from(number).ok().filter(|_| number < i64::MAX)
        })
    }
}

/// Where an instruction comes from; empty if the compiler does not say.
pub(super) fn op_name(instruction: &HloInstructionProto) -> &str {
    instruction.metadata.as_ref().map_or("", |metadata| metadata.op_name.as_str())
}
