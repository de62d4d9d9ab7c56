"""Runs two independent gpt-oss programs on the synthetic checkpoints and writes what they say as fixtures.

The programs: OpenAI's (PyPI `gpt-oss`, `gpt_oss.torch`) on the `original/` layout and Hugging Face's (`transformers`,
`GptOssForCausalLM`, eager attention) on theirs, each in f32 and in bf16. README.md here says what the fixtures hold.
"""

import argparse
import importlib.metadata
import json
import platform
import tempfile
from pathlib import Path

import numpy as np
import torch
from gpt_oss.torch.model import MLPBlock, Transformer
from safetensors.numpy import save_file
from transformers import GptOssForCausalLM, Mxfp4Config

import checkpoint

# Name of the token stream, which is its length; the longest crosses the original context of 4096.
LENGTHS = {
    "odd": [1, 127, 128, 129, 300, 4500],
    "ordinary": [1, 127, 128, 129, 300, 4200],
    "wide": [40],
}
GREEDY_PROMPTS = {"odd": [7, 130], "ordinary": [7, 130], "wide": [7]}
GREEDY_TOKENS = 40
MLP_CHUNK_TOKENS = 128


def in_chunks(forward):
    """OpenAI's MoE gathers whole expert matrices for every token, so it gets few tokens at a time."""

    def chunked(self, x):
        return torch.cat([forward(self, part) for part in x.split(MLP_CHUNK_TOKENS)])

    return chunked


MLPBlock.forward = in_chunks(MLPBlock.forward)


class OpenAi:
    def __init__(self, directory, dtype):
        self.model = Transformer.from_checkpoint(f"{directory}/original", device="cpu")
        if dtype == torch.float32:
            self.model.float()

    def logits(self, ids):
        return self.model(torch.tensor(ids)).float().numpy()

    def greedy(self, ids):
        ids, gap = list(ids), float("inf")
        start = len(ids)
        for _ in range(GREEDY_TOKENS):
            row = self.model(torch.tensor(ids))[-1].float()
            top = row.topk(2)
            gap = min(gap, float(top.values[0] - top.values[1]))
            ids.append(int(top.indices[0]))
        return ids[start:], gap


class HuggingFace:
    def __init__(self, directory, dtype):
        self.model = GptOssForCausalLM.from_pretrained(
            f"{directory}/hf",
            quantization_config=Mxfp4Config(dequantize=True),
            dtype=dtype,
            attn_implementation="eager",
            experts_implementation="eager",
        ).eval()

    def logits(self, ids):
        return self.model(torch.tensor([ids]), use_cache=False).logits[0].float().numpy()

    def greedy(self, ids):
        """With the program's own key-value cache, so that this also checks decoding against prefill."""
        out, cache, fresh = [], None, ids
        for _ in range(GREEDY_TOKENS):
            step = self.model(torch.tensor([fresh]), past_key_values=cache, use_cache=True)
            cache, fresh = step.past_key_values, [int(step.logits[0, -1].argmax())]
            out += fresh
        return out


def kept_positions(length):
    """The first and last few, those around the window's edge and the original context's, and every 97th."""
    near = {0, 1, 2, 5, length - 3, length - 2, length - 1}
    near |= set(range(126, 131)) | set(range(4094, 4099)) | set(range(0, length, 97))
    return sorted(p for p in near if 0 <= p < length)


def kept_columns(vocabulary):
    return list(range(vocabulary)) if vocabulary <= 4096 else list(range(0, vocabulary, 397)) + [vocabulary - 1]


def mean_difference(a, b):
    return float(np.abs(a - b).mean(dtype=np.float64))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    sums = {name: checkpoint.checksums(name) for name in LENGTHS}
    (out / "checksums.json").write_text(json.dumps(sums, indent=1) + "\n")

    report = {
        "versions": {
            "python": platform.python_version(),
            **{package: importlib.metadata.version(package) for package in ("torch", "transformers", "gpt-oss", "numpy")},
        },
        "shapes": {name: checkpoint.SHAPES[name] for name in LENGTHS},
        "cases": [],
        "greedy": [],
    }
    for shape, lengths in LENGTHS.items():
        with tempfile.TemporaryDirectory() as directory, torch.inference_mode():
            for layout in ("original", "hf"):
                checkpoint.write(shape, layout, f"{directory}/{layout}")
            judge_shape(shape, lengths, directory, out, report)
    (out / "parity.json").write_text(json.dumps(report, indent=1) + "\n")


def judge_shape(shape, lengths, directory, out, report):
    vocabulary = checkpoint.SHAPES[shape]["vocabulary"]
    columns = kept_columns(vocabulary)
    kept = {"columns": np.array(columns, np.int32)}
    openai = OpenAi(directory, torch.float32)
    openai_bf16 = OpenAi(directory, torch.bfloat16)
    hugging_face = HuggingFace(directory, torch.float32)
    hugging_face_bf16 = HuggingFace(directory, torch.bfloat16)
    for length in lengths:
        ids = checkpoint.tokens(shape, str(length), length)
        exact = openai.logits(ids)
        peer = hugging_face.logits(ids)
        rough = openai_bf16.logits(ids)
        positions = kept_positions(length)
        top = torch.from_numpy(exact).topk(5)
        kept |= {
            f"{length}.tokens": np.array(ids, np.int32),
            f"{length}.positions": np.array(positions, np.int32),
            f"{length}.logits": exact[positions][:, columns],
            f"{length}.top1": top.indices[:, 0].numpy().astype(np.int32),
            f"{length}.top5": top.indices[positions].numpy().astype(np.int32),
            f"{length}.gap": (top.values[:, 0] - top.values[:, 1]).numpy(),
            f"{length}.logsumexp": torch.from_numpy(exact).double().logsumexp(-1).float().numpy(),
        }
        case = {
            "shape": shape,
            "length": length,
            "deviation": float(exact.std(dtype=np.float64)),
            "f32_max_difference": float(np.abs(exact - peer).max()),
            "f32_mean_difference": mean_difference(exact, peer),
            "bf16_mean_difference": mean_difference(exact, rough),
            "bf16_max_difference": float(np.abs(exact - rough).max()),
            "bf16_same_top1": float((exact.argmax(-1) == rough.argmax(-1)).mean()),
            "hf_bf16_mean_difference": mean_difference(exact, hugging_face_bf16.logits(ids)),
            "smallest_gap": float(kept[f"{length}.gap"].min()),
        }
        report["cases"].append(case)
        print(json.dumps(case), flush=True)
    for length in GREEDY_PROMPTS[shape]:
        prompt = checkpoint.tokens(shape, f"greedy.{length}", length)
        continuation, gap = openai.greedy(prompt)
        assert continuation == hugging_face.greedy(prompt), f"{shape}: the programs continue a prompt of {length} differently"
        case = {"shape": shape, "prompt": prompt, "continuation": continuation, "smallest_gap": gap}
        report["greedy"].append(case)
        print(json.dumps(case), flush=True)
    # `save_file` writes an array's memory as it lies, whatever its strides, and indexing columns leaves rows and columns swapped.
    kept = {name: np.ascontiguousarray(array) for name, array in kept.items()}
    save_file(kept, out / f"{shape}.safetensors", metadata={"shape": shape})


if __name__ == "__main__":
    main()
