"""Writes a gpt-oss checkpoint in the published layout as a GGUF file that llama.cpp reads.

The experts keep their MXFP4 numbers exactly; the other matrices become Q8_0 or stay bf16; norms, biases, sinks and the router become
f32, which is exact. One slice of a tensor is in memory at a time. The file has no tokenizer: it is made to be fed with token ids.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

DENSE = {"q8_0": Type.Q8_0, "bf16": Type.BF16}
BLOCK = 32  # values that share a scale, in MXFP4 and in Q8_0 alike
SLICE_VALUES = 1 << 24
SPARE_BYTES = 1 << 29  # of the disk, for others


class Checkpoint:
    """The tensors of `folder`, mapped. Values are u8 as stored, and bf16 as u16."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.config = json.loads((self.folder / "config.json").read_text())
        if "num_experts" not in self.config:
            sys.exit(f"error: `{folder}/config.json` has no `num_experts`: expected the published `original/` layout")
        self.tensors = {}
        for file in sorted(self.folder.glob("*.safetensors")):
            with open(file, "rb") as opened:
                length = int.from_bytes(opened.read(8), "little")
                header = json.loads(opened.read(length))
            header.pop("__metadata__", None)
            for name, entry in header.items():
                self.tensors[name] = (file, 8 + length, entry)

    def __getitem__(self, name):
        if name not in self.tensors:
            sys.exit(f"error: `{self.folder}` has no tensor `{name}`: expected the published `original/` layout")
        file, base, entry = self.tensors[name]
        element = {"BF16": np.uint16, "U8": np.uint8}[entry["dtype"]]
        return np.memmap(file, element, "r", base + entry["data_offsets"][0], tuple(entry["shape"]))


def f32(bf16):
    """The values whose bits are `bf16`, u16."""
    return (np.ascontiguousarray(bf16).astype(np.uint32) << 16).view(np.float32)


def rearranged(blocks, scales):
    """MXFP4 as GGUF has it: u8 `[…, blocks * 17]`, of `blocks` `[…, blocks, 16]` and `scales` `[…, blocks]`.

    A block of the checkpoint has value 2j in the low half of byte j and value 2j+1 in the high half. One of GGUF has its scale first,
    then value j in the low half of byte j and value j+16 in the high half.
    """
    low, high = blocks & 15, blocks >> 4
    values = np.stack([low, high], axis=-1).reshape(*blocks.shape[:-1], BLOCK)
    out = np.empty((*scales.shape, 1 + BLOCK // 2), np.uint8)
    out[..., 0] = scales
    out[..., 1:] = values[..., : BLOCK // 2] | values[..., BLOCK // 2 :] << 4
    return out.reshape(*scales.shape[:-1], -1)


def exact(blocks, scales):
    """The numbers that MXFP4 of the checkpoint stands for: f32 `[…, blocks * 32]`."""
    table = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32)
    table = np.concatenate([table, -table])
    values = np.stack([table[blocks & 15], table[blocks >> 4]], axis=-1).reshape(*blocks.shape[:-1], BLOCK)
    return np.ldexp(values, scales.astype(np.int32)[..., None] - 127).reshape(*scales.shape[:-1], -1)


def experts(blocks, scales, rows):
    """Shape in bytes, and every expert in turn, of the output rows `rows`."""
    shape = scales[:, rows].shape
    wanted = np.asarray(exact(blocks[0, rows], scales[0, rows]))
    found = gguf.quants.dequantize(rearranged(blocks[0, rows], scales[0, rows]), Type.MXFP4)
    if not np.array_equal(wanted, found):
        sys.exit(f"error: {(wanted != found).sum()} numbers of {wanted.size} changed in GGUF's MXFP4\n  this is a bug in precast's tools")
    each = (rearranged(np.asarray(blocks[e, rows]), np.asarray(scales[e, rows])) for e in range(len(blocks)))
    return (*shape[:-1], shape[-1] * 17), Type.MXFP4, each


def matrix(values, rows, kind):
    """Shape in bytes, and slices of the output rows `rows`, in `kind`."""
    values = values[rows]
    if kind == Type.Q8_0 and values.shape[1] % BLOCK:
        sys.exit(f"error: rows of {values.shape[1]} values: Q8_0 wants a multiple of {BLOCK}")
    step = max(1, SLICE_VALUES // values.shape[1])
    parts = (values[first : first + step] for first in range(0, len(values), step))
    if kind == Type.BF16:
        return (values.shape[0], values.shape[1] * 2), kind, (np.ascontiguousarray(part) for part in parts)
    row_bytes = values.shape[1] // BLOCK * 34
    return (values.shape[0], row_bytes), kind, (gguf.quants.quantize(f32(part), kind) for part in parts)


def plain(values):
    return (*values.shape[:-1], values.shape[-1] * 4), Type.F32, [f32(values)]


def tensors(of, dense):
    """Name in GGUF and content of every tensor, in the order of the file."""
    config = of.config
    everything, even, odd = slice(None), slice(0, None, 2), slice(1, None, 2)
    query = config["num_attention_heads"] * config["head_dim"]
    key = config["num_key_value_heads"] * config["head_dim"]
    parts = {"q": slice(0, query), "k": slice(query, query + key), "v": slice(query + key, query + 2 * key)}
    yield "token_embd.weight", matrix(of["embedding.weight"], everything, dense)
    yield "output_norm.weight", plain(of["norm.scale"])
    yield "output.weight", matrix(of["unembedding.weight"], everything, dense)
    for layer in range(config["num_hidden_layers"]):
        attention, moe, own = f"block.{layer}.attn", f"block.{layer}.mlp", f"blk.{layer}"
        yield f"{own}.attn_norm.weight", plain(of[f"{attention}.norm.scale"])
        for letter, rows in parts.items():
            yield f"{own}.attn_{letter}.weight", matrix(of[f"{attention}.qkv.weight"], rows, dense)
            yield f"{own}.attn_{letter}.bias", plain(of[f"{attention}.qkv.bias"][rows])
        yield f"{own}.attn_output.weight", matrix(of[f"{attention}.out.weight"], everything, dense)
        yield f"{own}.attn_output.bias", plain(of[f"{attention}.out.bias"])
        yield f"{own}.attn_sinks.weight", plain(of[f"{attention}.sinks"])
        yield f"{own}.post_attention_norm.weight", plain(of[f"{moe}.norm.scale"])
        yield f"{own}.ffn_gate_inp.weight", plain(of[f"{moe}.gate.weight"])
        yield f"{own}.ffn_gate_inp.bias", plain(of[f"{moe}.gate.bias"])
        # Rows of gates and ups take turns in the checkpoint; GGUF has two tensors.
        for name, source, rows in [("gate", "mlp1", even), ("up", "mlp1", odd), ("down", "mlp2", everything)]:
            blocks, scales = of[f"{moe}.{source}_weight.blocks"], of[f"{moe}.{source}_weight.scales"]
            yield f"{own}.ffn_{name}_exps.weight", experts(blocks, scales, rows)
            yield f"{own}.ffn_{name}_exps.bias", plain(of[f"{moe}.{source}_bias"][:, rows])


def keys(writer, config):
    scaling = config["rope_scaling_factor"]
    writer.add_context_length(int(config["initial_context_length"] * scaling))
    writer.add_vocab_size(config["vocab_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_expert_feed_forward_length(config["intermediate_size"])
    writer.add_expert_count(config["num_experts"])
    writer.add_expert_used_count(config["experts_per_token"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_sliding_window(config["sliding_window"])
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
    writer.add_rope_scaling_factor(scaling)
    writer.add_rope_scaling_orig_ctx_len(config["initial_context_length"])
    writer.add_rope_scaling_yarn_beta_fast(config["rope_ntk_beta"])
    writer.add_rope_scaling_yarn_beta_slow(config["rope_ntk_alpha"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_MXFP4_MOE)
    writer.add_tokenizer_model("no_vocab")


def convert(folder, dense, out):
    """Writes `out` under another name first: a file at the final name is whole."""
    checkpoint = Checkpoint(folder)
    unfinished = Path(f"{out}.unfinished")
    unfinished.unlink(missing_ok=True)
    writer = gguf.GGUFWriter(unfinished, "gpt-oss")
    keys(writer, checkpoint.config)
    total = 0
    for name, (shape, kind, _) in tensors(checkpoint, DENSE[dense]):
        total += int(np.prod(shape))
        writer.add_tensor_info(name, shape, np.dtype(np.uint8), int(np.prod(shape)), raw_dtype=kind)
    free = shutil.disk_usage(unfinished.absolute().parent).free
    if free < total + SPARE_BYTES:
        sys.exit(f"error: `{out}` takes {total / 1e9:.1f} GB, the disk has room for {free / 1e9:.1f} GB")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    file = writer.fout[0]
    writer.write_padding(file, file.tell())
    for name, (shape, _, parts) in tensors(checkpoint, DENSE[dense]):
        written = 0
        for part in parts:
            part.tofile(file)
            written += part.nbytes
        if written != np.prod(shape):
            sys.exit(f"error: `{name}` took {written} bytes, expected {np.prod(shape)}\n  this is a bug in precast's tools")
        writer.write_padding(file, written)
    writer.close()
    os.replace(unfinished, out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", help="folder with config.json and weights in the published `original/` layout")
    parser.add_argument("out", help="GGUF file to write")
    parser.add_argument("--dense", choices=DENSE, default="q8_0", help="type of attention, embedding and head [default: q8_0]")
    arguments = parser.parse_args()
    convert(arguments.checkpoint, arguments.dense, arguments.out)
