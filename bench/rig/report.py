"""The figures as tables: for the terminal, and in Markdown for docs/performance.md."""

from occasions import apart
from rounds import by_round, ratios, spread
from workloads import METRICS

OURS = "Fairlead"


def number(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def judged(workload, figures):
    """Of a workload's aims: [(metric, peer, bound, what each round reached, its (median, least, most), whether that holds)]."""
    found = []
    for metric, peer, bound in workload["aims"]:
        ours = figures.get(OURS, {}).get(metric, [])
        series = ours if not peer else by_round(ours, figures.get(peer, {}).get(metric, []))
        if reached := spread(series):
            found.append((metric, peer, bound, series, reached, reached[0] <= bound))
    return found


def _span(found, digits=2):
    return f"{found[0]:.{digits}f} ({found[1]:.{digits}f}–{found[2]:.{digits}f})" if found else "–"


def rows(workload, figures, metric):
    """Cells of one line: the title, a cell a contestant, then Fairlead's ratio to each peer that has the metric."""
    cells, compared = {}, {}
    ours = figures.get(OURS, {}).get(metric, [])
    for label, metrics in figures.items():
        found = spread(metrics.get(metric, []))
        cells[label] = found
        if found and label not in (OURS, "direct") and METRICS[metric][2]:
            compared[label] = spread(ratios(ours, metrics[metric]))
    return cells, compared


def text(result):
    """For a terminal: a block a group, a line a workload and metric."""
    lines, figures = [], result["figures"]
    for group, members in groups(result):
        lines += ["", group]
        for workload in members:
            metrics = [workload["metric"]] + [m for m in METRICS if m != workload["metric"] and any(m in f for f in figures[workload["name"]].values())]
            for metric in metrics:
                cells, compared = rows(workload, figures[workload["name"]], metric)
                words, unit, _ = METRICS[metric]
                shown = "  ".join(f"{label} {number(found[0]) if found else '–'}" for label, found in cells.items() if found)
                line = f"  {workload['title']:<28} {words + ' ' + unit:<34} {shown}"
                if compared:
                    line += "  | Fairlead to " + ", ".join(f"{label}: {_span(r)}" for label, r in compared.items() if r)
                lines.append(line)
    lines += ["", "aims"]
    for workload in result["workloads"]:
        for metric, peer, bound, _, reached, holds in judged(workload, figures[workload["name"]]):
            of = f"≤ {bound} × {peer}" if peer else f"≤ {bound} {METRICS[metric][1]}"
            lines.append(f"  {'met   ' if holds else 'MISSED'} {workload['group']}, {workload['title']}: {METRICS[metric][0]} {of}: {_span(reached)}")
    return "\n".join(lines) + "\n"


def groups(result):
    """[(group, its workloads)] in order."""
    found = {}
    for workload in result["workloads"]:
        found.setdefault(workload["group"], []).append(workload)
    return list(found.items())


def markdown(result):
    """A table a group and metric that relays are compared by, and the table of aims."""
    parts, figures = [], result["figures"]
    for group, members in groups(result):
        parts.append(f"### {group}\n")
        for metric in METRICS:
            having = [w for w in members if any(metric in f for f in figures[w["name"]].values())]
            if not having:
                continue
            labels = list(dict.fromkeys(label for w in having for label, f in figures[w["name"]].items() if metric in f))
            peers = [x for x in labels if x not in (OURS, "direct")] if METRICS[metric][2] else []
            words, unit, _ = METRICS[metric]
            head = [f"{words}{', ' + unit if unit else ''}", *labels, *(f"Fairlead ÷ {p}" for p in peers)]
            parts.append("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
            for workload in having:
                cells, compared = rows(workload, figures[workload["name"]], metric)
                line = [workload["title"], *(number(cells[x][0]) if cells.get(x) else "–" for x in labels),
                        *(_span(compared.get(p)) for p in peers)]
                parts.append("| " + " | ".join(line) + " |")
            parts.append("")
    several = len(result.get("occasions", [])) > 1
    parts.append(f"### Aims\n\n| | aim | reached |{' each occasion |' if several else ''} |\n|---|---|---|{'---|' if several else ''}---|")
    for workload in result["workloads"]:
        for metric, peer, bound, series, reached, holds in judged(workload, figures[workload["name"]]):
            of = f"≤ {bound} × {peer}" if peer else f"≤ {bound} {METRICS[metric][1]}"
            medians = [spread(piece) for piece in apart(result, series)]
            each = f" {' · '.join(f'{m[0]:.2f}' if m else '–' for m in medians)} |" if several else ""
            parts.append(f"| {workload['group']}, {workload['title']}: {METRICS[metric][0]} | {of} | {_span(reached)} |{each} "
                         f"{'met' if holds else '**missed**'} |")
    return "\n".join(parts) + "\n"
