//! What an instruction is and does, told from what is inside of it: a fusion is named after its heaviest op, comes from the
//! scope of that op, and reads of its operands what it looks at.

use std::collections::HashSet;

use super::program::{Program, op_name};
use super::shape::{self, main_memory_bytes};
use crate::pjrt::proto::{HloComputationProto, HloInstructionProto, ShapeProto};

/// The ops that name a fusion: the first that is inside of it. A product shows as `convolution` on TPU.
const NAMING: [&str; 13] = [
    "convolution",
    "dot",
    "custom-call",
    "sort",
    "scatter",
    "gather",
    "reduce-window",
    "dynamic-update-slice",
    "reduce",
    "dynamic-slice",
    "concatenate",
    "pad",
    "iota",
];

/// Ops that compute nothing: a fusion of only these, with a copy or a transpose among them, changes a layout.
const MOVING: [&str; 8] =
    ["parameter", "copy", "transpose", "bitcast", "bitcast-convert", "reshape", "tuple", "get-tuple-element"];

/// Fusions inside of fusions are looked into this deep.
const DEPTH: usize = 8;

/// Ops of a fusion, those of fusions inside of it included.
fn ops<'a>(program: &Program<'a>, computation: &'a HloComputationProto, depth: usize) -> Vec<&'a HloInstructionProto> {
    let mut found: Vec<&HloInstructionProto> = computation.instructions.iter().collect();
    if depth < DEPTH {
        let fusions = computation.instructions.iter().filter(|instruction| instruction.opcode == "fusion");
        let inner = fusions.flat_map(|fusion| program.called(fusion));
        found.extend(inner.flat_map(|inner| ops(program, inner, depth + 1)).collect::<Vec<_>>());
    }
    found
}

/// What is inside of a fusion; nothing for what is none.
pub(super) fn ops_of<'a>(program: &Program<'a>, instruction: &HloInstructionProto) -> Vec<&'a HloInstructionProto> {
    match instruction.opcode.as_str() {
        "fusion" => program.called(instruction).flat_map(|computation| ops(program, computation, 0)).collect(),
        _ => Vec::new(),
    }
}

/// What an instruction is.
pub(super) struct Nature {
    /// `convolution fusion`, `copy fusion`, `loop fusion`, or the opcode of what is no fusion.
    pub opcode: String,
    pub scope: String,
    /// Whether it only moves data.
    pub copies: bool,
}

/// Tells it for an instruction that stands inside of the scope `around`.
pub(super) fn nature(program: &Program<'_>, instruction: &HloInstructionProto, around: &str) -> Nature {
    let own = Some(op_name(instruction)).filter(|own| !own.is_empty());
    let opcode = instruction.opcode.as_str();
    if opcode != "fusion" {
        let copies = matches!(opcode, "copy" | "transpose" | "copy-start");
        return Nature { opcode: opcode.to_owned(), scope: own.unwrap_or(around).to_owned(), copies };
    }
    let inside = ops_of(program, instruction);
    let has = |opcode: &str| inside.iter().any(|op| op.opcode == opcode);
    let only_moves = inside.iter().all(|op| MOVING.contains(&op.opcode.as_str()) || op.opcode == "fusion");
    let copies = only_moves && (has("copy") || has("transpose") || has("bitcast-convert"));
    let naming = NAMING.into_iter().find(|opcode| has(opcode));
    let kind = instruction.fusion_kind.strip_prefix('k').unwrap_or("").to_lowercase();
    let opcode = match (copies, naming) {
        (true, _) => "copy fusion".to_owned(),
        (false, Some(name)) => format!("{name} fusion"),
        (false, None) => format!("{kind} fusion").trim_start().to_owned(),
    };
    let scopes = || inside.iter().filter(|op| !op_name(op).is_empty());
    let named = scopes().find(|op| Some(op.opcode.as_str()) == naming);
    let heaviest = named.filter(|op| matches!(op.opcode.as_str(), "convolution" | "dot")).map(|op| op_name(op));
    let scope = heaviest.or(own).or(named.or(scopes().next()).map(|op| op_name(op)));
    Nature { opcode, scope: scope.unwrap_or(around).to_owned(), copies }
}

/// Bytes of the device's main memory that one run reads and writes; none if an operand is a tuple, whose use is not told.
pub(super) fn moved_bytes(program: &Program<'_>, instruction: &HloInstructionProto) -> Option<u64> {
    let callee = match instruction.opcode.as_str() {
        "fusion" => Some(program.called(instruction).next()?),
        _ => None,
    };
    let mut total = written(program, instruction, callee)?;
    let mut seen = HashSet::new();
    for (place, id) in instruction.operand_ids.iter().enumerate() {
        let operand = program.instruction(*id)?.shape.as_ref()?;
        if !operand.tuple_shapes.is_empty() {
            return None;
        }
        let whole = main_memory_bytes(operand);
        // The same operand twice is read once, as far as anyone can tell.
        if whole == 0 || !seen.insert(id) {
            continue;
        }
        let looked_at = match callee {
            Some(callee) => read_of_parameter(program, callee, place, 0),
            None => read_by(instruction, place),
        };
        total = total.saturating_add(looked_at.map_or(whole, |part| part.min(whole)));
    }
    Some(total)
}

/// What a run writes: its result, or only the update where the rest stays in place.
fn written(
    program: &Program<'_>,
    instruction: &HloInstructionProto,
    callee: Option<&HloComputationProto>,
) -> Option<u64> {
    let whole = main_memory_bytes(instruction.shape.as_ref()?);
    let root = match callee {
        Some(callee) => program.instruction(callee.root_id)?,
        None => instruction,
    };
    let updated = |root: &HloInstructionProto| {
        let update = program.operand(root, 1).filter(|_| root.opcode == "dynamic-update-slice");
        update.and_then(|update| update.shape.as_ref()).map(shape::bytes)
    };
    Some(updated(root).map_or(whole, |update| update.min(whole)))
}

/// What `user` looks at of its operand number `place`, where that is not all of it.
fn read_by(user: &HloInstructionProto, place: usize) -> Option<u64> {
    let result = |shape: &Option<ShapeProto>| shape.as_ref().map(shape::bytes);
    match (user.opcode.as_str(), place) {
        ("dynamic-slice" | "slice" | "gather", 0) => result(&user.shape),
        // What is not updated stays where it is.
        ("dynamic-update-slice", 0) => Some(0),
        _ => None,
    }
}

/// The same for parameter number `place` of a fusion; none as soon as one of its users looks at all of it.
fn read_of_parameter(program: &Program<'_>, callee: &HloComputationProto, place: usize, depth: usize) -> Option<u64> {
    let is_own = |op: &&HloInstructionProto| op.opcode == "parameter" && op.parameter_number == place as i64;
    let parameter = callee.instructions.iter().find(is_own)?;
    read_of(program, callee, parameter, depth)
}

fn read_of(
    program: &Program<'_>,
    callee: &HloComputationProto,
    value: &HloInstructionProto,
    depth: usize,
) -> Option<u64> {
    if depth > DEPTH {
        return None;
    }
    let mut total = 0_u64;
    for user in &callee.instructions {
        for (place, id) in user.operand_ids.iter().enumerate() {
            if *id != value.id {
                continue;
            }
            let part = match user.opcode.as_str() {
                "fusion" => read_of_parameter(program, program.called(user).next()?, place, depth + 1)?,
                "bitcast" | "bitcast-convert" | "reshape" => read_of(program, callee, user, depth + 1)?,
                _ => read_by(user, place)?,
            };
            total = total.saturating_add(part);
        }
    }
    Some(total)
}
