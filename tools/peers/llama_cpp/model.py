"""One model in the forms that both programs take: the checkpoint, a GGUF file and a packed file of each precision, ids of a text."""

import json
import subprocess
import sys
from pathlib import Path

import process

ROOT = Path(__file__).resolve().parents[3]
# What is nearest to each other: the types of attention, embedding and head in GGUF and in precast. The experts are MXFP4 in all.
DENSE = {"q8_0": "int8", "bf16": "bf16"}


class Model:
    """Files below `work`, made when they are asked for and missing, or older than what they are made from."""

    def __init__(self, work, shape, checkpoint, precast):
        self.work = Path(work)
        self.work.mkdir(parents=True, exist_ok=True)
        self.precast = Path(precast) if precast else self.build()
        self.name = Path(checkpoint).name if checkpoint else shape
        self.checkpoint = Path(checkpoint) if checkpoint else self.synthetic(shape)
        self.config = json.loads((self.checkpoint / "config.json").read_text())

    @staticmethod
    def build():
        command = ["cargo", "build", "--release", "--bin", "precast", "--example", "checkpoint"]
        if subprocess.run(command, cwd=ROOT, stdout=sys.stderr).returncode:
            sys.exit("error: precast does not build")
        return ROOT / "target/release/precast"

    def synthetic(self, shape):
        folder = self.work / shape
        # The shards come after config.json, and under their final names.
        if not (folder / "written").exists():
            process.say(f"{shape}: writes a synthetic checkpoint")
            process.run(["cargo", "run", "--quiet", "--release", "--manifest-path", ROOT / "Cargo.toml", "--example", "checkpoint", "--",
                         shape, folder])
            (folder / "written").touch()
        return folder

    def needs(self, file, *sources):
        return not file.exists() or any(file.stat().st_mtime < source.stat().st_mtime for source in sources)

    def gguf(self, dense):
        file = self.work / f"{self.name}-{dense}.gguf"
        converter = Path(__file__).with_name("convert.py")
        if self.needs(file, self.checkpoint / "config.json", converter):
            process.say(f"{self.name}: converts to GGUF, {dense}")
            process.run([sys.executable, converter, self.checkpoint, file, "--dense", dense])
        return file

    def packed(self, dense):
        """The packed file of precast's precision that stands beside GGUF's `dense`."""
        file = self.work / f"{self.name}-{DENSE[dense]}.safetensors"
        if self.needs(file, self.checkpoint / "config.json", self.precast):
            process.say(f"{self.name}: packs for precast, {DENSE[dense]}")
            process.run([self.precast, "--quiet", "pack", "--model", self.checkpoint, "--target", "cpu", "--weights", "mxfp4",
                         "--dense", DENSE[dense], "--out", file])
            file.touch()
        return file

    def text(self, count):
        """A file with `count` token ids of the repository's README, folded into the vocabulary of a smaller model."""
        found = json.loads(process.run([self.precast, "tokens", "--text", (ROOT / "README.md").read_text()]).stdout)["ids"]
        if len(found) < count:
            sys.exit(f"error: the README has {len(found)} tokens, expected {count}")
        file = self.work / f"{self.name}-text-{count}"
        file.write_text(",".join(str(token % self.config["vocab_size"]) for token in found[:count]))
        return file

    def sentence(self):
        config = self.config
        return (f"{self.name}: {config['num_hidden_layers']} layers, hidden {config['hidden_size']}, {config['num_experts']} experts of "
                f"width {config['intermediate_size']}, {config['experts_per_token']} chosen, vocabulary {config['vocab_size']}")
