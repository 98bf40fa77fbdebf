"""The parts of the bench that do not measure: turns, ratios, tables, plots, the page."""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import main as program  # noqa: E402
import occasions  # noqa: E402
import page  # noqa: E402
import plots  # noqa: E402
import report  # noqa: E402
import rounds  # noqa: E402
from measuring import Failed  # noqa: E402
from workloads import ALL, FAIRLEAD, METRICS, Contestant, Workload, with_variants, workloads  # noqa: E402

RESULT = {
    "made": "2026-03-01T12:00:00+00:00", "quick": False, "rounds": 3,
    "machine": {"processors": "2 x Some Processor", "memory_mib": 4096, "kernel": "6.1.0", "network": "loopback", "load_before": 0.1,
                "commit": "0123456789abcdef", "nginx": "nginx/1.22.1", "haproxy": "HAProxy 2.6", "openssl": "OpenSSL 3.0"},
    "workloads": [
        {"name": "a", "title": "64 B × 1000", "group": "ws, closed loop", "metric": "cpu_us_per_message",
         "aims": [["cpu_us_per_message", "nginx", 0.92], ["cpu_us_per_message", "HAProxy", 0.5]]},
        {"name": "b", "title": "ws & <idle>", "group": "idle sessions", "metric": "rss_kib_per_session", "aims": [["rss_kib_per_session", "", 1.0]]},
    ],
    "figures": {
        "a": {"direct": {"messages_per_s": [300000, 310000, 290000]},
              "nginx": {"cpu_us_per_message": [10.0, 20.0, 30.0], "messages_per_s": [100000, 50000, 33000]},
              "HAProxy": {"cpu_us_per_message": [12.0, None, 36.0]},
              "Fairlead": {"cpu_us_per_message": [9.0, 16.0, 27.0]}},
        "b": {"nginx": {"rss_kib_per_session": [18.0, 18.1, 18.2]}, "Fairlead": {"rss_kib_per_session": [0.8, 0.8, 0.9]}},
    },
}


def test_turns():
    assert rounds.rotated([1, 2, 3], 0) == [1, 2, 3]
    assert rounds.rotated([1, 2, 3], 4) == [2, 3, 1]


def test_ratios_are_within_a_round_and_leave_out_what_failed():
    assert rounds.ratios([9.0, 16.0, 27.0], [10.0, 20.0, 30.0]) == pytest.approx([0.9, 0.8, 0.9])
    assert rounds.ratios([9.0, 16.0, 27.0], [12.0, None, 36.0]) == pytest.approx([0.75, 0.75])
    assert rounds.ratios([1.0], [0]) == []
    assert rounds.spread([None, 3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0)
    assert rounds.spread([None]) is None


def test_every_contestant_is_measured_once_a_round_and_a_failure_is_a_gap():
    calls = []

    def measure(contestant, certificate, brief):
        calls.append(contestant.label)
        if contestant.label == "nginx" and calls.count("nginx") == 2:
            raise Failed("no answer")
        return {"p99_us": float(len(calls))}

    work = Workload("w", "w", "g", "p99_us", measure, ALL)
    said = []
    figures = rounds.run([work], None, 3, True, said.append)["w"]
    assert calls == ["nginx", "HAProxy", "Fairlead", "HAProxy", "Fairlead", "nginx", "Fairlead", "nginx", "HAProxy"]
    assert figures["nginx"]["p99_us"] == [1.0, None, 8.0]
    assert figures["Fairlead"]["p99_us"] == [3.0, 5.0, 7.0]
    assert any(text.startswith("FAILED w nginx: no answer") for text in said)


def test_a_first_failure_is_a_gap_too():
    tries = []

    def measure(contestant, certificate, brief):
        tries.append(1)
        if len(tries) == 1:
            raise Failed("no answer")
        return {"p99_us": 5.0}

    assert rounds.run([Workload("w", "w", "g", "p99_us", measure, (FAIRLEAD,))], None, 2, True, lambda _: None)["w"]["Fairlead"]["p99_us"] == [None, 5.0]


def test_aims_are_judged_by_the_median():
    judged = report.judged(RESULT["workloads"][0], RESULT["figures"]["a"])
    assert [(peer, holds) for _, peer, _, _, _, holds in judged] == [("nginx", True), ("HAProxy", False)]
    [(metric, peer, bound, series, reached, holds)] = report.judged(RESULT["workloads"][1], RESULT["figures"]["b"])
    assert (peer, series, reached, holds) == ("", [0.8, 0.8, 0.9], (0.8, 0.8, 0.9), True)


def test_tables():
    text = report.text(RESULT)
    assert "nginx: 0.90 (0.80–0.90)" in text and "MISSED ws, closed loop, 64 B × 1000: CPU ≤ 0.5 × HAProxy" in text
    table = report.markdown(RESULT)
    assert "| 64 B × 1000 | 20 | 24 | 16 | 0.90 (0.80–0.90) | 0.75 (0.75–0.75) |" in table
    for block in table.split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in rows}) <= 1, rows


def test_plots_are_svg():
    drawn = plots.all_of(RESULT)
    assert {group: list(files) for group, files in drawn.items()} == {"ws, closed loop": ["ws-closed-loop.svg"], "idle sessions": ["idle-sessions.svg"]}
    for svg in (svg for files in drawn.values() for svg in files.values()):
        root = ElementTree.fromstring(svg)
        assert root.tag.endswith("svg") and len(list(root.iter())) > 10


def test_colours_stay_with_their_names():
    one, other = plots.colours_of(["nginx", "HAProxy"]), plots.colours_of(["direct", "nginx, 64k buffers", "Fairlead"])
    assert one["nginx"] == other["nginx, 64k buffers"]
    both = plots.colours_of(["nginx", "nginx, lean", "HAProxy", "Fairlead", "Fairlead, 1 domain"])
    assert len(set(both.values())) == 5 and both["nginx"] == one["nginx"]
    assert plots.colours_of(["nginx, 1 domain", "nginx"])["nginx"] == one["nginx"]


def test_the_page_changes_between_its_markers_only():
    text = f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n"
    assert page.between(text, "new") == f"before\n{page.BEGIN}\n\nnew\n\n{page.END}\nafter\n"
    with pytest.raises(SystemExit):
        page.between("no markers", "new")
    fresh, drawn = page.made(occasions.merged([RESULT]), ["bench/results/x.json"])
    assert "### idle sessions" in fresh and "![idle sessions](images/performance/idle-sessions.svg)" in fresh


def test_several_occasions_are_one_result_whose_rounds_are_all_of_theirs():
    other = {**RESULT, "rounds": 2, "workloads": [RESULT["workloads"][0]],
             "figures": {"a": {"nginx": {"cpu_us_per_message": [10.0, 10.0]}, "floor": {"cpu_us_per_message": [5.0, 6.0]},
                               "Fairlead": {"cpu_us_per_message": [12.0, 11.0]}}}}
    found = occasions.merged([RESULT, other, other])
    a = found["figures"]["a"]
    assert found["rounds"] == 7 and [o["rounds"] for o in found["occasions"]] == [3, 2, 2]
    assert a["nginx"]["cpu_us_per_message"] == [10.0, 20.0, 30.0, 10.0, 10.0, 10.0, 10.0]
    assert a["HAProxy"]["cpu_us_per_message"] == [12.0, None, 36.0, None, None, None, None]
    assert a["floor"]["cpu_us_per_message"] == [None, None, None, 5.0, 6.0, 5.0, 6.0]
    assert a["direct"]["messages_per_s"] == [300000, 310000, 290000, None, None, None, None]
    assert [w["name"] for w in found["workloads"]] == ["a", "b"] and len(found["figures"]["b"]["nginx"]["rss_kib_per_session"]) == 7
    assert occasions.apart(found, a["floor"]["cpu_us_per_message"]) == [[None] * 3, [5.0, 6.0], [5.0, 6.0]]
    assert RESULT["figures"]["a"]["nginx"]["cpu_us_per_message"] == [10.0, 20.0, 30.0]
    fresh, _ = page.made(found, ["x.json", "y.json", "z.json"])
    assert "z.json" in fresh and "Of all 7 rounds" in fresh
    assert "| ws, closed loop, 64 B × 1000: CPU | ≤ 0.92 × nginx | 1.10 (0.80–1.20) | 0.90 · 1.15 · 1.15 | **missed** |" in fresh
    assert "| idle sessions, ws & <idle>: resident memory | ≤ 1.0 KiB/session | 0.80 (0.80–0.90) | 0.80 · – · – | met |" in fresh


def test_the_page_of_the_tree_has_the_markers_and_its_plots():
    text = page.PAGE.read_text()
    assert page.BEGIN in text and page.END in text
    for name in re.findall(r"images/performance/([^)]+)\)", text):
        assert (page.PLOTS / name).exists(), name


def test_workloads():
    found = workloads()
    names = [w.name for w in found]
    assert len(set(names)) == len(names)
    for w in found:
        assert w.metric in METRICS
        labels = [c.label for c in w.contestants]
        assert len(set(labels)) == len(labels)
        assert all(peer in (*labels, "") and metric in METRICS for metric, peer, _ in w.aims), w.name
    assert [w.name for w in program.chosen(found, "wss-bulk-*", False)] == ["wss-bulk-up", "wss-bulk-down"]
    assert all(w.quick for w in program.chosen(found, None, True))
    with pytest.raises(SystemExit):
        program.chosen(found, "no-such", False)


def test_variants_stand_beside_fairlead():
    more = with_variants(workloads(), {"own": {"listener": {"https": {"x": 1}}}})
    assert all(("own" in [c.label for c in w.contestants]) == (FAIRLEAD in w.contestants) for w in more)
    assert Contestant("direct").make(None) is None
