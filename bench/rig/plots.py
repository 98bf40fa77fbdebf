"""Plots as SVG, written by hand: horizontal bars, a whisker from the least to the most of the rounds, a line where two are
equal, a notch where an aim lies. Colours are of Okabe and Ito's set, which colour-blind people tell apart."""

import re
from html import escape

import report
from workloads import METRICS

COLOURS = ["#CC79A7", "#56B4E9", "#D55E00", "#F0E442"]
KNOWN = {"nginx": "#0072B2", "HAProxy": "#E69F00", "Fairlead": "#009E73", "direct": "#999999"}  # the same in every plot
INK, FAINT, PAPER = "#222222", "#cccccc", "#ffffff"
LEFT, WIDTH, RIGHT, BAR, GAP = 205, 430, 150, 13, 11


def _ticks(most):
    """Four to eight round numbers from 0 to at least `most`."""
    for step in (s * 10.0 ** e for e in range(-3, 7) for s in (1, 2, 2.5, 5)):
        if most / step <= 7:
            count = int(-(-most // step))
            return [round(i * step, 6) for i in range(count + 1)]
    return [0, most]


def colours_of(labels):
    """A colour each; of `nginx, 64k buffers` that of nginx, unless that is there, too."""
    spare, found = list(COLOURS), {label: KNOWN[label] for label in labels if label in KNOWN}
    for label in (x for x in labels if x not in KNOWN):
        wanted = KNOWN.get(label.split(",")[0])
        found[label] = wanted if wanted and wanted not in found.values() else spare.pop(0) if spare else INK
    return found


def bars(title, rows, labels, axis, line_at=None):
    """rows: [(title, {label: (median, least, most)}, {label: aim})]. labels: in the order of their colours."""
    rows = [(t, {k: v for k, v in found.items() if v}, aims) for t, found, aims in rows]
    most = max([v[2] for _, found, _ in rows for v in found.values()] + [line_at or 0])
    ticks = _ticks(most * 1.02)
    scale = WIDTH / ticks[-1]
    top = 58
    height = top + sum(len(found) * BAR + GAP for _, found, _ in rows) + 44
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" '
           f'viewBox="0 0 {LEFT + WIDTH + RIGHT} {height}" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="{INK}">',
           f'<rect width="100%" height="100%" fill="{PAPER}"/>',
           f'<text x="12" y="20" font-size="14" font-weight="bold">{escape(title)}</text>']
    at, colours = 12, colours_of(labels)
    for label in labels:
        out.append(f'<rect x="{at}" y="30" width="11" height="11" fill="{colours[label]}"/><text x="{at + 16}" y="40">{escape(label)}</text>')
        at += 16 + 7 * len(label) + 22
    bottom = height - 40
    for tick in ticks:
        x = LEFT + tick * scale
        out.append(f'<line x1="{x:.1f}" y1="{top - 6}" x2="{x:.1f}" y2="{bottom}" stroke="{FAINT}"/>'
                   f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{tick:g}</text>')
    if line_at is not None:
        x = LEFT + line_at * scale
        out.append(f'<line x1="{x:.1f}" y1="{top - 6}" x2="{x:.1f}" y2="{bottom}" stroke="{INK}" stroke-width="1.5"/>')
    y = top
    for name, found, aims in rows:
        middle = y + len(found) * BAR / 2 + 4
        out.append(f'<text x="{LEFT - 8}" y="{middle:.1f}" text-anchor="end">{escape(name)}</text>')
        for label in (x for x in labels if x in found):
            median, least, greatest = found[label]
            end, centre = LEFT + median * scale, y + BAR / 2
            out.append(f'<rect x="{LEFT}" y="{y + 1}" width="{max(1, median * scale):.1f}" height="{BAR - 2}" fill="{colours[label]}"/>')
            if greatest > least:
                a, b = LEFT + least * scale, LEFT + greatest * scale
                out.append(f'<path d="M{a:.1f} {centre}H{b:.1f}M{a:.1f} {centre - 3}v6M{b:.1f} {centre - 3}v6" stroke="{INK}" fill="none"/>')
            if label in aims:
                x = LEFT + aims[label] * scale
                out.append(f'<path d="M{x:.1f} {y}v{BAR}" stroke="{INK}" stroke-width="2.5"/>')
            beyond = max(end, LEFT + greatest * scale, LEFT + aims.get(label, 0) * scale)
            shown = f"{median:.2f}" if line_at else report.number(median)
            out.append(f'<text x="{beyond + 6:.1f}" y="{centre + 4:.1f}" font-size="11" paint-order="stroke" stroke="{PAPER}" stroke-width="3">{shown}</text>')
            y += BAR
        y += GAP
    out.append(f'<text x="{LEFT + WIDTH / 2}" y="{height - 8}" text-anchor="middle">{escape(axis)}</text></svg>')
    return "\n".join(out) + "\n"


def ratios_of(group, members, figures):
    """Fairlead's ratio to each peer, of the metric that matters; None where no relay is compared."""
    rows, labels = [], []
    for w in members:
        _, compared = report.rows(w, figures[w["name"]], w["metric"])
        aims = {peer: bound for metric, peer, bound in w["aims"] if metric == w["metric"] and peer}
        rows.append((w["title"], compared, aims))
        labels += [x for x in compared if x not in labels]
    if not labels:
        return None
    words = METRICS[members[0]["metric"]][0]
    return bars(f"{group}: {words} of Fairlead, relative to", rows, labels,
                f"{words}, Fairlead ÷ peer: less is better; thin line: least to most of the rounds; thick notch: aim", 1.0)


def absolute_of(title, members, figures, metric):
    """What was measured, contestant by contestant."""
    rows, labels = [], []
    for w in members:
        cells, _ = report.rows(w, figures[w["name"]], metric)
        if any(cells.values()):
            rows.append((w["title"], cells, {}))
            labels += [x for x, found in cells.items() if found and x not in labels]
    return bars(title, rows, labels, f"{METRICS[metric][1]}: less is better") if labels else None


def all_of(result):
    """{group: {file name: SVG}}."""
    found, figures = {}, result["figures"]
    for group, members in report.groups(result):
        name = re.sub(r"[^a-z0-9]+", "-", group.lower())
        drawn = {}
        # Where one figure is a hundredth of the other a ratio shows nothing.
        if "idle" in group or "policy change" in group:
            metric = members[0]["metric"]
            drawn[f"{name}.svg"] = absolute_of(f"{group}: {METRICS[metric][0]}", members, figures, metric)
        else:
            drawn[f"{name}.svg"] = ratios_of(group, members, figures)
        extra = {"open loop": ("p50_us", "p99_us"), "domains": ("pss_mib",)}
        for metric in next((metrics for part, metrics in extra.items() if part in group), ()):
            drawn[f"{name}-{metric.split('_')[0]}.svg"] = absolute_of(f"{group}: {METRICS[metric][0]}", members, figures, metric)
        found[group] = {file: svg for file, svg in drawn.items() if svg}
    return found
