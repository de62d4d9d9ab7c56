"""Decoding over batch and context: figures, how they grow, and a plot."""

import json
import statistics

import plot
import process
from compare import aligned
from contenders import listed
from model import DENSE

CACHE_VALUE_BYTES = 2  # bf16 here, f16 there


def measure(model, peer, arguments):
    """Writes scaling.json and scaling.svg."""
    dense = arguments.dense[0]
    points = []
    for batch in arguments.batch:
        process.say(f"{model.name}: precast, {batch} sequences at {listed(arguments.context)}")
        points += precast(model, dense, batch, arguments)
        depths = [depth for depth in arguments.context if depth <= arguments.peer_context]
        if depths:
            process.say(f"{model.name}: llama.cpp, {batch} sequences at {listed(depths)}")
            points += llama(model, peer, dense, batch, depths, arguments)
    for point in points:
        point["milliseconds_per_step"] = 1e3 * point["batch"] / point["tokens_per_second"]
        point["cache_bytes_per_step"] = cache_bytes(model.config, point["context"]) * point["batch"]
    report = {
        "model": model.name, "config": model.config, "threads": arguments.threads, "weights": "mxfp4",
        "dense": {"precast": DENSE[dense], "llama.cpp": dense}, "decoded_tokens": arguments.decode, "points": points,
        "growth": growth(points),
    }
    arguments.scaling.mkdir(parents=True, exist_ok=True)
    (arguments.scaling / "scaling.json").write_text(json.dumps(report, indent=1) + "\n")
    (arguments.scaling / "scaling.svg").write_text(plot.draw(report))
    print(json.dumps(report, indent=1) if arguments.json else text(report))


def precast(model, dense, batch, arguments):
    """All contexts in one process, in a cache that holds the longest."""
    room = max(arguments.context) + arguments.decode
    done = process.run([
        model.precast, "--quiet", "bench", "--model", model.packed(dense), "--threads", arguments.threads, "--repeat", arguments.rounds, "--json",
        "--prefill", 0, "--batch", batch, "--context", room, "--decode", arguments.decode, "--depth", listed(arguments.context),
    ])
    found = json.loads(done.stdout)["results"]
    return [point("precast", batch, entry["depth"], entry["tokens_per_second"]["median"], done) for entry in found]


def llama(model, peer, dense, batch, depths, arguments):
    """One prompt, computed once and copied for every sequence."""
    room = batch * (max(depths) + arguments.decode + 256)
    command = [
        peer / "build/bin/llama-batched-bench", "-m", model.gguf(dense), "-t", arguments.threads, "-c", room, "-fa", "on", "-pps",
        "-npp", listed(depths), "-ntg", arguments.decode, "-npl", batch, "--output-format", "jsonl",
    ]
    rates = {}
    for _ in range(max(1, arguments.rounds // 2)):
        done = process.run(command)
        for line in done.stdout.splitlines():
            if line.startswith("{"):
                entry = json.loads(line)
                rates.setdefault(entry["pp"], []).append(entry["speed_tg"])
    return [point("llama.cpp", batch, depth, statistics.median(found), done) for depth, found in rates.items()]


def point(program, batch, context, rate, done):
    memory = {"own_bytes": done.own_bytes, "resident_bytes": done.resident_bytes, "others_cores": done.others_cores}
    return {"program": program, "batch": batch, "context": context, "tokens_per_second": rate} | memory


def cache_bytes(config, context):
    """What one sequence's step reads of keys and values: all of them in every second layer, the window in the others."""
    layers = config["num_hidden_layers"]
    slots = layers // 2 * context + (layers - layers // 2) * min(context, config["sliding_window"])
    return 2 * slots * config["num_key_value_heads"] * config["head_dim"] * CACHE_VALUE_BYTES


def growth(points):
    """How a step's time grows with what it reads of the cache: a line through the points of one program and batch."""
    found = []
    for program, batch in dict.fromkeys((point["program"], point["batch"]) for point in points):
        own = [point for point in points if (point["program"], point["batch"]) == (program, batch)]
        if len(own) < 3:
            continue
        seconds = [point["milliseconds_per_step"] / 1e3 for point in own]
        line = statistics.linear_regression([point["cache_bytes_per_step"] for point in own], seconds)
        off = max(abs(line.slope * point["cache_bytes_per_step"] + line.intercept - took) / took for point, took in zip(own, seconds))
        found.append({
            "program": program, "batch": batch, "milliseconds_without_cache": line.intercept * 1e3,
            "cache_gigabytes_per_second": 1e-9 / line.slope if line.slope > 0 else None, "farthest_from_line": off,
        })
    return found


def text(report):
    contexts = sorted({point["context"] for point in report["points"]})
    rates = {(point["program"], point["batch"], point["context"]): point["tokens_per_second"] for point in report["points"]}
    lines = {(line["program"], line["batch"]): line for line in report["growth"]}
    rows = []
    for program, batch in dict.fromkeys((point["program"], point["batch"]) for point in report["points"]):
        cells = [rates.get((program, batch, context)) for context in contexts]
        cells = ["-" if cell is None else f"{cell:.1f}" for cell in cells]
        line = lines.get((program, batch), {"cache_gigabytes_per_second": None, "farthest_from_line": None})
        speed, off = line["cache_gigabytes_per_second"], line["farthest_from_line"]
        cells += ["-" if speed is None else f"{speed:.1f} GB/s", "-" if off is None else f"{off:.0%}"]
        rows.append([program, str(batch), *cells])
    header = ["program", "batch", *(f"at {context}" for context in contexts), "cache is read at", "off the line"]
    return f"{report['model']}, {report['threads']} threads, decode, tokens/s of all sequences together\n\n{aligned(header, rows, left={0})}"
