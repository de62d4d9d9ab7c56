"""Options, and what they start."""

import argparse
import json
import os
import sys
from pathlib import Path

import agree
import compare
import process
import scaling
from model import DENSE, Model


def numbers(text):
    found = [int(word) for word in text.split(",") if word]
    if not found or min(found) < 0:
        raise argparse.ArgumentTypeError(f"`{text}`, expected numbers such as 128,512")
    return found


def options():
    parser = argparse.ArgumentParser(prog="tools/peers/llama_cpp/run", description="Compares precast with llama.cpp on this machine's processor.")
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoint, GGUF and packed files; they stay there")
    parser.add_argument("--shape", default="mid", help="synthetic model of tests/oracle/shapes.json [default: mid]")
    parser.add_argument("--model", type=Path, help="folder with a checkpoint in the published `original/` layout instead")
    parser.add_argument("--precast", type=Path, help="a precast that is built already [default: builds target/release/precast]")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of both programs [default: as many as there are cores]")
    parser.add_argument("--dense", default=list(DENSE), type=lambda text: text.split(","),
                        help="types of attention, embedding and head in GGUF; precast has int8 beside q8_0 [default: q8_0,bf16]")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured [default: 5]")
    parser.add_argument("--prefill", type=numbers, default=[128, 512], help="prompts in tokens [default: 128,512]")
    parser.add_argument("--decode", type=int, default=64, help="tokens to decode [default: 64]")
    parser.add_argument("--depth", type=numbers, default=[0, 128, 512], help="tokens before those that are decoded [default: 0,128,512]")
    parser.add_argument("--text", type=int, default=512, help="also a prompt of so many tokens of a text; 0 leaves it out [default: 512]")
    parser.add_argument("--flags", type=lambda text: text.split(","),
                        help="llama.cpp's: 10 is flash attention without repacking, 11 with [default: what is fastest at something]")
    parser.add_argument("--check", type=int, default=128, metavar="TOKENS", help="tokens whose logits are compared; 0 leaves it out [default: 128]")
    parser.add_argument("--no-timing", action="store_true", help="compare logits only")
    parser.add_argument("--scaling", type=Path, metavar="FOLDER", help="instead measure over batch and context: scaling.json and scaling.svg in FOLDER")
    parser.add_argument("--batch", type=numbers, default=[1, 4, 16], help="with --scaling [default: 1,4,16]")
    parser.add_argument("--context", type=numbers, default=[512, 1024, 2048, 4096, 8192, 16384, 32768], help="with --scaling [default: 512 to 32768]")
    parser.add_argument("--peer-context", type=int, default=4096, help="with --scaling, llama.cpp to this depth only, for it computes what comes before [default: 4096]")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    unknown = [dense for dense in arguments.dense if dense not in DENSE]
    if unknown:
        parser.error(f"--dense {unknown[0]}, expected some of {', '.join(DENSE)}")
    return arguments


def main():
    arguments = options()
    model = Model(arguments.work, arguments.shape, arguments.model, arguments.precast)
    if arguments.scaling:
        scaling.measure(model, arguments.peer, arguments)
        return 0
    report, texts, agrees = {}, [], True
    if arguments.check:
        report["check"] = agree.check(model, arguments.peer, arguments)
        agrees = report["check"]["agrees"]
        texts.append(agree.text(report["check"]))
        process.say(texts[-1])
    if not arguments.no_timing:
        report["speed"] = compare.compare(model, arguments.peer, arguments)
        texts.append(compare.text(report["speed"], model.sentence()))
    print(json.dumps(report, indent=2) if arguments.json else "\n".join(texts))
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
