"""Whether both programs say about the same: the logits of a text, precast's in f32 as the measure of all."""

import json
import sys

import numpy as np

import process
from compare import aligned
from model import DENSE

# llama.cpp rounds the range in which YaRN passes from one frequency to the other and rounds what goes into a product to eight bits;
# bf16 rounds to eight bits too. On synthetic weights, whose routers are often undecided, this moves logits by 1 to 13 % of their
# deviation. Gates taken for ups move them by 45 % in a model of two layers, and further in deeper ones.
MOST_DIFFERENCE = 0.2


def check(model, peer, arguments):
    """Raises the exit code's reason in `problem` if llama.cpp is further from the reference than right programs are."""
    text = model.text(arguments.check)
    out = model.work / f"{model.name}-logits"
    vocabulary = model.config["vocab_size"]
    process.say(f"{model.name}: logits of {arguments.check} tokens of a text, precast in f32")
    reference = precast(model, ["--model", model.checkpoint, "--weights", "mxfp4", "--compute", "f32"], text, arguments, f"{out}-f32")
    comparisons = []
    for dense in arguments.dense:
        process.say(f"{model.name}: logits by llama.cpp, {dense}, and precast, {DENSE[dense]}")
        peers = f"{out}-llama-{dense}"
        process.run([peer / "logits", model.gguf(dense), text, arguments.threads, 1, peers])
        theirs = np.memmap(peers, np.float32, "r", shape=(arguments.check, vocabulary))
        ours = precast(model, ["--model", model.packed(dense)], text, arguments, f"{out}-precast-{DENSE[dense]}")
        named = {"llama.cpp": f"llama.cpp {dense}", "precast": f"precast {DENSE[dense]}"}
        comparisons += [
            {"of": named["llama.cpp"], "with": "precast f32"} | distance(theirs, reference),
            {"of": named["precast"], "with": "precast f32"} | distance(ours, reference),
            {"of": named["llama.cpp"], "with": named["precast"]} | distance(theirs, ours),
        ]
    problem = next((entry for entry in comparisons if not entry["relative_difference"] <= MOST_DIFFERENCE), None)
    for file in model.work.glob(f"{model.name}-logits-*"):
        file.unlink()
    return {"model": model.name, "tokens": arguments.check, "comparisons": comparisons, "agrees": problem is None}


def precast(model, options, text, arguments, out):
    """Logits as f32 `[tokens, vocabulary]`, mapped."""
    process.run([model.precast, "--quiet", "score", *options, "--threads", arguments.threads, "--tokens", f"@{text}", "--out", out])
    with open(out, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(length))["logits"]
    return np.memmap(out, np.float32, "r", 8 + length + entry["data_offsets"][0], tuple(entry["shape"]))


def distance(found, wanted):
    """How far the predictions `found` are from `wanted`, both `[tokens, vocabulary]`."""
    same = difference = variation = divergence = deviation = 0.0
    for own, other in zip(found, wanted):
        own, other = own.astype(np.float64), other.astype(np.float64)
        if not np.isfinite(own).all():
            sys.exit("error: logits are not numbers")
        same += own.argmax() == other.argmax()
        difference += np.abs(own - other).mean()
        deviation += other.std()
        own, other = own - np.logaddexp.reduce(own), other - np.logaddexp.reduce(other)
        variation += np.abs(np.exp(own) - np.exp(other)).sum() / 2
        divergence += (np.exp(other) * (other - own)).sum()
    count = len(found)
    return {
        "top1_agreement": same / count,
        "mean_logit_difference": difference / count,
        "relative_difference": difference / deviation,
        "total_variation": variation / count,
        "kl_nats": divergence / count,
    }


def text(report):
    rows = []
    for entry in report["comparisons"]:
        rows.append([
            entry["of"], entry["with"], f"{entry['top1_agreement']:.1%}", f"{entry['mean_logit_difference']:.4f}",
            f"{entry['relative_difference']:.1%}", f"{entry['total_variation']:.4f}", f"{entry['kl_nats']:.5f}",
        ])
    header = ["logits of", "beside", "same top-1", "mean difference", "of the deviation", "probability moved", "KL, nats"]
    verdict = "the programs agree" if report["agrees"] else f"more than {MOST_DIFFERENCE:.0%} of the deviation: the programs do not agree"
    return f"{report['model']}, {report['tokens']} tokens of a text\n\n{aligned(header, rows, left={0, 1})}\n{verdict}\n"
