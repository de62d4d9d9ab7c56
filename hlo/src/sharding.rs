//! Meshes and shardings: which device of a program holds which part of a tensor. Without a mesh there is one device, every
//! sharding is ignored and nothing is written, so that the same code builds the graph of one device and of many.

use std::fmt;

use crate::builder::{Draft, Tensor};
use crate::types::TensorType;

/// The devices of a program along named axes; they are numbered row-major over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mesh {
    name: String,
    axes: Vec<(String, usize)>,
}

/// More devices than any program is made for; what is below can be counted and multiplied.
const MOST_DEVICES: usize = 1 << 16;

impl Mesh {
    /// Fails on an axis that is there twice, on an axis of no device, and on more devices than 65536.
    pub fn new<S: AsRef<str>>(name: &str, axes: &[(S, usize)]) -> Result<Mesh, String> {
        let mut mesh = Mesh { name: name.to_owned(), axes: Vec::new() };
        for (axis, size) in axes.iter().map(|(axis, size)| (axis.as_ref(), *size)) {
            if mesh.axes.iter().any(|(earlier, _)| earlier == axis) {
                return Err(format!("mesh `{name}` has axis `{axis}` twice"));
            }
            if size == 0 || size > MOST_DEVICES / mesh.devices() {
                return Err(format!(
                    "mesh `{name}` with {size} devices along `{axis}`, expected 1 to {MOST_DEVICES} in all"
                ));
            }
            mesh.axes.push((axis.to_owned(), size));
        }
        Ok(mesh)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name and length of every axis, outermost first.
    pub fn axes(&self) -> &[(String, usize)] {
        &self.axes
    }

    /// The number of devices.
    pub fn devices(&self) -> usize {
        self.axes.iter().map(|(_, size)| size).product()
    }

    /// `sdy.mesh @devices = <["model"=4]>`
    pub(crate) fn mlir(&self) -> String {
        let axes: Vec<String> = self.axes.iter().map(|(axis, size)| format!("\"{axis}\"={size}")).collect();
        format!("sdy.mesh @{} = <[{}]>", self.name, axes.join(", "))
    }

    /// Where `device` stands along `axis`, and how many stand there; an axis that the mesh has not is one device long.
    fn coordinate(&self, axis: &str, device: usize) -> (usize, usize) {
        let Some(place) = self.axes.iter().position(|(name, _)| name == axis) else { return (0, 1) };
        let stride: usize = self.axes[place + 1..].iter().map(|(_, size)| size).product();
        let size = self.axes[place].1;
        (device / stride % size, size)
    }
}

/// Which mesh axes divide each axis of a tensor. Axes beyond the list are whole; the default leaves all of them whole,
/// which every device then holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sharding {
    /// Mesh axes of each tensor axis, outermost first; the last list is not empty.
    axes: Vec<Vec<String>>,
}

impl Sharding {
    /// One word a tensor axis: `""` leaves it whole, `"model"` divides it by a mesh axis, `"row,column"` by two.
    pub fn new<S: AsRef<str>>(words: &[S]) -> Sharding {
        let split = |word: &S| word.as_ref().split(',').filter(|axis| !axis.is_empty()).map(str::to_owned).collect();
        let mut axes: Vec<Vec<String>> = words.iter().map(split).collect();
        while axes.last().is_some_and(Vec::is_empty) {
            axes.pop();
        }
        Sharding { axes }
    }

    /// The words that [`Sharding::new`] takes; as many as there are up to the last divided axis.
    pub fn words(&self) -> Vec<String> {
        self.axes.iter().map(|axes| axes.join(",")).collect()
    }

    /// Whether every device holds all of the tensor.
    pub fn is_whole(&self) -> bool {
        self.axes.is_empty()
    }

    /// The part of `ty` that one device of `mesh` holds. Fails on a mesh axis that is unknown or there twice, on more axes than
    /// `ty` has, and on an axis that its mesh axes do not divide.
    pub fn local(&self, mesh: &Mesh, ty: &TensorType) -> Result<TensorType, String> {
        if self.axes.len() > ty.rank() {
            return Err(format!("sharding {self} of {ty}, which has {} axes", ty.rank()));
        }
        let mut used: Vec<&str> = Vec::new();
        let mut dims = ty.dims.clone();
        for (place, axes) in self.axes.iter().enumerate() {
            let mut parts = 1;
            for axis in axes {
                let Some((_, size)) = mesh.axes.iter().find(|(name, _)| name == axis) else {
                    return Err(format!("sharding {self} of {ty}: mesh `{}` has no axis `{axis}`", mesh.name));
                };
                if used.contains(&axis.as_str()) {
                    return Err(format!("sharding {self} of {ty}: mesh axis `{axis}` is there twice"));
                }
                used.push(axis);
                parts *= size;
            }
            if !dims[place].is_multiple_of(parts) {
                let axes = axes.join(",");
                return Err(format!(
                    "axis {place} of {ty} cannot be divided by the {parts} parts of mesh axis `{axes}`"
                ));
            }
            dims[place] /= parts;
        }
        Ok(ty.with_dims(dims))
    }

    /// Where the part of `device` begins along every axis of a tensor whose parts are `local`.
    pub fn place(&self, mesh: &Mesh, local: &TensorType, device: usize) -> Vec<usize> {
        let part = |axes: &Vec<String>| {
            axes.iter().fold(0, |part, axis| {
                let (coordinate, size) = mesh.coordinate(axis, device);
                part * size + coordinate
            })
        };
        let divided = self.axes.iter().map(part).zip(&local.dims).map(|(part, dim)| part * dim);
        divided.chain(std::iter::repeat(0)).take(local.rank()).collect()
    }

    /// `#sdy.sharding<@devices, [{}, {"model"}]>` without its name.
    pub(crate) fn mlir(&self, mesh: &Mesh, rank: usize) -> String {
        let axis = |place: usize| {
            let axes = self.axes.get(place).into_iter().flatten();
            let axes: Vec<String> = axes.map(|axis| format!("\"{axis}\"")).collect();
            format!("{{{}}}", axes.join(", "))
        };
        let axes: Vec<String> = (0..rank).map(axis).collect();
        format!("<@{}, [{}]>", mesh.name, axes.join(", "))
    }
}

/// Shown as `["", "model"]`.
impl fmt::Display for Sharding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.words())
    }
}

impl<'b> Tensor<'b> {
    /// Divides this argument over the mesh, one word an axis as in [`Sharding::new`]: `w.sharded(&["model", ""])`.
    /// A result that takes over its memory is divided likewise; all other arguments and results are whole.
    #[track_caller]
    pub fn sharded<S: AsRef<str>>(self, words: &[S]) -> Tensor<'b> {
        match self.sharding(words) {
            Ok(Some((_, sharding))) => self.shard_argument(sharding),
            Ok(None) => self,
            Err(message) => self.builder.fail(message),
        }
    }

    /// The same value, divided over the mesh as the words say, in the form of [`Sharding::new`].
    #[track_caller]
    pub fn constrained<S: AsRef<str>>(self, words: &[S]) -> Tensor<'b> {
        let (mesh, sharding) = match self.sharding(words) {
            Ok(Some(found)) => found,
            Ok(None) => return self,
            Err(message) => return self.builder.fail(message),
        };
        let ty = self.ty();
        let template = format!("sdy.sharding_constraint $0 {} : {}", sharding.mlir(&mesh, ty.rank()), ty.mlir());
        let mnemonic = "sdy.sharding_constraint";
        self.builder.push(Ok((Draft { mnemonic, template, operands: vec![self], regions: Vec::new() }, ty)))
    }

    /// A checked sharding of this value, and the mesh it names; `None` without a mesh, where only the number of words is checked.
    fn sharding<S: AsRef<str>>(self, words: &[S]) -> Result<Option<(Mesh, Sharding)>, String> {
        let (ty, sharding) = (self.ty(), Sharding::new(words));
        if words.len() != ty.rank() {
            return Err(format!("{} words of sharding for {ty}", words.len()));
        }
        let Some(mesh) = self.builder.own_mesh() else { return Ok(None) };
        sharding.local(&mesh, &ty)?;
        Ok(Some((mesh, sharding)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_error_on, check_on, f32};
    use crate::{Builder, Module, Problem};

    type Axes = &'static [(&'static str, usize)];

    const MESH: Axes = &[("row", 2), ("column", 3)];

    fn mesh() -> Mesh {
        Mesh::new("mesh", MESH).expect("a mesh")
    }

    /// `main` gives two results: the state it takes over, and the sum of its two arguments.
    fn step(mesh: &[(&str, usize)]) -> Result<Module, Problem> {
        let b = Builder::new("step");
        if !mesh.is_empty() {
            b.mesh("mesh", mesh);
        }
        b.function("main", || {
            let state = b.donated("state", &f32([4, 6]), 1).sharded(&["row", "column"]);
            let step = b.argument("step", &f32([4, 6]));
            let sum = (state + step).constrained(&["", "row,column"]);
            vec![step, sum]
        });
        b.finish()
    }

    #[test]
    fn devices_hold_their_part() {
        let rows: [(&[&str], _, &[usize; 6]); 5] = [
            (&["", ""], [4, 6], &[0, 0, 0, 0, 0, 0]),
            (&["row", ""], [2, 6], &[0, 0, 0, 20, 20, 20]),
            (&["row", "column"], [2, 2], &[0, 2, 4, 20, 22, 24]),
            (&["", "row,column"], [4, 1], &[0, 1, 2, 3, 4, 5]),
            (&["", "column,row"], [4, 1], &[0, 2, 4, 1, 3, 5]),
        ];
        for (words, dims, places) in rows {
            let sharding = Sharding::new(words);
            let local = sharding.local(&mesh(), &f32([4, 6])).expect("a sharding");
            assert_eq!(local, f32(dims), "{sharding}");
            // Written as row and column, one digit each.
            let place = |device| sharding.place(&mesh(), &local, device).iter().fold(0, |sum, at| sum * 10 + at);
            assert_eq!([0, 1, 2, 3, 4, 5].map(place), *places, "{sharding}");
            assert_eq!(Sharding::new(&sharding.words()), sharding);
        }
        assert_eq!(mesh().devices(), 6);
        assert!(Sharding::new(&["", ""]).is_whole() && Sharding::default().is_whole());
    }

    #[test]
    fn arguments_and_results_say_how_they_are_divided() {
        let module = step(MESH).expect("builds");
        let expected = r#"module @step {
  sdy.mesh @mesh = <["row"=2, "column"=3]>
  func.func public @main(
      %state: tensor<4x6xf32> {tf.aliasing_output = 1 : i32, sdy.sharding = #sdy.sharding<@mesh, [{"row"}, {"column"}]>},
      %step: tensor<4x6xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {}]>}) -> (
      tensor<4x6xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {}]>},
      tensor<4x6xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"row"}, {"column"}]>}) {
    %add = stablehlo.add %state, %step : tensor<4x6xf32>
    %sharding_constraint = sdy.sharding_constraint %add <@mesh, [{}, {"row", "column"}]> : tensor<4x6xf32>
    return %step, %sharding_constraint : tensor<4x6xf32>, tensor<4x6xf32>
  }
}
"#;
        assert_eq!(module.text(), expected);
        let signature = &module.main().expect("a main").signature;
        assert_eq!(signature.mesh, Some(mesh()));
        assert_eq!(signature.local_parameters(), Ok(vec![f32([2, 2]), f32([4, 6])]));
        assert_eq!(signature.local_results(), Ok(vec![f32([4, 6]), f32([2, 2])]));
        assert_eq!(signature.devices(), 6);
    }

    #[test]
    fn one_device_knows_no_sharding() {
        let module = step(&[]).expect("builds");
        assert!(!module.text().contains("sdy"), "{}", module.text());
        let signature = &module.main().expect("a main").signature;
        assert!(signature.mesh.is_none() && signature.parameters.iter().all(|found| found.sharding.is_whole()));
        assert_eq!(signature.local_results(), Ok(signature.results.clone()));
        assert_eq!(signature.devices(), 1);
    }

    #[test]
    fn values_are_constrained_anywhere() {
        check_on(
            MESH,
            &[f32([6])],
            |b, x| b.while_loop(&[x[0]], |s| s[0].below(7.0).all("a->"), |s| vec![s[0].constrained(&["column"])])[0],
            "sdy.sharding_constraint %body.arg_2 <@mesh, [{\"column\"}]> : tensor<6xf32>",
        );
        check_on(MESH, &[f32([])], |_, x| x[0].constrained::<&str>(&[]), "sdy.sharding_constraint %x0 <@mesh, []>");
    }

    #[test]
    fn shardings_fit_the_mesh_and_the_tensor() {
        let rows: [(Axes, &[&str], &str); 6] = [
            (MESH, &["row"], "1 words of sharding for f32[4, 5]"),
            (&[], &["row"], "1 words of sharding for f32[4, 5]"),
            (MESH, &["", "colum"], "sharding [\"\", \"colum\"] of f32[4, 5]: mesh `mesh` has no axis `colum`"),
            (MESH, &["row", "row"], "sharding [\"row\", \"row\"] of f32[4, 5]: mesh axis `row` is there twice"),
            (MESH, &["", "column"], "axis 1 of f32[4, 5] cannot be divided by the 3 parts of mesh axis `column`"),
            (
                MESH,
                &["row,column", ""],
                "axis 0 of f32[4, 5] cannot be divided by the 6 parts of mesh axis `row,column`",
            ),
        ];
        for (mesh, words, expected) in rows {
            check_error_on(mesh, &[f32([4, 5])], |_, x| x[0].constrained(words), expected);
            check_error_on(mesh, &[f32([4, 5])], |_, x| x[0].sharded(words), expected);
        }
        check_error_on(
            MESH,
            &[f32([4, 6])],
            |_, x| (x[0] + x[0]).sharded(&["row", ""]),
            "`sharded` on a value that is no argument",
        );
        let error = Sharding::new(&["", "", "row"]).local(&mesh(), &f32([4, 5]));
        assert_eq!(error, Err("sharding [\"\", \"\", \"row\"] of f32[4, 5], which has 2 axes".to_owned()));
    }

    #[test]
    fn a_module_has_one_mesh_declared_before_its_functions() {
        let b = Builder::new("meshes");
        b.mesh("one", &[("row", 2)]);
        b.mesh("two", &[("row", 3)]);
        assert_eq!(b.finish().expect_err("a mistake").message, "mesh `two` beside mesh `one`, expected one");
        let rows: [(Axes, _); 3] = [
            (&[("row", 2), ("row", 3)], "mesh `mesh` has axis `row` twice"),
            (&[("row", 0)], "mesh `mesh` with 0 devices along `row`, expected 1 to 65536 in all"),
            (&[("a", 256), ("b", 257)], "mesh `mesh` with 257 devices along `b`, expected 1 to 65536 in all"),
        ];
        for (axes, expected) in rows {
            let b = Builder::new("meshes");
            b.mesh("mesh", axes);
            assert_eq!(b.finish().expect_err("a mistake").message, expected);
        }
        let b = Builder::new("late");
        b.function("main", || vec![b.argument("x", &f32([2]))]);
        b.mesh("mesh", MESH);
        assert_eq!(b.finish().expect_err("a mistake").message, "mesh `mesh` comes after function `main`");
    }
}
