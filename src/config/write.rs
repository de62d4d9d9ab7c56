//! Writing `config.json` of either kind, so that reading it gives the same configuration.

use serde_json::{Value, json};

use super::{Config, LayerKind};

impl Config {
    /// In Hugging Face's keys, which can tell every configuration.
    pub fn to_hugging_face_json(&self) -> Value {
        let kinds = self.layer_kinds.iter().map(|kind| match kind {
            LayerKind::Sliding => "sliding_attention",
            LayerKind::Full => "full_attention",
        });
        let plain = self.rope.factor <= 1.0;
        let mut rope = json!({
            "rope_type": if plain { "default" } else { "yarn" },
            "original_max_position_embeddings": self.rope.original_context,
            "beta_fast": self.rope.beta_fast,
            "beta_slow": self.rope.beta_slow,
            "truncate": self.rope.truncate,
        });
        if !plain {
            rope["factor"] = self.rope.factor.into();
        }
        json!({
            "architectures": ["GptOssForCausalLM"],
            "model_type": "gpt_oss",
            "attention_bias": true,
            "tie_word_embeddings": false,
            "hidden_act": "silu",
            "num_hidden_layers": self.layers,
            "hidden_size": self.hidden,
            "vocab_size": self.vocabulary,
            "num_local_experts": self.experts,
            "num_experts_per_tok": self.experts_per_token,
            "intermediate_size": self.expert_width,
            "num_attention_heads": self.query_heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_dim,
            "sliding_window": self.sliding_window,
            "layer_types": kinds.collect::<Vec<_>>(),
            "swiglu_limit": short(self.swiglu_limit),
            "swiglu_alpha": short(self.swiglu_alpha),
            "rms_norm_eps": short(self.rms_epsilon),
            "initial_context_length": self.rope.original_context,
            "max_position_embeddings": self.max_context,
            "rope_theta": self.rope.theta,
            "rope_scaling": rope,
        })
    }

    /// In the flat keys of the published layout. `None` if these cannot tell all of it: they know no other order of layers, no other
    /// epsilon and no truncation.
    pub fn to_published_json(&self) -> Option<Value> {
        let written = json!({
            "num_hidden_layers": self.layers,
            "num_experts": self.experts,
            "experts_per_token": self.experts_per_token,
            "vocab_size": self.vocabulary,
            "hidden_size": self.hidden,
            "intermediate_size": self.expert_width,
            "swiglu_limit": short(self.swiglu_limit),
            "head_dim": self.head_dim,
            "num_attention_heads": self.query_heads,
            "num_key_value_heads": self.kv_heads,
            "sliding_window": self.sliding_window,
            "initial_context_length": self.rope.original_context,
            "rope_theta": self.rope.theta,
            "rope_scaling_factor": self.rope.factor,
            "rope_ntk_alpha": self.rope.beta_slow,
            "rope_ntk_beta": self.rope.beta_fast,
        });
        let read = Config::from_json(&written.to_string()).ok()?;
        (Config { name: self.name.clone(), ..read } == *self).then_some(written)
    }
}

/// The shortest decimal number that is read as `value` again.
fn short(value: f32) -> Value {
    value.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Rope;

    #[test]
    fn what_is_written_is_read_again() {
        let published = Config::gpt_oss_20b();
        let odd = Config {
            name: "model".into(),
            layers: 3,
            layer_kinds: vec![LayerKind::Full, LayerKind::Full, LayerKind::Sliding],
            rms_epsilon: 3e-6,
            swiglu_alpha: 1.5,
            max_context: 777,
            rope: Rope { truncate: true, beta_slow: 1.25, factor: 2.5, ..published.rope.clone() },
            ..published.clone()
        };
        let plain =
            Config { rope: Rope { factor: 1.0, ..published.rope.clone() }, name: "model".into(), ..published.clone() };
        for config in [&published, &Config::gpt_oss_120b(), &odd, &plain] {
            let text = config.to_hugging_face_json().to_string();
            assert_eq!(Config::from_json(&text).as_ref().ok(), Some(config), "{text}");
        }
        let text = published.to_published_json().expect("published keys tell it").to_string();
        assert_eq!(Config::from_json(&text).ok(), Some(published));
        assert_eq!((odd.to_published_json(), plain.to_published_json()), (None, None));
    }
}
