//! The walk over programs made by hand, a claim each.

use std::collections::HashMap;

use super::{Collective, Cost, Known};
use crate::pjrt::proto::{
    BackendConfigPayload, ConvolutionDimensionNumbers, DotDimensionNumbers, FrontendAttributes, HloComputationProto,
    HloInstructionProto, HloModuleProto, HloModuleProtoWithConfig, LayoutProto, LiteralProto, OpMetadata, Payload,
    ShapeProto, Window, WindowDimension,
};

const S32: i32 = 4;
const F32: i32 = 11;
const TUPLE: i32 = 13;
const BF16: i32 = 16;

fn shape(element_type: i32, dimensions: &[i64]) -> ShapeProto {
    ShapeProto { element_type, dimensions: dimensions.to_vec(), ..ShapeProto::default() }
}

/// An instruction by its local number, which later ones name as operand.
fn op(number: i64, opcode: &str, operands: &[i64]) -> HloInstructionProto {
    HloInstructionProto {
        id: number,
        name: format!("{opcode}.{number}"),
        opcode: opcode.into(),
        operand_ids: operands.to_vec(),
        shape: Some(shape(F32, &[2, 8])),
        ..HloInstructionProto::default()
    }
}

trait With: Sized {
    fn cycles(self, cycles: u64) -> Self;
    fn scope(self, scope: &str) -> Self;
    fn of(self, element: i32, dims: &[i64]) -> Self;
    fn calls(self, computations: &[i64]) -> Self;
}

impl With for HloInstructionProto {
    /// As libtpu writes it.
    fn cycles(mut self, cycles: u64) -> Self {
        self.backend_config = format!(r#"{{"window_config":{{"estimated_cycles":"{cycles}"}}}}"#).into_bytes();
        self
    }

    fn scope(mut self, scope: &str) -> Self {
        self.metadata = Some(OpMetadata { op_name: scope.into(), ..OpMetadata::default() });
        self
    }

    fn of(mut self, element: i32, dims: &[i64]) -> Self {
        self.shape = Some(shape(element, dims));
        self
    }

    fn calls(mut self, computations: &[i64]) -> Self {
        self.called_computation_ids = computations.to_vec();
        self
    }
}

fn constant(number: i64, value: i32) -> HloInstructionProto {
    let literal = Some(LiteralProto { s32s: vec![value], ..LiteralProto::default() });
    HloInstructionProto { literal, ..op(number, "constant", &[]).of(S32, &[]) }
}

fn element(number: i64, of: i64, place: i64) -> HloInstructionProto {
    HloInstructionProto { tuple_index: place, ..op(number, "get-tuple-element", &[of]).of(S32, &[]) }
}

fn compare(number: i64, left: i64, direction: &str, right: i64) -> HloInstructionProto {
    HloInstructionProto { comparison_direction: direction.into(), ..op(number, "compare", &[left, right]).of(1, &[]) }
}

/// A computation; its last instruction is the root. Numbers become ids of their own.
fn computation(id: i64, instructions: Vec<HloInstructionProto>) -> HloComputationProto {
    let full = |number: i64| (id << 32) | number;
    let root_id = full(instructions.last().expect("an instruction").id);
    let instructions = instructions.into_iter().map(|instruction| HloInstructionProto {
        id: full(instruction.id),
        operand_ids: instruction.operand_ids.iter().map(|number| full(*number)).collect(),
        ..instruction
    });
    HloComputationProto {
        id,
        name: format!("c{id}"),
        instructions: instructions.collect(),
        root_id,
        ..Default::default()
    }
}

/// The cost of a module whose entry is the first computation.
fn cost(computations: Vec<HloComputationProto>) -> Cost {
    let entry_computation_id = computations[0].id;
    let module = HloModuleProto { computations, entry_computation_id, ..HloModuleProto::default() };
    Cost::of(&HloModuleProtoWithConfig { hlo_module: Some(module), config: None })
}

/// `while (i < limit) i += 1`, from 0, with a body of `cycles`: condition `id`, body `id + 1`; the counter is element 0.
fn counting(id: i64, limit: i32, cycles: u64) -> [HloComputationProto; 2] {
    let condition =
        computation(id, vec![op(1, "parameter", &[]), element(2, 1, 0), constant(3, limit), compare(4, 2, "LT", 3)]);
    let mut body = vec![op(1, "parameter", &[]), element(2, 1, 0), constant(3, 1), op(4, "add", &[2, 3]).cycles(0)];
    body.push(op(5, "fusion", &[]).cycles(cycles).scope("layers.1.moe"));
    body.push(op(6, "tuple", &[4, 5]));
    [condition, computation(id + 1, body)]
}

/// The entry's ops for a loop over `counting(id, ..)`.
fn looping(id: i64) -> Vec<HloInstructionProto> {
    vec![constant(1, 0), op(2, "tuple", &[1]), op(3, "while", &[2]).calls(&[id + 1, id])]
}

fn uncosted(cost: &Cost) -> Vec<(&str, u64)> {
    cost.uncosted.iter().map(|group| (group.opcode.as_str(), group.count)).collect()
}

fn part(cost: &Cost, name: &str) -> Option<u64> {
    cost.parts.iter().find(|part| part.part == name).map(|part| part.cycles)
}

#[test]
fn figures_are_read_in_every_form_and_nonsense_is_no_figure() {
    let config = |text: &str| HloInstructionProto { backend_config: text.into(), ..op(1, "fusion", &[]) };
    for (text, expected) in [
        (r#"{"estimated_cycles":"12"}"#, Some(12)),
        (r#"{"estimated_cycles":12}"#, Some(12)),
        (r#"{"window_config":{"estimated_cycles":"12"}}"#, Some(12)),
        (r#"{"estimated_cycles":"-1"}"#, None),
        (r#"{"estimated_cycles":"9223372036854775807"}"#, None),
        (r#"{"estimated_cycles":"many"}"#, None),
        ("{", None),
        ("", None),
    ] {
        let found = cost(vec![computation(1, vec![config(text)])]);
        assert_eq!(found.cycles, expected.unwrap_or(0), "{text}");
        let listed = if expected.is_some() { vec![] } else { vec![("fusion", 1)] };
        assert_eq!(uncosted(&found), listed, "{text}");
    }
    // The newer place of the same text.
    let payload = BackendConfigPayload { payload: Some(Payload::Value(br#"{"estimated_cycles":"5"}"#.to_vec())) };
    let placed = HloInstructionProto { backend_config_payload: Some(payload), ..op(1, "fusion", &[]) };
    assert_eq!(cost(vec![computation(1, vec![placed])]).cycles, 5);
}

#[test]
fn nested_loops_multiply() {
    let [condition, mut body] = counting(10, 3, 100);
    let [inner_condition, mut inner_body] = counting(20, 5, 7);
    let mut inner = op(7, "while", &[8]).calls(&[21, 20]).scope("layers.1.moe");
    inner.id = (11 << 32) | 7;
    inner.operand_ids = vec![(11 << 32) | 8];
    let mut start = op(8, "tuple", &[]);
    (start.id, start.operand_ids) = ((11 << 32) | 8, vec![(11 << 32) | 9]);
    let mut zero = constant(9, 0);
    zero.id = (11 << 32) | 9;
    body.instructions.extend([zero, start, inner]);
    // Without a scope of its own it is part of the loop's.
    inner_body.instructions[4].metadata = None;
    let found = cost(vec![computation(1, looping(10)), condition, body, inner_condition, inner_body]);
    assert_eq!(found.instructions[1].scope, "layers.1.moe");
    assert_eq!(found.cycles, 3 * (100 + 5 * 7));
    assert_eq!(part(&found, "experts"), Some(found.cycles));
    let loops: Vec<_> = found.loops.iter().map(|row| (row.trips, row.known, row.entered, row.cycles)).collect();
    assert_eq!(loops, [(3, Known::Constant, 1, 405), (5, Known::Constant, 3, 105)]);
    let dearest = &found.instructions[0];
    assert_eq!((dearest.trips, dearest.cycles), (3, 300));
    // The conditions' comparisons have no figure: one of each loop.
    assert_eq!(uncosted(&found), [("compare", 2)]);
}

#[test]
fn trips_follow_the_counter() {
    let check = |first: i32, direction: &str, limit: i32, step: i32, expected: (u64, Known)| {
        let condition = computation(
            10,
            vec![op(1, "parameter", &[]), element(2, 1, 0), constant(3, limit), compare(4, 2, direction, 3)],
        );
        let add = vec![op(1, "parameter", &[]), element(2, 1, 0), constant(3, step), op(4, "add", &[2, 3])];
        let body = computation(11, [add, vec![op(5, "tuple", &[4])]].concat());
        let start = vec![constant(1, first), op(2, "tuple", &[1]), op(3, "while", &[2]).calls(&[11, 10])];
        let found = cost(vec![computation(1, start), condition, body]);
        let row = &found.loops[0];
        assert_eq!((row.trips, row.known), expected, "{first} {direction} {limit} by {step}");
    };
    check(0, "LT", 10, 3, (4, Known::Constant));
    check(0, "LE", 9, 3, (4, Known::Constant));
    check(2, "NE", 8, 3, (2, Known::Constant));
    check(7, "GT", 0, -2, (4, Known::Constant));
    check(7, "GE", 1, -2, (4, Known::Constant));
    check(5, "LT", 5, 1, (0, Known::Constant));
    check(0, "NE", 7, 3, (1, Known::Unknown));
    check(0, "LT", 7, 0, (1, Known::Unknown));
    check(0, "EQ", 7, 1, (1, Known::Unknown));
}

#[test]
fn a_limit_that_is_carried_along_and_a_minimum_bound_the_trips() {
    // state: counter, limit; the condition also asks for something that only the device knows.
    let condition = computation(
        10,
        vec![
            op(1, "parameter", &[]),
            element(2, 1, 0),
            element(3, 1, 1),
            compare(4, 3, "GT", 2),
            element(5, 1, 2),
            op(6, "and", &[4, 5]),
        ],
    );
    let add = computation(12, vec![op(1, "parameter", &[]), constant(2, 1), op(3, "add", &[1, 2])]);
    let body = computation(
        11,
        vec![
            op(1, "parameter", &[]),
            element(2, 1, 0),
            element(3, 1, 1),
            op(4, "fusion", &[2]).calls(&[12]).cycles(10),
            op(5, "copy", &[3]).cycles(0),
            op(6, "tuple", &[4, 5, 3]),
        ],
    );
    let entry = |limit: HloInstructionProto| {
        vec![
            op(1, "parameter", &[]),
            constant(2, 16),
            limit,
            constant(4, 0),
            op(5, "tuple", &[4, 3, 1]),
            op(6, "while", &[5]).calls(&[11, 10]),
        ]
    };
    let least = op(3, "minimum", &[1, 2]);
    let found = cost(vec![computation(1, entry(least)), condition.clone(), body.clone(), add.clone()]);
    assert_eq!((found.loops[0].trips, found.loops[0].known, found.cycles), (16, Known::Bound, 160));
    // Nothing is known of a limit that is only a parameter.
    let free = op(3, "maximum", &[1, 2]);
    let found = cost(vec![computation(1, entry(free)), condition, body, add]);
    assert_eq!((found.loops[0].trips, found.loops[0].known, found.cycles), (1, Known::Unknown, 10));
}

#[test]
fn unknown_loops_count_once_unless_a_promise_or_the_compiler_tells() {
    let condition = computation(10, vec![op(1, "parameter", &[]), element(2, 1, 0)]);
    let body = computation(11, vec![op(1, "fusion", &[]).cycles(9)]);
    let check = |change: &dyn Fn(&mut HloInstructionProto), expected: (u64, Known, u64)| {
        let mut entry = looping(10);
        change(&mut entry[2]);
        let found = cost(vec![computation(1, entry), condition.clone(), body.clone()]);
        assert_eq!((found.loops[0].trips, found.loops[0].known, found.cycles), expected);
    };
    let promise = |text: &str| {
        let map = HashMap::from([("precast_trips".to_owned(), text.to_owned())]);
        move |row: &mut HloInstructionProto| row.frontend_attributes = Some(FrontendAttributes { map: map.clone() })
    };
    check(&|_| {}, (1, Known::Unknown, 9));
    check(&promise("16"), (16, Known::Bound, 144));
    check(&promise("many"), (1, Known::Unknown, 9));
    let told = |row: &mut HloInstructionProto| row.backend_config = br#"{"known_trip_count":{"n":"4"}}"#.to_vec();
    check(&told, (4, Known::Constant, 36));
    assert_eq!(serde_json::to_value(Known::Unknown).expect("JSON"), "unknown: counted once");
}

#[test]
fn kernels_tell_what_they_stream_and_are_not_among_the_unknown() {
    let kernel = |number: i64, bytes: &str| {
        let mut row = op(number, "custom-call", &[]);
        row.custom_call_target = "tpu_custom_call".into();
        let told = [("precast_kernel", "twice"), ("precast_kernel_bytes", bytes)];
        let map = told.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        row.frontend_attributes = Some(FrontendAttributes { map });
        row
    };
    let mut entry = looping(10);
    entry.insert(0, kernel(20, "7"));
    let [condition, mut body] = counting(10, 5, 3);
    body.instructions.insert(0, kernel(20 | 11 << 32, "100"));
    let mut foreign = kernel(21, "unreadable");
    foreign.frontend_attributes = None;
    entry.insert(0, foreign);
    let found = cost(vec![computation(1, entry), condition, body]);
    let rows: Vec<_> = found.kernels.iter().map(|row| (row.name.as_str(), row.trips, row.bytes)).collect();
    assert_eq!(rows, [("twice", 6, 507)]);
    assert_eq!((found.kernel_runs(), found.kernel_bytes(), found.cycles), (6, 507, 15));
    let unknown: Vec<_> =
        found.uncosted.iter().filter(|row| row.opcode == "custom-call").map(|row| row.count).collect();
    assert_eq!(unknown, [1]);
}

#[test]
fn conditionals_cost_their_dearest_branch_and_hide_nothing() {
    let entry = vec![op(1, "parameter", &[]), op(2, "conditional", &[1]).calls(&[2, 3])];
    let cheap = vec![op(1, "fusion", &[]).cycles(10).scope("head"), op(2, "custom-call", &[])];
    let dear = vec![op(1, "fusion", &[]).cycles(30).scope("sample"), op(2, "call", &[]).calls(&[4])];
    let callee = vec![op(1, "fusion", &[]).cycles(5).scope("sample.top_k")];
    let found = cost(vec![computation(1, entry), computation(2, cheap), computation(3, dear), computation(4, callee)]);
    assert_eq!((found.cycles, part(&found, "sampling"), part(&found, "head")), (35, Some(35), None));
    assert_eq!(uncosted(&found), [("custom-call", 1)]);
    assert_eq!(found.uncosted[0].bytes, 0, "that branch is not counted as run");
}

#[test]
fn what_goes_on_beside_is_counted_once() {
    let copy = |number: i64| {
        let mut begin = op(number, "copy-start", &[]);
        let parts = vec![shape(BF16, &[4, 8]), shape(BF16, &[4, 8]), shape(8, &[])];
        begin.shape = Some(ShapeProto { element_type: TUPLE, tuple_shapes: parts, ..ShapeProto::default() });
        [begin, op(number + 1, "copy-done", &[number]).of(BF16, &[4, 8])]
    };
    let [bare_begin, bare_end] = copy(1);
    let [begin, end] = copy(3);
    let [late_begin, late_end] = copy(5);
    let entry = vec![
        bare_begin,
        bare_end,
        begin.cycles(7),
        end,
        late_begin,
        late_end.cycles(11),
        op(7, "async-start", &[]).calls(&[2]),
        op(8, "async-done", &[7]).of(BF16, &[6]),
        op(9, "async-start", &[]).calls(&[3]),
        op(10, "async-done", &[9]).of(BF16, &[6]),
        op(11, "partition-id", &[]),
    ];
    let priced = vec![op(1, "slice", &[]).cycles(13)];
    let bare = vec![op(1, "slice", &[])];
    let found = cost(vec![computation(1, entry), computation(2, priced), computation(3, bare)]);
    assert_eq!(found.cycles, 7 + 11 + 13);
    assert_eq!(uncosted(&found), [("copy-start", 1), ("slice-start", 1)]);
    assert_eq!((found.uncosted[0].bytes, found.uncosted[0].shape.as_str()), (64, "bf16[4, 8]"));
    assert_eq!((found.uncosted[1].bytes, part(&found, "copies")), (12, Some(18)));
}

#[test]
fn collectives_tell_their_bytes_and_runs() {
    let [condition, body] = counting(10, 4, 1);
    let mut reduce = op(7, "all-reduce", &[]).of(BF16, &[8, 96]).scope("layers.0.attention").calls(&[12]);
    reduce.id = (11 << 32) | 7;
    let mut body = body;
    body.instructions.push(reduce);
    let mut entry = looping(10);
    entry.push(op(4, "all-gather-start", &[]).cycles(50));
    entry.push(op(5, "all-gather-done", &[4]).of(F32, &[16]));
    entry.push(op(6, "async-start", &[]).calls(&[13]));
    entry.push(op(7, "async-done", &[6]).of(F32, &[3]));
    let sum = computation(12, vec![op(1, "add", &[])]);
    let inner = computation(13, vec![op(1, "reduce-scatter", &[]).scope("head")]);
    let found = cost(vec![computation(1, entry), condition, body, sum, inner]);
    let row = |opcode: &str, scope: &str, shape: &str, bytes: u64, trips: u64| Collective {
        opcode: opcode.into(),
        scope: scope.into(),
        shape: shape.into(),
        bytes,
        trips,
    };
    let expected = [
        row("all-reduce", "layers.0.attention", "bf16[8, 96]", 1536, 4),
        row("all-gather", "", "f32[16]", 64, 1),
        row("reduce-scatter", "", "f32[3]", 12, 1),
    ];
    assert_eq!(found.collectives, expected);
    assert_eq!((part(&found, "collectives"), found.cycles), (Some(50), 54));
    let listed: Vec<&str> = found.uncosted.iter().map(|group| group.opcode.as_str()).collect();
    assert_eq!(listed, ["all-reduce", "reduce-scatter-start", "compare"], "an unpriced exchange is told");
}

#[test]
fn a_fusion_is_named_after_its_heaviest_op_and_reads_what_it_looks_at() {
    let in_memory = |instruction: HloInstructionProto, space: i64| {
        let mut instruction = instruction;
        let layout = LayoutProto { memory_space: space, ..LayoutProto::default() };
        instruction.shape.as_mut().expect("a shape").layout = Some(layout);
        instruction
    };
    let entry = vec![
        op(1, "parameter", &[]).of(BF16, &[32, 10, 64]),
        in_memory(op(2, "parameter", &[]).of(BF16, &[8, 64]), 1),
        op(3, "fusion", &[1, 2]).of(F32, &[8, 10]).calls(&[2]).cycles(100).scope("layers.7.attention"),
        op(4, "fusion", &[1]).of(BF16, &[10, 32, 64]).calls(&[3]).cycles(40).scope("head"),
        op(5, "custom-call", &[3]),
    ];
    let place =
        |number: i64, place: i64| HloInstructionProto { parameter_number: place, ..op(number, "parameter", &[]) };
    let product = vec![
        place(1, 0).of(BF16, &[32, 10, 64]),
        op(2, "dynamic-slice", &[1]).of(BF16, &[1, 10, 64]),
        place(3, 1),
        op(4, "convolution", &[3, 2]).scope("layers.7.moe"),
        op(5, "add", &[4, 4]),
    ];
    let turn = vec![place(1, 0), op(2, "transpose", &[1])];
    let found = cost(vec![computation(1, entry), computation(2, product), computation(3, turn)]);
    let rows: Vec<_> =
        found.instructions.iter().map(|row| (row.opcode.as_str(), row.part.as_str(), row.scope.as_str())).collect();
    let expected = [("convolution fusion", "experts", "layers.7.moe"), ("copy fusion", "copies", "head")];
    assert_eq!(rows, expected);
    // One expert's matrix, not all 32; the activations are on the chip.
    assert_eq!(found.instructions[0].bytes, Some(10 * 64 * 2 + 8 * 10 * 4));
    assert_eq!(found.instructions[1].bytes, Some(2 * 32 * 10 * 64 * 2));
}

#[test]
fn an_update_in_place_moves_the_update() {
    let entry = vec![
        op(1, "parameter", &[]).of(BF16, &[8, 4096, 64]),
        op(2, "parameter", &[]).of(BF16, &[8, 1, 64]),
        op(3, "fusion", &[1, 2]).of(BF16, &[8, 4096, 64]).calls(&[2]).cycles(9),
    ];
    let place =
        |number: i64, place: i64| HloInstructionProto { parameter_number: place, ..op(number, "parameter", &[]) };
    let update = vec![
        place(1, 0).of(BF16, &[8, 4096, 64]),
        place(2, 1).of(BF16, &[8, 1, 64]),
        op(3, "dynamic-update-slice", &[1, 2]).of(BF16, &[8, 4096, 64]),
    ];
    let found = cost(vec![computation(1, entry), computation(2, update)]);
    assert_eq!(found.instructions[0].opcode, "dynamic-update-slice fusion");
    assert_eq!(found.instructions[0].bytes, Some(2 * 8 * 64 * 2), "the update is read and written");
}

#[test]
fn programs_that_no_compiler_makes_end_too() {
    assert_eq!(Cost::of(&HloModuleProtoWithConfig::default()), Cost::default());
    // A computation that calls itself, and a loop whose values run in a circle.
    let own = vec![op(1, "call", &[]).calls(&[1, 1]), op(2, "fusion", &[]).cycles(3)];
    assert_eq!(cost(vec![computation(1, own)]).cycles, 3);
    let condition = computation(10, vec![op(1, "and", &[1, 1])]);
    let body = computation(11, vec![op(1, "tuple", &[1])]);
    assert_eq!(cost(vec![computation(1, looping(10)), condition, body]).loops[0].known, Known::Unknown);
    // A great number of trips ends at the largest number.
    let [condition, body] = counting(10, i32::MAX, u64::MAX / 4);
    assert_eq!(cost(vec![computation(1, looping(10)), condition, body]).cycles, u64::MAX);
}

/// `[rows, 16] x [16, 64]` as a TPU's compiler writes a product, with a second axis of `window` places over `input` of them.
fn convolution(rows: i64, input: i64, output: i64, window: WindowDimension) -> Vec<HloInstructionProto> {
    let numbers = ConvolutionDimensionNumbers {
        kernel_input_feature: 0,
        output_batch: 0,
        output_feature: 1,
        input_spatial: vec![2],
        output_spatial: vec![2],
    };
    let product = HloInstructionProto {
        window: Some(Window { dimensions: vec![window] }),
        convolution_dimension_numbers: Some(numbers),
        ..op(3, "convolution", &[1, 2]).of(F32, &[rows, 64, output])
    };
    let kernel = op(2, "parameter", &[]).of(F32, &[16, 64, 1]);
    vec![op(1, "parameter", &[]).of(F32, &[rows, 16, input]), kernel, product]
}

#[test]
fn products_are_counted_where_they_meet_values() {
    let sliding =
        |size, padding_low, base_dilation| WindowDimension { size, padding_low, base_dilation, ..Default::default() };
    let one = 2 * 8 * 16 * 64;
    for (input, output, window, places) in [
        (1, 1, sliding(1, 0, 1), 1),
        (5, 5, sliding(1, 0, 0), 5),
        // Three places over five values and one of padding at each end: the outermost two meet one value less.
        (5, 5, sliding(3, 1, 1), 13),
        // Between three values lie two holes.
        (3, 5, sliding(1, 0, 2), 3),
    ] {
        let found = cost(vec![computation(1, convolution(8, input, output, window.clone()))]);
        assert_eq!(found.flops, places * one, "{input} to {output} by {window:?}");
    }
}

#[test]
fn products_of_fusions_and_of_the_vector_unit_are_counted_as_often_as_they_run() {
    let numbers = DotDimensionNumbers { lhs_contracting: vec![1], ..Default::default() };
    let dot = HloInstructionProto { dot_dimension_numbers: Some(numbers), ..op(2, "dot", &[1, 1]).of(F32, &[4, 7]) };
    let mut inside = vec![op(1, "parameter", &[]).of(F32, &[4, 32]), dot];
    inside.push(op(3, "multiply", &[1, 1]).of(F32, &[4, 32]));
    inside.push(op(4, "convert", &[3]).of(BF16, &[4, 32]));
    inside.push(op(5, "reduce", &[4, 1]).of(F32, &[4]));
    // A sum of what is no product is none.
    inside.push(op(6, "reduce", &[1, 1]).of(F32, &[4]));
    let entry = looping(2);
    let [condition, mut body] = counting(2, 6, 1);
    let fusion = body.instructions.iter_mut().find(|op| op.opcode == "fusion").expect("a fusion");
    fusion.called_computation_ids = vec![4];
    let found = cost(vec![computation(1, entry), condition, body, computation(4, inside)]);
    assert_eq!(found.flops, 6 * 2 * (4 * 7 * 32 + 4 * 32));
}
