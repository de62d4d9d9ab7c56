//! The finished module: functions, ops and regions as data, written out as text.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::sharding::{Mesh, Sharding};
use crate::types::{Signature, TensorType};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ValueId(pub usize);

#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub name: String,
    /// Which result it is, if its op has several.
    pub index: Option<usize>,
    pub ty: TensorType,
}

#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub mnemonic: &'static str,
    pub template: String,
    pub operands: Vec<ValueId>,
    pub results: Vec<ValueId>,
    pub regions: Vec<Region>,
    pub scope: String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Region {
    pub arguments: Vec<ValueId>,
    pub ops: Vec<Op>,
    pub results: Vec<ValueId>,
}

/// One function of a module.
#[derive(Clone, Debug)]
pub struct Function {
    pub name: String,
    pub signature: Signature,
    pub(crate) attributes: Vec<Vec<String>>,
    pub(crate) body: Region,
}

/// A module without mistakes, as far as the builder's rules know.
#[derive(Clone, Debug)]
pub struct Module {
    pub name: String,
    pub(crate) mesh: Option<Mesh>,
    pub(crate) functions: Vec<Function>,
    pub(crate) values: Vec<Value>,
}

impl Module {
    /// The function that is executed.
    pub fn main(&self) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == "main")
    }

    /// StableHLO text without locations: for people and goldens.
    pub fn text(&self) -> String {
        self.write(false)
    }

    /// StableHLO text in which every op carries its scope as location, so that the optimized program can be read by model part.
    pub fn text_with_locations(&self) -> String {
        self.write(true)
    }

    /// How often each op occurs, regions included.
    pub fn census(&self) -> BTreeMap<&'static str, usize> {
        fn count(region: &Region, census: &mut BTreeMap<&'static str, usize>) {
            for op in &region.ops {
                *census.entry(op.mnemonic).or_default() += 1;
                op.regions.iter().for_each(|region| count(region, census));
            }
        }
        let mut census = BTreeMap::new();
        self.functions.iter().for_each(|function| count(&function.body, &mut census));
        census
    }

    fn write(&self, locations: bool) -> String {
        let mut writer = Writer { module: self, out: String::new(), locations, scopes: Vec::new() };
        writer.module_text();
        writer.out
    }
}

struct Writer<'a> {
    module: &'a Module,
    out: String,
    locations: bool,
    /// Scopes in the order of their first op; a location's number is its place here.
    scopes: Vec<&'a str>,
}

impl<'a> Writer<'a> {
    fn module_text(&mut self) {
        let _ = writeln!(self.out, "module @{} {{", self.module.name);
        if let Some(mesh) = &self.module.mesh {
            let _ = writeln!(self.out, "  {}", mesh.mlir());
        }
        for function in &self.module.functions {
            self.function(function);
        }
        self.out.push_str("}\n");
        for (number, scope) in self.scopes.iter().enumerate() {
            let _ = writeln!(self.out, "#loc{number} = loc(\"{scope}\")");
        }
    }

    fn function(&mut self, function: &'a Function) {
        let visibility = if function.name == "main" { "public" } else { "private" };
        let _ = write!(self.out, "  func.func {visibility} @{}(", function.name);
        for (place, id) in function.body.arguments.iter().enumerate() {
            let separator = if place == 0 { "\n      " } else { ",\n      " };
            let _ = write!(self.out, "{separator}{}: {}", self.value(*id), self.ty(*id));
            let parameter = &function.signature.parameters[place];
            let sharding = self.sharding(function, &parameter.sharding, &parameter.ty);
            let attributes: Vec<&str> =
                function.attributes[place].iter().map(String::as_str).chain(sharding.as_deref()).collect();
            if !attributes.is_empty() {
                let _ = write!(self.out, " {{{}}}", attributes.join(", "));
            }
        }
        self.out.push_str(") -> (");
        for (place, ty) in function.signature.results.iter().enumerate() {
            let sharding = self.sharding(function, &function.signature.result_sharding(place), ty);
            let separator = match (place, &sharding) {
                (0, None) => "",
                (_, None) => ", ",
                (0, Some(_)) => "\n      ",
                (_, Some(_)) => ",\n      ",
            };
            let _ = write!(self.out, "{separator}{}", ty.mlir());
            if let Some(sharding) = sharding {
                let _ = write!(self.out, " {{{sharding}}}");
            }
        }
        self.out.push_str(") {\n");
        self.ops(&function.body, 2);
        let _ = writeln!(self.out, "    return{}", self.results(&function.body));
        self.out.push_str("  }\n");
    }

    /// The attribute of an argument or result. Those of `main` are what whoever executes it relies on, so there also the whole ones
    /// say so; elsewhere the compiler may divide what nobody divided.
    fn sharding(&self, function: &Function, sharding: &Sharding, ty: &TensorType) -> Option<String> {
        let mesh = self.module.mesh.as_ref()?;
        let written = function.name == "main" || !sharding.is_whole();
        written.then(|| format!("sdy.sharding = #sdy.sharding{}", sharding.mlir(mesh, ty.rank())))
    }

    fn ops(&mut self, region: &'a Region, depth: usize) {
        for op in &region.ops {
            self.op(op, depth);
        }
    }

    fn op(&mut self, op: &'a Op, depth: usize) {
        self.indent(depth);
        if let Some(first) = op.results.first() {
            let _ = write!(self.out, "%{}", self.module.values[first.0].name);
            if op.results.len() > 1 {
                let _ = write!(self.out, ":{}", op.results.len());
            }
            self.out.push_str(" = ");
        }
        let mut rest = op.template.as_str();
        while let Some(place) = rest.find('$') {
            self.out.push_str(&rest[..place]);
            rest = &rest[place + 1..];
            let region = rest.starts_with('r');
            let digits = &rest[usize::from(region)..];
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            let number: usize = digits[..end].parse().expect("templates number their operands");
            rest = &digits[end..];
            if region {
                self.region(&op.regions[number], depth);
            } else {
                let value = self.value(op.operands[number]);
                self.out.push_str(&value);
            }
        }
        self.out.push_str(rest);
        if self.locations && !op.scope.is_empty() {
            let number = match self.scopes.iter().rposition(|scope| *scope == op.scope) {
                Some(number) => number,
                None => {
                    self.scopes.push(&op.scope);
                    self.scopes.len() - 1
                }
            };
            let _ = write!(self.out, " loc(#loc{number})");
        }
        self.out.push('\n');
    }

    fn region(&mut self, region: &'a Region, depth: usize) {
        self.out.push_str("{\n");
        if !region.arguments.is_empty() {
            let arguments: Vec<String> =
                region.arguments.iter().map(|id| format!("{}: {}", self.value(*id), self.ty(*id))).collect();
            self.indent(depth);
            let _ = writeln!(self.out, "^bb0({}):", arguments.join(", "));
        }
        self.ops(region, depth + 1);
        self.indent(depth + 1);
        let _ = writeln!(self.out, "stablehlo.return{}", self.results(region));
        self.indent(depth);
        self.out.push('}');
    }

    fn results(&self, region: &Region) -> String {
        if region.results.is_empty() {
            return String::new();
        }
        let values: Vec<String> = region.results.iter().map(|id| self.value(*id)).collect();
        let types: Vec<String> = region.results.iter().map(|id| self.ty(*id)).collect();
        format!(" {} : {}", values.join(", "), types.join(", "))
    }

    fn indent(&mut self, depth: usize) {
        self.out.extend(std::iter::repeat_n("  ", depth));
    }

    fn value(&self, id: ValueId) -> String {
        let value = &self.module.values[id.0];
        match value.index {
            Some(index) => format!("%{}#{index}", value.name),
            None => format!("%{}", value.name),
        }
    }

    fn ty(&self, id: ValueId) -> String {
        self.module.values[id.0].ty.mlir()
    }
}
