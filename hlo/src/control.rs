//! Control flow and ops with regions: while, if, sort; calls of functions.

use crate::builder::{Builder, Draft, Tensor};
use crate::types::{ElementType, TensorType};

fn scalar_predicate() -> TensorType {
    TensorType::new(ElementType::Pred, [])
}

fn types_of(tensors: &[Tensor<'_>]) -> Vec<TensorType> {
    tensors.iter().map(|tensor| tensor.ty()).collect()
}

fn list(types: &[TensorType]) -> String {
    types.iter().map(TensorType::mlir).collect::<Vec<_>>().join(", ")
}

fn shown(types: &[TensorType]) -> String {
    types.iter().map(TensorType::to_string).collect::<Vec<_>>().join(", ")
}

fn places(count: usize) -> String {
    (0..count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
}

impl Builder {
    /// Repeats `body` on `state` as long as `condition` holds; gives the last state. Both may use values from outside.
    #[track_caller]
    pub fn while_loop<'b>(
        &'b self,
        state: &[Tensor<'b>],
        condition: impl FnOnce(&[Tensor<'b>]) -> Tensor<'b>,
        body: impl FnOnce(&[Tensor<'b>]) -> Vec<Tensor<'b>>,
    ) -> Vec<Tensor<'b>> {
        self.repeat(String::new(), state, condition, body)
    }

    /// [`Builder::while_loop`] with a promise that `condition` holds at most `trips` times in a row. The promise changes nothing
    /// that is computed: it stands as `precast_trips` among the op's frontend attributes, which XLA carries along, so that whoever
    /// reads a program can tell what its loops may cost.
    #[track_caller]
    pub fn while_loop_at_most<'b>(
        &'b self,
        trips: usize,
        state: &[Tensor<'b>],
        condition: impl FnOnce(&[Tensor<'b>]) -> Tensor<'b>,
        body: impl FnOnce(&[Tensor<'b>]) -> Vec<Tensor<'b>>,
    ) -> Vec<Tensor<'b>> {
        let attribute = format!(" {{mhlo.frontend_attributes = {{precast_trips = \"{trips}\"}}}}");
        self.repeat(attribute, state, condition, body)
    }

    #[track_caller]
    fn repeat<'b>(
        &'b self,
        attributes: String,
        state: &[Tensor<'b>],
        condition: impl FnOnce(&[Tensor<'b>]) -> Tensor<'b>,
        body: impl FnOnce(&[Tensor<'b>]) -> Vec<Tensor<'b>>,
    ) -> Vec<Tensor<'b>> {
        let types = types_of(state);
        let (test, test_types) = self.region(&types, |state| vec![condition(state)]);
        let (step, step_types) = self.region(&types, body);
        let draft = || {
            if test_types != [scalar_predicate()] {
                return Err(format!("a loop's condition gives {}, expected pred[]", shown(&test_types))); // while C1
            }
            if step_types != types {
                return Err(format!("a loop's body gives {}, expected {}", shown(&step_types), shown(&types))); // while C2
            }
            let types_text = list(&types);
            let template = format!(
                "\"stablehlo.while\"({}) ($r0, $r1){attributes} : ({types_text}) -> ({types_text})",
                places(types.len())
            );
            let draft =
                Draft { mnemonic: "stablehlo.while", template, operands: state.to_vec(), regions: vec![test, step] };
            Ok((draft, types.clone()))
        };
        self.padded(state.len(), draft())
    }

    /// Runs `yes` if `predicate` holds, else `no`. Both may use values from outside, and give the same types.
    #[track_caller]
    pub fn branch<'b>(
        &'b self,
        predicate: Tensor<'b>,
        yes: impl FnOnce() -> Vec<Tensor<'b>>,
        no: impl FnOnce() -> Vec<Tensor<'b>>,
    ) -> Vec<Tensor<'b>> {
        let (yes, types) = self.region(&[], |_| yes());
        let (no, no_types) = self.region(&[], |_| no());
        let count = types.len();
        let draft = || {
            if predicate.ty() != scalar_predicate() {
                return Err(format!("a branch is taken by {}, expected pred[]", predicate.ty())); // if C1
            }
            if types != no_types {
                return Err(format!("a branch gives {} or {}", shown(&types), shown(&no_types))); // if C2
            }
            let template = format!("\"stablehlo.if\"($0) ($r0, $r1) : (tensor<i1>) -> ({})", list(&types));
            let operands = vec![predicate];
            Ok((Draft { mnemonic: "stablehlo.if", template, operands, regions: vec![yes, no] }, types))
        };
        self.padded(count, draft())
    }

    /// Sorts `operands` together along `axis`, stably; `precedes` gets two elements of every operand: a0, b0, a1, b1 …
    #[track_caller]
    pub fn sort<'b>(
        &'b self,
        operands: &[Tensor<'b>],
        axis: usize,
        precedes: impl FnOnce(&[Tensor<'b>]) -> Tensor<'b>,
    ) -> Vec<Tensor<'b>> {
        let types = types_of(operands);
        let scalars: Vec<TensorType> =
            types.iter().flat_map(|ty| [TensorType::new(ty.element, []), TensorType::new(ty.element, [])]).collect();
        let (comparator, result) = self.region(&scalars, |pairs| vec![precedes(pairs)]);
        let draft = || {
            let first = types.first().ok_or("nothing to sort")?;
            if types.iter().any(|ty| ty.dims != first.dims) || axis >= first.rank() {
                return Err(format!("sort of {} along axis {axis}", shown(&types))); // sort C2, C4
            }
            if result != [scalar_predicate()] {
                return Err(format!("a comparator gives {}, expected pred[]", shown(&result))); // sort C5
            }
            let text = list(&types);
            let template = format!(
                "\"stablehlo.sort\"({}) <{{dimension = {axis} : i64, is_stable = true}}> ($r0) : ({text}) -> ({text})",
                places(types.len())
            );
            let operands = operands.to_vec();
            Ok((Draft { mnemonic: "stablehlo.sort", template, operands, regions: vec![comparator] }, types.clone()))
        };
        self.padded(operands.len(), draft())
    }

    /// Calls a function defined before.
    #[track_caller]
    pub fn call<'b>(&'b self, function: &str, arguments: &[Tensor<'b>]) -> Vec<Tensor<'b>> {
        let Some(signature) = self.signature_of(function) else {
            return vec![self.fail(format!("no function `{function}` is defined before this call"))];
        };
        let expected: Vec<TensorType> = signature.parameters.into_iter().map(|parameter| parameter.ty).collect();
        let given = types_of(arguments);
        let draft = || {
            if given != expected {
                return Err(format!("`{function}` takes {}, given {}", shown(&expected), shown(&given)));
            }
            let template = format!(
                "func.call @{function}({}) : ({}) -> ({})",
                places(given.len()),
                list(&given),
                list(&signature.results)
            );
            let draft = Draft { mnemonic: "func.call", template, operands: arguments.to_vec(), regions: Vec::new() };
            Ok((draft, signature.results.clone()))
        };
        self.padded(signature.results.len(), draft())
    }

    /// Gives `count` values even after a mistake, so that callers may take the results apart.
    #[track_caller]
    fn padded<'b>(&'b self, count: usize, draft: Result<(Draft<'b>, Vec<TensorType>), String>) -> Vec<Tensor<'b>> {
        let mut results = self.push_many(draft);
        while results.len() < count {
            results.push(self.fail("too few results".to_owned()));
        }
        results
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_error, f32, s32};
    use crate::{Builder, ElementType::F32, TensorType};

    #[test]
    fn loops_carry_their_state() {
        check(
            &[s32([]), f32([3])],
            |b, x| b.while_loop(&[x[0], x[1]], |s| s[0].below(7), |s| vec![s[0] + 1, s[1] + s[1]])[1],
            "\"stablehlo.while\"(%x0, %x1)",
        );
        check_error(
            &[s32([])],
            |b, x| b.while_loop(&[x[0]], |s| s[0].below(7), |s| vec![s[0].convert(F32)])[0],
            "a loop's body gives f32[], expected s32[]",
        );
        check_error(
            &[s32([])],
            |b, x| b.while_loop(&[x[0]], |s| s[0], |s| vec![s[0]])[0],
            "a loop's condition gives s32[], expected pred[]",
        );
    }

    #[test]
    fn a_loop_can_state_how_often_it_runs() {
        check(
            &[s32([])],
            |b, x| b.while_loop_at_most(7, &[x[0]], |s| s[0].below(7), |s| vec![s[0] + 1])[0],
            "}) {mhlo.frontend_attributes = {precast_trips = \"7\"}} : (tensor<i32>) -> (tensor<i32>)",
        );
        check_error(
            &[s32([])],
            |b, x| b.while_loop_at_most(7, &[x[0]], |s| s[0], |s| vec![s[0]])[0],
            "a loop's condition gives s32[], expected pred[]",
        );
    }

    #[test]
    fn branches_and_sorts_agree() {
        check(&[f32([])], |b, x| b.branch(x[0].above(0.0), || vec![x[0]], || vec![-x[0]])[0], "stablehlo.if");
        check(
            &[f32([5]), s32([5])],
            |b, x| b.sort(&[x[0], x[1]], 0, |pair| pair[0].above(pair[1]))[1],
            "is_stable = true",
        );
        check_error(
            &[f32([])],
            |b, x| b.branch(x[0].above(0.0), || vec![x[0]], Vec::new)[0],
            "a branch gives f32[] or ",
        );
    }

    #[test]
    fn functions_are_called_by_their_signature() {
        let b = Builder::new("calls");
        b.function("twice", || vec![b.argument("x", &f32([2])) * 2.0]);
        b.function("main", || b.call("twice", &[b.argument("y", &TensorType::new(F32, [2]))]));
        let text = b.finish().expect("builds").text();
        assert!(text.contains("func.call @twice(%y) : (tensor<2xf32>) -> (tensor<2xf32>)"), "{text}");
        check_error(
            &[f32([2])],
            |b, x| b.call("nobody", &[x[0]])[0],
            "no function `nobody` is defined before this call",
        );
    }
}
