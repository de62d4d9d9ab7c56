//! Reading `config.json` of either kind: the published one with its flat keys, and Hugging Face's in the forms of
//! transformers 4.55 (`rope_scaling`, `rope_theta`) and 5 (`rope_parameters`).

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{Config, ConfigError, LayerKind, Rope, alternating};

/// A published configuration has one or two KiB.
const MOST_BYTES: u64 = 1 << 20;

impl Config {
    /// Reads `config.json` in `folder` or, where there is none, in its folder `original`.
    ///
    /// The name is a published model's if the sizes are, or else the folder's.
    pub fn read(folder: &Path) -> Result<Config, ConfigError> {
        let own = folder.join("config.json");
        let nested = folder.join("original").join("config.json");
        let file = if !own.exists() && nested.exists() { nested } else { own };
        let text = read_text(&file)?;
        Config::parse(&file, &text, &folder_name(folder))
    }

    /// Reads the text of a `config.json`. The name is a published model's if the sizes are, or else `model`.
    pub fn from_json(text: &str) -> Result<Config, ConfigError> {
        Config::parse(Path::new("config.json"), text, "model")
    }

    fn parse(file: &Path, text: &str, name: &str) -> Result<Config, ConfigError> {
        let json = |problem: String| ConfigError::Json { file: file.to_owned(), problem };
        let values: Value = serde_json::from_str(text).map_err(|error| json(error.to_string()))?;
        let Value::Object(values) = values else { return Err(json("expected an object".to_owned())) };
        let keys = Keys { file, prefix: "", values: &values };
        for (key, expected) in [("model_type", Value::from("gpt_oss")), ("tie_word_embeddings", Value::from(false))] {
            keys.must_be(key, &expected)?;
        }
        keys.must_be("attention_bias", &Value::from(true))?;

        let layers = keys.size(&["num_hidden_layers"])?;
        let rope = rope(&keys)?;
        let stretched = (rope.original_context as f64 * rope.factor.max(1.0)) as usize;
        let mut config = Config {
            name: name.to_owned(),
            layers,
            hidden: keys.size(&["hidden_size"])?,
            vocabulary: keys.size(&["vocab_size"])?,
            experts: keys.size(&["num_local_experts", "num_experts"])?,
            experts_per_token: keys.size(&["num_experts_per_tok", "experts_per_token"])?,
            expert_width: keys.size(&["intermediate_size"])?,
            query_heads: keys.size(&["num_attention_heads"])?,
            kv_heads: keys.size(&["num_key_value_heads"])?,
            head_dim: keys.size_or("head_dim", 64)?,
            sliding_window: keys.size_or("sliding_window", 128)?,
            layer_kinds: layer_kinds(&keys, layers)?,
            swiglu_limit: keys.number_or("swiglu_limit", 7.0)? as f32,
            swiglu_alpha: keys.number_or("swiglu_alpha", 1.702)? as f32,
            rms_epsilon: keys.number_or("rms_norm_eps", 1e-5)? as f32,
            max_context: keys.size_or("max_position_embeddings", stretched)?,
            rope,
        };
        config.check(file)?;
        for published in [Config::gpt_oss_20b(), Config::gpt_oss_120b()] {
            if config == (Config { name: config.name.clone(), ..published.clone() }) {
                config.name = published.name;
            }
        }
        Ok(config)
    }
}

fn read_text(file: &Path) -> Result<String, ConfigError> {
    let failed = |source| ConfigError::Read { file: file.to_owned(), source };
    let found = std::fs::metadata(file).map_err(failed)?;
    // Opening a pipe would wait for whoever writes to it.
    if !found.is_file() {
        return Err(failed(std::io::Error::other("it is not a file")));
    }
    if found.len() > MOST_BYTES {
        return Err(ConfigError::TooLarge { file: file.to_owned(), found: found.len(), most: MOST_BYTES });
    }
    let mut bytes = Vec::new();
    File::open(file).and_then(|open| open.take(MOST_BYTES).read_to_end(&mut bytes)).map_err(failed)?;
    String::from_utf8(bytes).map_err(|error| ConfigError::Json { file: file.to_owned(), problem: error.to_string() })
}

/// The last part of the folder's true path; the parent's for the published `original`.
fn folder_name(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| PathBuf::from(folder));
    let named = if folder.ends_with("original") { folder.parent().unwrap_or(&folder) } else { &folder };
    named.file_name().map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Which layers slide: `layer_types` if there, or else those at even places.
fn layer_kinds(keys: &Keys, layers: usize) -> Result<Vec<LayerKind>, ConfigError> {
    let expected = "a list of `sliding_attention` and `full_attention`";
    let Some(value) = keys.get("layer_types") else {
        // More layers than are legal would be a list without end; `check` refuses them by their number.
        return Ok(alternating(layers.min(super::most::LAYERS + 1)));
    };
    let Value::Array(kinds) = value else { return Err(keys.wrong("layer_types", value, expected)) };
    kinds
        .iter()
        .map(|kind| match kind.as_str() {
            Some("sliding_attention") => Ok(LayerKind::Sliding),
            Some("full_attention") => Ok(LayerKind::Full),
            _ => Err(keys.wrong("layer_types", kind, expected)),
        })
        .collect()
}

fn rope(keys: &Keys) -> Result<Rope, ConfigError> {
    let theta = keys.number_or("rope_theta", 150_000.0)?;
    for name in ["rope_parameters", "rope_scaling"] {
        match keys.values.get(name) {
            Some(Value::Object(values)) => {
                let prefix = if name == "rope_scaling" { "rope_scaling." } else { "rope_parameters." };
                return nested_rope(keys, &Keys { file: keys.file, prefix, values }, theta);
            }
            // Hugging Face's explicit null asks for plain rotary positions, absence for the published constants.
            Some(Value::Null) if name == "rope_scaling" => {
                let original_context = keys.size_or("max_position_embeddings", 4096)?;
                return Ok(Rope { theta, factor: 1.0, original_context, ..Config::gpt_oss_20b().rope });
            }
            Some(Value::Null) | None => {}
            Some(value) => return Err(keys.wrong(name, value, "an object")),
        }
    }
    Ok(Rope {
        theta,
        factor: keys.number_or("rope_scaling_factor", 32.0)?,
        original_context: keys.size_or("initial_context_length", 4096)?,
        beta_slow: keys.number_or("rope_ntk_alpha", 1.0)?,
        beta_fast: keys.number_or("rope_ntk_beta", 32.0)?,
        truncate: false,
    })
}

/// Hugging Face's object, with the defaults of transformers' `_compute_yarn_parameters`.
fn nested_rope(keys: &Keys, nested: &Keys, theta: f64) -> Result<Rope, ConfigError> {
    let theta = nested.number_or("rope_theta", theta)?;
    let plain = match ["rope_type", "type"].into_iter().find_map(|key| Some((key, nested.get(key)?))) {
        Some((_, Value::String(kind))) if kind == "yarn" => false,
        Some((_, Value::String(kind))) if kind == "default" => true,
        Some((key, value)) => return Err(nested.wrong(key, value, "`yarn` or `default`")),
        None if nested.get("factor").is_none() => true,
        None => return Err(nested.missing("rope_type", "`yarn` or `default`")),
    };
    for key in ["mscale", "mscale_all_dim"] {
        nested.must_be(key, &Value::Null)?;
    }
    if nested.number_or("partial_rotary_factor", 1.0)? != 1.0 {
        return Err(nested.wrong("partial_rotary_factor", &nested.values["partial_rotary_factor"], "1"));
    }
    let original = match nested.get("original_max_position_embeddings") {
        Some(_) => nested.size(&["original_max_position_embeddings"])?,
        None if keys.get("initial_context_length").is_some() => keys.size(&["initial_context_length"])?,
        None => keys.size_or("max_position_embeddings", 4096)?,
    };
    let stretched = keys.size_or("max_position_embeddings", original)? as f64 / original.max(1) as f64;
    let rope = Rope {
        theta,
        factor: if plain { 1.0 } else { nested.number_or("factor", stretched)? },
        original_context: original,
        beta_slow: nested.number_or("beta_slow", 1.0)?,
        beta_fast: nested.number_or("beta_fast", 32.0)?,
        truncate: match nested.get("truncate") {
            None => true,
            Some(Value::Bool(truncate)) => *truncate,
            Some(value) => return Err(nested.wrong("truncate", value, "true or false")),
        },
    };
    let concentration = rope.concentration();
    if (nested.number_or("attention_factor", f64::from(concentration))? as f32 - concentration).abs() > 1e-6 {
        let expected = format!("{concentration}, which follows from `factor`");
        return Err(nested.wrong("attention_factor", &nested.values["attention_factor"], &expected));
    }
    Ok(rope)
}

/// An object of the file, and how its keys are called in errors.
struct Keys<'a> {
    file: &'a Path,
    prefix: &'static str,
    values: &'a Map<String, Value>,
}

impl<'a> Keys<'a> {
    /// A key that is null counts as absent.
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.values.get(key).filter(|value| !value.is_null())
    }

    /// The size under the first key that is there; where several are, they must agree.
    fn size(&self, names: &[&str]) -> Result<usize, ConfigError> {
        let mut first = None;
        for key in names {
            let Some(value) = self.get(key) else { continue };
            let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
            let size = size.ok_or_else(|| self.wrong(key, value, "a whole number"))?;
            match first {
                None => first = Some((*key, size)),
                Some((other, expected)) if expected != size => {
                    return Err(self.wrong(key, value, &format!("{expected}, as `{other}` says")));
                }
                Some(_) => {}
            }
        }
        first.map(|(_, size)| size).ok_or_else(|| self.missing(&names.join("` or `"), "a whole number"))
    }

    fn size_or(&self, key: &str, absent: usize) -> Result<usize, ConfigError> {
        if self.get(key).is_some() { self.size(&[key]) } else { Ok(absent) }
    }

    fn number_or(&self, key: &str, absent: f64) -> Result<f64, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(absent) };
        value.as_f64().ok_or_else(|| self.wrong(key, value, "a number"))
    }

    /// A key for which precast knows one value only, which absence stands for as well.
    fn must_be(&self, key: &str, expected: &Value) -> Result<(), ConfigError> {
        match self.get(key) {
            Some(value) if value != expected => Err(self.wrong(key, value, &expected.to_string())),
            _ => Ok(()),
        }
    }

    fn missing(&self, key: &str, expected: &str) -> ConfigError {
        let key = format!("{}{key}", self.prefix);
        ConfigError::Missing { file: self.file.to_owned(), key, expected: expected.to_owned() }
    }

    fn wrong(&self, key: &str, value: &Value, expected: &str) -> ConfigError {
        let mut shown: String = value.to_string().chars().take(61).collect();
        if shown.chars().count() > 60 {
            shown.replace_range(shown.char_indices().nth(57).map_or(0, |(at, _)| at).., "...");
        }
        let key = format!("{}{key}", self.prefix);
        ConfigError::Value { file: self.file.to_owned(), key, value: shown, expected: expected.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISHED: &str = r#"{
        "num_hidden_layers": 24, "num_experts": 32, "experts_per_token": 4, "vocab_size": 201088, "hidden_size": 2880,
        "intermediate_size": 2880, "swiglu_limit": 7.0, "head_dim": 64, "num_attention_heads": 64,
        "num_key_value_heads": 8, "sliding_window": 128, "initial_context_length": 4096, "rope_theta": 150000,
        "rope_scaling_factor": 32.0, "rope_ntk_alpha": 1, "rope_ntk_beta": 32
    }"#;

    /// A Hugging Face file of the 120b, its rotary keys replaced by `rope`.
    fn hugging_face(rope: &str) -> String {
        let kinds = ["\"sliding_attention\", \"full_attention\""; 18].join(", ");
        format!(
            r#"{{"architectures": ["GptOssForCausalLM"], "model_type": "gpt_oss", "attention_bias": true,
            "experts_per_token": 4, "head_dim": 64, "hidden_act": "silu", "hidden_size": 2880,
            "initial_context_length": 4096, "intermediate_size": 2880, "layer_types": [{kinds}],
            "max_position_embeddings": 131072, "num_attention_heads": 64, "num_experts_per_tok": 4,
            "num_hidden_layers": 36, "num_key_value_heads": 8, "num_local_experts": 128, "rms_norm_eps": 1e-05,
            "sliding_window": 128, "swiglu_limit": 7.0, "tie_word_embeddings": false, "vocab_size": 201088, {rope}}}"#
        )
    }

    const SCALING: &str = r#"{"beta_fast": 32.0, "beta_slow": 1.0, "factor": 32.0,
        "original_max_position_embeddings": 4096, "rope_type": "yarn", "truncate": false, "rope_theta": 150000.0}"#;

    #[test]
    fn both_kinds_of_file_mean_the_same() {
        assert_eq!(Config::from_json(PUBLISHED).unwrap(), Config::gpt_oss_20b());
        let scaling = format!(r#""rope_theta": 150000, "rope_scaling": {SCALING}"#);
        assert_eq!(Config::from_json(&hugging_face(&scaling)).unwrap(), Config::gpt_oss_120b());
        let parameters = format!(r#""rope_scaling": null, "rope_parameters": {SCALING}"#);
        assert_eq!(Config::from_json(&hugging_face(&parameters)).unwrap(), Config::gpt_oss_120b());
        assert_eq!(Config::from_json(&hugging_face(r#""x": 0"#)).unwrap(), Config::gpt_oss_120b());
    }

    #[test]
    fn hugging_face_truncates_unless_told_otherwise() {
        let text = hugging_face(&format!(r#""rope_scaling": {}"#, SCALING.replace(r#""truncate": false, "#, "")));
        let config = Config::from_json(&text).unwrap();
        assert!(config.rope.truncate);
        assert_eq!(config.name, "model", "it is not the published model");
    }

    #[test]
    fn null_scaling_means_plain_positions() {
        let rope = Config::from_json(&hugging_face(r#""rope_scaling": null"#)).unwrap().rope;
        assert_eq!((rope.factor, rope.concentration()), (1.0, 1.0));
    }

    #[test]
    fn wrong_values_are_named_with_both_sides() {
        for (from, to, message) in [
            (
                "\"hidden_size\": 2880",
                "\"hidden_size\": 2881",
                "`hidden_size` is 2881, expected a multiple of 32, the values in an MXFP4 block",
            ),
            ("\"hidden_size\": 2880", "\"hidden_size\": 1e99", "`hidden_size` is 1e+99, expected a whole number"),
            ("\"hidden_size\": 2880,", "", "`hidden_size` is missing, expected a whole number"),
            (
                "\"hidden_size\": 2880",
                "\"hidden_size\": 18446744073709551584",
                "`hidden_size` is 18446744073709551584, expected 1 to 262144",
            ),
            ("_layers\": 24", "_layers\": 4000000000", "`num_hidden_layers` is 4000000000, expected 1 to 1024"),
            ("\"num_experts\": 32", "\"num_experts\": \"32\"", "`num_experts` is \"32\", expected a whole number"),
            (
                "\"num_experts\": 32",
                "\"num_experts\": 32, \"num_local_experts\": 33",
                "`num_experts` is 32, expected 33, as `num_local_experts` says",
            ),
            ("\"num_experts\": 32,", "", "`num_local_experts` or `num_experts` is missing, expected a whole number"),
            ("_token\": 4", "_token\": 33", "`experts_per_token` is 33, expected 1 to 32"),
            (
                "value_heads\": 8",
                "value_heads\": 7",
                "`num_key_value_heads` is 7, expected a divisor of the 64 query heads",
            ),
            ("\"head_dim\": 64", "\"head_dim\": 63", "`head_dim` is 63, expected an even number"),
            ("\"sliding_window\": 128", "\"sliding_window\": 0", "`sliding_window` is 0, expected 1 to 2147483647"),
            ("\"rope_theta\": 150000", "\"rope_theta\": 1", "`rope_theta` is 1, expected a number above 1"),
            ("\"swiglu_limit\": 7.0", "\"swiglu_limit\": 1e60", "`swiglu_limit` is inf, expected a positive number"),
            (
                "\"swiglu_limit\": 7.0",
                "\"layer_types\": [\"full_attention\"]",
                "`layer_types` is a list of 1, expected one entry for each of the 24 layers",
            ),
            ("\"swiglu_limit\": 7.0", "\"model_type\": \"llama\"", "`model_type` is \"llama\", expected \"gpt_oss\""),
            (
                "\"swiglu_limit\": 7.0",
                "\"rope_scaling\": {\"rope_type\": \"linear\"}",
                "`rope_scaling.rope_type` is \"linear\", expected `yarn` or `default`",
            ),
        ] {
            assert!(PUBLISHED.contains(from), "{from}");
            let error = Config::from_json(&PUBLISHED.replace(from, to)).unwrap_err();
            assert_eq!(error.to_string(), format!("{message}\n  in `config.json`"));
        }
    }

    #[test]
    fn what_is_not_json_says_so() {
        for text in ["", "[]", "{", "\u{0}", "{\"a\": nul"] {
            let error = Config::from_json(text).unwrap_err().to_string();
            assert!(error.starts_with("`config.json` is not valid JSON: "), "{error}");
        }
    }
}
