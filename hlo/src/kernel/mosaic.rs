//! A kernel as libtpu takes it: a module of Mosaic's stable dialect, as text in the generic form of MLIR, inside of a custom call.
//!
//! Source: jax-ml/jax, `jax/_src/tpu_custom_call.py` for the call, `jax/_src/pallas/mosaic/lowering.py` for the function that a module
//! holds, `jaxlib/mosaic/dialect/tpu/tpu_ops.td` for the ops of its own. The text names every op by its stable name, which the compiler
//! reads back in the version that the module states.

use std::fmt::Write;

use super::{BYTES_ATTRIBUTE, Binary, Condition, Kernel, NAME_ATTRIBUTE, Op, Place, Role, Scalar, Unary, base64};
use crate::builder::{Builder, Draft, Tensor};
use crate::elementwise::{Direction, float_literal};
use crate::types::{ElementType, TensorType};

/// The version of the stable dialect that is written here.
const VERSION: usize = 15;

impl Kernel {
    /// A call of the kernel, for a TPU: its results for lists of numbers s32 and for inputs in the order of their declaration, all of
    /// which must lie row-major.
    #[track_caller]
    pub fn call<'b>(&self, b: &'b Builder, numbers: &[Tensor<'b>], inputs: &[Tensor<'b>]) -> Vec<Tensor<'b>> {
        let operands = [numbers, inputs].concat();
        let draft = self.takes(numbers, inputs).map(|()| {
            let results = self.outputs();
            let types: Vec<TensorType> = operands.iter().map(|operand| operand.ty()).collect();
            let places: Vec<String> = (0..operands.len()).map(|place| format!("${place}")).collect();
            // Quotes inside of MLIR's strings are written by number.
            let config = format!(
                "{{\\22custom_call_config\\22: {{\\22body\\22: \\22{}\\22, \\22serialization_format\\22: 1, \
                 \\22needs_layout_passes\\22: true, \\22input_memory_space_colors\\22: [{}]}}}}",
                base64::encode(self.mosaic().as_bytes()),
                self.left_in_memory()
            );
            let shown = list(&results, TensorType::mlir);
            let template = format!(
                "stablehlo.custom_call @tpu_custom_call({}) {{backend_config = \"{config}\", kernel_name = \"{}\", \
                 mhlo.frontend_attributes = {{{NAME_ATTRIBUTE} = \"{}\", {BYTES_ATTRIBUTE} = \"{}\"}}, \
                 operand_layouts = [{}], result_layouts = [{}]}} : ({}) -> {}",
                places.join(", "),
                self.name,
                self.name,
                self.streamed_bytes(),
                list(&types, row_major),
                list(&results, row_major),
                list(&types, TensorType::mlir),
                if results.len() == 1 { shown } else { format!("({shown})") }
            );
            (Draft { mnemonic: "stablehlo.custom_call", template, operands, regions: Vec::new() }, results)
        });
        let mut tensors = b.push_many(draft);
        while tensors.len() < self.outputs().len() {
            tensors.push(b.fail("too few results".to_owned()));
        }
        tensors
    }

    /// The operands, as JSON, of which numbers choose a part: the compiler would otherwise bring all of them nearer beforehand.
    fn left_in_memory(&self) -> String {
        let chosen = |place: &Place| place.index.iter().any(Scalar::depends_on_numbers);
        let inputs = self.with_role(Role::Input).enumerate();
        let operands = inputs.filter(|(_, (_, place))| chosen(place)).map(|(input, _)| self.numbers.len() + input);
        let shown = operands.map(|operand| format!("{{\\22operand_index\\22: {operand}, \\22color\\22: 0}}"));
        shown.collect::<Vec<_>>().join(", ")
    }

    /// The module that a call carries.
    pub fn mosaic(&self) -> String {
        let mut text = Text { kernel: self, out: String::new(), depth: 2, next: 0, constants: Vec::new() };
        text.run(&self.ops);
        text.line("\"stable_mosaic.func.return\"() : () -> ()");
        let mut module = format!("module attributes {{stable_mosaic.version = {VERSION} : i64}} {{\n");
        self.function(&mut module, &text);
        for (number, place) in self.windows().enumerate() {
            self.transform(&mut module, number, place);
        }
        module.push_str("}\n");
        module
    }

    /// Operands in the order in which the function takes them, scratch left out.
    fn windows(&self) -> impl Iterator<Item = &Place> {
        [Role::Input, Role::Output].into_iter().flat_map(|role| self.with_role(role)).map(|(_, place)| place)
    }

    /// Names and types of the arguments that all functions begin with: the place in the grid, then the lists of numbers.
    fn first_arguments(&self) -> Vec<(String, String)> {
        let places = (0..self.grid.len()).map(|axis| (format!("%place{axis}"), "i32".to_owned()));
        let list = |(number, length): (usize, &usize)| {
            (format!("%numbers{number}"), format!("memref<{length}xi32, #tpu.memory_space<smem>>"))
        };
        places.chain(self.numbers.iter().enumerate().map(list)).collect()
    }

    fn function(&self, module: &mut String, body: &Text<'_>) {
        let mut arguments = self.first_arguments();
        let roles = [Role::Input, Role::Output, Role::Scratch];
        let cells = roles.into_iter().flat_map(|role| self.with_role(role));
        arguments.extend(cells.map(|(id, place)| (cell_name(id, place), memref(&place.block_type()))));
        let shown: Vec<String> = arguments.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
        let types: Vec<&str> = arguments.iter().map(|(_, ty)| ty.as_str()).collect();
        let _ = writeln!(module, "  \"stable_mosaic.func.func\"() ({{\n  ^bb0({}):", shown.join(",\n       "));
        for (name, literal) in &body.constants {
            let ty = literal.rsplit(' ').next().unwrap_or_default();
            let _ =
                writeln!(module, "    {name} = \"stable_mosaic.arith.constant\"() {{value = {literal}}} : () -> {ty}");
        }
        module.push_str(&body.out);
        let windows: Vec<String> = self.windows().enumerate().map(|(number, place)| window(number, place)).collect();
        // Steps of one axis may depend on each other: nothing here is divided among the cores of a chip.
        let semantics = vec!["#tpu.dimension_semantics<arbitrary>"; self.grid.len()].join(", ");
        let _ = writeln!(
            module,
            "  }}) {{sym_name = \"{}\", function_type = ({}) -> (),\n      iteration_bounds = array<i64: {}>, dimension_semantics = \
             [{semantics}],\n      scalar_prefetch = {} : i64, scratch_operands = {} : i64, tpu.core_type = #tpu.core_type<tc>,\n      \
             window_params = [{}]}} : () -> ()",
            self.name,
            types.join(", "),
            numbers(&self.grid),
            self.numbers.len(),
            self.with_role(Role::Scratch).count(),
            windows.join(",\n        ")
        );
    }

    /// The function that says which block of an operand a step sees.
    fn transform(&self, module: &mut String, number: usize, place: &Place) {
        let mut text = Text { kernel: self, out: String::new(), depth: 2, next: 0, constants: Vec::new() };
        let results: Vec<String> = place.index.iter().map(|index| text.scalar(index)).collect();
        let types = vec!["i32"; results.len()].join(", ");
        text.line(&format!("\"stable_mosaic.func.return\"({}) : ({types}) -> ()", results.join(", ")));
        let arguments = self.first_arguments();
        let shown: Vec<String> = arguments.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
        let own: Vec<&str> = arguments.iter().map(|(_, ty)| ty.as_str()).collect();
        let _ = writeln!(module, "  \"stable_mosaic.func.func\"() ({{\n  ^bb0({}):", shown.join(", "));
        for (name, literal) in &text.constants {
            let _ =
                writeln!(module, "    {name} = \"stable_mosaic.arith.constant\"() {{value = {literal}}} : () -> i32");
        }
        module.push_str(&text.out);
        let _ = writeln!(
            module,
            "  }}) {{sym_name = \"transform_{number}\", function_type = ({}) -> ({types})}} : () -> ()",
            own.join(", ")
        );
    }
}

fn list(types: &[TensorType], shown: impl Fn(&TensorType) -> String) -> String {
    types.iter().map(shown).collect::<Vec<_>>().join(", ")
}

fn numbers(of: &[usize]) -> String {
    of.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

/// The layout of an operand or result of a call: the last axis innermost.
fn row_major(ty: &TensorType) -> String {
    let order: Vec<usize> = (0..ty.rank()).rev().collect();
    match ty.rank() {
        1 => "dense<0> : tensor<1xindex>".to_owned(),
        rank => format!("dense<{order:?}> : tensor<{rank}xindex>"),
    }
}

fn window(number: usize, place: &Place) -> String {
    format!("{{transform_indices = @transform_{number}, window_bounds = array<i64: {}>}}", numbers(&place.block))
}

fn cell_name(id: usize, place: &Place) -> String {
    format!("%{}_{id}", place.name)
}

fn vector(ty: &TensorType) -> String {
    ty.mlir().replacen("tensor", "vector", 1)
}

fn memref(ty: &TensorType) -> String {
    let mlir = ty.mlir().replacen("tensor", "memref", 1);
    format!("{}, #tpu.memory_space<vmem>>", mlir.trim_end_matches('>'))
}

/// One function's body as it is written.
struct Text<'s> {
    kernel: &'s Kernel,
    out: String,
    depth: usize,
    next: usize,
    /// Names and literals of scalar constants, which stand in front of the body.
    constants: Vec<(String, String)>,
}

const FAST_MATH: &str = "{fastmath = #arith.fastmath<none>}";
const OVERFLOW: &str = "{overflowFlags = #arith.overflow<none>}";

impl Text<'_> {
    fn line(&mut self, text: &str) {
        self.out.extend(std::iter::repeat_n("  ", self.depth));
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// A line that gives a value which is none of the kernel's own.
    fn between(&mut self, text: &str) -> String {
        let name = format!("%t{}", self.next);
        self.next += 1;
        self.line(&format!("{name} = {text}"));
        name
    }

    fn constant(&mut self, value: i64, ty: &str) -> String {
        let literal = format!("{value} : {ty}");
        if let Some((name, _)) = self.constants.iter().find(|(_, known)| *known == literal) {
            return name.clone();
        }
        let sign = if value < 0 { "minus" } else { "" };
        let name = format!("%{}{sign}{}", if ty == "index" { "at" } else { "n" }, value.unsigned_abs());
        self.constants.push((name.clone(), literal));
        name
    }

    /// An i32.
    fn scalar(&mut self, scalar: &Scalar) -> String {
        let op = |name: &str, attributes: &str, left: &str, right: &str| {
            format!("\"stable_mosaic.arith.{name}\"({left}, {right}) {attributes}: (i32, i32) -> i32")
        };
        match scalar {
            Scalar::Constant(value) => self.constant(*value, "i32"),
            Scalar::Place(axis) => format!("%place{axis}"),
            Scalar::Number(number, at) => {
                let at = self.index(at);
                let length = self.kernel.numbers[*number];
                self.between(&format!(
                    "\"stable_mosaic.memref.load\"(%numbers{number}, {at}) : (memref<{length}xi32, \
                     #tpu.memory_space<smem>>, index) -> i32"
                ))
            }
            Scalar::Plus(left, right) => {
                let (left, right) = (self.scalar(left), self.scalar(right));
                self.between(&op("addi", &format!("{OVERFLOW} "), &left, &right))
            }
            Scalar::Least(left, right) => {
                let (left, right) = (self.scalar(left), self.scalar(right));
                self.between(&op("minsi", "", &left, &right))
            }
            Scalar::Times(of, by) => {
                let (of, by) = (self.scalar(of), self.constant(*by, "i32"));
                self.between(&op("muli", &format!("{OVERFLOW} "), &of, &by))
            }
            // Numbers are never negative, so that shifts and masks divide.
            Scalar::Over(of, by) if by.count_ones() == 1 => {
                let (of, by) = (self.scalar(of), self.constant(i64::from(by.trailing_zeros()), "i32"));
                self.between(&op("shrsi", "", &of, &by))
            }
            Scalar::Remainder(of, by) if by.count_ones() == 1 => {
                let (of, by) = (self.scalar(of), self.constant(by - 1, "i32"));
                self.between(&op("andi", "", &of, &by))
            }
            Scalar::Over(of, by) => {
                let (of, by) = (self.scalar(of), self.constant(*by, "i32"));
                self.between(&op("divsi", "", &of, &by))
            }
            Scalar::Remainder(of, by) => {
                let (of, by) = (self.scalar(of), self.constant(*by, "i32"));
                self.between(&op("remsi", "", &of, &by))
            }
        }
    }

    fn index(&mut self, scalar: &Scalar) -> String {
        match scalar {
            Scalar::Constant(value) => self.constant(*value, "index"),
            scalar => {
                let value = self.scalar(scalar);
                self.between(&format!("\"stable_mosaic.arith.index_cast\"({value}) : (i32) -> index"))
            }
        }
    }

    fn holds(&mut self, condition: &Condition) -> String {
        let (left, right) = (self.scalar(&condition.left), self.scalar(&condition.right));
        let predicate = predicate(condition.direction);
        self.between(&format!(
            "\"stable_mosaic.arith.cmpi\"({left}, {right}) {{predicate = {predicate} : i64}} : (i32, i32) -> i1"
        ))
    }

    fn run(&mut self, ops: &[Op]) {
        ops.iter().for_each(|op| self.op(op));
    }

    fn ty(&self, id: usize) -> TensorType {
        self.kernel.values[id].clone()
    }

    /// `%result = "op"(%operands) attributes : (types) -> type`
    fn value(&mut self, result: usize, op: &str, operands: &[usize], attributes: &str) {
        let places: Vec<String> = operands.iter().map(|id| format!("%{id}")).collect();
        let types: Vec<String> = operands.iter().map(|id| vector(&self.ty(*id))).collect();
        let space = if attributes.is_empty() { "" } else { " " };
        let text = format!(
            "%{result} = \"stable_mosaic.{op}\"({}){space}{attributes} : ({}) -> {}",
            places.join(", "),
            types.join(", "),
            vector(&self.ty(result))
        );
        self.line(&text);
    }

    fn op(&mut self, op: &Op) {
        match op {
            Op::Load { result, cell, starts, sizes } => self.load(*result, *cell, starts, sizes),
            Op::Store { cell, starts, sizes, value } => self.store(*cell, starts, sizes, *value),
            Op::When { condition, ops } => {
                let holds = self.holds(condition);
                self.line(&format!("\"stable_mosaic.scf.if\"({holds}) ({{"));
                self.depth += 1;
                self.run(ops);
                self.line("\"stable_mosaic.scf.yield\"() : () -> ()");
                self.depth -= 1;
                self.line("}, {");
                self.line("}) : (i1) -> ()");
            }
            Op::Splat { result, value } => {
                let ty = self.ty(*result);
                let literal = match ty.element {
                    element if element.is_float() => float_literal(*value, element),
                    _ => format!("{value:.0}"),
                };
                self.value(*result, "arith.constant", &[], &format!("{{value = dense<{literal}> : {}}}", vector(&ty)));
            }
            Op::SplatScalar { result, value } => {
                let (value, ty) = (self.scalar(value), vector(&self.ty(*result)));
                self.line(&format!("%{result} = \"stable_mosaic.vector.broadcast\"({value}) : (i32) -> {ty}"));
            }
            Op::Iota { result, axis } => {
                self.value(*result, "tpu.iota", &[], &format!("{{dimensions = array<i32: {axis}>}}"));
            }
            Op::Unary { result, kind: Unary::Exp, operand } => self.value(*result, "math.exp", &[*operand], FAST_MATH),
            Op::Binary { result, kind, operands } => self.binary(*result, *kind, operands),
            Op::Compare { result, direction, operands } => {
                let attributes = format!("{{predicate = {} : i64}}", predicate(*direction));
                self.value(*result, "arith.cmpi", operands, &attributes);
            }
            Op::Select { result, operands } => self.value(*result, "arith.select", operands, ""),
            Op::Convert { result, operand } => {
                let wider = self.ty(*result).element.bits() > self.ty(*operand).element.bits();
                self.value(*result, if wider { "arith.extf" } else { "arith.truncf" }, &[*operand], "");
            }
            Op::Codes { result, operand } => {
                let (from, to) = (vector(&self.ty(*operand)), vector(&self.ty(*result)));
                let codes = from.replace(ElementType::F4E2M1FN.mlir(), "i4");
                let cast = self.between(&format!("\"stable_mosaic.tpu.bitcast\"(%{operand}) : ({from}) -> {codes}"));
                self.line(&format!("%{result} = \"stable_mosaic.arith.extsi\"({cast}) : ({codes}) -> {to}"));
            }
            Op::Bits { result, operand } => self.value(*result, "tpu.bitcast", &[*operand], ""),
            Op::Spread { result, operand } => self.value(*result, "vector.broadcast", &[*operand], ""),
            Op::Reshape { result, operand } => self.value(*result, "vector.shape_cast", &[*operand], ""),
            Op::Join { result, operands } => self.value(*result, "tpu.concatenate", operands, "{dimension = 0 : i32}"),
            Op::Dot { result, operands, transposed } => self.dot(*result, operands, *transposed),
            Op::Reduce { result, operand, largest } => self.reduce(*result, *operand, *largest),
        }
    }

    fn place(&self, cell: usize) -> (String, TensorType) {
        let place = &self.kernel.cells[cell];
        (cell_name(cell, place), place.block_type())
    }

    fn indices(&mut self, starts: &[Scalar]) -> (String, String) {
        let indices: Vec<String> = starts.iter().map(|start| self.index(start)).collect();
        (indices.join(", "), ", index".repeat(starts.len()))
    }

    fn load(&mut self, result: usize, cell: usize, starts: &[Scalar], sizes: &[usize]) {
        let ((name, block), ty) = (self.place(cell), self.ty(result));
        let (indices, types) = self.indices(starts);
        let whole = vector(&block.with_dims(sizes));
        let load = format!("\"stable_mosaic.vector.load\"({name}, {indices}) : ({}{types}) -> {whole}", memref(&block));
        if ty.dims == sizes {
            self.line(&format!("%{result} = {load}"));
            return;
        }
        let loaded = self.between(&load);
        self.line(&format!("%{result} = \"stable_mosaic.vector.shape_cast\"({loaded}) : ({whole}) -> {}", vector(&ty)));
    }

    fn store(&mut self, cell: usize, starts: &[Scalar], sizes: &[usize], value: usize) {
        let ((name, block), ty) = (self.place(cell), self.ty(value));
        let (indices, types) = self.indices(starts);
        let whole = vector(&block.with_dims(sizes));
        let stored = match ty.dims == sizes {
            true => format!("%{value}"),
            false => {
                let from = vector(&ty);
                self.between(&format!("\"stable_mosaic.vector.shape_cast\"(%{value}) : ({from}) -> {whole}"))
            }
        };
        self.line(&format!(
            "\"stable_mosaic.tpu.vector_store\"({stored}, {name}, {indices}) {{add = false, operandSegmentSizes = array<i32: 1, \
             1, {}, 0>, strides = array<i32>}} : ({whole}, {}{types}) -> ()",
            starts.len(),
            memref(&block)
        ));
    }

    fn binary(&mut self, result: usize, kind: Binary, operands: &[usize; 2]) {
        let float = self.ty(result).element.is_float();
        let (op, attributes) = match kind {
            Binary::Add if float => ("addf", FAST_MATH),
            Binary::Subtract if float => ("subf", FAST_MATH),
            Binary::Add => ("addi", OVERFLOW),
            Binary::Subtract => ("subi", OVERFLOW),
            Binary::Multiply => ("mulf", FAST_MATH),
            Binary::Divide => ("divf", FAST_MATH),
            Binary::Maximum => ("maximumf", FAST_MATH),
            Binary::And => ("andi", ""),
            Binary::Or => ("ori", ""),
            Binary::ShiftLeft => ("shli", OVERFLOW),
        };
        self.value(result, &format!("arith.{op}"), operands, attributes);
    }

    fn dot(&mut self, result: usize, operands: &[usize; 2], transposed: bool) {
        let ty = vector(&self.ty(result));
        let zero =
            self.between(&format!("\"stable_mosaic.arith.constant\"() {{value = dense<0.0> : {ty}}} : () -> {ty}"));
        // What is summed over on either side, what is not, and in which order the latter make the result.
        let numbers = if transposed { "[1], [1], [0], [0], [0, 0, 1, 0]" } else { "[1], [0], [0], [1], [0, 0, 1, 1]" };
        let [left, right] = operands.map(|id| vector(&self.ty(id)));
        self.line(&format!(
            "%{result} = \"stable_mosaic.tpu.matmul\"(%{}, %{}, {zero}) {{dimension_numbers = #tpu.dot_dimension_numbers<{numbers}, [], \
             []>, transpose_lhs = false, transpose_lhs_hint = false, transpose_rhs = false}} : ({left}, {right}, {ty}) -> {ty}",
            operands[0], operands[1]
        ));
    }

    fn reduce(&mut self, result: usize, operand: usize, largest: bool) {
        let (from, to) = (self.ty(operand), self.ty(result));
        let rows = vector(&to.with_dims(&to.dims[..1]));
        let (kind, neutral) = if largest { ("maximumf", f64::NEG_INFINITY) } else { ("add", 0.0) };
        let neutral = float_literal(neutral, from.element);
        let start = self.between(&format!(
            "\"stable_mosaic.arith.constant\"() {{value = dense<{neutral}> : {rows}}} : () -> {rows}"
        ));
        let reduced = self.between(&format!(
            "\"stable_mosaic.vector.multi_reduction\"(%{operand}, {start}) {{kind = #vector.kind<{kind}>, reduction_dims = \
             array<i64: 1>}} : ({}, {rows}) -> {rows}",
            vector(&from)
        ));
        self.line(&format!("%{result} = \"stable_mosaic.vector.shape_cast\"({reduced}) : ({rows}) -> {}", vector(&to)));
    }
}

/// The number that `arith.cmpi` has for a comparison of signed numbers.
fn predicate(direction: Direction) -> usize {
    match direction {
        Direction::Equal => 0,
        Direction::NotEqual => 1,
        Direction::Less => 2,
        Direction::LessOrEqual => 3,
        Direction::Greater => 4,
        Direction::GreaterOrEqual => 5,
    }
}
