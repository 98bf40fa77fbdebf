"""The README's tour: its commands as written, typed into terminals, in the order in which they are printed."""

import os
import re
import shlex
import time
import urllib.error
import urllib.request

import pexpect
import pytest

from harness.edge import BINARY, ROOT

README = (ROOT / "README.md").read_text()
PASSWORD = "seven ships in a row"
PROMPT = "[tour]> "
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A shell with a screen. What was printed since the last command is in .said."""

    def __init__(self, home):
        env = {**os.environ, "HOME": str(home), "PS1": PROMPT, "TERM": "xterm", "FAIRLEAD_DATA": str(home / "data"),
               "NO_COLOR": "1", "npm_config_update_notifier": "false"}
        for name in ("FAIRLEAD_SERVER", "FAIRLEAD_TOKEN", "FAIRLEAD_PROFILE", "XDG_CONFIG_HOME", "BASH_ENV"):
            env.pop(name, None)
        self.shell = pexpect.spawn("bash", ["--norc", "--noprofile", "--noediting"], cwd=str(ROOT), env=env,
                                   encoding="utf-8", timeout=60, dimensions=(50, 400))
        self.said = ""
        self.shell.expect_exact(PROMPT)

    def expect(self, *patterns):
        at = self.shell.expect(list(patterns))
        self.said += ESCAPES.sub("", self.shell.before + self.shell.after)
        return at

    def type(self, command):
        self.said = ""
        self.shell.sendline(command)

    def run(self, command):
        """To its end; passwords that are asked for are given. Its exit status has to be 0."""
        self.type(command)
        while self.expect(re.escape(PROMPT), r"(?:assword|again)[^\n]*: $") == 1:
            self.shell.sendline(PASSWORD)
        said = self.said
        self.type("echo status=$?")
        self.expect(r"status=\d+\r?\n")
        self.shell.expect_exact(PROMPT)
        assert "status=0" in self.said, f"{command}\n{said}"
        self.said = said
        return said

    def interrupt(self):
        self.shell.sendintr()

    def close(self):
        self.shell.close(force=True)


def commands():
    """[("operator", "fairlead ..."), ...] of the section, continuation lines joined."""
    section = re.search(r"^## The tour\n(.*?)^## ", README, re.M | re.S)[1]
    out = []
    for who, block in re.findall(r"^```sh (\w+)\n(.*?)^```", section, re.M | re.S):
        out += [(who, line) for line in block.replace("\\\n", " ").splitlines() if line.strip()]
    return out


def page():
    """What a browser gets at the address that the tour names."""
    try:
        return urllib.request.urlopen("http://localhost:8080/", timeout=10)
    except urllib.error.HTTPError as answer:
        return answer


@pytest.mark.timeout(300)
@pytest.mark.skipif(BINARY != ROOT / "build/dev/fairlead", reason="./dev run builds and runs the dev preset")
def test_the_tour_as_written(tmp_path):
    wanted = commands()
    assert {who for who, _ in wanted} == {"operator", "customer"}
    assert "\n./dev run " in README
    first = Terminal(tmp_path)
    terminals = {"operator": Terminal(tmp_path), "customer": Terminal(tmp_path)}
    link = application = wscat = None
    try:
        first.type("./dev run")
        first.expect(r"open this link within a day: \S+\r?\n")
        link = re.search(r"https?://\S+#fll_[\w-]+", first.said)[0]
        for who, command in wanted:
            terminal = terminals[who]
            words = shlex.split(command)
            if "LINK" in words:
                command = command.replace("LINK", link)
            if "ID" in words:
                command = command.replace("ID", application)
            if "wscat" in words:
                assert page().status == 200
                terminal.type(command)
                terminal.expect("Connected")
                terminal.expect(r'"type":"welcome"')
                wscat = terminal
                continue
            said = terminal.run(command)
            if found := re.search(r"https?://\S+#fll_[\w-]+", said):
                link = found[0]
            if "application list" in command:
                application = re.search(r"\b[0-9a-f]{32}\b", said)[0]
            if "session list" in command:
                assert "/comments" in said and "127.0.0.1" in said
        # The last command switched off: the live session was told so, and the next one is refused.
        wscat.expect(r"Disconnected \(code: 1001")
        wscat.expect(re.escape(PROMPT))
        attempt = next(command for _, command in wanted if " wscat " in command)
        wscat.type(attempt)
        wscat.expect(r"Unexpected server response: 403")
        wscat.expect(re.escape(PROMPT))
        assert page().status == 200
        # Ctrl-C ends both, in order.
        first.interrupt()
        first.expect("stopping")
        began = time.monotonic()
        first.expect(re.escape(PROMPT))
        assert time.monotonic() - began < 30
    finally:
        for terminal in (first, *terminals.values()):
            terminal.close()
