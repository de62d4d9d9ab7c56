//! The parameters of the graphs, each declared once: name, type, sharding and where it comes from in a checkpoint.
//! The list is the order of the functions' arguments, the loader's work and the manifest's content.

use std::collections::HashMap;

use crate::config::Config;
use crate::plan::{MXFP4_BLOCK, Plan, Precision};
use hlo::{Builder, ElementType, Sharding, Tensor, TensorType};

/// One parameter that the device holds. A matrix stored in codes is two: its codes and their scales.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weight {
    /// Such as `layers.3.gate_up.weight`.
    pub name: String,
    /// Row-major on the host.
    pub ty: TensorType,
    pub source: Source,
    pub form: Form,
    /// Values of a row of the matrix that it is, or whose scales it is; 0 for what is no matrix.
    pub width: usize,
    /// Whether gates and ups take turns in it, as in the checkpoint.
    pub interleaved: bool,
    /// Which part of it each device holds.
    pub sharding: Sharding,
    /// A device layout that the compiler would not choose by itself, minor axis first, such as `{1,0}`.
    pub layout: Option<&'static str>,
}

/// What a parameter holds of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// The values themselves, in the parameter's element type.
    Values,
    /// Codes of this precision; value = code times scale.
    Codes(Precision),
    /// The scales of those codes.
    Scales(Precision),
}

/// Which tensor of the checkpoint a parameter is made of, and the order of its axes as values. A number is a layer.
///
/// Axis letters: `c` hidden channel, `o` query, key and value rows by kv head, `q` attention output, `e` expert, `p` device that
/// holds a part of every expert, `f` expert channel of such a part, `v` vocabulary, `h` query head, `b` block of 32 along an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// `[v, c]`; scales `[v]`
    Embedding,
    /// `[c]`
    AttentionNorm(usize),
    /// `[o, c]`: for each kv head the rows of its query heads, then its key's, then its value's; scales `[o]`
    QkvWeight(usize),
    /// `[o]`, in the same order
    QkvBias(usize),
    /// `[h]`
    Sinks(usize),
    /// `[c, q]`; scales `[c]`
    OutWeight(usize),
    /// `[c]`
    OutBias(usize),
    /// `[c]`
    MoeNorm(usize),
    /// `[e, c]`
    RouterWeight(usize),
    /// `[e]`
    RouterBias(usize),
    /// `[p, e, 2f, c]`: the checkpoint's interleaved rows set apart, of each part first the gates, then the ups; channels beyond
    /// the model's are zeros. Scales `[p, e, 2f]`. In MXFP4 `[p, e, b, 32, 2f]`, scales bf16 `[p, e·b, 2f]`.
    ///
    /// As published, gates and ups take turns, and MXFP4 is bytes of two codes, the low half first: u8 `[p, e, 2f, b, 16]`, scales u8
    /// `[p, e, 2f, b]`, powers of two with 127 added.
    GateUpWeight(usize),
    /// `[p, e, 2f]`, in the same order
    GateUpBias(usize),
    /// `[p, e, c, f]`, zeros beyond the model's channels; scales `[p, e, c]`. In MXFP4 `[p, e, b, 32, c]`, scales bf16 `[p, e·b, c]`,
    /// with channels of zeros behind `c` up to whole lanes; as published u8 `[p, e, c, b, 16]`, scales u8 `[p, e, c, b]`.
    DownWeight(usize),
    /// `[e, c]`
    DownBias(usize),
    /// `[c]`
    FinalNorm,
    /// `[v, c]`; scales `[v]`
    Unembedding,
    /// f32 `[slots, head_dim/2]`: cosines of YaRN's angles times its concentration, computed from the configuration alone
    RopeCos,
    /// f32 `[slots, head_dim/2]`, sines likewise
    RopeSin,
}

impl Source {
    /// Whether the configuration alone tells it, so that no checkpoint has it.
    pub fn is_computed(self) -> bool {
        matches!(self, Source::RopeCos | Source::RopeSin)
    }
}

/// The mesh axis along which devices hold different kv heads.
pub(super) const HEADS: &str = "heads";
/// The mesh axis along which they hold the same.
pub(super) const REST: &str = "rest";
/// Both mesh axes: along the second one, devices hold the same heads.
pub(super) const ALL: &str = "heads,rest";

/// Every weight of `config` in argument order: matrices as the plan's strategy stores them, vectors and tables f32.
pub fn weights(config: &Config, plan: &Plan) -> Vec<Weight> {
    let (c, v, e) = (config.hidden, config.vocabulary, config.experts);
    let (o, q) = (config.qkv_channels(), config.query_channels());
    let of_vocabulary = if v.is_multiple_of(plan.devices) { ALL } else { "" };
    let of_stream = if c.is_multiple_of(plan.devices) { ALL } else { "" };
    let vector = |name: String, source, dims: &[usize]| {
        Weight::new(name, source, Form::Values, TensorType::new(ElementType::F32, dims))
    };
    let dense = |name: String, source, dims: [usize; 2], axes: [&str; 2]| dense(name, source, plan, dims, axes);
    let angles = [plan.slots(), config.head_dim / 2];
    let mut list = dense("embedding".into(), Source::Embedding, [v, c], ["", of_stream]);
    // Its rows are looked up: the layout of least padding would have the vocabulary as minor axis.
    list[0].layout = Some("{1,0}");
    list.push(vector("rope.cos".into(), Source::RopeCos, &angles));
    list.push(vector("rope.sin".into(), Source::RopeSin, &angles));
    for layer in 0..config.layers {
        let name = |rest: &str| format!("layers.{layer}.{rest}");
        list.push(vector(name("attention.norm"), Source::AttentionNorm(layer), &[c]));
        list.extend(dense(name("attention.qkv"), Source::QkvWeight(layer), [o, c], [HEADS, ""]));
        list.push(vector(name("attention.qkv.bias"), Source::QkvBias(layer), &[o]).sharded(&[HEADS]));
        list.push(vector(name("attention.sinks"), Source::Sinks(layer), &[config.query_heads]).sharded(&[HEADS]));
        list.extend(dense(name("attention.out"), Source::OutWeight(layer), [c, q], ["", HEADS]));
        list.push(vector(name("attention.out.bias"), Source::OutBias(layer), &[c]));
        list.push(vector(name("moe.norm"), Source::MoeNorm(layer), &[c]));
        // A row that is rounded otherwise chooses other experts, and the matrix is small: it is never stored in codes.
        let router = TensorType::new(plan.strategy.router().element(), [e, c]);
        let router = Weight::new(name("moe.router.weight"), Source::RouterWeight(layer), Form::Values, router);
        list.push(router.of_width(c));
        list.push(vector(name("moe.router.bias"), Source::RouterBias(layer), &[e]));
        list.extend(experts(config, plan, layer));
    }
    list.push(vector("norm".into(), Source::FinalNorm, &[c]));
    list.extend(dense("unembedding".into(), Source::Unembedding, [v, c], [of_vocabulary, ""]));
    list
}

/// A matrix outside of the experts, with a scale a row if it is stored in codes.
fn dense(name: String, source: Source, plan: &Plan, dims: [usize; 2], axes: [&str; 2]) -> Vec<Weight> {
    let stored = plan.strategy.dense;
    let values = TensorType::new(stored.element(), dims);
    let codes = Weight::new(format!("{name}.weight"), source, Form::codes(stored), values).of_width(dims[1]);
    let codes = codes.sharded(&axes);
    if !stored.is_scaled() {
        return vec![codes];
    }
    let scales = TensorType::new(ElementType::F32, [dims[0]]);
    let scales = Weight::new(format!("{name}.scales"), source, Form::Scales(stored), scales).of_width(dims[1]);
    vec![codes, scales.sharded(&axes[..1])]
}

/// The experts' matrices and biases of one layer. Every device holds a part of every expert.
fn experts(config: &Config, plan: &Plan, layer: usize) -> Vec<Weight> {
    let (p, e, c, f) = (plan.devices, config.experts, config.hidden, plan.expert_width(config));
    let (stored, as_published) = (plan.strategy.experts, plan.spelling.experts_as_published);
    let name = |rest: &str| format!("layers.{layer}.moe.{rest}");
    // Inputs and outputs of the two products.
    let gate_up = (Source::GateUpWeight(layer), "gate_up", c, 2 * f);
    let down = (Source::DownWeight(layer), "down", f, plan.down_outputs(config));
    let matrix = |(source, own, inputs, outputs): (Source, &str, usize, usize)| {
        let blocks = inputs / MXFP4_BLOCK;
        let (codes, scales) = match stored {
            Precision::Mxfp4 if as_published => (
                TensorType::new(ElementType::U8, [p, e, outputs, blocks, MXFP4_BLOCK / 2]),
                Some(TensorType::new(ElementType::U8, [p, e, outputs, blocks])),
            ),
            Precision::Mxfp4 => (
                TensorType::new(stored.element(), [p, e, blocks, MXFP4_BLOCK, outputs]),
                Some(TensorType::new(ElementType::Bf16, [p, e * blocks, outputs])),
            ),
            _ => (
                TensorType::new(stored.element(), [p, e, outputs, inputs]),
                stored.is_scaled().then(|| TensorType::new(ElementType::F32, [p, e, outputs])),
            ),
        };
        let codes = Weight::new(name(&format!("{own}.weight")), source, Form::codes(stored), codes);
        let mut codes = codes.of_width(inputs).sharded(&[ALL]);
        if stored == Precision::Mxfp4 && !as_published {
            // Inputs along sublanes and outputs along lanes, so that a scale covers a row of lanes.
            codes.layout = Some("{4,3,2,1,0}");
        }
        let scales = scales.map(|ty| Weight::new(name(&format!("{own}.scales")), source, Form::Scales(stored), ty));
        [Some(codes), scales.map(|scales| scales.of_width(inputs).sharded(&[ALL]))].into_iter().flatten()
    };
    let bias = |own: &str, source, dims: &[usize]| {
        Weight::new(name(own), source, Form::Values, TensorType::new(ElementType::F32, dims))
    };
    let mut list: Vec<Weight> = matrix(gate_up).collect();
    list.push(bias("gate_up.bias", Source::GateUpBias(layer), &[p, e, 2 * f]).sharded(&[ALL]));
    list.iter_mut().for_each(|weight| weight.interleaved = as_published);
    list.extend(matrix(down));
    list.push(bias("down.bias", Source::DownBias(layer), &[e, c]));
    list
}

impl Form {
    /// How the values, or the codes that stand for them, are stored.
    fn codes(stored: Precision) -> Form {
        if stored.is_scaled() { Form::Codes(stored) } else { Form::Values }
    }
}

impl Weight {
    fn new(name: String, source: Source, form: Form, ty: TensorType) -> Weight {
        Weight { name, ty, source, form, width: 0, interleaved: false, sharding: Sharding::default(), layout: None }
    }

    /// The same, of a matrix with rows of so many values.
    fn of_width(self, width: usize) -> Weight {
        Weight { width, ..self }
    }

    /// The same, its first axes divided over the mesh; all others are whole.
    fn sharded(self, axes: &[&str]) -> Weight {
        Weight { sharding: Sharding::new(axes), ..self }
    }
}

/// A matrix as the device holds it: values, or codes with their scales.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'b> {
    pub values: Tensor<'b>,
    pub scales: Option<Tensor<'b>>,
}

/// The weights as arguments of the function being built.
pub(super) struct Weights<'b> {
    vectors: HashMap<Source, Tensor<'b>>,
    scales: HashMap<Source, Tensor<'b>>,
}

impl<'b> Weights<'b> {
    /// Declares one argument a weight, in order.
    pub fn declare(b: &'b Builder, list: &[Weight], with_layouts: bool) -> Weights<'b> {
        let mut weights = Weights { vectors: HashMap::new(), scales: HashMap::new() };
        for weight in list {
            let mut words = weight.sharding.words();
            words.resize(weight.ty.rank(), String::new());
            let argument = b.argument(&weight.name, &weight.ty).sharded(&words);
            let argument = match weight.layout.filter(|_| with_layouts) {
                Some(layout) => argument.layout(layout),
                None => argument,
            };
            let place = if let Form::Scales(_) = weight.form { &mut weights.scales } else { &mut weights.vectors };
            place.insert(weight.source, argument);
        }
        weights
    }

    pub fn matrix(&self, source: Source) -> Matrix<'b> {
        Matrix { values: self.vectors[&source], scales: self.scales.get(&source).copied() }
    }

    pub fn vector(&self, source: Source) -> Tensor<'b> {
        self.vectors[&source]
    }
}
