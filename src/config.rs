//! The model's configuration: its sizes and constants, read from either kind of `config.json`.

/// The sizes and constants of one gpt-oss model. Whoever holds one holds a legal one: `Config::check` keeps the rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Such as `gpt-oss-20b`, or the folder's name.
    pub name: String,
    pub layers: usize,
    pub hidden: usize,
    pub vocabulary: usize,
    pub experts: usize,
    pub experts_per_token: usize,
    /// Channels inside one expert.
    pub expert_width: usize,
    pub query_heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    /// Keys that a sliding layer's token sees, itself included.
    pub sliding_window: usize,
    pub layer_kinds: Vec<LayerKind>,
    pub swiglu_limit: f32,
    pub swiglu_alpha: f32,
    pub rms_epsilon: f32,
    pub rope: Rope,
    /// The longest context that the model was made for.
    pub max_context: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerKind {
    /// Sees the last `sliding_window` tokens.
    Sliding,
    /// Sees every earlier token.
    Full,
}

/// Rotary positions with YaRN.
#[derive(Clone, Debug, PartialEq)]
pub struct Rope {
    pub theta: f64,
    /// How many times the context was stretched; 1 or less means plain rotary positions.
    pub factor: f64,
    pub original_context: usize,
    pub beta_slow: f64,
    pub beta_fast: f64,
    /// Whether the correction range is rounded to whole channels (gpt-oss: no).
    pub truncate: bool,
}

impl Config {
    pub fn query_heads_per_kv_head(&self) -> usize {
        self.query_heads / self.kv_heads
    }

    /// Rows of the fused query, key and value projection.
    pub fn qkv_channels(&self) -> usize {
        (self.query_heads + 2 * self.kv_heads) * self.head_dim
    }

    /// Channels of all query heads together.
    pub fn query_channels(&self) -> usize {
        self.query_heads * self.head_dim
    }
}
