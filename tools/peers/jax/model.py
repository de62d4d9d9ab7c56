"""gpt-oss in JAX as one would write it without thinking of a compiler: the program that precast's graphs are set beside.

Products stand as `x @ w`, a layer's cache keeps the whole context and is donated, experts are gathered or grouped by `ragged_dot`,
layers follow one another in Python. It knows no target; `lower.py` makes programs of it, `check.py` holds it to precast's logits.

Axes: `b` sequence, `t` token, `n` rows of all sequences, `s` cache slot, `g` kv head, `m` query head of a kv head, `d` head channel,
`c` stream channel, `e` expert, `k` chosen expert, `f` expert channel, `o` output, `v` vocabulary.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec as P

# The published config.json of gpt-oss-20b; of 120b only two numbers differ.
GPT_OSS_20B = {
    "num_hidden_layers": 24, "num_experts": 32, "experts_per_token": 4, "vocab_size": 201088, "hidden_size": 2880,
    "intermediate_size": 2880, "swiglu_limit": 7.0, "head_dim": 64, "num_attention_heads": 64, "num_key_value_heads": 8,
    "sliding_window": 128, "initial_context_length": 4096, "rope_theta": 150000, "rope_scaling_factor": 32.0,
    "rope_ntk_alpha": 1, "rope_ntk_beta": 32,
}
PUBLISHED = {
    "gpt-oss-20b": GPT_OSS_20B,
    "gpt-oss-120b": GPT_OSS_20B | {"num_hidden_layers": 36, "num_experts": 128},
}

WEIGHTS = {"bf16": jnp.bfloat16, "fp8": jnp.float8_e4m3fn, "int8": jnp.int8, "mxfp4": jnp.uint8}
AXIS = "x"


@dataclass(frozen=True)
class Config:
    layers: int
    experts: int
    experts_per_token: int
    vocabulary: int
    hidden: int
    expert_width: int
    swiglu_limit: float
    head_dim: int
    query_heads: int
    kv_heads: int
    window: int
    original_context: int
    rope_theta: float
    rope_factor: float
    beta_slow: float
    beta_fast: float

    @staticmethod
    def of(published):
        """From the keys of a published config.json."""
        keys = ["num_hidden_layers", "num_experts", "experts_per_token", "vocab_size", "hidden_size", "intermediate_size",
                "swiglu_limit", "head_dim", "num_attention_heads", "num_key_value_heads", "sliding_window",
                "initial_context_length", "rope_theta", "rope_scaling_factor", "rope_ntk_alpha", "rope_ntk_beta"]
        return Config(*[published[key] for key in keys])

    @staticmethod
    def read(folder):
        return Config.of(json.loads((Path(folder) / "config.json").read_text()))


@dataclass(frozen=True)
class Variant:
    """How the model is stored and computed."""
    weights: str  # of the experts: bf16, fp8, int8 or mxfp4
    experts: str  # how rows meet their experts, see EXPERTS
    dtype: type = jnp.bfloat16  # of everything else, and of products
    devices: int = 1


# Parameters: shape, type, and which axis the devices divide.

def parameters(config, variant):
    """Every parameter as (shape, dtype, sharding), in the tree that `decode` and `prefill` take."""
    c, d, f, e, v = config.hidden, config.head_dim, config.expert_width, config.experts, config.vocabulary
    q, kv = config.query_heads * d, config.kv_heads * d
    plain = variant.dtype

    def matrix(out, into, split):
        """The experts' matrices: `[e, into, out]`, codes with a scale a row, or MXFP4 as published, `[e, out, into / 32, 16]`."""
        if variant.weights == "mxfp4":
            blocks = into // 32
            # Blocks of the contracted axis that the devices do not divide leave the outputs to be divided.
            by_out = split == "out" or blocks % variant.devices != 0
            places = (AXIS, None) if by_out else (None, AXIS)
            return {"blocks": ((e, out, blocks, 16), jnp.uint8, P(None, *places, None)),
                    "scales": ((e, out, blocks), jnp.uint8, P(None, *places))}
        value = {"bf16": plain}.get(variant.weights, WEIGHTS[variant.weights])
        places = (None, AXIS) if split == "out" else (AXIS, None)
        found = {"values": ((e, into, out), value, P(None, *places))}
        if variant.weights != "bf16":
            found["scales"] = ((e, out), plain, P(None, AXIS if split == "out" else None))
        return found

    layer = {
        "attention_norm": ((c,), plain, P()),
        "q": ((c, q), plain, P(None, AXIS)), "q_bias": ((q,), plain, P(AXIS)),
        "k": ((c, kv), plain, P(None, AXIS)), "k_bias": ((kv,), plain, P(AXIS)),
        "v": ((c, kv), plain, P(None, AXIS)), "v_bias": ((kv,), plain, P(AXIS)),
        "sinks": ((config.query_heads,), plain, P(AXIS)),
        "out": ((q, c), plain, P(AXIS, None)), "out_bias": ((c,), plain, P()),
        "moe_norm": ((c,), plain, P()),
        "router": ((c, e), plain, P()), "router_bias": ((e,), plain, P()),
        "gate": matrix(f, c, "out"), "gate_bias": ((e, f), plain, P(None, AXIS)),
        "up": matrix(f, c, "out"), "up_bias": ((e, f), plain, P(None, AXIS)),
        "down": matrix(c, f, "into"), "down_bias": ((e, c), plain, P()),
    }
    return {
        "embedding": ((v, c), plain, P(AXIS, None)),
        "layers": [layer] * config.layers,
        "norm": ((c,), plain, P()),
        "head": ((c, v), plain, P(None, AXIS)),
    }


def caches(config, variant, batch, context):
    """Keys and values of each layer `[b, g, s, d]`, in the form of `parameters`."""
    each = ((batch, config.kv_heads, context, config.head_dim), variant.dtype, P(None, AXIS, None, None))
    return [{"k": each, "v": each}] * config.layers


# The model.

def rms_norm(x, scale):
    wide = x.astype(jnp.float32)
    wide = wide * jax.lax.rsqrt(jnp.mean(wide * wide, axis=-1, keepdims=True) + 1e-5)
    return (wide * scale.astype(jnp.float32)).astype(x.dtype)


def rope_table(config, positions):
    """Cosine and sine `[t, d / 2]`, by YaRN."""
    d = config.head_dim
    place = np.arange(0, d, 2, dtype=np.float64) / d
    plain = config.rope_theta ** place
    concentration, inverse = 1.0, 1.0 / plain
    if config.rope_factor > 1.0:
        concentration = 0.1 * math.log(config.rope_factor) + 1.0
        turns = lambda beta: d / 2 * math.log(config.original_context / (beta * 2 * math.pi)) / math.log(config.rope_theta)
        low, high = turns(config.beta_fast), turns(config.beta_slow)
        mask = 1 - np.clip((np.arange(d // 2) - low) / (high - low), 0, 1)
        inverse = (1 - mask) / (config.rope_factor * plain) + mask / plain
    angle = positions.astype(jnp.float32)[:, None] * jnp.asarray(inverse, jnp.float32)
    return jnp.cos(angle) * concentration, jnp.sin(angle) * concentration


def rope(x, table):
    """`x` `[b, t, h, d]`."""
    cos, sin = (part[:, None, :].astype(x.dtype) for part in table)
    first, second = jnp.split(x, 2, axis=-1)
    return jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def attention(config, p, x, cache, start, table, window):
    """`x` `[b, t, c]`; gives the answer and the cache with the new keys and values."""
    b, t, _ = x.shape
    g, d = config.kv_heads, config.head_dim
    q = rope((x @ p["q"] + p["q_bias"]).reshape(b, t, -1, d), table).reshape(b, t, g, -1, d)
    k = rope((x @ p["k"] + p["k_bias"]).reshape(b, t, g, d), table)
    v = (x @ p["v"] + p["v_bias"]).reshape(b, t, g, d)
    cache = {
        name: jax.lax.dynamic_update_slice(cache[name], new.swapaxes(1, 2), (0, 0, start, 0))
        for name, new in [("k", k), ("v", v)]
    }
    scores = jnp.einsum("btgmd,bgsd->bgmts", q, cache["k"], preferred_element_type=jnp.float32) * d ** -0.5
    slots, positions = jnp.arange(scores.shape[-1]), start + jnp.arange(t)
    visible = slots[None, :] <= positions[:, None]
    if window:
        visible &= slots[None, :] > positions[:, None] - window
    scores = jnp.where(visible, scores, -jnp.inf)
    sink = p["sinks"].astype(jnp.float32).reshape(1, g, -1, 1, 1)
    peak = jnp.maximum(scores.max(axis=-1, keepdims=True), sink)
    share = jnp.exp(scores - peak)
    share = share / (share.sum(axis=-1, keepdims=True) + jnp.exp(sink - peak))
    mixed = jnp.einsum("bgmts,bgsd->btgmd", share.astype(x.dtype), cache["v"])
    return mixed.reshape(b, t, -1) @ p["out"] + p["out_bias"], cache


def unpack(p, dtype):
    """MXFP4 `[…, out, blocks, 16]` to `[…, into, out]`; the low nibble comes first."""
    value = jax.lax.bitcast_convert_type(p["blocks"], jnp.float4_e2m1fn).reshape(*p["blocks"].shape[:-1], 32).astype(dtype)
    scale = jnp.exp2(p["scales"].astype(jnp.float32) - 127).astype(dtype)
    value = value * scale[..., None]
    return value.reshape(*value.shape[:-2], -1).swapaxes(-1, -2)


def values(p, dtype):
    """An expert's matrix or several, `[…, into, out]`, without the scales of rows."""
    return unpack(p, dtype) if "blocks" in p else p["values"].astype(dtype)


def scaled(y, p, index=None):
    """`y` `[…, out]` times the scales of rows, where there are any."""
    if "blocks" in p or "scales" not in p:
        return y
    scales = p["scales"].astype(y.dtype)
    return y * (scales if index is None else scales[index])


def swiglu(config, gate, up):
    gate = jnp.minimum(gate, config.swiglu_limit)
    up = jnp.clip(up, -config.swiglu_limit, config.swiglu_limit)
    return gate * jax.nn.sigmoid(1.702 * gate) * (up + 1)


def moe_gather(config, p, x, share, chosen):
    """Every row takes its experts' matrices: `x` `[n, c]`, `share` and `chosen` `[n, k]`."""
    take = lambda matrix: {name: part[chosen] for name, part in p[matrix].items()}

    def product(spec, x, matrix):
        taken = take(matrix)
        return scaled(jnp.einsum(spec, x, values(taken, x.dtype)), taken) + p[matrix + "_bias"][chosen]

    u = swiglu(config, product("nc,nkcf->nkf", x, "gate"), product("nc,nkcf->nkf", x, "up"))
    return jnp.einsum("nkc,nk->nc", product("nkf,nkfc->nkc", u, "down"), share)


def moe_slice(config, p, x, share, chosen):
    """Every row takes its experts one after another, by `w[index]`; rows follow one another in a loop."""
    def row(x, share, chosen):
        def answer(index):
            own = {name: {key: part[index] for key, part in p[name].items()} for name in ("gate", "up", "down")}
            product = lambda x, name: scaled(x @ values(own[name], x.dtype), own[name]) + p[name + "_bias"][index]
            return product(swiglu(config, product(x, "gate"), product(x, "up")), "down")

        return sum(answer(chosen[k]) * share[k] for k in range(config.experts_per_token))

    if len(x) == 1:
        return row(x[0], share[0], chosen[0])[None]
    return jax.lax.map(lambda args: row(*args), (x, share, chosen))


def moe_ragged(config, p, x, share, chosen):
    """Rows sorted by expert, one grouped product a matrix."""
    k = chosen.shape[-1]
    order = jnp.argsort(chosen.reshape(-1))
    expert, row = chosen.reshape(-1)[order], order // k
    sizes = jnp.bincount(expert, length=config.experts).astype(jnp.int32)

    def product(x, matrix):
        y = jax.lax.ragged_dot(x, values(p[matrix], x.dtype), sizes)
        return scaled(y, p[matrix], expert) + p[matrix + "_bias"][expert]

    grouped = x[row]
    answer = product(swiglu(config, product(grouped, "gate"), product(grouped, "up")), "down")
    return jnp.zeros_like(x).at[row].add(answer * share.reshape(-1)[order][:, None])


def moe_dense(config, p, x, share, chosen):
    """Every expert answers every row."""
    def product(spec, x, matrix):
        y = jnp.einsum(spec, x, values(p[matrix], x.dtype))
        return scaled(y, p[matrix]) + p[matrix + "_bias"]

    u = swiglu(config, product("nc,ecf->nef", x, "gate"), product("nc,ecf->nef", x, "up"))
    n = x.shape[0]
    all_shares = jnp.zeros((n, config.experts), x.dtype).at[jnp.arange(n)[:, None], chosen].set(share)
    return jnp.einsum("nec,ne->nc", product("nef,efc->nec", u, "down"), all_shares)


EXPERTS = {"slice": moe_slice, "gather": moe_gather, "ragged": moe_ragged, "dense": moe_dense}


def moe(config, variant, p, x):
    """`x` `[b, t, c]`."""
    rows = x.reshape(-1, x.shape[-1])
    logits = rows @ p["router"] + p["router_bias"]
    best, chosen = jax.lax.top_k(logits, config.experts_per_token)
    share = jax.nn.softmax(best.astype(jnp.float32), axis=-1).astype(x.dtype)
    return EXPERTS[variant.experts](config, p, rows, share, chosen).reshape(x.shape)


def forward(config, variant, params, cache, tokens, start):
    """The stream after the last layer `[b, t, c]`, and the cache; `tokens` `[b, t]` stand from position `start` on."""
    x = params["embedding"][tokens]
    table = rope_table(config, start + jnp.arange(tokens.shape[1]))
    written = []
    for layer, p in enumerate(params["layers"]):
        window = config.window if layer % 2 == 0 else None
        answer, own = attention(config, p, rms_norm(x, p["attention_norm"]), cache[layer], start, table, window)
        written.append(own)
        x = x + answer
        x = x + moe(config, variant, p, rms_norm(x, p["moe_norm"]))
    return rms_norm(x, params["norm"]), written


def logits(config, variant, params, cache, tokens, start):
    """Of every position `[b, t, v]`, and the cache."""
    x, cache = forward(config, variant, params, cache, tokens, start)
    return x @ params["head"], cache


def decode(config, variant, params, cache, tokens, position):
    """One greedy step of every sequence: `tokens` `[b]`, all of which stand at `position`."""
    found, cache = logits(config, variant, params, cache, tokens[:, None], position)
    return cache, jnp.argmax(found[:, 0], axis=-1).astype(jnp.int32)


def prefill(config, variant, params, cache, tokens, start, count):
    """A chunk of a prompt, `count` of whose `tokens` `[b, t]` are meant, and the token that follows them."""
    x, cache = forward(config, variant, params, cache, tokens, start)
    last = jax.lax.dynamic_slice_in_dim(x, count - 1, 1, axis=1)
    return cache, jnp.argmax(last[:, 0] @ params["head"], axis=-1).astype(jnp.int32)
