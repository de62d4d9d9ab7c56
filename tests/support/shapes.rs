//! Small synthetic models of random sizes, for properties of packing.

use proptest::prelude::*;

use crate::support::synthetic::Shape;

prop_compose! {
    /// Any numbers of experts, blocks, heads and layers, and so many words.
    pub fn shapes(name: &'static str, vocabulary: usize)(
        experts in 1usize..4, blocks in 1usize..4, hidden in 1usize..3, kv_heads in 1usize..4, queries in 1usize..4,
        half in 1usize..4, layers in 1usize..3, seed in any::<u64>(),
    ) -> Shape {
        Shape {
            name: name.into(), seed, layers, hidden: 32 * hidden, vocabulary, experts, experts_per_token: 1,
            expert_width: 32 * blocks, query_heads: kv_heads * queries, kv_heads, head_dim: 2 * half, sliding_window: 8,
        }
    }
}
