"""Names below .test resolve to 127.0.0.1 in this process, so that Host and SNI are real names and nothing needs
/etc/hosts. peers/resolve.cjs does the same for Node."""

import socket

_getaddrinfo = socket.getaddrinfo


def _resolve(host, *args, **kwargs):
    name = host.decode() if isinstance(host, bytes) else host
    if isinstance(name, str) and name.endswith(".test"):
        host = "127.0.0.1"
    return _getaddrinfo(host, *args, **kwargs)


def install():
    socket.getaddrinfo = _resolve
