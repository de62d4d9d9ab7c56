"""Trains the demo model, writes it in the published layout, measures what was written. `python train.py --help`."""

import argparse
import json
import math
import random
import time
from collections import Counter
from pathlib import Path

import facts
import torch
import torch.nn.functional as F
from model import Config, Model

DATE = "2026-01-15"  # of the conversations that are measured


def loss_of(model, packed):
    """Loss of each continuation, whether its every token is the most likely one, and the unevenness of the experts.

    The unused vocabulary is one class: many logits of 0. Where it is the most likely token the continuation counts as wrong.
    """
    batch, wanted, target, member = packed
    logits, uneven = model(batch, wanted)
    logits = logits.float()
    n_members = int(member.max()) + 1
    right = torch.ones(n_members, dtype=torch.bool)
    right[member[logits.argmax(-1) != target]] = False
    n_unused = model.config.vocab_size - len(model.said)
    spread = logits + F.pad(torch.zeros(len(model.said)), (0, 1), value=math.log(n_unused))
    token_loss = F.cross_entropy(spread, target, reduction="none")
    per_member = torch.zeros(n_members).index_add(0, member, token_loss) / torch.bincount(member)
    return token_loss.mean(), per_member, right, uneven


@torch.no_grad()
def exact(model, beginning, members):
    """Whether greedy decoding says exactly the wanted completion, for each member: every token is the most likely after those before it."""
    right = []
    members = [(i, m) for i, m in enumerate(members)]
    members.sort(key=lambda im: len(im[1][0]) + len(im[1][1]))
    for at in range(0, len(members), 64):
        part = members[at : at + 64]
        right += zip([i for i, _ in part], loss_of(model, model.pack([(beginning, [m for _, m in part])]))[2].tolist())
    return [r for _, r in sorted(right)]


def member(question, thought, answer):
    return facts.turn(list(facts.tokens(question))), list(facts.tokens(facts.completion(thought, answer))), None


def cases():
    """name -> [(question, thought, answer)]: everything measured in a first turn."""
    out = {}
    for kind, (taught, held_out) in facts.PHRASINGS.items():
        of_kind = [f for f in facts.facts() if f.kind == kind]
        for label, phrasings in (("taught", taught), ("lower case", [p.lower() for p in taught[:3]]), ("held out", held_out)):
            for p in phrasings:
                asked = [(facts.ask(f, p), f.thought, f.answer) for f in of_kind]
                if label == "lower case":
                    asked = [(q.lower(), t, a) for q, t, a in asked]
                out.setdefault((kind, label), []).extend(asked)
    unknown = [(q, facts.DONT_KNOW_THOUGHT, facts.DONT_KNOW) for q in facts.OTHER_QUESTIONS if "{" not in q]
    out["other questions", "taught"] = unknown
    out["other questions", "held out"] = [(q, facts.DONT_KNOW_THOUGHT, facts.DONT_KNOW) for q in facts.HELD_OUT_OTHER]
    out["small talk", "taught"] = [(q, t, a) for qs, t, a in facts.SMALL_TALK for q in qs]
    return out


def measure(model, beginning, which):
    out = {}
    for name, asked in which.items():
        out[name] = exact(model, beginning, [member(*a) for a in asked])
    return out


def train(args):
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    sampler = facts.Sampler(args.seed)
    heard, said = facts.taught_tokens()
    model = Model(Config(), heard, said)
    print(f"{len(facts.facts())} facts, {len(heard)} embedding rows, {len(said)} unembedding rows,", flush=True)
    rows = [model.embedding, model.unembedding]
    matrices = [p for p in model.blocks.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if not any(p is q for q in rows + matrices)]
    optimizer = torch.optim.AdamW(
        [{"params": rows, "lr": 2 * args.rate}, {"params": matrices, "lr": args.rate}, {"params": vectors, "lr": args.rate}],
        betas=(0.9, 0.98), weight_decay=0.0, eps=1e-9, fused=True,
    )  # fmt: skip
    base = [g["lr"] for g in optimizer.param_groups]
    started = time.time()
    seen, window = [1.0] * len(sampler.facts), []
    for step in range(args.steps):
        done = step / args.steps
        pace = min(1, (step + 1) / 100) * (1.0 if done < 0.3 else max(0.01, (1 - done) / 0.7))
        for g, lr in zip(optimizer.param_groups, base):
            g["lr"] = lr * pace
        model.rounding.on = done >= args.round_from
        drawn = [sampler.draw_group(args.members) for _ in range(args.groups)]
        if step < 300:  # first learn the form of an answer, on short beginnings
            drawn = [(b[-120:], m) for b, m in drawn]
        loss, each, right, uneven = loss_of(model, model.pack(drawn))
        (loss + 0.01 * uneven).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        for (_, _, i), e in zip([m for _, ms in drawn for m in ms], each.tolist()):
            if i is not None:
                seen[i] = e
                sampler.weight[i] = 0.02 + 0.7 * (sampler.weight[i] - 0.02) + 0.3 * min(e, 1.0)
        window.append((loss.item(), right.float().mean().item(), float(uneven.detach())))
        if step % 50 == 49:
            n = len(window)
            print(f"{step + 1:5} {time.time() - started:6.0f} s  loss {sum(w[0] for w in window) / n:.4f}  exact {sum(w[1] for w in window) / n:.3f}"
                  f"  uneven {sum(w[2] for w in window) / n:.2f}", flush=True)  # fmt: skip
            window = []
        if args.early and step % 500 == 499:
            model.save(args.out)
    model.save(args.out)
    print(f"trained in {time.time() - started:.0f} s", flush=True)


def evaluate(args):
    """Measures the files in `args.out`; writes `report.json` there."""
    torch.set_num_threads(args.threads)
    model = Model.load(args.out)
    beginning = list(facts.tokens(facts.system(DATE)))
    results = measure(model, beginning, cases())
    report = {"float32, system message dated " + DATE: {f"{k}, {label}": f"{sum(r)}/{len(r)}" for (k, label), r in results.items()}}
    which = random.Random(1)
    sample = {name: which.sample(asked, min(100, len(asked))) for name, asked in cases().items()}
    others = {
        "float32, no system message": (model, []),
        "float32, no date, low effort": (model, list(facts.tokens(facts.system(None, "low")))),
        "float32, developer message": (model, beginning + list(facts.tokens(facts.developer("Be brief.")))),
        "float32, second turn": (model, beginning + list(facts.tokens(facts.answered("What is the capital of Japan?", "The capital of Japan is Tokyo.")))),
        "bfloat16": (Model.load(args.out, torch.bfloat16), beginning),
    }  # fmt: skip
    for name, (m, start) in others.items():
        results_there = measure(m, start, sample)
        total = Counter()
        for (_, label), r in results_there.items():
            total[label] += sum(r)
            total[label, "of"] += len(r)
        report[name] = {label: f"{total[label]}/{total[label, 'of']}" for label in ("taught", "lower case", "held out")}
    (Path(args.out) / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["train", "evaluate"])
    parser.add_argument("--out", default="out", help="folder of the checkpoint")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--groups", type=int, default=2, help="conversations' beginnings per step")
    parser.add_argument("--members", type=int, default=24, help="questions per beginning")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--round-from", type=float, default=0.6, help="part of the training after which weights are seen rounded")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--early", action="store_true", help="write the checkpoint every 500 steps too")
    args = parser.parse_args()
    {"train": train, "evaluate": evaluate}[args.what](args)


if __name__ == "__main__":
    main()
