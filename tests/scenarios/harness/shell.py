"""The command line as somebody at a shell has it: the real binary as a child process, with a home folder of its own."""

import json
import os
import re
import subprocess

from .edge import BINARY, SANITIZER, SLOWNESS


class Said:
    def __init__(self, done, verb):
        self.status, self.out, self.err, self.verb = done.returncode, done.stdout, done.stderr, verb

    @property
    def json(self):
        return json.loads(self.out)

    def has(self, *texts):
        """Every text is somewhere in what was said; runs of spaces count as one."""
        said = re.sub(r" +", " ", self.out + self.err)
        for text in texts:
            assert text in said, f"{text!r} is not in:\n{self.out}{self.err}"
        return self


class Shell:
    def __init__(self, node, folder, profile=None):
        self.home = folder
        folder.mkdir(parents=True, exist_ok=True)
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("FAIRLEAD_", "XDG_"))}
        self.env = {**keep, "HOME": str(folder), "FAIRLEAD_SERVER": f"http://127.0.0.1:{node.admin}", "LC_ALL": "C.UTF-8",
                    "ASAN_OPTIONS": "detect_leaks=0:exitcode=99"}
        if profile:
            self.env["FAIRLEAD_PROFILE"] = profile
        self.said = []

    @property
    def credentials(self):
        name = f"credentials-{self.env['FAIRLEAD_PROFILE']}" if "FAIRLEAD_PROFILE" in self.env else "credentials"
        return self.home / ".config" / "fairlead" / f"{name}.json"

    def file(self, name, text):
        path = self.home / name
        path.write_text(text)
        return str(path)

    def __call__(self, *words, status=0, typed=None, env=None):
        """`fairlead WORDS`, which must end with that status. `typed` is its standard input; without, there is none."""
        feed = {"stdin": subprocess.DEVNULL} if typed is None else {"input": typed}
        done = subprocess.run([str(BINARY), *map(str, words)], capture_output=True, text=True, timeout=60 * SLOWNESS,
                              env={**self.env, **(env or {})}, cwd=self.home, **feed)
        said = Said(done, words)
        self.said.append(said)
        assert not SANITIZER.search(said.err), said.err[:6000]
        assert said.status == status, f"fairlead {' '.join(map(str, words))}: status {said.status}\n{said.out}{said.err}"
        return said

    def json(self, *words, **more):
        return self(*words, "-o", "json", **more).json

    def log_in(self, email, password_file):
        return self("login", "--email", email, "--password-file", password_file)


def verbs():
    """{"domain list": {"-s", "--server", ...}}: every verb that the program has with its options, by the script for bash, which is
    made from the very commands."""
    script = subprocess.run([str(BINARY), "completion", "bash"], capture_output=True, text=True, timeout=60, check=True).stdout
    table = script[script.index("_fairlead_options() {"):script.index("_fairlead_value() {")]
    found = {verb: set(words.split()) - {"-h", "--help"} for verb, words in re.findall(r'^    "([^"]+)"\) echo "([^"]*)"', table, re.M)}
    return {verb: words for verb, words in found.items() if not any(other.startswith(verb + " ") for other in found)}
