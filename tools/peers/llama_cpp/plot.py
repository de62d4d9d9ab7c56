"""Draws the figures of scaling.py as an SVG that reads on light and on dark ground. Both axes are logarithmic."""

import math
from html import escape

WIDTH, HEIGHT = 860, 380
LEFT, TOP, PANEL, GAP, TALL = 56, 46, 340, 92, 270
COLOURS = ["#3b82f6", "#d97706", "#10a37f", "#a855f7", "#e11d48", "#0891b2"]
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #57606a; }
  .title { font-size: 13px; font-weight: 600; }
  .grid { stroke: #8b949e; stroke-opacity: .3; }
  @media (prefers-color-scheme: dark) { text { fill: #adbac7; } }
"""


def draw(report):
    panels = [
        ("tokens/s of all sequences together", lambda point: point["tokens_per_second"]),
        ("milliseconds a step", lambda point: point["milliseconds_per_step"]),
    ]
    batches = sorted({point["batch"] for point in report["points"]})
    body = []
    for number, (title, value) in enumerate(panels):
        body += panel(LEFT + number * (PANEL + GAP), title, value, report["points"], batches)
    legend = LEFT
    for place, batch in enumerate(batches):
        body.append(line([(legend, HEIGHT - 14), (legend + 22, HEIGHT - 14)], COLOURS[place % len(COLOURS)], ""))
        body.append(label(legend + 28, HEIGHT - 10, f"batch {batch}", "start"))
        legend += 96
    programs = dict.fromkeys(point["program"] for point in report["points"])
    for program in programs:
        body.append(line([(legend, HEIGHT - 14), (legend + 22, HEIGHT - 14)], "#8b949e", dashes(program)))
        body.append(label(legend + 28, HEIGHT - 10, f"{program}, {report['dense'][program]} dense", "start"))
        legend += 172
    what = f"Decoding of {report['model']} in MXFP4 on {report['threads']} threads, over the tokens in the cache"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(what)}">'
    return "\n".join([head, f"<style>{STYLE}</style>", label(LEFT, 18, what, "start", "title"), *body, "</svg>\n"])


def panel(left, title, value, points, batches):
    contexts = sorted({point["context"] for point in points})
    values = [value(point) for point in points]
    low, high = math.floor(math.log2(min(values))), math.ceil(math.log2(max(values)))
    first, last = math.log2(contexts[0]), math.log2(contexts[-1])
    across = lambda context: left + PANEL * (math.log2(context) - first) / ((last - first) or 1)
    up = lambda number: TOP + TALL * (high - math.log2(number)) / ((high - low) or 1)
    body = [label(left, TOP - 10, title, "start")]
    for power in range(low, high + 1):
        body.append(f'<line class="grid" x1="{left}" x2="{left + PANEL}" y1="{up(2**power):.1f}" y2="{up(2**power):.1f}"/>')
        body.append(label(left - 8, up(2**power) + 4, f"{2**power:g}" if power >= 0 else f"{2**power:.2g}", "end"))
    for context in contexts:
        name = f"{context // 1024}k" if context % 1024 == 0 else str(context)
        body.append(label(across(context), TOP + TALL + 18, name, "middle"))
    for place, batch in enumerate(batches):
        for program in dict.fromkeys(point["program"] for point in points):
            own = sorted((point["context"], value(point)) for point in points if (point["program"], point["batch"]) == (program, batch))
            colour = COLOURS[place % len(COLOURS)]
            body.append(line([(across(context), up(number)) for context, number in own], colour, dashes(program)))
            body += [f'<circle cx="{across(context):.1f}" cy="{up(number):.1f}" r="2.5" fill="{colour}"/>' for context, number in own]
    return body


def dashes(program):
    return "" if program == "precast" else ' stroke-dasharray="5 4"'


def line(points, colour, dashes):
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>'


def label(x, y, text, anchor, kind=""):
    kind = f' class="{kind}"' if kind else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
