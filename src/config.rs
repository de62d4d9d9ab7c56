//! The model's configuration: its sizes and constants, read from either kind of `config.json`.

use std::f64::consts::PI;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

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

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("`{}` cannot be read: {cause}", file.display())]
    Read { file: PathBuf, cause: std::io::Error },
    #[error("`{}` is not a JSON object: {cause}", file.display())]
    Json { file: PathBuf, cause: String },
    #[error("`{key}` is missing\n  in `{}`", file.display())]
    Missing { file: PathBuf, key: String },
    #[error("`{key}` is {found}, expected {expected}\n  in `{}`", file.display())]
    Value { file: PathBuf, key: String, found: String, expected: String },
}

impl ConfigError {
    /// The way out, if one is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            ConfigError::Read { .. } => Some("a model folder holds `config.json` and `*.safetensors`".to_owned()),
            _ => None,
        }
    }
}

impl Config {
    /// Reads `folder/config.json`, of the published layout or Hugging Face's.
    pub fn read(folder: &Path) -> Result<Config, ConfigError> {
        let file = folder.join("config.json");
        let text = std::fs::read_to_string(&file).map_err(|cause| ConfigError::Read { file: file.clone(), cause })?;
        let name = folder.canonicalize().ok().and_then(|path| {
            let last = path.file_name()?.to_string_lossy().into_owned();
            if last != "original" {
                return Some(last);
            }
            Some(path.parent()?.file_name()?.to_string_lossy().into_owned())
        });
        Config::from_json(&text, &file, name.as_deref().unwrap_or("model"))
    }

    /// Reads `text`, the content of `file`, as the model `name`.
    pub fn from_json(text: &str, file: &Path, name: &str) -> Result<Config, ConfigError> {
        let value: Value = serde_json::from_str(text)
            .map_err(|cause| ConfigError::Json { file: file.to_owned(), cause: cause.to_string() })?;
        let Value::Object(object) = value else {
            return Err(ConfigError::Json { file: file.to_owned(), cause: "another JSON value".to_owned() });
        };
        Reader { object: &object, file }.config(name)
    }

    /// The configuration that a name carries.
    pub fn named(name: &str) -> Option<Config> {
        match name {
            "gpt-oss-20b" => Some(Config::gpt_oss_20b()),
            "gpt-oss-120b" => Some(Config::gpt_oss_120b()),
            _ => None,
        }
    }

    pub fn gpt_oss_20b() -> Config {
        Config::gpt_oss("gpt-oss-20b", 24, 32)
    }

    pub fn gpt_oss_120b() -> Config {
        Config::gpt_oss("gpt-oss-120b", 36, 128)
    }

    fn gpt_oss(name: &str, layers: usize, experts: usize) -> Config {
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
}

/// Every even layer slides.
fn alternating(layers: usize) -> Vec<LayerKind> {
    (0..layers).map(|layer| if layer % 2 == 0 { LayerKind::Sliding } else { LayerKind::Full }).collect()
}

/// Looks keys up in either kind of file. Hugging Face's has an `architectures` or `model_type` and keeps rotary values in an object.
struct Reader<'a> {
    object: &'a Map<String, Value>,
    file: &'a Path,
}

/// Larger sizes than any model has, so that products of a few of them cannot overflow.
const LARGEST: u64 = 1 << 24;

impl Reader<'_> {
    fn config(&self, name: &str) -> Result<Config, ConfigError> {
        let hugging_face = self.object.contains_key("num_local_experts") || self.object.contains_key("model_type");
        let rope = self.rope(hugging_face)?;
        let layers = self.size(&["num_hidden_layers"], None)?;
        let stretched = (rope.original_context as f64 * rope.factor.max(1.0)) as usize;
        let config = Config {
            name: name.to_owned(),
            layers,
            hidden: self.size(&["hidden_size"], None)?,
            vocabulary: self.size(&["vocab_size"], None)?,
            experts: self.size(&["num_experts", "num_local_experts"], None)?,
            experts_per_token: self.size(&["experts_per_token", "num_experts_per_tok"], None)?,
            expert_width: self.size(&["intermediate_size"], None)?,
            query_heads: self.size(&["num_attention_heads"], None)?,
            kv_heads: self.size(&["num_key_value_heads"], None)?,
            head_dim: self.size(&["head_dim"], Some(64))?,
            sliding_window: self.size(&["sliding_window"], None)?,
            layer_kinds: self.layer_kinds(layers)?,
            swiglu_limit: self.float(&["swiglu_limit"], Some(7.0))? as f32,
            swiglu_alpha: self.float(&["swiglu_alpha"], Some(1.702))? as f32,
            rms_epsilon: self.float(&["rms_norm_eps"], Some(1e-5))? as f32,
            rope,
            max_context: self.size(&["max_position_embeddings"], Some(stretched))?,
        };
        self.check(&config)?;
        Ok(config)
    }

    fn rope(&self, hugging_face: bool) -> Result<Rope, ConfigError> {
        let nested = ["rope_scaling", "rope_parameters"]
            .iter()
            .find_map(|key| self.object.get(*key).and_then(Value::as_object))
            .map(|object| Reader { object, file: self.file });
        let inner = nested.as_ref().unwrap_or(self);
        let theta = match self.float(&["rope_theta"], None) {
            Err(ConfigError::Missing { .. }) => inner.float(&["rope_theta"], Some(150_000.0))?,
            found => found?,
        };
        let plain = if hugging_face && nested.is_none() { 1.0 } else { 32.0 };
        let context = ["original_max_position_embeddings", "initial_context_length"];
        let original_context = match inner.size(&context, None) {
            Err(ConfigError::Missing { .. }) => self.size(&context, Some(4096))?,
            found => found?,
        };
        Ok(Rope {
            theta,
            factor: inner.float(&["factor", "rope_scaling_factor"], Some(plain))?,
            original_context,
            beta_slow: inner.float(&["beta_slow", "rope_ntk_alpha"], Some(1.0))?,
            beta_fast: inner.float(&["beta_fast", "rope_ntk_beta"], Some(32.0))?,
            // Hugging Face's program rounds unless it is told not to; the published one never does.
            truncate: match inner.object.get("truncate") {
                None => hugging_face,
                Some(value) => value.as_bool().ok_or_else(|| self.wrong("truncate", value, "true or false"))?,
            },
        })
    }

    fn layer_kinds(&self, layers: usize) -> Result<Vec<LayerKind>, ConfigError> {
        let Some(value) = self.object.get("layer_types") else { return Ok(alternating(layers)) };
        let expected = "a list of `sliding_attention` and `full_attention`";
        let kinds = value.as_array().ok_or_else(|| self.wrong("layer_types", value, expected))?;
        if kinds.len() != layers {
            return Err(self.wrong(
                "layer_types",
                format!("{} entries", kinds.len()),
                format!("{layers}, one a layer"),
            ));
        }
        let kind = |kind: &Value| match kind.as_str() {
            Some("sliding_attention") => Ok(LayerKind::Sliding),
            Some("full_attention") => Ok(LayerKind::Full),
            _ => Err(self.wrong("layer_types", kind, expected)),
        };
        kinds.iter().map(kind).collect()
    }

    fn get(&self, keys: &[&str]) -> Option<(String, &Value)> {
        keys.iter()
            .find_map(|key| self.object.get(*key).filter(|value| !value.is_null()).map(|v| ((*key).to_owned(), v)))
    }

    fn size(&self, keys: &[&str], default: Option<usize>) -> Result<usize, ConfigError> {
        let Some((key, value)) = self.get(keys) else { return default.ok_or_else(|| self.missing(keys)) };
        match value.as_u64() {
            Some(size) if (1..=LARGEST).contains(&size) => Ok(size as usize),
            _ => Err(self.wrong(&key, value, format!("a whole number from 1 to {LARGEST}"))),
        }
    }

    fn float(&self, keys: &[&str], default: Option<f64>) -> Result<f64, ConfigError> {
        let Some((key, value)) = self.get(keys) else { return default.ok_or_else(|| self.missing(keys)) };
        match value.as_f64() {
            Some(number) if number.is_finite() && number > 0.0 && number < 1e12 => Ok(number),
            _ => Err(self.wrong(&key, value, "a number above 0")),
        }
    }

    fn missing(&self, keys: &[&str]) -> ConfigError {
        ConfigError::Missing { file: self.file.to_owned(), key: keys.join("` or `") }
    }

    fn wrong(&self, key: &str, found: impl ToString, expected: impl ToString) -> ConfigError {
        let mut found = found.to_string();
        if found.len() > 80 {
            found = format!("{}…", found.chars().take(79).collect::<String>());
        }
        ConfigError::Value { file: self.file.to_owned(), key: key.to_owned(), found, expected: expected.to_string() }
    }

    /// What one value says about another.
    fn check(&self, config: &Config) -> Result<(), ConfigError> {
        let kv = config.kv_heads;
        let rows = [
            (
                "hidden_size",
                config.hidden,
                config.hidden % 32 == 0,
                "a multiple of 32, the size of an MXFP4 block".into(),
            ),
            (
                "intermediate_size",
                config.expert_width,
                config.expert_width % 32 == 0,
                "a multiple of 32, the size of an MXFP4 block".into(),
            ),
            (
                "num_attention_heads",
                config.query_heads,
                config.query_heads % kv == 0,
                format!("a multiple of the {kv} kv heads"),
            ),
            ("head_dim", config.head_dim, config.head_dim % 2 == 0, "even".to_owned()),
            (
                "experts_per_token",
                config.experts_per_token,
                config.experts_per_token <= config.experts,
                format!("at most the {} experts", config.experts),
            ),
        ];
        match rows.into_iter().find(|row| !row.2) {
            Some((key, found, _, expected)) => Err(self.wrong(key, found, expected)),
            None => Ok(()),
        }
    }
}

impl Rope {
    /// The factor of cosines and sines: 1 without YaRN.
    pub fn concentration(&self) -> f64 {
        if self.factor <= 1.0 { 1.0 } else { 0.1 * self.factor.ln() + 1.0 }
    }

    /// Radians a position for each of the `head_dim / 2` pairs of channels.
    ///
    /// Source: YaRN (arXiv 2309.00071), in the form of openai/gpt-oss `torch/model.py`.
    pub fn inverse_frequencies(&self, head_dim: usize) -> Vec<f32> {
        let half = head_dim as f64 / 2.0;
        let turns = |beta: f64| half * (self.original_context as f64 / (beta * 2.0 * PI)).ln() / self.theta.ln();
        let (mut low, mut high) = (turns(self.beta_fast), turns(self.beta_slow));
        if self.truncate {
            (low, high) = (low.floor(), high.ceil());
        }
        let (low, mut high) = (low.max(0.0), high.min(head_dim as f64 - 1.0));
        if low == high {
            high += 0.001;
        }
        (0..head_dim / 2)
            .map(|channel| {
                let frequency = self.theta.powf(2.0 * channel as f64 / head_dim as f64);
                if self.factor <= 1.0 {
                    return (1.0 / frequency) as f32;
                }
                let stretched = ((channel as f64 - low) / (high - low)).clamp(0.0, 1.0);
                (stretched / (self.factor * frequency) + (1.0 - stretched) / frequency) as f32
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_are_the_published_ones() {
        let rope = Config::gpt_oss_20b().rope;
        let expected = [
            (0, 1.0),
            (1, 0.689_044_3),
            (8, 0.050_813_275),
            (9, 0.031_705_696),
            (17, 0.000_129_318_7),
            (31, 3.023_511_4e-7),
        ];
        let found = rope.inverse_frequencies(64);
        for (channel, value) in expected {
            let error = (found[channel] / value - 1.0_f32).abs();
            assert!(error < 3e-7, "channel {channel}: {} against {value}", found[channel]);
        }
        assert!((rope.concentration() - 1.346_573_590_279_972_7).abs() < 1e-15);
    }

    const HUGGING_FACE: &str = r#"{"model_type":"gpt_oss","num_hidden_layers":24,"hidden_size":2880,"vocab_size":201088,"num_local_experts":32,
        "num_experts_per_tok":4,"intermediate_size":2880,"num_attention_heads":64,"num_key_value_heads":8,"head_dim":64,"sliding_window":128,
        "swiglu_limit":7.0,"rms_norm_eps":1e-5,"rope_theta":150000,"max_position_embeddings":131072,"rope_scaling":{"beta_fast":32.0,"beta_slow":1.0,
        "factor":32.0,"original_max_position_embeddings":4096,"rope_type":"yarn","truncate":false}}"#;
    const ORIGINAL: &str = r#"{"num_hidden_layers":24,"num_experts":32,"experts_per_token":4,"vocab_size":201088,"hidden_size":2880,
        "intermediate_size":2880,"swiglu_limit":7.0,"head_dim":64,"num_attention_heads":64,"num_key_value_heads":8,"sliding_window":128,
        "initial_context_length":4096,"rope_theta":150000,"rope_scaling_factor":32.0,"rope_ntk_alpha":1,"rope_ntk_beta":32}"#;

    #[test]
    fn both_kinds_of_file_say_the_same() {
        for text in [HUGGING_FACE, ORIGINAL] {
            let config = Config::from_json(text, Path::new("config.json"), "gpt-oss-20b").expect("a configuration");
            assert_eq!(config, Config::gpt_oss_20b());
        }
    }

    #[test]
    fn contradictions_name_key_value_and_rule() {
        let rows = [
            (
                "\"hidden_size\":2880",
                "\"hidden_size\":2881",
                "`hidden_size` is 2881, expected a multiple of 32, the size of an MXFP4 block",
            ),
            ("\"vocab_size\":201088,", "", "`vocab_size` is missing"),
            (
                "\"num_key_value_heads\":8",
                "\"num_key_value_heads\":7",
                "`num_attention_heads` is 64, expected a multiple of the 7 kv heads",
            ),
            ("\"head_dim\":64", "\"head_dim\":-1", "`head_dim` is -1, expected a whole number from 1 to 16777216"),
            ("\"rope_theta\":150000", "\"rope_theta\":\"x\"", "`rope_theta` is \"x\", expected a number above 0"),
        ];
        for (from, to, message) in rows {
            let text = ORIGINAL.replace(from, to);
            let error = Config::from_json(&text, Path::new("config.json"), "x").expect_err("a contradiction");
            assert_eq!(error.to_string(), format!("{message}\n  in `config.json`"));
        }
    }
}
