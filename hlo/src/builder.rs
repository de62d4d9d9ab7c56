//! The builder: values as `Copy` handles, scopes that name them, functions, and the first mistake.
//! Ops live in the files of their families; all of them end in `push`.

use std::cell::{RefCell, RefMut};
use std::collections::HashMap;
use std::fmt;
use std::panic::Location;

use crate::module::{Function, Module, Op, Region, Value, ValueId};
use crate::sharding::{Mesh, Sharding};
use crate::types::{Parameter, Signature, TensorType};

/// Builds one module. Ops are methods of [`Tensor`]; whatever needs no tensor is a method here.
pub struct Builder {
    state: RefCell<State>,
}

struct State {
    name: String,
    mesh: Option<Mesh>,
    functions: Vec<Function>,
    values: Vec<Value>,
    /// The regions being built, innermost last; empty outside of a function.
    open: Vec<Region>,
    parameters: Vec<Parameter>,
    attributes: Vec<Vec<String>>,
    scope: Vec<String>,
    /// How often each name was given in this function.
    names: HashMap<String, usize>,
    problem: Option<Problem>,
}

/// A value of the program. Cheap to copy; its type is known at once.
#[derive(Clone, Copy)]
pub struct Tensor<'b> {
    pub(crate) builder: &'b Builder,
    pub(crate) id: ValueId,
}

/// The first mistake made while building: what, in which scope, on which line of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub message: String,
    pub scope: String,
    pub file: String,
    pub line: u32,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        if !self.scope.is_empty() {
            write!(f, "\n  in scope `{}`", self.scope)?;
        }
        write!(f, "\n  at {}:{}", self.file, self.line)
    }
}

impl std::error::Error for Problem {}

/// What an op is before it has a name: its text with `$0`, `$1` … for operands and `$r0` … for regions.
pub(crate) struct Draft<'b> {
    pub mnemonic: &'static str,
    pub template: String,
    pub operands: Vec<Tensor<'b>>,
    pub regions: Vec<Region>,
}

impl Builder {
    pub fn new(name: &str) -> Builder {
        let state = State {
            name: name.to_owned(),
            mesh: None,
            functions: Vec::new(),
            values: Vec::new(),
            open: Vec::new(),
            parameters: Vec::new(),
            attributes: Vec::new(),
            scope: Vec::new(),
            names: HashMap::new(),
            problem: None,
        };
        Builder { state: RefCell::new(state) }
    }

    /// Names every value that `body` makes `name.…`, inside the scopes already open.
    pub fn scope<R>(&self, name: &str, body: impl FnOnce() -> R) -> R {
        self.state.borrow_mut().scope.push(name.to_owned());
        let result = body();
        self.state.borrow_mut().scope.pop();
        result
    }

    /// Adds a function; `main` is the one that is executed. `body` declares its arguments and gives its results.
    #[track_caller]
    pub fn function<'b>(&'b self, name: &str, body: impl FnOnce() -> Vec<Tensor<'b>>) {
        let location = Location::caller();
        {
            let mut state = self.state.borrow_mut();
            if !state.open.is_empty() {
                state.fail("a function inside a function".to_owned(), location);
                return;
            }
            if state.functions.iter().any(|function| function.name == name) {
                state.fail(format!("function `{name}` is defined twice"), location);
                return;
            }
            state.open.push(Region::default());
            state.names.clear();
        }
        let results = body();
        let mut state = self.state.borrow_mut();
        let result_ids: Vec<ValueId> = results.iter().map(|result| result.id).collect();
        let result_types: Vec<TensorType> = result_ids.iter().map(|id| state.values[id.0].ty.clone()).collect();
        let mut region = state.open.pop().unwrap_or_default();
        region.results = result_ids;
        let parameters = std::mem::take(&mut state.parameters);
        for parameter in &parameters {
            let Some(result) = parameter.donated_to else { continue };
            if result_types.get(result) != Some(&parameter.ty) {
                let message = format!(
                    "argument `{}` is {} but the result {result} that takes its memory is {}",
                    parameter.name,
                    parameter.ty,
                    result_types.get(result).map_or("missing".to_owned(), TensorType::to_string),
                );
                state.fail(message, location);
            }
        }
        let signature = Signature { mesh: state.mesh.clone(), parameters, results: result_types };
        let attributes = std::mem::take(&mut state.attributes);
        state.functions.push(Function { name: name.to_owned(), signature, attributes, body: region });
    }

    /// An argument of the function being built, in order.
    #[track_caller]
    pub fn argument(&self, name: &str, ty: &TensorType) -> Tensor<'_> {
        let location = Location::caller();
        let mut state = self.state.borrow_mut();
        if state.open.len() != 1 {
            state.fail(format!("argument `{name}` is not declared at the start of a function"), location);
        }
        let unique = state.unique(name.to_owned());
        let id = state.value(ty.clone(), unique, None);
        if let Some(region) = state.open.first_mut() {
            region.arguments.push(id);
        }
        let (name, ty) = (name.to_owned(), ty.clone());
        state.parameters.push(Parameter { name, ty, donated_to: None, sharding: Sharding::default() });
        state.attributes.push(Vec::new());
        Tensor { builder: self, id }
    }

    /// An argument whose memory result number `result` takes over.
    #[track_caller]
    pub fn donated(&self, name: &str, ty: &TensorType, result: usize) -> Tensor<'_> {
        let tensor = self.argument(name, ty);
        let mut state = self.state.borrow_mut();
        if let Some(parameter) = state.parameters.last_mut() {
            parameter.donated_to = Some(result);
        }
        if let Some(attributes) = state.attributes.last_mut() {
            attributes.push(format!("tf.aliasing_output = {result} : i32"));
        }
        drop(state);
        tensor
    }

    /// Declares the mesh that shardings divide over, before any function. Without one, shardings are ignored.
    #[track_caller]
    pub fn mesh(&self, name: &str, axes: &[(&str, usize)]) {
        let location = Location::caller();
        let mut state = self.state.borrow_mut();
        if let Some(mesh) = &state.mesh {
            let message = format!("mesh `{name}` beside mesh `{}`, expected one", mesh.name());
            state.fail(message, location);
        }
        if let Some(function) = state.functions.first() {
            let message = format!("mesh `{name}` comes after function `{}`", function.name);
            state.fail(message, location);
        }
        match Mesh::new(name, axes) {
            Ok(mesh) => state.mesh = Some(mesh),
            Err(message) => state.fail(message, location),
        }
    }

    /// The finished module, or the first mistake.
    pub fn finish(self) -> Result<Module, Problem> {
        let state = self.state.into_inner();
        match state.problem {
            Some(problem) => Err(problem),
            None => Ok(Module { name: state.name, mesh: state.mesh, functions: state.functions, values: state.values }),
        }
    }

    /// Keeps the mistake of something that was built beside this module and should have become a part of it.
    pub fn refuse(&self, problem: Problem) -> Tensor<'_> {
        let mut state = self.state.borrow_mut();
        state.problem.get_or_insert(problem);
        let id = state.value(TensorType::new(crate::ElementType::F32, []), "mistake".to_owned(), None);
        Tensor { builder: self, id }
    }

    /// Keeps `message` if it is the first mistake, and gives a value that stands in for the result.
    #[track_caller]
    pub(crate) fn fail(&self, message: String) -> Tensor<'_> {
        let mut state = self.state.borrow_mut();
        state.fail(message, Location::caller());
        let id = state.value(TensorType::new(crate::ElementType::F32, []), "mistake".to_owned(), None);
        Tensor { builder: self, id }
    }

    /// Adds an op with one result. After a mistake nothing is added, so that operands need no second check.
    #[track_caller]
    pub(crate) fn push<'b>(&'b self, draft: Result<(Draft<'b>, TensorType), String>) -> Tensor<'b> {
        match draft {
            Ok((draft, ty)) => match self.push_many(Ok((draft, vec![ty]))).first() {
                Some(tensor) => *tensor,
                None => self.fail("an op without a result".to_owned()),
            },
            Err(message) => self.fail(message),
        }
    }

    /// Adds an op with any number of results.
    #[track_caller]
    pub(crate) fn push_many<'b>(&'b self, draft: Result<(Draft<'b>, Vec<TensorType>), String>) -> Vec<Tensor<'b>> {
        let location = Location::caller();
        let (draft, types) = match draft {
            Ok(parts) => parts,
            Err(message) => return vec![self.fail(message)],
        };
        let mut state = self.state.borrow_mut();
        if let Some(foreign) = draft.operands.iter().position(|operand| !std::ptr::eq(operand.builder, self)) {
            state.fail(format!("operand {foreign} of `{}` belongs to another builder", draft.mnemonic), location);
        }
        if state.open.is_empty() {
            state.fail(format!("`{}` outside of a function", draft.mnemonic), location);
        }
        let hint = draft.mnemonic.rsplit('.').next().unwrap_or("value").to_owned();
        let name = state.scoped(&hint);
        let multiple = types.len() > 1;
        let results: Vec<ValueId> = types
            .into_iter()
            .enumerate()
            .map(|(index, ty)| state.value(ty, name.clone(), multiple.then_some(index)))
            .collect();
        let scope = state.scope.join(".");
        let op = Op {
            mnemonic: draft.mnemonic,
            template: draft.template,
            operands: draft.operands.iter().map(|operand| operand.id).collect(),
            results: results.clone(),
            regions: draft.regions,
            scope,
        };
        if let Some(region) = state.open.last_mut() {
            region.ops.push(op);
        }
        results.into_iter().map(|id| Tensor { builder: self, id }).collect()
    }

    /// Builds a region with arguments of `types`; `body` gives its results.
    pub(crate) fn region<'b>(
        &'b self,
        types: &[TensorType],
        body: impl FnOnce(&[Tensor<'b>]) -> Vec<Tensor<'b>>,
    ) -> (Region, Vec<TensorType>) {
        let arguments: Vec<Tensor<'b>> = {
            let mut state = self.state.borrow_mut();
            state.open.push(Region::default());
            types
                .iter()
                .map(|ty| {
                    let name = state.scoped("arg");
                    Tensor { builder: self, id: state.value(ty.clone(), name, None) }
                })
                .collect()
        };
        let results = body(&arguments);
        let mut state = self.state.borrow_mut();
        let mut region = state.open.pop().unwrap_or_default();
        region.arguments = arguments.iter().map(|argument| argument.id).collect();
        region.results = results.iter().map(|result| result.id).collect();
        let types = region.results.iter().map(|id| state.values[id.0].ty.clone()).collect();
        (region, types)
    }

    pub(crate) fn own_mesh(&self) -> Option<Mesh> {
        self.state.borrow().mesh.clone()
    }

    pub(crate) fn signature_of(&self, function: &str) -> Option<Signature> {
        let state = self.state.borrow();
        state.functions.iter().find(|candidate| candidate.name == function).map(|found| found.signature.clone())
    }
}

impl State {
    fn fail(&mut self, message: String, location: &Location<'_>) {
        if self.problem.is_none() {
            self.problem = Some(Problem {
                message,
                scope: self.scope.join("."),
                file: location.file().to_owned(),
                line: location.line(),
            });
        }
    }

    fn value(&mut self, ty: TensorType, name: String, index: Option<usize>) -> ValueId {
        self.values.push(Value { name, index, ty });
        ValueId(self.values.len() - 1)
    }

    fn scoped(&mut self, hint: &str) -> String {
        let mut name = self.scope.join(".");
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(hint);
        self.unique(name)
    }

    fn unique(&mut self, name: String) -> String {
        let count = self.names.entry(name.clone()).or_insert(0);
        *count += 1;
        if *count == 1 { name } else { format!("{name}_{count}") }
    }
}

impl<'b> Tensor<'b> {
    /// The builder that the value belongs to.
    pub fn builder(self) -> &'b Builder {
        self.builder
    }

    pub fn ty(self) -> TensorType {
        self.builder.state.borrow().values[self.id.0].ty.clone()
    }

    /// The size of axis `axis`; 1 beyond the rank, which the op that uses it will report.
    pub fn dim(self, axis: usize) -> usize {
        self.ty().dims.get(axis).copied().unwrap_or(1)
    }

    /// Names the value in the text, inside the open scopes.
    pub fn named(self, name: &str) -> Tensor<'b> {
        let mut state = self.builder.state.borrow_mut();
        let name = state.scoped(name);
        if state.values[self.id.0].index.is_none() {
            state.values[self.id.0].name = name;
        }
        drop(state);
        self
    }

    /// Asks for a device layout of this argument, such as `{0,1}` (minor to major).
    #[track_caller]
    pub fn layout(self, layout: &str) -> Tensor<'b> {
        if let Some((mut state, place)) = self.as_argument("layout") {
            state.attributes[place].push(format!("mhlo.layout_mode = \"{layout}\""));
        }
        self
    }

    /// Notes the sharding of this argument, which fits it.
    #[track_caller]
    pub(crate) fn shard_argument(self, sharding: Sharding) -> Tensor<'b> {
        if let Some((mut state, place)) = self.as_argument("sharded") {
            state.parameters[place].sharding = sharding;
        }
        self
    }

    /// Which argument of the function being built this is; none is a mistake of calling `method`.
    #[track_caller]
    fn as_argument(self, method: &str) -> Option<(RefMut<'b, State>, usize)> {
        let mut state = self.builder.state.borrow_mut();
        let place = state.open.first().and_then(|region| region.arguments.iter().position(|id| *id == self.id));
        if place.is_none() {
            state.fail(format!("`{method}` on a value that is no argument"), Location::caller());
        }
        Some((state, place?))
    }
}

impl fmt::Debug for Tensor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ty())
    }
}
