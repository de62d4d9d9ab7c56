//! What every part of a graph needs to know: the model, the plan, and the weights as arguments.

use crate::config::Config;
use crate::graph::params::{Matrix, Source, Weights, weights};
use crate::plan::Plan;
use hlo::{Builder, ElementType, Tensor};

/// A model whose weights are arguments of the function being built.
pub(super) struct Model<'a, 'b> {
    pub config: &'a Config,
    pub plan: &'a Plan,
    weights: Weights<'b>,
}

impl<'a, 'b> Model<'a, 'b> {
    /// Declares the weights, which are the function's first arguments.
    pub fn declare(b: &'b Builder, config: &'a Config, plan: &'a Plan) -> Model<'a, 'b> {
        Model::declare_those(b, config, plan, |_| true)
    }

    /// The same with only the weights that are `wanted`; a graph that asks for another one is a bug.
    pub fn declare_those(
        b: &'b Builder,
        config: &'a Config,
        plan: &'a Plan,
        wanted: impl Fn(Source) -> bool,
    ) -> Model<'a, 'b> {
        let mut list = weights(config, plan);
        list.retain(|weight| wanted(weight.source));
        Model { config, plan, weights: Weights::declare(b, &list, plan.spelling.asks_for_layouts) }
    }

    /// The type of products' operands.
    pub fn compute(&self) -> ElementType {
        self.plan.strategy.compute
    }

    pub fn vector(&self, source: Source) -> Tensor<'b> {
        self.weights.vector(source)
    }

    pub fn matrix(&self, source: Source) -> Matrix<'b> {
        self.weights.matrix(source)
    }
}
