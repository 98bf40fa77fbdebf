"""A certificate authority for one test run, made with the openssl command. Leaves are ECDSA or RSA; their names are
*.test, *.edge.test and, for origins, 127.0.0.1."""

import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple


class Leaf(NamedTuple):
    chain: Path
    key: Path

    def yaml(self):
        return {"chain": str(self.chain), "key": str(self.key)}


def _openssl(*args):
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True)
    assert done.returncode == 0, f"openssl {args[0]}: {done.stderr}"


_KEYS = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}


class Authority:
    def __init__(self, folder: Path, name="test CA"):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.cert, self.key = folder / "ca.crt", folder / "ca.key"
        _openssl("req", "-x509", "-newkey", *_KEYS["ec"], "-nodes", "-keyout", self.key, "-out", self.cert,
                 "-days", "30", "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self._leaves = {}
        self._serial = 1

    def leaf(self, kind="ec", names=("edge.test", "*.edge.test", "*.test"), serial_of="", days=30):
        """A leaf of `kind` for `names`, for that many days; asked for again, the same one, unless serial_of differs."""
        wanted = (kind, tuple(names), serial_of, days)
        if wanted in self._leaves:
            return self._leaves[wanted]
        stem = self.folder / f"leaf{len(self._leaves)}"
        key, csr, cert, ext = (stem.with_suffix(s) for s in (".key", ".csr", ".crt", ".ext"))
        alt = ",".join([f"DNS:{n}" for n in names] + ["IP:127.0.0.1"])
        ext.write_text(f"subjectAltName={alt}\nextendedKeyUsage=serverAuth\n")
        self._serial += 1
        _openssl("req", "-newkey", *_KEYS[kind], "-nodes", "-keyout", key, "-out", csr, "-subj", f"/CN={names[0]}")
        _openssl("x509", "-req", "-in", csr, "-CA", self.cert, "-CAkey", self.key, "-set_serial", self._serial,
                 "-days", days, "-extfile", ext, "-out", cert)
        self._leaves[wanted] = Leaf(cert, key)
        return self._leaves[wanted]

    def client_context(self):
        return ssl.create_default_context(cafile=str(self.cert))

    def server_context(self, kind="ec"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf = self.leaf(kind)
        context.load_cert_chain(leaf.chain, leaf.key)
        return context
