"""Makes synthetic gpt-oss checkpoints, in the published `original/` layout or the Hugging Face one. Needs numpy only.

The same bytes come out of `tests/support/synthetic.rs`, so that Rust tests need neither Python nor committed megabytes;
`tests/fixtures/parity/checksums.json` holds both to it. README.md here states the scheme; every operation in it is exact
integer arithmetic or one IEEE operation, in the order written.
"""

import argparse
import hashlib
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

GOLDEN = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1
CHUNK_VALUES = 1 << 16  # whose temporaries stay in the processor's cache
SHAPES = json.loads((Path(__file__).parent / "shapes.json").read_text())


def fnv1a(text):
    """FNV-1a, 64 bits, over the UTF-8 bytes."""
    state = 0xCBF29CE484222325
    for byte in text.encode():
        state = ((state ^ byte) * 0x100000001B3) & MASK
    return state


def words(key, first, count):
    """Words `first .. first + count` of the splitmix64 stream that starts at `key`."""
    with np.errstate(over="ignore"):
        z = np.arange(first + 1, first + 1 + count, dtype=np.uint64)
        z *= np.uint64(GOLDEN)
        z += np.uint64(key)
        z ^= z >> np.uint64(30)
        z *= np.uint64(0xBF58476D1CE4E5B9)
        z ^= z >> np.uint64(27)
        z *= np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return z


def stream_key(seed, name):
    """Where the stream called `name` starts: one splitmix64 step from the name's hash, `seed` steps further."""
    return int(words((fnv1a(name) + seed * GOLDEN) & MASK, 0, 1)[0])


def tokens(shape_name, stream, count):
    """`count` token ids of the stream `tokens.<stream>`. Places 2 and 5, where they exist, are ids 3 and 5,
    whose embedding rows are special."""
    shape = SHAPES[shape_name]
    ids = words(stream_key(shape["seed"], f"{shape_name}/tokens.{stream}"), 0, count) % np.uint64(shape["vocabulary"])
    for place, special in ((2, 3), (5, 5)):
        if count > place:
            ids[place] = special
    return ids.astype(np.int64).tolist()


@dataclass(frozen=True)
class Normal:
    """bf16(offset + s * step): s is the centred sum of a word's four 16-bit pieces, near to normal."""

    deviation: float
    offset: float = 0.0
    embedding_width: int = 0  # the row's width when this is the embedding, whose rows 3 and 5 are special

    dtype, values_a_word = "BF16", 1

    def fill(self, key, first, count):
        w = words(key, first, count)
        pair = (w & np.uint64(0x0000FFFF0000FFFF)) + ((w >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF))
        total = (pair & np.uint64(0xFFFFFFFF)) + (pair >> np.uint64(32))
        centred = (total.astype(np.int64) - 131070).astype(np.float32)
        value = centred * np.float32(self.deviation / 37837.0)
        if self.offset:
            value += np.float32(self.offset)
        if first < 6 * self.embedding_width:
            index = np.arange(first, first + count)
            row, column = index // self.embedding_width, index % self.embedding_width
            value[row == 3] *= np.float32(2.0**-12)
            value[(row == 5) & (column % 3 == 0)] = np.float32(-0.0)
        bits = value.view(np.uint32)
        return ((bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)).astype("<u2").tobytes()


@dataclass(frozen=True)
class Codes:
    """MXFP4 codes: a word is eight bytes, low byte first, so two words are a block. Some blocks are zeros, some minus zeros."""

    dtype, values_a_word = "U8", 8

    def fill(self, key, first, count):
        first_word, n_words = first // 8, -(-count // 8)
        out = words(key, first_word, n_words).astype("<u8")
        block = np.arange(first_word, first_word + n_words) // 2
        out[block % 37 == 5] = 0
        out[block % 37 == 11] = 0x8888888888888888
        return out.tobytes()[:count]


@dataclass(frozen=True)
class Scales:
    """One exponent byte a block, word by word: `base` - 1, + 0, + 0 or + 1; blocks of zeros have 0; block 17 has 2.
    Where `boosted`, every 29th output row stands 3 higher, so that gates and ups pass the clamp."""

    base: int
    blocks_a_row: int
    boosted: bool = False

    dtype, values_a_word = "U8", 1

    def fill(self, key, first, count):
        w = words(key, first, count)
        block = np.arange(first, first + count)
        scale = self.base + np.array([-1, 0, 0, 1])[(w & np.uint64(3)).astype(np.int64)]
        if self.boosted:
            scale += 3 * ((block // self.blocks_a_row) % 29 == 0)
        scale[(block % 37 == 5) | (block % 37 == 11)] = 0
        scale[block == 17] = 2
        return scale.astype(np.uint8).tobytes()


def scale_base(fan_in, gain):
    """The largest exponent byte, 127 at most, with which weights of uniform codes have a deviation of at most gain / sqrt(fan_in)."""
    byte = 127
    while 8.5625 * fan_in * 4.0 ** (byte - 127) > gain * gain:
        byte -= 1
    return byte


@dataclass(frozen=True)
class Tensor:
    name: str  # in the layout it is written in
    stream: str  # the original layout's name: both layouts draw from the same streams
    dims: tuple
    recipe: object
    first: int = 0  # where in the stream's values it starts

    @property
    def size(self):
        return math.prod(self.dims)

    @property
    def bytes(self):
        return self.size * (2 if self.recipe.dtype == "BF16" else 1)

    def chunks(self, shape_name):
        key = stream_key(SHAPES[shape_name]["seed"], f"{shape_name}/{self.stream}")
        for start in range(0, self.size, CHUNK_VALUES):
            count = min(CHUNK_VALUES, self.size - start)
            yield self.recipe.fill(key, self.first + start, count)


def original(shape_name):
    s = SHAPES[shape_name]
    hidden, width, experts, vocabulary = s["hidden"], s["expert_width"], s["experts"], s["vocabulary"]
    query = s["query_heads"] * s["head_dim"]
    qkv = (s["query_heads"] + 2 * s["kv_heads"]) * s["head_dim"]

    def weight(gain, fan_in):
        return Normal(gain / math.sqrt(fan_in))

    table = [
        ("embedding.weight", (vocabulary, hidden), Normal(1.0, embedding_width=hidden)),
        ("norm.scale", (hidden,), Normal(0.2, 1.0)),
        ("unembedding.weight", (vocabulary, hidden), weight(2.0, hidden)),
    ]
    for n in range(s["layers"]):
        table += [
            (f"block.{n}.attn.norm.scale", (hidden,), Normal(0.2, 1.0)),
            (f"block.{n}.attn.qkv.weight", (qkv, hidden), weight(1.25, hidden)),
            (f"block.{n}.attn.qkv.bias", (qkv,), Normal(0.25)),
            (f"block.{n}.attn.sinks", (s["query_heads"],), Normal(1.0)),
            (f"block.{n}.attn.out.weight", (hidden, query), weight(1.0, query)),
            (f"block.{n}.attn.out.bias", (hidden,), Normal(0.125)),
            (f"block.{n}.mlp.norm.scale", (hidden,), Normal(0.2, 1.0)),
            (f"block.{n}.mlp.gate.weight", (experts, hidden), weight(2.0, hidden)),
            (f"block.{n}.mlp.gate.bias", (experts,), Normal(0.25)),
            (f"block.{n}.mlp.mlp1_weight.blocks", (experts, 2 * width, hidden // 32, 16), Codes()),
            (f"block.{n}.mlp.mlp1_weight.scales", (experts, 2 * width, hidden // 32),
             Scales(scale_base(hidden, 1.0), hidden // 32, boosted=True)),
            (f"block.{n}.mlp.mlp1_bias", (experts, 2 * width), Normal(0.5)),
            (f"block.{n}.mlp.mlp2_weight.blocks", (experts, hidden, width // 32, 16), Codes()),
            (f"block.{n}.mlp.mlp2_weight.scales", (experts, hidden, width // 32), Scales(scale_base(width, 0.5), width // 32)),
            (f"block.{n}.mlp.mlp2_bias", (experts, hidden), Normal(0.25)),
        ]
    return [Tensor(name, name, dims, recipe) for name, dims, recipe in table]


HUGGING_FACE_NAMES = {
    "attn.norm.scale": "input_layernorm.weight",
    "attn.sinks": "self_attn.sinks",
    "attn.out.weight": "self_attn.o_proj.weight",
    "attn.out.bias": "self_attn.o_proj.bias",
    "mlp.norm.scale": "post_attention_layernorm.weight",
    "mlp.gate.weight": "mlp.router.weight",
    "mlp.gate.bias": "mlp.router.bias",
    "mlp.mlp1_weight.blocks": "mlp.experts.gate_up_proj_blocks",
    "mlp.mlp1_weight.scales": "mlp.experts.gate_up_proj_scales",
    "mlp.mlp1_bias": "mlp.experts.gate_up_proj_bias",
    "mlp.mlp2_weight.blocks": "mlp.experts.down_proj_blocks",
    "mlp.mlp2_weight.scales": "mlp.experts.down_proj_scales",
    "mlp.mlp2_bias": "mlp.experts.down_proj_bias",
}


def hugging_face(shape_name):
    s = SHAPES[shape_name]
    top = {"embedding.weight": "model.embed_tokens.weight", "norm.scale": "model.norm.weight", "unembedding.weight": "lm_head.weight"}
    out = []
    for tensor in original(shape_name):
        if tensor.name in top:
            out.append(replace(tensor, name=top[tensor.name]))
            continue
        _, n, rest = tensor.name.split(".", 2)
        if not rest.startswith("attn.qkv."):
            out.append(replace(tensor, name=f"model.layers.{n}.{HUGGING_FACE_NAMES[rest]}"))
            continue
        row = 0
        for letter, heads in (("q", s["query_heads"]), ("k", s["kv_heads"]), ("v", s["kv_heads"])):
            rows = heads * s["head_dim"]
            out.append(replace(
                tensor,
                name=f"model.layers.{n}.self_attn.{letter}_proj.{rest.rsplit('.')[-1]}",
                dims=(rows, *tensor.dims[1:]),
                first=row * math.prod(tensor.dims[1:]),
            ))
            row += rows
    return out


def original_config(shape_name):
    s = SHAPES[shape_name]
    return {
        "num_hidden_layers": s["layers"],
        "num_experts": s["experts"],
        "experts_per_token": s["experts_per_token"],
        "vocab_size": s["vocabulary"],
        "hidden_size": s["hidden"],
        "intermediate_size": s["expert_width"],
        "swiglu_limit": 7.0,
        "head_dim": s["head_dim"],
        "num_attention_heads": s["query_heads"],
        "num_key_value_heads": s["kv_heads"],
        "sliding_window": s["sliding_window"],
        "initial_context_length": 4096,
        "rope_theta": 150000,
        "rope_scaling_factor": 32.0,
        "rope_ntk_alpha": 1,
        "rope_ntk_beta": 32,
    }


def hugging_face_config(shape_name):
    s = SHAPES[shape_name]
    return {
        "architectures": ["GptOssForCausalLM"],
        "attention_bias": True,
        "attention_dropout": 0.0,
        "experts_per_token": s["experts_per_token"],
        "head_dim": s["head_dim"],
        "hidden_act": "silu",
        "hidden_size": s["hidden"],
        "initial_context_length": 4096,
        "intermediate_size": s["expert_width"],
        "layer_types": [("sliding_attention", "full_attention")[n % 2] for n in range(s["layers"])],
        "max_position_embeddings": 131072,
        "model_type": "gpt_oss",
        "num_attention_heads": s["query_heads"],
        "num_experts_per_tok": s["experts_per_token"],
        "num_hidden_layers": s["layers"],
        "num_key_value_heads": s["kv_heads"],
        "num_local_experts": s["experts"],
        "quantization_config": {
            "modules_to_not_convert": ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"],
            "quant_method": "mxfp4",
        },
        "rms_norm_eps": 1e-05,
        "rope_scaling": {
            "beta_fast": 32.0,
            "beta_slow": 1.0,
            "factor": 32.0,
            "original_max_position_embeddings": 4096,
            "rope_type": "yarn",
            "truncate": False,
        },
        "rope_theta": 150000,
        "sliding_window": s["sliding_window"],
        "swiglu_limit": 7.0,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "vocab_size": s["vocabulary"],
    }


def write(shape_name, layout, directory, shards=1):
    """Writes config.json and the weights into `directory`: one safetensors file, or `shards` of them, with an index in the `hf` layout."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    tensors, config = {
        "original": (original, original_config),
        "hf": (hugging_face, hugging_face_config),
    }[layout]
    (directory / "config.json").write_text(json.dumps(config(shape_name), indent=2))
    # Wide elements first, then by name, as the safetensors library orders them: no tensor lies askew in memory.
    table = sorted(tensors(shape_name), key=lambda t: (t.recipe.dtype == "U8", t.name))
    total = sum(t.bytes for t in table)
    files, done = [[] for _ in range(shards)], 0
    for tensor in table:
        files[min(done * shards // total, shards - 1)].append(tensor)
        done += tensor.bytes
    weight_map = {}
    for i, content in enumerate(files):
        dash = "--" if layout == "original" else "-"
        name = "model.safetensors" if shards == 1 else f"model{dash}{i:05}-of-{shards - 1:05}.safetensors"
        header, offset = {}, 0
        for tensor in content:
            header[tensor.name] = {"dtype": tensor.recipe.dtype, "shape": list(tensor.dims), "data_offsets": [offset, offset + tensor.bytes]}
            weight_map[tensor.name] = name
            offset += tensor.bytes
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with open(directory / name, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for tensor in content:
                for chunk in tensor.chunks(shape_name):
                    file.write(chunk)
    if layout == "hf" and shards > 1:
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        (directory / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))


def checksums(shape_name):
    """SHA-256 of every tensor in the original layout."""
    out = {}
    for tensor in original(shape_name):
        digest = hashlib.sha256()
        for chunk in tensor.chunks(shape_name):
            digest.update(chunk)
        out[tensor.name] = digest.hexdigest()
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=SHAPES, required=True)
    parser.add_argument("--layout", choices=["original", "hf"], default="original")
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    write(arguments.shape, arguments.layout, arguments.out, arguments.shards)


if __name__ == "__main__":
    main()
