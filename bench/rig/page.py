"""docs/performance.md: what stands between its two markers, and its plots, are made from a result; the rest is people's."""

import report
from machine import ROOT

PAGE = ROOT / "docs" / "performance.md"
PLOTS = ROOT / "docs" / "images" / "performance"
BEGIN, END = "<!-- made by ./dev bench --page -->", "<!-- end of what is made -->"

import plots  # noqa: E402


def between(text, fresh):
    """`text` with what is between the markers replaced."""
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise SystemExit(f"bench: docs/performance.md has no '{BEGIN}' ... '{END}'")
    return f"{before}{BEGIN}\n\n{fresh.strip()}\n\n{END}{after}"


def made(result, sources):
    m = result["machine"]
    runs = [f"`{source}`: {o['made'][:16].replace('T', ' ')}, commit `{o['commit'][:12]}`, {o['rounds']} rounds, load average before {o['load_before']}"
            for source, o in zip(sources, result["occasions"])]
    words = (f"{'; '.join(runs)}. Of all {result['rounds']} rounds: median (least–most). "
             f"{m['processors']}, {m['memory_mib'] // 1024} GiB, Linux {m['kernel']}, {m['network']}; {m['nginx']}, {m['haproxy']}, {m['openssl']}.")
    if result["quick"]:
        words += " Measured briefly (`--quick`): a second each."
    if result.get("first"):
        words += " The machine did other things meanwhile, after relay and load (`--first`)."
    tables = report.markdown(result).split("### ")
    drawn = plots.all_of(result)
    parts = [words, ""]
    for section in tables[1:]:
        group, _, body = section.partition("\n")
        parts.append(f"### {group}\n")
        parts += [f"![{group}](images/performance/{file})\n" for file in drawn.get(group, ())]
        parts.append(body.strip() + "\n")
    return "\n".join(parts), {file: svg for files in drawn.values() for file, svg in files.items()}


def write(result, sources):
    text, drawn = made(result, sources)
    PAGE.write_text(between(PAGE.read_text(), text))
    PLOTS.mkdir(parents=True, exist_ok=True)
    for old in PLOTS.glob("*.svg"):
        if old.name not in drawn:
            old.unlink()
    for name, svg in drawn.items():
        (PLOTS / name).write_text(svg)
