"""The test runner's own judgement: a failure is never lost, and nothing run is a failure."""
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from testing.console import Console, Outcome, summary, told_failures  # noqa: E402
from testing.parse import count_ctest, count_pytest, tally_line  # noqa: E402
import run_tests  # noqa: E402

GTEST = """[==========] Running 3 tests from 1 test suite.
[ RUN      ] A.good
[       OK ] A.good (0 ms)
[ RUN      ] A.bad
[  FAILED  ] A.bad (1 ms)
[ RUN      ] A.none
[  SKIPPED ] A.none (0 ms)
[  PASSED  ] 1 test.
[  FAILED  ] 1 test, listed below:
[  FAILED  ] A.bad
"""


def junit(path, *cases):
    body = "".join(f'<testcase name="{name}" status="{status}">{inner}</testcase>' for name, status, inner in cases)
    path.write_text(f"<testsuite>{body}</testsuite>")
    return path


def output(text):
    return f"<system-out>{text}</system-out>"


@pytest.mark.parametrize("cases,expected", [
    ([("a", "fail", output(GTEST))], (1, 1, 1)),
    ([("a", "run", output("[       OK ] A.one (0 ms)\n[       OK ] A.two (0 ms)\n"))], (2, 0, 0)),
    # Crashed after one good case, or leaked after all of them.
    ([("a", "fail", output("[       OK ] A.one (0 ms)\n[ RUN      ] A.two\n"))], (1, 1, 0)),
    ([("a", "fail", "")], (0, 1, 0)),
    ([("a", "notrun", "")], (0, 1, 0)),
    # Programs without GoogleTest: their own tally, else one each.
    ([("a", "run", output("seed 1\n10000 passed, 0 failed\n"))], (10000, 0, 0)),
    ([("a", "run", output("fine")), ("b", "fail", output("not fine"))], (1, 1, 0)),
])
def test_ctest_is_counted_by_cases(tmp_path, cases, expected):
    assert count_ctest(junit(tmp_path / "x.xml", *cases)) == expected


def test_ctest_that_never_wrote_its_file_counts_nothing(tmp_path):
    assert count_ctest(tmp_path / "absent.xml") == (0, 0, 0)


def test_pytest_errors_are_failures(tmp_path):
    path = junit(tmp_path / "x.xml", ("a", "", ""), ("b", "", "<failure/>"), ("c", "", "<error/>"), ("d", "", "<skipped/>"))
    assert count_pytest(path) == (1, 2, 1)


def test_the_last_tally_line_counts():
    assert tally_line("1 passed, 0 failed\nnoise 9 passed, 9 failed\n2 passed, 3 failed, 4 skipped\n") == (2, 3, 4)
    assert tally_line("all is well") == (0, 0, 0)


@pytest.mark.parametrize("code,passed,failed,expected", [
    (0, 5, 0, (5, 0)),
    (1, 5, 2, (5, 2)),
    (1, 5, 0, (5, 1)),  # a bad exit that nothing counted explains
    (0, 0, 0, (0, 1)),  # ran nothing
    ("timeout", 5, 0, (5, 1)),
])
def test_judgement(code, passed, failed, expected):
    outcome = Outcome.judged("x", code, passed, failed, 0, 1.0, None)
    assert (outcome.passed, outcome.failed) == expected


def test_a_run_is_logged_watched_and_limited(tmp_path, capsys):
    console = Console(tmp_path)
    seen = []
    code, log, _ = console.run("two words (dev)", ["bash", "-c", "echo one; echo two >&2; exit 3"], 60,
                               progress=lambda line: seen.append(line))
    assert code == 3 and seen == ["one", "two"] and log.name == "two-words-dev.log"
    assert log.read_text() == "one\ntwo\n"
    code, _, seconds = console.run("slow", ["bash", "-c", "read -t 60 <> <(:)"], 1)
    assert code == "timeout" and seconds < 30


def test_what_a_part_leaves_running_is_ended(tmp_path):
    console = Console(tmp_path)
    _, log, _ = console.run("leaver", ["bash", "-c", "tail -f /dev/null & echo $!"], 60)
    pid = int(log.read_text())
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], text=True, stdout=subprocess.PIPE).stdout.strip()
    assert state == "" or state.startswith("Z")


def test_what_failed_first_is_told_wherever_it_stands():
    lines = ["ok"] * 50 + ["x_test.cc:7: Failure", "Expected equality"] + ["ok"] * 50 + GTEST.splitlines()
    told = told_failures(lines, each=2)
    assert told[:2] == ["x_test.cc:7: Failure", "Expected equality"] and "[  FAILED  ] A.bad (1 ms)" in told
    assert told_failures(["ok", "[  PASSED  ] 1 test."]) == []
    assert len(told_failures(lines * 9, most=20)) == 20


@pytest.mark.parametrize("free,failed,told", [(5 << 20, 1, True), (5 << 20, 0, False), (5 << 30, 1, False)])
def test_a_full_disk_is_named_beside_what_failed(tmp_path, capsys, monkeypatch, free, failed, told):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    console = Console(tmp_path)
    console.outcomes.append(Outcome("build (dev)", 1, failed, 0, 1.0, None))
    assert summary(console) == (1 if failed else 0)
    said = capsys.readouterr().out
    assert ("only 5 MiB of disk are free" in said) == told
    assert said.splitlines()[-1] == f"1 passed, {failed} failed"


def test_the_summary_ends_with_the_sum(tmp_path, capsys):
    console = Console(tmp_path)
    assert summary(console) == 1
    assert capsys.readouterr().out.endswith("\n0 passed, 0 failed\n")
    console.done(Outcome("a", 3, 0, 0, 1.0, None))
    assert summary(console) == 0
    console.done(Outcome("b", 1, 2, 0, 1.0, None))
    assert summary(console) == 1
    assert capsys.readouterr().out.endswith("\n4 passed, 2 failed\n")


@pytest.mark.parametrize("flaky,counted,again", [(2, (2, 0), 2), (4, (0, 4), 0)])
def test_second_tries_are_few_and_shown(tmp_path, monkeypatch, capsys, flaky, counted, again):
    """Tests that fail at first and pass alone: up to three are tried again and said to be; of four none is."""
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_flaky.py").write_text(f"""
import pathlib, pytest
@pytest.mark.parametrize("n", range({flaky}))
def test_flaky(n):
    seen = pathlib.Path(__file__).parent / f"seen{{n}}"
    before = seen.exists()
    seen.touch()
    assert before
""")
    monkeypatch.setattr(run_tests, "LOGS", tmp_path)
    suite = run_tests.Suite(Console(tmp_path))
    suite.say_second_tries()
    assert suite.console.outcomes == []  # nothing ran that could have been tried again
    suite.pytest("scenarios (dev)", [str(folder)], 60, again=run_tests.MOST_AGAIN)
    suite.say_second_tries()
    outcome, row = suite.console.outcomes[-2:]
    assert (outcome.passed, outcome.failed) == counted
    assert (row.name, row.note) == ("second tries", f"{again} scenarios")
    assert summary(suite.console) == (1 if counted[1] else 0)
    assert "second tries" in capsys.readouterr().out.split("-" * 72)[1]


def test_valgrind_stands_before_one_program_only():
    """Scenarios chosen for it are of the files meant, all of them, whatever tests elsewhere are called."""
    scenarios = Path(run_tests.ROOT) / "tests" / "scenarios"
    listed = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q", str(scenarios),
                             "-k", run_tests.VALGRIND], cwd=run_tests.ROOT, capture_output=True, text=True, check=True).stdout
    chosen = {line.split("::")[0].rsplit("/", 1)[-1] for line in listed.splitlines() if "::" in line}
    assert chosen == {f"test_{name}.py" for name in run_tests.VALGRIND_FILES}
