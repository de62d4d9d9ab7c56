//! The model's configuration: its sizes and constants, and the rules that make it legal. Knows no tensor and no file but `config.json`.

mod read;
mod rope;
mod write;

use std::path::{Path, PathBuf};

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

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("`{}` cannot be read: {source}", file.display())]
    Read { file: PathBuf, source: std::io::Error },
    #[error("`{}` has {found} bytes, a configuration has at most {most}", file.display())]
    TooLarge { file: PathBuf, found: u64, most: u64 },
    #[error("`{}` is not valid JSON: {problem}", file.display())]
    Json { file: PathBuf, problem: String },
    #[error("`{key}` is missing, expected {expected}\n  in `{}`", file.display())]
    Missing { file: PathBuf, key: String, expected: String },
    #[error("`{key}` is {value}, expected {expected}\n  in `{}`", file.display())]
    Value { file: PathBuf, key: String, value: String, expected: String },
}

impl ConfigError {
    /// The way out, if one is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            ConfigError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Some(
                "a model is a folder with `config.json`; `gpt-oss-20b` and `gpt-oss-120b` are names that carry their own"
                    .to_owned(),
            ),
            ConfigError::Value { key, .. } if key == "model_type" => Some("precast runs gpt-oss models alone".to_owned()),
            _ => None,
        }
    }
}

/// The sizes that a configuration may have. The products of the largest stay far below 2^63,
/// so that nothing past the door needs to check for overflow. Positions and token ids are s32 on the device.
mod most {
    pub const LAYERS: usize = 1 << 10;
    pub const HIDDEN: usize = 1 << 18;
    pub const VOCABULARY: usize = 1 << 24;
    pub const EXPERTS: usize = 1 << 12;
    pub const HEADS: usize = 1 << 12;
    pub const HEAD_DIM: usize = 1 << 12;
    pub const POSITIONS: usize = i32::MAX as usize;
}

impl Config {
    /// The published model with 21 billion parameters.
    pub fn gpt_oss_20b() -> Config {
        published("gpt-oss-20b", 24, 32)
    }

    /// The published model with 117 billion parameters.
    pub fn gpt_oss_120b() -> Config {
        published("gpt-oss-120b", 36, 128)
    }

    /// The configuration of a published model, if `name` is one.
    pub fn named(name: &str) -> Option<Config> {
        [Config::gpt_oss_20b(), Config::gpt_oss_120b()].into_iter().find(|config| config.name == name)
    }

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

    /// Checks every rule that the rest of the program relies on; `file` is what the error names, and the keys are those
    /// of the published `config.json`.
    pub fn check(&self, file: &Path) -> Result<(), ConfigError> {
        let broken = |key: &str, value: String, expected: String| {
            Err(ConfigError::Value { file: file.to_owned(), key: key.to_owned(), value, expected })
        };
        for (key, value, most) in [
            ("num_hidden_layers", self.layers, most::LAYERS),
            ("hidden_size", self.hidden, most::HIDDEN),
            ("vocab_size", self.vocabulary, most::VOCABULARY),
            ("num_experts", self.experts, most::EXPERTS),
            ("experts_per_token", self.experts_per_token, self.experts),
            ("intermediate_size", self.expert_width, most::HIDDEN),
            ("num_attention_heads", self.query_heads, most::HEADS),
            ("num_key_value_heads", self.kv_heads, self.query_heads),
            ("head_dim", self.head_dim, most::HEAD_DIM),
            ("sliding_window", self.sliding_window, most::POSITIONS),
            ("initial_context_length", self.rope.original_context, most::POSITIONS),
            ("max_position_embeddings", self.max_context, most::POSITIONS),
        ] {
            if value == 0 || value > most {
                return broken(key, value.to_string(), format!("1 to {most}"));
            }
        }
        for (key, value) in [("hidden_size", self.hidden), ("intermediate_size", self.expert_width)] {
            if !value.is_multiple_of(32) {
                return broken(key, value.to_string(), "a multiple of 32, the values in an MXFP4 block".to_owned());
            }
        }
        if !self.query_heads.is_multiple_of(self.kv_heads) {
            let expected = format!("a divisor of the {} query heads", self.query_heads);
            return broken("num_key_value_heads", self.kv_heads.to_string(), expected);
        }
        if !self.head_dim.is_multiple_of(2) {
            return broken("head_dim", self.head_dim.to_string(), "an even number".to_owned());
        }
        if self.layer_kinds.len() != self.layers {
            let expected = format!("one entry for each of the {} layers", self.layers);
            return broken("layer_types", format!("a list of {}", self.layer_kinds.len()), expected);
        }
        for (key, value) in [
            ("swiglu_limit", f64::from(self.swiglu_limit)),
            ("swiglu_alpha", f64::from(self.swiglu_alpha)),
            ("rms_norm_eps", f64::from(self.rms_epsilon)),
            ("rope_scaling_factor", self.rope.factor),
            ("rope_ntk_alpha", self.rope.beta_slow),
            ("rope_ntk_beta", self.rope.beta_fast),
        ] {
            if !(value.is_finite() && value > 0.0) {
                return broken(key, value.to_string(), "a positive number".to_owned());
            }
        }
        if !(self.rope.theta.is_finite() && self.rope.theta > 1.0) {
            return broken("rope_theta", self.rope.theta.to_string(), "a number above 1".to_owned());
        }
        if self.rope.factor > 1.0 && self.rope.beta_fast <= self.rope.beta_slow {
            let expected = format!("more than the other bound, {}", self.rope.beta_slow);
            return broken("rope_ntk_beta", self.rope.beta_fast.to_string(), expected);
        }
        Ok(())
    }
}

/// What the published models have in common.
fn published(name: &str, layers: usize, experts: usize) -> Config {
    Config {
        name: name.to_owned(),
        layers,
        hidden: 2880,
        vocabulary: 201_088,
        experts,
        experts_per_token: 4,
        expert_width: 2880,
        query_heads: 64,
        kv_heads: 8,
        head_dim: 64,
        sliding_window: 128,
        layer_kinds: alternating(layers),
        swiglu_limit: 7.0,
        swiglu_alpha: 1.702,
        rms_epsilon: 1e-5,
        rope: Rope {
            theta: 150_000.0,
            factor: 32.0,
            original_context: 4096,
            beta_slow: 1.0,
            beta_fast: 32.0,
            truncate: false,
        },
        max_context: 131_072,
    }
}

/// Sliding layers at even places, full ones at odd.
fn alternating(layers: usize) -> Vec<LayerKind> {
    [LayerKind::Sliding, LayerKind::Full].into_iter().cycle().take(layers).collect()
}
