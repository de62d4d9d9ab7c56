"""precast and a straightforward JAX, compiled by the same libtpu and counted the same way: a table, JSON, and the README's section.

Rows that were compiled are kept in `golden/peers/jax.json`, each as soon as it is there. Cycles are what the compiler predicts, of one step on one
device; nothing was measured. `lower.py` makes JAX's programs, `examples/cost.rs` has them and precast's own compiled.
"""

import argparse
import hashlib
import importlib.metadata
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import lower
import model

ROOT = Path(__file__).resolve().parents[3]
RECORD = ROOT / "golden/peers/jax.json"
README = ROOT / "README.md"
BEGIN, END = "<!-- tools/peers/jax -->", "<!-- end -->"

# Target, weights, batch, phase. What is looked at first: one sequence; then more; then prompts.
ROWS = [
    *[(target, weights, 1, "decode") for target, all_weights in [
        ("v6e-1", ["fp8", "int8", "mxfp4", "bf16"]), ("v5e-1", ["mxfp4"]), ("v5e-4", ["fp8", "int8"]), ("v5p-8", ["fp8", "mxfp4"]),
        ("v2-8", ["bf16"]), ("tpu7x-2", ["fp8", "bf16"])] for weights in all_weights],
    *[(target, "fp8", batch, "decode") for target in ["v6e-1", "v5e-4"] for batch in [4, 16, 64]],
    *[(target, weights, 1, phase) for target, weights in [("v6e-1", "fp8"), ("v5e-1", "mxfp4")] for phase in ["prefill-512", "prefill-2048"]],
]
KEYS = ["target", "weights", "batch", "phase"]


def arguments():
    parser = argparse.ArgumentParser(prog="tools/peers/jax/run", description=__doc__.split("\n\n")[0],
                                     epilog="Without --target and --weights it is the set that the README shows, or what --batch and --phase leave of it.")
    parser.add_argument("--programs", type=Path, required=True, help=argparse.SUPPRESS)
    words = lambda text: text.split(",")
    parser.add_argument("--target", type=words, metavar="T,…", help="see `precast targets`")
    parser.add_argument("--weights", type=words, metavar="W,…", help="bf16, fp8, int8, mxfp4 [default with --target: fp8]")
    parser.add_argument("--batch", type=lambda text: [int(word) for word in words(text)], metavar="N,…", help="sequences that decode at once [default: 1]")
    parser.add_argument("--phase", type=words, metavar="P,…", help="decode, prefill-512, … [default: decode]")
    parser.add_argument("--model", default="gpt-oss-20b", choices=list(model.PUBLISHED))
    parser.add_argument("--context", type=int, default=4096, metavar="N", help="tokens that a sequence may have [default: 4096]")
    parser.add_argument("--layers", type=int, metavar="N", help="of a model cut so far: a quick look, which is not kept")
    parser.add_argument("--experts", choices=list(model.EXPERTS), help="how JAX's rows meet their experts, instead of the best known way; not kept")
    parser.add_argument("--missing", action="store_true", help="compile only what the record does not have from these versions")
    parser.add_argument("--ours", action="store_true", help="compile precast's side only where the record has JAX's same program from the same compiler")
    parser.add_argument("--table", action="store_true", help="compile nothing, write the README's section from the record")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def wanted(options):
    if options.target is None and options.weights is None:
        rows = ROWS
        if options.batch:
            rows = [row for row in rows if row[2] in options.batch]
        if options.phase:
            rows = [row for row in rows if row[3] in options.phase]
        return rows
    targets, weights = options.target or ["v6e-1"], options.weights or ["fp8"]
    phases, batches = options.phase or ["decode"], options.batch or [1]
    return [(target, stored, batch, phase) for target in targets for stored in weights for phase in phases
            for batch in (batches if phase == "decode" else [1])]


def best_way(config, phase, batch):
    """The way that costs least of those in `model.EXPERTS`, as README.md beside this says: experts one by one while rows ask for few of them."""
    few = phase == "decode" and batch * config.experts_per_token < config.experts
    return "slice" if few else "dense"


def told(programs, *verb):
    """What a verb of precast says in JSON, its one list by name."""
    done = subprocess.run([programs / "precast", *verb, "--json"], check=True, capture_output=True, text=True)
    [entries] = json.loads(done.stdout).values()
    return {entry["name"]: entry for entry in entries}


def versions(programs):
    """What figures depend on beside the programs; a compiler that precast did not install is told by its place."""
    plugin = told(programs, "plugins", "list")["tpu"]
    compiler = f"{plugin['package']} {plugin['version']}" if plugin["origin"] == "installed by precast" else plugin["path"]
    return {"compiler": compiler, "jax_version": importlib.metadata.version("jax")}


def cost(options, folder, row, *foreign):
    """What `examples/cost.rs` says of one program, as it says it."""
    target, weights, batch, phase = row
    command = [options.programs / "examples/cost", "--model", folder, "--target", target, "--weights", weights, "--batch", batch,
               "--context", options.context, "--phase", phase, *foreign]
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"error: {' '.join(map(str, command))} ended with {done.returncode}")
    return json.loads(done.stdout)


def compared(options, folder, config, targets, row, old):
    """One row. `old` is what the record has of it, whose JAX side may serve again."""
    target, weights, batch, phase = row
    way = options.experts or best_way(config, phase, batch)
    text, signature = lower.program(config, model.Variant(weights, way, devices=targets[target]["devices"]), phase, batch, options.context)
    digest = hashlib.sha256(text.encode()).hexdigest()
    kept = ["verdict", "memory", "needed_bytes", "available_bytes", "said", "cycles", "flops", "uncosted", "argument_bytes", "temp_bytes", "total_bytes",
            "compile_seconds"]
    side = lambda report: {key: report[key] for key in kept if report.get(key) not in (None, [])}
    own = cost(options, folder, row)
    if options.ours and old and (old["jax_sha256"], old["compiler"]) == (digest, own["compiler"]):
        peer = old["jax"]
    else:
        (folder / "jax.mlir").write_text(text)
        (folder / "jax.json").write_text(json.dumps(signature))
        peer = side(cost(options, folder, row, "--program", folder / "jax.mlir", "--signature", folder / "jax.json"))
    return {**dict(zip(KEYS, row)), "experts": way, "compiler": own["compiler"], "jax_version": importlib.metadata.version("jax"),
            "jax_sha256": digest, "moved_bytes": own["moved_bytes"], "roofline_cycles": own["roofline_cycles"], "precast": side(own), "jax": peer}


# The record.

def key(row):
    return tuple(row[name] for name in KEYS)


def read_record(options):
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    if (record.get("model"), record.get("context")) != (options.model, options.context):
        record = {"model": options.model, "context": options.context, "rows": []}
    return record


def write_record(record):
    order = {row: place for place, row in enumerate(ROWS)}
    record["rows"].sort(key=lambda row: (order.get(key(row), len(order)), key(row)))
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


# Tables.

HEAD = ["target", "weights", "batch", "phase", "precast, M cycles", "× roofline", "JAX, M cycles", "× roofline", "JAX / precast",
        "temporaries, MiB", "JAX", "compiled in, s", "JAX"]


def cells(row):
    def side(report):
        cycles = report.get("cycles")
        if cycles is not None:
            return [f"{cycles / 1e6:.2f}", f"{cycles / row['roofline_cycles']:.2f}"]
        if report["verdict"] == "does not fit" and "needed_bytes" in report:
            return [f"does not fit, {report['needed_bytes'] / 2**30:.1f} GiB", ""]
        return [report["verdict"], ""]

    own, peer = row["precast"], row["jax"]
    both = "cycles" in own and "cycles" in peer
    of = lambda name, scale: [f"{side[name] / scale:.0f}" if name in side else "" for side in (own, peer)]
    return [row["target"], row["weights"], str(row["batch"]), row["phase"], *side(own), *side(peer),
            f"{peer['cycles'] / own['cycles']:.2f}" if both else "", *of("temp_bytes", 2**20), *of("compile_seconds", 1)]


def aligned(rows):
    lines = [HEAD, *map(cells, rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(HEAD))]
    pad = lambda line: "  ".join(cell.ljust(width) if place in (0, 1, 3) else cell.rjust(width) for place, (cell, width) in enumerate(zip(line, widths)))
    return "\n".join(pad(line).rstrip() for line in lines)


def markdown(record):
    rows = [row for row in record["rows"] if key(row) in ROWS]
    lines = [HEAD, ["---"] * len(HEAD), *map(cells, rows)]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    compilers = sorted({f"{row['compiler']} and JAX {row['jax_version']}" for row in rows})
    return f"""**{record['model']}**, context {record['context']}

{table}

Predictions of {', '.join(compilers)}, never executed. Cycles are of one step on one device, temporaries too; `×` is multiples of the roofline, the time that the bytes which
must move take at the published bandwidth. With several sequences it is counted as if no two agreed on an expert, until all are asked.
"""


def write_readme(record):
    text = README.read_text()
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        sys.exit(f"error: README.md has no section between `{BEGIN}` and `{END}`")
    README.write_text(f"{before}{BEGIN}\n{markdown(record)}{END}{after}")


def main():
    options = arguments()
    record = read_record(options)
    if options.table:
        write_readme(record)
        return
    published = dict(model.PUBLISHED[options.model])
    is_kept = options.layers is None and options.experts is None
    if options.layers:
        published["num_hidden_layers"] = options.layers
    config = model.Config.of(published)
    known = {key(row): row for row in record["rows"]} if is_kept else {}
    now, targets = versions(options.programs), told(options.programs, "targets")
    shown = []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "config.json").write_text(json.dumps(published))
        for row in wanted(options):
            if row[0] not in targets:
                sys.exit(f"error: there is no target `{row[0]}`\n\nhint: `precast targets` lists the names")
            old = known.get(row)
            if not (options.missing and old and now.items() <= old.items()):
                print("compile", *row, file=sys.stderr, flush=True)
                known[row] = compared(options, folder, config, targets, row, old)
                print("  ", *filter(None, cells(known[row])), file=sys.stderr, flush=True)
                if is_kept:
                    record["rows"] = list(known.values())
                    write_record(record)
            shown.append(known[row])
    print(json.dumps(shown, indent=1) if options.json else aligned(shown))
    if is_kept and any(key(row) in ROWS for row in shown):
        write_readme(record)


if __name__ == "__main__":
    main()
