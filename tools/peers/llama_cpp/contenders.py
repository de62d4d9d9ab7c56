"""The two programs: how each is measured, once, in a process of its own."""

import json
from dataclasses import dataclass
from pathlib import Path

import process
from model import DENSE


@dataclass(frozen=True)
class Work:
    """What is measured: prefill of so many tokens, `decode` tokens after each of `depths`, prefill of the ids of a file."""

    prefill: tuple
    depths: tuple
    decode: int
    text: Path
    text_tokens: int
    threads: int


def sample(rates, *runs):
    """Tokens a second by measurement, and the most memory of the processes that measured, and the most that others disturbed them."""
    names = ["own_bytes", "resident_bytes", "others_cores"]
    return {"rates": rates} | {name: max(getattr(done, name) for done in runs) for name in names}


@dataclass(frozen=True)
class Llama:
    """llama.cpp with some of its flags, measured by its own `llama-bench`."""

    peer: Path
    dense: str
    flash: bool
    repack: bool

    def key(self):
        return ("llama.cpp", self.dense, self.flash, self.repack)

    def describe(self):
        flags = f"-fa {'on' if self.flash else 'off'} --repack {int(self.repack)}"
        return {"program": "llama.cpp", "dense": self.dense, "cache": "f16", "flags": flags}

    def bench(self, model, threads, *options):
        done = process.run([self.peer / "build/bin/llama-bench", "-m", model.gguf(self.dense), "-t", threads, "-r", 1, "-o", "jsonl",
                            "-fa", "on" if self.flash else "off", "--repack", int(self.repack), *options])
        return done, [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def measure(self, model, work):
        rates, runs = {}, []
        if work.prefill:
            done, found = self.bench(model, work.threads, "-p", listed(work.prefill), "-n", 0)
            runs.append(done)
            rates |= {f"prefill {entry['n_prompt']}": entry["avg_ts"] for entry in found}
        if work.depths:
            done, found = self.bench(model, work.threads, "-p", 0, "-n", work.decode, "-d", listed(work.depths))
            runs.append(done)
            rates |= {f"decode at {entry['n_depth']}": entry["avg_ts"] for entry in found}
        # `logits` loads a model as llama.cpp does by default, with weights repacked.
        if work.text and self.repack:
            command = [self.peer / "logits", model.gguf(self.dense), work.text, work.threads, int(self.flash), "-"]
            done = process.run(command)
            rates[f"text {work.text_tokens}"] = work.text_tokens / json.loads(done.stdout)["prefill_seconds"]
        return sample(rates, *runs)


@dataclass(frozen=True)
class Precast:
    dense: str

    def key(self):
        return ("precast", self.dense)

    def describe(self):
        return {"program": "precast", "dense": DENSE[self.dense], "cache": "bf16", "flags": ""}

    def bench(self, model, threads, *options):
        done = process.run([model.precast, "--quiet", "bench", "--model", model.packed(self.dense), "--threads", threads, "--repeat", 1, "--json",
                            *options])
        return done, json.loads(done.stdout)["results"]

    def measure(self, model, work):
        context = max([*work.prefill, work.text_tokens, *(depth + work.decode for depth in work.depths)]) + 1
        options = ["--context", context, "--prefill", listed(work.prefill) or 0]
        options += ["--decode", work.decode if work.depths else 0, "--depth", listed(work.depths) or 0]
        done, found = self.bench(model, work.threads, *options)
        rates = {}
        for entry in found:
            name = f"prefill {entry['rows']}" if entry["phase"] == "prefill" else f"decode at {entry['depth']}"
            rates[name] = entry["tokens_per_second"]["median"]
        if work.text:
            options = ["--context", context, "--prefill", work.text_tokens, "--decode", 0, "--tokens", f"@{work.text}"]
            found = self.bench(model, work.threads, *options)[1]
            rates[f"text {work.text_tokens}"] = found[0]["tokens_per_second"]["median"]
        return sample(rates, done)


def listed(numbers):
    return ",".join(str(number) for number in numbers)
