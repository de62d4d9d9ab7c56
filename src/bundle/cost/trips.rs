//! How often a loop runs: as the compiler says, as its condition and its counter tell, or as our graph promised.

use std::cell::Cell;

use serde::{Deserialize, Serialize};

use super::program::Program;
use crate::pjrt::proto::{HloComputationProto, HloInstructionProto};

/// The attribute by which a graph promises a loop's largest number of trips; `hlo::Builder::while_loop_at_most` writes it.
const PROMISE: &str = "precast_trips";

/// How the trips of a loop are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Known {
    /// It always runs so often.
    #[serde(rename = "constant")]
    Constant,
    /// It runs at most so often.
    #[serde(rename = "bound")]
    Bound,
    /// Nothing tells; its body is counted once.
    #[serde(rename = "unknown: counted once")]
    Unknown,
}

impl std::fmt::Display for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Known::Constant => "constant",
            Known::Bound => "bound",
            Known::Unknown => "unknown: counted once",
        })
    }
}

/// The trips of `while`.
pub(super) fn trips(program: &Program<'_>, instruction: &HloInstructionProto) -> (u64, Known) {
    if let Some(trips) = program.known_trips(instruction) {
        return (trips, Known::Constant);
    }
    let counted = counted(program, instruction);
    if let Some((trips, Known::Constant)) = counted {
        return (trips, Known::Constant);
    }
    let promised = promised(instruction);
    match counted.map(|(trips, _)| trips).into_iter().chain(promised).min() {
        Some(bound) => (bound, Known::Bound),
        None => (1, Known::Unknown),
    }
}

fn promised(instruction: &HloInstructionProto) -> Option<u64> {
    instruction.frontend_attributes.as_ref()?.map.get(PROMISE)?.parse().ok()
}

/// What can be said of a value inside of a loop, as far as counting needs it.
#[derive(Clone, Debug)]
enum Value {
    Integer(i64),
    AtMost(i64),
    /// An element of the loop's state plus a number.
    State(usize, i64),
    /// The loop's state itself.
    Whole,
    Tuple(Vec<Value>),
    Compare(Box<Value>, Direction, Box<Value>),
    /// One of these must hold, and something else too.
    And(Vec<Value>),
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Differs,
}

impl Direction {
    fn named(name: &str) -> Option<Direction> {
        Some(match name {
            "LT" => Direction::Less,
            "LE" => Direction::LessOrEqual,
            "GT" => Direction::Greater,
            "GE" => Direction::GreaterOrEqual,
            "NE" => Direction::Differs,
            _ => return None,
        })
    }

    /// The same with its sides exchanged.
    fn turned(self) -> Direction {
        match self {
            Direction::Less => Direction::Greater,
            Direction::LessOrEqual => Direction::GreaterOrEqual,
            Direction::Greater => Direction::Less,
            Direction::GreaterOrEqual => Direction::LessOrEqual,
            Direction::Differs => Direction::Differs,
        }
    }
}

/// Instructions that the reading of one loop may look at; a counter is a matter of a few.
const EFFORT: u32 = 20_000;
/// Instructions on the way to a value; the walk is recursive.
const DEEPEST: usize = 200;

struct Reader<'p, 'a> {
    program: &'p Program<'a>,
    effort: Cell<u32>,
}

/// The trips that a loop's counter tells: it begins with a constant, takes constant steps, and is compared with a constant or
/// with what is at most a constant.
fn counted(program: &Program<'_>, instruction: &HloInstructionProto) -> Option<(u64, Known)> {
    let [body, condition] = program.called(instruction).collect::<Vec<_>>().try_into().ok()?;
    let reader = Reader { program, effort: Cell::new(EFFORT) };
    let start = program.operand(instruction, 0)?;
    match reader.root(condition, &[Value::Whole], 0) {
        Value::Compare(left, direction, right) => reader.count(body, start, &left, direction, &right),
        Value::And(parts) => {
            let count = |part: &Value| match part {
                Value::Compare(left, direction, right) => reader.count(body, start, left, *direction, right),
                _ => None,
            };
            // Whatever else must hold can only end the loop earlier.
            parts.iter().filter_map(count).map(|(trips, _)| (trips, Known::Bound)).min_by_key(|(trips, _)| *trips)
        }
        _ => None,
    }
}

impl Reader<'_, '_> {
    fn count(
        &self,
        body: &HloComputationProto,
        start: &HloInstructionProto,
        left: &Value,
        direction: Direction,
        right: &Value,
    ) -> Option<(u64, Known)> {
        let step = |value: &Value| match *value {
            Value::State(place, offset) => match self.next(body, place) {
                Value::State(from, step) if from == place => Some((place, offset, step)),
                _ => None,
            },
            _ => None,
        };
        let (counter, direction, limit) = match step(left).filter(|(_, _, step)| *step != 0) {
            Some(counter) => (counter, direction, right),
            None => (step(right).filter(|(_, _, step)| *step != 0)?, direction.turned(), left),
        };
        let (place, offset, step) = counter;
        let Value::Integer(first) = self.element(start, place, &[], 0) else { return None };
        let first = i128::from(first) + i128::from(offset);
        let (limit, known) = match *limit {
            Value::Integer(limit) => (i128::from(limit), Known::Constant),
            Value::AtMost(limit) => (i128::from(limit), Known::Bound),
            // A limit that is carried along must not change on the way.
            Value::State(place, offset) if matches!(self.next(body, place), Value::State(from, 0) if from == place) => {
                match self.element(start, place, &[], 0) {
                    Value::Integer(limit) => (i128::from(limit) + i128::from(offset), Known::Constant),
                    Value::AtMost(limit) => (i128::from(limit) + i128::from(offset), Known::Bound),
                    _ => return None,
                }
            }
            _ => return None,
        };
        let step = i128::from(step);
        let distance = limit - first;
        let whole = |distance: i128, step: i128| if distance <= 0 { 0 } else { (distance + step - 1) / step };
        let trips = match direction {
            Direction::Less if step > 0 => whole(distance, step),
            Direction::LessOrEqual if step > 0 => whole(distance + 1, step),
            // From above, what is at most a limit bounds nothing.
            Direction::Greater if step < 0 && known == Known::Constant => whole(-distance, -step),
            Direction::GreaterOrEqual if step < 0 && known == Known::Constant => whole(1 - distance, -step),
            Direction::Differs if known == Known::Constant && distance % step == 0 && distance / step >= 0 => {
                distance / step
            }
            _ => return None,
        };
        u64::try_from(trips).ok().map(|trips| (trips, known))
    }

    /// Element `place` of the state that `body` gives.
    fn next(&self, body: &HloComputationProto, place: usize) -> Value {
        match self.program.instruction(body.root_id) {
            Some(root) => self.element(root, place, &[Value::Whole], 0),
            None => Value::Unknown,
        }
    }

    /// Element `place` of a tuple.
    fn element(&self, tuple: &HloInstructionProto, place: usize, parameters: &[Value], depth: usize) -> Value {
        // Not the others: a loop's state may be large.
        if tuple.opcode == "tuple" {
            return self.operand(tuple, place, parameters, depth);
        }
        match self.value(tuple, parameters, depth) {
            Value::Whole => Value::State(place, 0),
            Value::Tuple(mut parts) if place < parts.len() => parts.swap_remove(place),
            _ => Value::Unknown,
        }
    }

    fn root(&self, computation: &HloComputationProto, parameters: &[Value], depth: usize) -> Value {
        match self.program.instruction(computation.root_id) {
            Some(root) => self.value(root, parameters, depth),
            None => Value::Unknown,
        }
    }

    fn operand(&self, of: &HloInstructionProto, place: usize, parameters: &[Value], depth: usize) -> Value {
        match self.program.operand(of, place) {
            Some(operand) => self.value(operand, parameters, depth),
            None => Value::Unknown,
        }
    }

    /// What `instruction` gives in a computation whose parameters are `parameters`.
    fn value(&self, instruction: &HloInstructionProto, parameters: &[Value], depth: usize) -> Value {
        let effort = self.effort.get();
        if effort == 0 || depth > DEEPEST {
            return Value::Unknown;
        }
        self.effort.set(effort - 1);
        let operand = |place: usize| self.operand(instruction, place, parameters, depth + 1);
        match instruction.opcode.as_str() {
            "constant" => integer(instruction).map_or(Value::Unknown, Value::Integer),
            "parameter" => {
                let place = usize::try_from(instruction.parameter_number).unwrap_or(usize::MAX);
                parameters.get(place).cloned().unwrap_or(Value::Unknown)
            }
            "get-tuple-element" => match self.program.operand(instruction, 0) {
                Some(tuple) => {
                    let place = usize::try_from(instruction.tuple_index).unwrap_or(usize::MAX);
                    self.element(tuple, place, parameters, depth + 1)
                }
                None => Value::Unknown,
            },
            "tuple" => Value::Tuple((0..instruction.operand_ids.len()).map(operand).collect()),
            "copy" | "bitcast" | "reshape" | "copy-done" | "copy-start" | "opt-barrier" => operand(0),
            "add" => sum(operand(0), operand(1), 1),
            "subtract" => sum(operand(0), operand(1), -1),
            "minimum" => match (operand(0), operand(1)) {
                (Value::Integer(a), Value::Integer(b)) => Value::Integer(a.min(b)),
                (Value::Integer(a) | Value::AtMost(a), Value::Integer(b) | Value::AtMost(b)) => Value::AtMost(a.min(b)),
                (Value::Integer(a) | Value::AtMost(a), _) | (_, Value::Integer(a) | Value::AtMost(a)) => {
                    Value::AtMost(a)
                }
                _ => Value::Unknown,
            },
            "compare" => match Direction::named(&instruction.comparison_direction) {
                Some(direction) => Value::Compare(Box::new(operand(0)), direction, Box::new(operand(1))),
                None => Value::Unknown,
            },
            "and" => {
                let parts = [operand(0), operand(1)].into_iter().flat_map(|part| match part {
                    Value::And(parts) => parts,
                    part => vec![part],
                });
                Value::And(parts.collect())
            }
            "fusion" | "call" => {
                let arguments: Vec<Value> = (0..instruction.operand_ids.len()).map(operand).collect();
                match self.program.called(instruction).next() {
                    Some(callee) => self.root(callee, &arguments, depth + 1),
                    None => Value::Unknown,
                }
            }
            _ => Value::Unknown,
        }
    }
}

fn sum(left: Value, right: Value, sign: i64) -> Value {
    let added = |a: i64, b: i64| sign.checked_mul(b).and_then(|b| a.checked_add(b));
    let (make, number): (fn(i64) -> Value, _) = match (left, right) {
        (Value::Integer(a), Value::Integer(b)) => (Value::Integer, added(a, b)),
        (Value::AtMost(a), Value::Integer(b)) => (Value::AtMost, added(a, b)),
        (Value::Integer(a), Value::AtMost(b)) if sign > 0 => (Value::AtMost, added(a, b)),
        (Value::State(place, a), Value::Integer(b)) => {
            return added(a, b).map_or(Value::Unknown, |offset| Value::State(place, offset));
        }
        (Value::Integer(a), Value::State(place, b)) if sign > 0 => {
            return added(a, b).map_or(Value::Unknown, |offset| Value::State(place, offset));
        }
        _ => return Value::Unknown,
    };
    number.map_or(Value::Unknown, make)
}

/// The value of a constant that holds one integer.
fn integer(constant: &HloInstructionProto) -> Option<i64> {
    let literal = constant.literal.as_ref()?;
    let all = literal.s32s.iter().map(|&value| Some(i64::from(value)));
    let all = all.chain(literal.s64s.iter().map(|&value| Some(value)));
    let all = all.chain(literal.u32s.iter().map(|&value| Some(i64::from(value))));
    let mut all = all.chain(literal.u64s.iter().map(|&value| i64::try_from(value).ok()));
    let first = all.next()??;
    all.next().is_none().then_some(first)
}
