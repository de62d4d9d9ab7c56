"""The JAX model beside precast on synthetic checkpoints: logits of every position, in every precision and every way of asking experts.

The reference is `precast score --compute f32`, which tests hold to OpenAI's and Hugging Face's programs. JAX runs on its CPU backend.
"""

import argparse
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np

import model

TOKENS, FIRST, CONTEXT = 160, 144, 256
# What may differ at most and on the mean, where logits have a deviation of 2: order of sums in f32; else the noise of the precision itself, which for
# bf16 and int8 is 0.02 to 0.06 on the mean, and where a router chose otherwise several units at one position.
EXACT, NOISY = (2e-4, 2e-5), (12.0, 0.25)
CODES = np.array([0, .5, 1, 1.5, 2, 3, 4, 6, -0., -.5, -1, -1.5, -2, -3, -4, -6], np.float32)


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        body = file.read()
    types = {"BF16": ml_dtypes.bfloat16, "U8": np.uint8, "F32": np.float32}
    return {name: np.frombuffer(body[slice(*entry["data_offsets"])], types[entry["dtype"]]).reshape(entry["shape"])
            for name, entry in header.items() if name != "__metadata__"}


def expert_matrix(blocks, scales, variant):
    """Published `blocks` `[e, out, into / 32, 16]` as `model.parameters` declares them."""
    if variant.weights == "mxfp4":
        return {"blocks": blocks, "scales": scales}
    codes = np.stack([blocks & 15, blocks >> 4], axis=-1).reshape(*blocks.shape[:-1], 32)
    value = CODES[codes] * np.exp2(scales.astype(np.float32) - 127)[..., None]
    value = value.reshape(*value.shape[:2], -1)
    if variant.weights == "bf16":
        return {"values": value.swapaxes(1, 2).astype(variant.dtype)}
    largest = np.abs(value).max(axis=-1)
    if variant.weights == "fp8":
        # A power of two, so that codes are exact wherever a row spans few enough octaves.
        scale = np.exp2(np.ceil(np.log2(np.maximum(largest, 1e-30) / 448)))
        codes = (value / scale[..., None]).astype(ml_dtypes.float8_e4m3fn)
    else:
        scale = np.maximum(largest, 1e-30) / 127
        codes = np.rint(value / scale[..., None]).astype(np.int8)
    return {"values": codes.swapaxes(1, 2), "scales": scale.astype(variant.dtype)}


def load(folder, config, variant):
    """The parameters of a published checkpoint, in the tree and of the types that the programs are compiled for."""
    tensors = read_safetensors(Path(folder) / "model.safetensors")
    plain = lambda name: tensors[name].astype(variant.dtype)
    q, kv = config.query_heads * config.head_dim, config.kv_heads * config.head_dim
    layers = []
    for n in range(config.layers):
        attention, mlp = f"block.{n}.attn.", f"block.{n}.mlp."
        weight, bias = plain(attention + "qkv.weight"), plain(attention + "qkv.bias")
        blocks, scales, biases = tensors[mlp + "mlp1_weight.blocks"], tensors[mlp + "mlp1_weight.scales"], plain(mlp + "mlp1_bias")
        layers.append({
            "attention_norm": plain(attention + "norm.scale"),
            "q": weight[:q].T, "q_bias": bias[:q], "k": weight[q:q + kv].T, "k_bias": bias[q:q + kv], "v": weight[q + kv:].T, "v_bias": bias[q + kv:],
            "sinks": plain(attention + "sinks"), "out": plain(attention + "out.weight").T, "out_bias": plain(attention + "out.bias"),
            "moe_norm": plain(mlp + "norm.scale"), "router": plain(mlp + "gate.weight").T, "router_bias": plain(mlp + "gate.bias"),
            # Gates and ups come by turns.
            "gate": expert_matrix(blocks[:, 0::2], scales[:, 0::2], variant), "gate_bias": biases[:, 0::2],
            "up": expert_matrix(blocks[:, 1::2], scales[:, 1::2], variant), "up_bias": biases[:, 1::2],
            "down": expert_matrix(tensors[mlp + "mlp2_weight.blocks"], tensors[mlp + "mlp2_weight.scales"], variant), "down_bias": plain(mlp + "mlp2_bias"),
        })
    params = {"embedding": plain("embedding.weight"), "layers": layers, "norm": plain("norm.scale"), "head": plain("unembedding.weight").T}
    is_entry = lambda entry: isinstance(entry, tuple)
    declared, _ = jax.tree.flatten(model.parameters(config, variant), is_leaf=is_entry)
    for given, (shape, dtype, _) in zip(jax.tree.leaves(params), declared, strict=True):
        assert (given.shape, given.dtype) == (shape, jnp.dtype(dtype)), f"{given.dtype}{given.shape} for {dtype}{shape}"
    return jax.tree.map(jnp.asarray, params)


def empty_caches(config, variant):
    is_entry = lambda entry: isinstance(entry, tuple)
    return jax.tree.map(lambda entry: jnp.zeros(*entry[:2]), model.caches(config, variant, 1, CONTEXT), is_leaf=is_entry)


def scored(params, config, variant, tokens):
    """Logits of every position: a chunk, and then token by token through the cache; the programs' own tokens are held to them."""
    step = jax.jit(lambda params, cache, tokens, start: model.logits(config, variant, params, cache, tokens, start), donate_argnums=(1,))
    decode = jax.jit(lambda params, cache, tokens, at: model.decode(config, variant, params, cache, tokens, at))
    prefill = jax.jit(lambda params, cache, tokens, start, count: model.prefill(config, variant, params, cache, tokens, start, count))
    chunk = tokens[None, :FIRST]
    _, drawn = prefill(params, empty_caches(config, variant), chunk, 0, FIRST)
    found, cache = step(params, empty_caches(config, variant), chunk, 0)
    assert drawn[0] == found[0, -1].argmax(), "prefill draws another token than its logits say"
    parts = [found[0]]
    for at in range(FIRST, len(tokens)):
        if at == FIRST:
            _, drawn = decode(params, cache, tokens[at:at + 1], at)
        found, cache = step(params, cache, tokens[None, at:at + 1], at)
        if at == FIRST:
            assert drawn[0] == found[0, 0].argmax(), "decode draws another token than its logits say"
        parts.append(found[0])
    return np.concatenate([np.asarray(part, np.float32) for part in parts])


def main():
    parser = argparse.ArgumentParser(prog="tools/peers/jax/check", description=__doc__.split("\n\n")[0])
    parser.add_argument("--programs", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--shape", default="ordinary,odd", help="of tests/oracle/shapes.json [default: ordinary,odd]")
    options = parser.parse_args()
    failed = False
    for shape in options.shape.split(","):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            run = lambda *command: subprocess.run([str(word) for word in command], check=True, stdout=sys.stderr)
            run(options.programs / "examples/synthetic", "--shape", shape, "--out", folder)
            config = model.Config.read(folder)
            tokens = np.random.default_rng(1).integers(0, config.vocabulary, TOKENS).astype(np.int32)
            run(options.programs / "precast", "--quiet", "score", "--model", folder, "--tokens", ",".join(map(str, tokens)), "--compute", "f32", "--out",
                folder / "logits.safetensors")
            reference = read_safetensors(folder / "logits.safetensors")["logits"]
            exact = [("bf16", way, jnp.float32) for way in model.EXPERTS] + [("mxfp4", "slice", jnp.float32), ("mxfp4", "dense", jnp.float32),
                                                                            ("fp8", "slice", jnp.float32)]
            noisy = [("bf16", "slice", jnp.bfloat16), ("mxfp4", "dense", jnp.bfloat16), ("fp8", "dense", jnp.bfloat16), ("int8", "ragged", jnp.float32),
                     ("int8", "gather", jnp.bfloat16)]
            for cases, (most, mean) in [(exact, EXACT), (noisy, NOISY)]:
                for weights, way, dtype in cases:
                    variant = model.Variant(weights, way, dtype)
                    difference = np.abs(scored(load(folder, config, variant), config, variant, tokens) - reference)
                    good = difference.max() <= most and difference.mean() <= mean
                    failed |= not good
                    print(f"{shape:9} {weights:6} {way:7} {jnp.dtype(dtype).name:9} largest {difference.max():.1e}, mean {difference.mean():.1e}"
                          f"{'' if good else f'  FAILED, expected at most {most:.0e} and {mean:.0e}'}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
