"""Both programs in turn, some rounds of it, and a table."""

import statistics

import process
from contenders import Llama, Precast, Work
from model import DENSE

# llama.cpp's threads wait for each other by spinning: one core's tenth taken by another program costs it far more than a tenth.
MOST_OTHERS_CORES = 0.1
ATTEMPTS = 3
FLAGS = [(flash, repack) for flash in (True, False) for repack in (True, False)]


def compare(model, peer, arguments):
    text = model.text(arguments.text) if arguments.text else None
    work = Work(tuple(arguments.prefill), tuple(arguments.depth), arguments.decode, text, arguments.text, arguments.threads)
    contenders = []
    for dense in arguments.dense:
        contenders += chosen(model, peer, dense, arguments) + [Precast(dense)]
    samples = {contender.key(): [] for contender in contenders}
    for contender in contenders:
        if isinstance(contender, Precast):
            process.say(f"{model.name}: precast, {DENSE[contender.dense]}: once unseen, since it may have to compile")
            contender.measure(model, work)
    for turn in range(arguments.rounds):
        # Whoever goes first may find a cooler or a hotter machine: every round turns the order around.
        for contender in contenders if turn % 2 == 0 else reversed(contenders):
            found = undisturbed(contender, model, work)
            samples[contender.key()].append(found)
            shown = ", ".join(f"{name} {rate:.1f}" for name, rate in found["rates"].items())
            process.say(f"round {turn + 1} of {arguments.rounds}: {' '.join(contender.describe().values()).strip()}: {shown}")
    results = [contender.describe() | summary(samples[contender.key()]) for contender in contenders]
    report = {"model": model.name, "config": model.config, "threads": work.threads, "rounds": arguments.rounds, "results": results}
    report["ratios"] = ratios(results)
    return report


def chosen(model, peer, dense, arguments):
    """llama.cpp with the flags that were asked for; without such with those that are the fastest at something here."""
    candidates = [Llama(peer, dense, flash, repack) for flash, repack in FLAGS]
    if arguments.flags:
        return [candidate for candidate in candidates if f"{int(candidate.flash)}{int(candidate.repack)}" in arguments.flags]
    depth = max(arguments.depth)
    work = Work((min(arguments.prefill),), (0, depth), min(arguments.decode, 16), None, 0, arguments.threads)
    rates = {}
    for candidate in candidates:
        rates[candidate] = candidate.measure(model, work)["rates"]
        shown = ", ".join(f"{name} {rate:.1f}" for name, rate in rates[candidate].items())
        process.say(f"llama.cpp's flags: {dense} {candidate.describe()['flags']}: {shown}")
    best = {max(candidates, key=lambda candidate: rates[candidate][name]) for name in rates[candidates[0]]}
    return [candidate for candidate in candidates if candidate in best]


def undisturbed(contender, model, work):
    """A measurement beside which the machine was idle, or the last of several attempts."""
    for attempt in range(1, ATTEMPTS + 1):
        found = contender.measure(model, work)
        if found["others_cores"] <= MOST_OTHERS_CORES:
            break
        process.say(f"other programs kept {found['others_cores']:.2f} cores busy, attempt {attempt} of {ATTEMPTS}")
    return found


def summary(rounds):
    """Middle, least and most of what the rounds gave."""
    spreads = {}
    for name in rounds[0]["rates"]:
        rates = sorted(found["rates"][name] for found in rounds)
        spreads[name] = {"min": rates[0], "median": statistics.median(rates), "max": rates[-1]}
    memory = {kind: max(found[kind] for found in rounds) for kind in ("own_bytes", "resident_bytes", "others_cores")}
    return {"tokens_per_second": spreads} | memory


def ratios(results):
    """precast over the best of llama.cpp's rows, column by column; of memory, over the least of them."""
    found = []
    for own in (result for result in results if result["program"] == "precast"):
        peers = [result for result in results if result["program"] == "llama.cpp" and DENSE[result["dense"]] == own["dense"]]
        ratio = {"dense": own["dense"], "against": peers[0]["dense"]}
        for name, spread in own["tokens_per_second"].items():
            rates = [peer["tokens_per_second"][name]["median"] for peer in peers if name in peer["tokens_per_second"]]
            ratio[name] = spread["median"] / max(rates) if rates else None
        for kind in ("own_bytes", "resident_bytes"):
            least = min(peer[kind] for peer in peers)
            ratio[kind] = own[kind] / least if least else None
        found.append(ratio)
    return found


def text(report, sentence):
    """The table for people."""
    columns = list(dict.fromkeys(name for result in report["results"] for name in result["tokens_per_second"]))
    header = ["program", "dense", "cache", *columns, "own memory", "with mapped files", "flags"]
    rows = []
    for result in report["results"]:
        rates = [result["tokens_per_second"].get(name) for name in columns]
        rates = ["-" if spread is None else f"{spread['median']:.1f}" for spread in rates]
        memory = [f"{result[kind] / 2**30:.2f} GiB" for kind in ("own_bytes", "resident_bytes")]
        rows.append([result["program"], result["dense"], result["cache"], *rates, *memory, result["flags"]])
    for ratio in report["ratios"]:
        cells = [ratio.get(name) for name in [*columns, "own_bytes", "resident_bytes"]]
        cells = ["-" if cell is None else f"{cell:.2f}" for cell in cells]
        rows.append(["precast / llama.cpp", f"{ratio['dense']} / {ratio['against']}", "", *cells, ""])
    title = f"{sentence}\n{report['threads']} threads, {report['rounds']} rounds in turn; tokens/s, the middle of the rounds; experts in MXFP4\n\n"
    others = max(result["others_cores"] for result in report["results"])
    note = f"\nnot a quiet machine: other programs kept up to {others:.2f} cores busy\n" if others > MOST_OTHERS_CORES else ""
    return title + aligned(header, rows, left={0, 1, 2, len(header) - 1}) + note


def aligned(header, rows, left):
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = []
    for row in [header, *rows]:
        cells = [cell.ljust(width) if column in left else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"
