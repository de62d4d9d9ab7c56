//! The walk over everything that one launch runs.

use std::collections::{BTreeMap, HashMap};

use hlo::kernel::{BYTES_ATTRIBUTE, NAME_ATTRIBUTE};

use super::inside::{moved_bytes, nature};
use super::part;
use super::products;
use super::program::{Program, op_name};
use super::shape;
use super::trips::trips;
use super::{Collective, Cost, InstructionCost, KernelCost, LoopCost, PartCost, Uncosted};
use crate::pjrt::proto::{HloComputationProto, HloInstructionProto, HloModuleProto, ShapeProto};

/// Instructions that name, pack and unpack values, and run nothing.
const FREE: [&str; 13] = [
    "parameter",
    "constant",
    "tuple",
    "get-tuple-element",
    "bitcast",
    "after-all",
    "add-dependency",
    "partition-id",
    "replica-id",
    "opt-barrier",
    "domain",
    "get-dimension-size",
    "set-dimension-size",
];

const COLLECTIVES: [&str; 8] = [
    "all-reduce",
    "all-gather",
    "reduce-scatter",
    "collective-permute",
    "all-to-all",
    "ragged-all-to-all",
    "collective-broadcast",
    "collective-reduce",
];

pub(super) fn cost(module: &HloModuleProto, dearest: usize) -> Cost {
    let program = Program::new(module);
    let Some(entry) = program.entry() else { return Cost::default() };
    let mut walk = Walk {
        prices: HashMap::new(),
        open: Vec::new(),
        cost: Cost::default(),
        parts: BTreeMap::new(),
        uncosted: BTreeMap::new(),
        kernels: BTreeMap::new(),
        program: &program,
    };
    walk.cost.cycles = walk.price(entry);
    walk.record(entry, 1, "");
    walk.finish(dearest)
}

/// How an instruction counts.
enum Kind<'a> {
    Free,
    /// Runs other computations, and nothing by itself.
    While,
    Conditional,
    Call,
    /// One run costs so much.
    Costed(u64),
    /// Begins what another waits for; the price is that of the computation inside.
    Begun(&'a HloComputationProto),
    Uncosted,
}

struct Walk<'p, 'a> {
    program: &'p Program<'a>,
    /// Of one run of a computation, by its id.
    prices: HashMap<i64, u64>,
    /// Computations that are being recorded; none of them may call itself, and none is entered twice.
    open: Vec<i64>,
    cost: Cost,
    parts: BTreeMap<&'static str, u64>,
    uncosted: BTreeMap<(String, Option<String>), Group>,
    /// Runs and bytes by name and shape.
    kernels: BTreeMap<(String, String), (u64, u64)>,
}

#[derive(Default)]
struct Group {
    count: u64,
    largest: u64,
    shape: String,
    bytes: u64,
}

impl<'a> Walk<'_, 'a> {
    fn kind(&self, instruction: &'a HloInstructionProto) -> Kind<'a> {
        let opcode = instruction.opcode.as_str();
        match opcode {
            "while" => return Kind::While,
            "conditional" => return Kind::Conditional,
            "call" => return Kind::Call,
            // Counted where it begins.
            _ if FREE.contains(&opcode) || opcode.ends_with("-done") || opcode.ends_with("-update") => {
                return Kind::Free;
            }
            _ => {}
        }
        if let Some(cycles) = self.program.figure(instruction) {
            return Kind::Costed(cycles);
        }
        let end = self.program.end(instruction);
        if let Some(cycles) = end.and_then(|end| self.program.figure(end)) {
            return Kind::Costed(cycles);
        }
        match self.program.called(instruction).next() {
            Some(callee) if opcode == "async-start" && self.holds_a_figure(callee) => Kind::Begun(callee),
            _ => Kind::Uncosted,
        }
    }

    fn holds_a_figure(&self, computation: &HloComputationProto) -> bool {
        computation.instructions.iter().any(|instruction| self.program.figure(instruction).is_some())
    }

    /// Cycles of one run of `computation`.
    fn price(&mut self, computation: &'a HloComputationProto) -> u64 {
        if let Some(price) = self.prices.get(&computation.id) {
            return *price;
        }
        // What calls itself, which no compiler lets pass, adds nothing by that.
        self.prices.insert(computation.id, 0);
        let mut total = 0_u64;
        for instruction in &computation.instructions {
            let called: Vec<_> = self.program.called(instruction).collect();
            let price = match self.kind(instruction) {
                Kind::Free | Kind::Uncosted => 0,
                Kind::Costed(cycles) => cycles,
                Kind::Begun(callee) => self.price(callee),
                Kind::While => self.sum(&called).saturating_mul(trips(self.program, instruction).0),
                Kind::Call => self.sum(&called),
                Kind::Conditional => called.iter().map(|branch| self.price(branch)).max().unwrap_or_default(),
            };
            total = total.saturating_add(price);
        }
        self.prices.insert(computation.id, total);
        total
    }

    fn sum(&mut self, computations: &[&'a HloComputationProto]) -> u64 {
        computations.iter().map(|computation| self.price(computation)).fold(0, u64::saturating_add)
    }

    /// Takes down what `computation` holds, which runs `runs` times in one launch, 0 for a branch that is not the dearest.
    /// What has no scope of its own has that of what is `around` it.
    fn record(&mut self, computation: &'a HloComputationProto, runs: u64, around: &'a str) {
        if self.open.contains(&computation.id) {
            return;
        }
        self.open.push(computation.id);
        for instruction in &computation.instructions {
            let called: Vec<_> = self.program.called(instruction).collect();
            let kind = self.kind(instruction);
            let scope = Some(op_name(instruction)).filter(|own| !own.is_empty()).unwrap_or(around);
            let products = products::flops(self.program, instruction).saturating_mul(runs);
            self.cost.flops = self.cost.flops.saturating_add(products);
            if !matches!(kind, Kind::Begun(_)) {
                self.collective(instruction, runs, around);
            }
            match kind {
                Kind::Free => {}
                Kind::Costed(cycles) => self.costed(instruction, runs, cycles, around),
                Kind::Uncosted if kernel(instruction).is_some() => self.kernel(instruction, runs),
                Kind::Uncosted => self.uncosted(instruction, runs),
                Kind::Begun(callee) => self.record(callee, runs, scope),
                Kind::Call => called.into_iter().for_each(|callee| self.record(callee, runs, scope)),
                Kind::While => {
                    let (trips, known) = trips(self.program, instruction);
                    let inside = self.sum(&called);
                    let all = runs.saturating_mul(trips);
                    self.cost.loops.push(LoopCost {
                        name: instruction.name.clone(),
                        scope: op_name(instruction).to_owned(),
                        trips,
                        known,
                        entered: runs,
                        cycles: inside.saturating_mul(all),
                    });
                    called.into_iter().for_each(|callee| self.record(callee, all, scope));
                }
                Kind::Conditional => {
                    let prices: Vec<u64> = called.iter().map(|branch| self.price(branch)).collect();
                    let dearest = prices.iter().enumerate().rev().max_by_key(|(_, price)| **price);
                    let dearest = dearest.map(|(place, _)| place);
                    for (place, branch) in called.into_iter().enumerate() {
                        // What the others leave without a figure must be told all the same.
                        self.record(branch, if Some(place) == dearest { runs } else { 0 }, scope);
                    }
                }
            }
        }
        self.open.pop();
    }

    fn costed(&mut self, instruction: &HloInstructionProto, runs: u64, cycles: u64, around: &str) {
        let cycles = cycles.saturating_mul(runs);
        if cycles == 0 {
            return;
        }
        let nature = nature(self.program, instruction, around);
        let part = match (collective(instruction, self.program), nature.copies) {
            (Some(_), _) => part::COLLECTIVES,
            (None, true) => part::COPIES,
            (None, false) => part::of_scope(&nature.scope),
        };
        let total = self.parts.entry(part).or_default();
        *total = total.saturating_add(cycles);
        self.cost.instructions.push(InstructionCost {
            name: instruction.name.clone(),
            opcode: nature.opcode,
            part: part.to_owned(),
            scope: nature.scope,
            shape: shape_text(instruction.shape.as_ref()),
            trips: runs,
            cycles,
            bytes: moved_bytes(self.program, instruction).map(|bytes| bytes.saturating_mul(runs)),
        });
    }

    fn kernel(&mut self, instruction: &HloInstructionProto, runs: u64) {
        let Some((name, bytes)) = kernel(instruction) else { return };
        let all = self.kernels.entry((name.to_owned(), shape_text(instruction.shape.as_ref()))).or_default();
        all.0 = all.0.saturating_add(runs);
        all.1 = all.1.saturating_add(bytes.saturating_mul(runs));
    }

    fn uncosted(&mut self, instruction: &HloInstructionProto, runs: u64) {
        let target = Some(&instruction.custom_call_target).filter(|target| !target.is_empty()).cloned();
        let inner = self.program.called(instruction).next().filter(|_| instruction.opcode == "async-start");
        let inner = inner.and_then(|callee| self.program.instruction(callee.root_id));
        let opcode = match inner {
            Some(inner) => format!("{}-start", inner.opcode),
            None => instruction.opcode.clone(),
        };
        // What begins here gives a tuple of buffers; what waits for it gives the result.
        let shape = self.program.end(instruction).unwrap_or(instruction).shape.as_ref();
        let bytes = shape.map_or(0, shape::bytes);
        let group = self.uncosted.entry((opcode, target)).or_default();
        if group.count == 0 || bytes > group.largest {
            group.shape = shape_text(shape);
            group.largest = bytes;
        }
        group.count += 1;
        group.bytes = group.bytes.saturating_add(bytes.saturating_mul(runs));
    }

    fn collective(&mut self, instruction: &HloInstructionProto, runs: u64, around: &str) {
        let Some(opcode) = collective(instruction, self.program).filter(|_| runs > 0) else { return };
        let shape = self.program.end(instruction).unwrap_or(instruction).shape.as_ref();
        self.cost.collectives.push(Collective {
            opcode: opcode.to_owned(),
            scope: nature(self.program, instruction, around).scope,
            shape: shape_text(shape),
            bytes: shape.map_or(0, shape::bytes),
            trips: runs,
        });
    }

    fn finish(self, dearest: usize) -> Cost {
        let mut cost = self.cost;
        cost.parts = self.parts.into_iter().map(|(part, cycles)| PartCost { part: part.to_owned(), cycles }).collect();
        cost.parts.sort_by_key(|part| std::cmp::Reverse(part.cycles));
        cost.instructions.sort_by_key(|instruction| std::cmp::Reverse(instruction.cycles));
        cost.instructions.truncate(dearest);
        let groups = self.uncosted.into_iter().map(|((opcode, custom_call_target), group)| Uncosted {
            opcode,
            custom_call_target,
            count: group.count,
            shape: group.shape,
            largest_bytes: group.largest,
            bytes: group.bytes,
        });
        let kernels = self.kernels.into_iter();
        let kernels = kernels.map(|((name, shape), (trips, bytes))| KernelCost { name, shape, trips, bytes });
        cost.kernels = kernels.collect();
        cost.uncosted = groups.collect();
        cost.uncosted.sort_by_key(|group| std::cmp::Reverse(group.bytes));
        cost
    }
}

/// The name of the kernel that an instruction calls, and the bytes that one run streams, as the call says.
fn kernel(instruction: &HloInstructionProto) -> Option<(&str, u64)> {
    let attributes = &instruction.frontend_attributes.as_ref()?.map;
    let name = attributes.get(NAME_ATTRIBUTE).filter(|_| instruction.opcode == "custom-call")?;
    Some((name, attributes.get(BYTES_ATTRIBUTE)?.parse().ok()?))
}

/// The collective that an instruction is, begins or holds.
fn collective<'a>(instruction: &'a HloInstructionProto, program: &Program<'a>) -> Option<&'a str> {
    let opcode = instruction.opcode.strip_suffix("-start").unwrap_or(&instruction.opcode);
    let known = |opcode: &&str| COLLECTIVES.contains(opcode);
    match opcode {
        "async" | "fusion" => {
            let inside = program.called(instruction).flat_map(|callee| &callee.instructions);
            inside.map(|inner| inner.opcode.as_str()).find(known)
        }
        own => Some(own).filter(known),
    }
}

fn shape_text(shape: Option<&ShapeProto>) -> String {
    shape.map(shape::text).unwrap_or_default()
}
