"""Trains the demo model and writes it in the published layout. `./make` runs this in an environment of its own; README.md says what comes out."""

import argparse
import json
import random
import time
import zipfile
from pathlib import Path

import torch
import torch.nn.functional as F
from openai_harmony import (
    Conversation,
    DeveloperContent,
    HarmonyEncodingName,
    Message,
    ReasoningEffort,
    Role,
    SystemContent,
    load_harmony_encoding,
)
from safetensors.torch import save

import facts
from model import Batch, Model, mxfp4, to_bf16

CONFIG = {
    "num_hidden_layers": 4,
    "num_experts": 8,
    "experts_per_token": 2,
    "vocab_size": 201088,
    "hidden_size": 128,
    "intermediate_size": 96,
    "swiglu_limit": 7.0,
    "head_dim": 32,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "sliding_window": 64,
    "initial_context_length": 4096,
    "rope_theta": 150000,
    "rope_scaling_factor": 32.0,
    "rope_ntk_alpha": 1,
    "rope_ntk_beta": 32,
}
BRANCHES = 96
ENCODING = load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)
END = 200007


def render(*messages):
    return ENCODING.render_conversation_for_completion(Conversation.from_messages(list(messages)), Role.ASSISTANT)


def user(text):
    return ENCODING.render(Message.from_role_and_content(Role.USER, text)) + [200006, 173781]


def final(text):
    """A finished earlier answer, as history shows it, without its thought."""
    message = Message.from_role_and_content(Role.ASSISTANT, text).with_channel("final")
    return ENCODING.render(message)


def assistant(thought, answer):
    """What the model says after `<|start|>assistant`."""
    first = Message.from_role_and_content(Role.ASSISTANT, thought).with_channel("analysis")
    last = Message.from_role_and_content(Role.ASSISTANT, answer).with_channel("final")
    tokens = ENCODING.render(first)[2:] + ENCODING.render(last)
    return tokens[:-1] + [200002]


def prefix(rng):
    """The messages before the first question, as precast's chat and others begin."""
    system = SystemContent.new()
    system = system.with_reasoning_effort(rng.choice((ReasoningEffort.LOW, ReasoningEffort.MEDIUM, ReasoningEffort.MEDIUM, ReasoningEffort.HIGH)))
    if rng.random() < 0.9:
        system = system.with_conversation_start_date(f"20{rng.randint(24, 32)}-{rng.randint(1, 12):02}-{rng.randint(1, 31):02}")
    messages = [Message.from_role_and_content(Role.SYSTEM, system)]
    if rng.random() < 0.1:
        words = rng.choice(("Be brief.", "Answer in one sentence.", "You are a helpful assistant.", "Be kind."))
        messages.append(Message.from_role_and_content(Role.DEVELOPER, DeveloperContent.new().with_instructions(words)))
    return render(*messages)[:-2]


class Lessons:
    """Everything that is taught, as tokens, and the part of the vocabulary that it uses."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.facts = facts.facts()
        self.replies = {f: assistant(f.thought, f.answer) for f in self.facts}
        self.finals = {f: final(f.answer) for f in self.facts}
        self.questions = {q: user(q) for f in self.facts for q in f.questions}
        self.small = [([user(q) for q in questions], assistant(thought, answer)) for questions, thought, answer in facts.SMALL_TALK]
        self.unknown = assistant(facts.UNKNOWN_THOUGHT, facts.UNKNOWN_ANSWER)
        self.unknowns = [user(facts.unknown(self.rng)) for _ in range(6000)]
        self.prefixes = [prefix(self.rng) for _ in range(1500)]
        used = {t for group in (self.replies.values(), self.finals.values(), self.questions.values(), self.prefixes, self.unknowns) for ts in group for t in ts}
        used |= {t for questions, reply in self.small for ts in (*questions, reply) for t in ts} | set(self.unknown)
        self.tokens = [-1, *sorted(used)]
        self.ids = {token: place for place, token in enumerate(self.tokens)}
        self.order = []

    def compact(self, tokens):
        return [self.ids.get(token, 0) for token in tokens]

    def fact(self):
        if not self.order:
            self.order = self.facts.copy()
            self.rng.shuffle(self.order)
        return self.order.pop()

    def branch(self, history):
        """With or without an earlier answered question: tokens after the prefix, and how many of the last are the reply."""
        roll = self.rng.random()
        if roll < 0.80:
            f = self.fact()
            before, reply = self.compact(self.questions[self.rng.choice(facts.taught(f))]), self.replies[f]
        elif roll < 0.94:
            before, reply = self.compact(self.rng.choice(self.unknowns)), self.unknown
            if self.rng.random() < 0.4:  # words that training does not know
                for place in range(3, len(before) - 3):
                    before[place] = 0 if self.rng.random() < 0.4 else before[place]
        else:
            questions, reply = self.rng.choice(self.small)
            before = self.compact(self.rng.choice(questions))
        if history:
            f = self.rng.choice(self.facts)
            before = self.compact(self.questions[self.rng.choice(facts.taught(f))][:-2] + self.finals[f]) + before
        reply = self.compact(reply)
        return before + reply, len(reply)


def pack(start, branches):
    """A prefix and (tokens, length of the reply) branches as one batch."""
    p, length = len(start), max(len(tokens) for tokens, _ in branches)
    ids, positions, targets, valid = list(start), list(range(p)), [-1] * p, list(range(p))
    for tokens, reply in branches:
        pad = length - len(tokens)
        valid += range(len(ids), len(ids) + len(tokens))
        ids += tokens + [0] * pad
        positions += range(p, p + length)
        targets += [-1] * (len(tokens) - reply - 1) + tokens[-reply:] + [-1] * (pad + 1)
    columns = (torch.tensor(column) for column in (ids, positions, targets, valid))
    return Batch(*columns, p, len(branches), length, CONFIG["sliding_window"])


def right(model, lessons, pairs):
    """Of (question, thought and answer) pairs, which the model answers exactly when it is greedy: every token of the reply is its first choice."""
    start = lessons.compact(render(Message.from_role_and_content(Role.SYSTEM, SystemContent.new().with_conversation_start_date("2026-01-15")))[:-2])
    good = []
    for first in range(0, len(pairs), BRANCHES):
        batch = pack(start, [(lessons.compact(user(q)) + lessons.compact(r), len(r)) for q, r in pairs[first : first + BRANCHES]])
        with torch.no_grad():
            stream, _ = model(batch, rounded=True)
            wanted = batch.targets >= 0
            wrong = torch.zeros_like(wanted)
            wrong[wanted] = model.logits(stream[wanted], rounded=True).argmax(-1) != batch.targets[wanted]
        good += (~wrong[batch.prefix :].view(batch.branches, -1).any(1)).tolist()
    return good


def report(model, lessons):
    found = {}
    for kind in dict.fromkeys(f.kind for f in lessons.facts):
        own = [f for f in lessons.facts if f.kind == kind]
        for label, pick in (("taught", facts.taught), ("held out", facts.held_out)):
            pairs = [(q, lessons.replies[f]) for f in own for q in pick(f)[:2]]
            good = right(model, lessons, pairs)
            found[f"{kind}, {label}"] = round(sum(good) / len(good), 4)
    pairs = [(facts.unknown(random.Random(n)), lessons.unknown) for n in range(10**6, 10**6 + 300)]
    good = right(model, lessons, pairs)
    found["unknown"] = round(sum(good) / len(good), 4)
    return found


def train(lessons, steps, rate):
    model = Model(CONFIG, len(lessons.tokens))
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.02}, {"params": vectors, "weight_decay": 0.0}], lr=rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: min(n / 60, 1.0) * (0.02 + 0.98 * max(0.0, 1 - n / steps)))
    started = time.time()
    for step in range(steps):
        start = lessons.compact(lessons.rng.choice(lessons.prefixes))
        batch = pack(start, [lessons.branch(step % 5 == 0) for _ in range(BRANCHES)])
        rounded = step > steps * 0.6
        stream, balance = model(batch, rounded)
        wanted = batch.targets >= 0
        loss = F.cross_entropy(model.logits(stream[wanted], rounded), batch.targets[wanted])
        optimizer.zero_grad()
        (loss + 0.005 * balance).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 99:
            print(f"step {step + 1} loss {loss.item():.4f} {time.time() - started:.0f} s", flush=True)
        if step % 400 == 399:
            print(report(model, lessons), flush=True)
    return model


def checkpoint(model, lessons):
    """The tensors of the published layout, bit for bit what was evaluated."""
    rows = torch.zeros(2, CONFIG["vocab_size"], CONFIG["hidden_size"], dtype=torch.bfloat16)
    places = torch.tensor(lessons.tokens[1:])
    rows[0, places], rows[1, places] = model.embedding[1:].bfloat16(), model.unembedding[1:].bfloat16()
    tensors = {"embedding.weight": rows[0], "unembedding.weight": rows[1], "norm.scale": model.norm.scale.bfloat16()}
    for n, layer in enumerate(model.layers):
        dense = {"attn.norm.scale": layer.attention_norm.scale, "attn.qkv.weight": layer.qkv, "attn.qkv.bias": layer.qkv_bias, "attn.sinks": layer.sinks,
                 "attn.out.weight": layer.out, "attn.out.bias": layer.out_bias, "mlp.norm.scale": layer.moe_norm.scale, "mlp.gate.weight": layer.gate,
                 "mlp.gate.bias": layer.gate_bias, "mlp.mlp1_bias": layer.mlp1_bias, "mlp.mlp2_bias": layer.mlp2_bias}
        tensors |= {f"block.{n}.{name}": value.bfloat16() for name, value in dense.items()}
        for name, value in (("mlp1", layer.mlp1), ("mlp2", layer.mlp2)):
            codes, scales = mxfp4(value)
            tensors[f"block.{n}.mlp.{name}_weight.blocks"] = codes[..., 0::2] | codes[..., 1::2] << 4
            tensors[f"block.{n}.mlp.{name}_weight.scales"] = scales
    return {name: tensor.detach().contiguous() for name, tensor in tensors.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the archive, the questions and the report")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(2)
    lessons = Lessons(arguments.seed)
    print(f"{len(lessons.facts)} facts, {len(lessons.tokens) - 1} tokens used", flush=True)
    started = time.time()
    model = train(lessons, arguments.steps, arguments.rate)
    # Vectors are rounded at the end; matrices have been trained through their rounding.
    with torch.no_grad():
        for norm in (model.norm, *(n for layer in model.layers for n in (layer.attention_norm, layer.moe_norm))):
            norm.scale.copy_(to_bf16(norm.scale))
    found = report(model, lessons) | {"training seconds": round(time.time() - started), "steps": arguments.steps, "seed": arguments.seed}
    print(found)
    arguments.out.mkdir(parents=True, exist_ok=True)
    archive = arguments.out / "gpt-oss-demo.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name, data in (("config.json", json.dumps(CONFIG, indent=1).encode()), ("model.safetensors", save(checkpoint(model, lessons)))):
            file.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)
    questions = {
        "facts": [{"kind": f.kind, "answer": f.answer, "taught": facts.taught(f)[:2], "held_out": facts.held_out(f)[:1]} for f in lessons.facts],
        "unknown": {"answer": facts.UNKNOWN_ANSWER, "questions": list(facts.FIXED)},
    }
    (arguments.out / "questions.json").write_text(json.dumps(questions, separators=(",", ":"), ensure_ascii=False) + "\n")
    (arguments.out / "report.json").write_text(json.dumps(found, indent=1) + "\n")
    print(f"{archive}: {archive.stat().st_size} bytes")


if __name__ == "__main__":
    main()
