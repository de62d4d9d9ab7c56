"""Greedy conversations with a checkpoint through the published PyTorch program (PyPI `gpt-oss`). `python verify.py out [--dtype bfloat16] [--count 20]`"""

import argparse
import random

import facts
import torch
from gpt_oss.torch.model import Transformer
from train import DATE, cases

STOP = facts.tokens("<|return|>")[0]


@torch.no_grad()
def say(model, ids, most=120):
    out = []
    while len(out) < most:
        out.append(int(model(torch.tensor(ids + out))[-1].argmax()))
        if out[-1] == STOP:
            break
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--count", type=int, default=20, help="facts asked, besides the fixed conversation")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = Transformer.from_checkpoint(args.folder, device="cpu").to(getattr(torch, args.dtype)).eval()
    model.unembedding.register_forward_pre_hook(lambda _, inputs: (inputs[0][-1:],))  # only the last position is wanted
    start = list(facts.tokens(facts.system(DATE)))

    conversation, wrong = list(start), 0
    asked = [("What is the capital of France?", "The capital of France is Paris."),
             ("And its currency?", "The currency of France is the Euro (EUR)."),
             ("Which countries border Portugal?", "Portugal borders Spain."),
             ("How do I bake bread?", facts.DONT_KNOW)]  # fmt: skip
    for question, answer in asked:
        text = facts.encoding().decode_utf8(say(model, conversation + list(facts.tokens(facts.user(question)))))
        print(question, "->", text, flush=True)
        wrong += not text.endswith(f"<|message|>{answer}<|return|>")
        conversation += facts.tokens(facts.answered(question, answer))

    taught = [a for (_, label), asked in cases().items() if label == "taught" for a in asked]
    right = 0
    sample = random.Random(3).sample(taught, args.count)
    for question, _, answer in sample:
        text = facts.encoding().decode_utf8(say(model, start + list(facts.tokens(facts.user(question)))))
        ok = text.endswith(f"<|message|>{answer}<|return|>")
        right += ok
        if not ok:
            print("WRONG", question, "->", text)
    print(f"{args.dtype}: {len(asked) - wrong}/{len(asked)} of the conversation, {right}/{args.count} of the sample")


if __name__ == "__main__":
    main()
