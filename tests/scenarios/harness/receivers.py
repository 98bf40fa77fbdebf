#!/usr/bin/python3
"""Servers that the control plane talks to when it leaves the house: a mail server, a receiver of webhooks (and of
requests for a file), a DNS server. Run as a script, `receivers.py smtp|http|dns [options]`: the first line of its
output is {"port": N}, then one JSON object for each thing received; with --out they go to a file instead. Listens on
127.0.0.1 (`--port` for a port of before) and ends when its standard input closes."""

import argparse
import asyncio
import email
import email.policy
import json
import socketserver
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OUT_LOCK = threading.Lock()


class Output:
    def __init__(self, path=None):
        self.file = open(path, "a", encoding="utf-8") if path else sys.stdout

    def say(self, thing):
        with OUT_LOCK:
            self.file.write(json.dumps(thing, ensure_ascii=True) + "\n")
            self.file.flush()


def server_tls(options):
    if not options.cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.cert, options.key)
    return context


# --- mail

def serve_smtp(options, out):
    from aiosmtpd.smtp import SMTP, AuthResult

    refusals = {"left": options.refuse_times}

    class Handler:
        def refusal(self, stage):
            if options.refuse_at != stage or refusals["left"] == 0:
                return None
            if refusals["left"] > 0:
                refusals["left"] -= 1
            out.say({"refused": stage, "answer": options.refuse})
            return options.refuse

        async def handle_MAIL(self, server, session, envelope, address, mail_options):
            if answer := self.refusal("mail"):
                return answer
            envelope.mail_from = address
            envelope.mail_options.extend(mail_options)
            return "250 OK"

        async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
            if answer := self.refusal("rcpt"):
                return answer
            envelope.rcpt_tos.append(address)
            return "250 OK"

        async def handle_DATA(self, server, session, envelope):
            if answer := self.refusal("data"):
                return answer
            # As somebody else's parser reads it, and as it came.
            message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
            out.say({"from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": session.ssl is not None,
                     "user": session.auth_data, "id": message["message-id"], "subject": message["subject"],
                     "text": message.get_content(), "fields": {name.lower(): str(value) for name, value in message.items()},
                     "defects": [repr(defect) for defect in message.defects],
                     "raw": envelope.original_content.decode("ascii")})
            return "250 taken"

    def authenticate(server, session, envelope, mechanism, data):
        good = data.login.decode() == options.user and data.password.decode() == options.password
        return AuthResult(success=good, handled=False, auth_data=data.login.decode() if good else None)

    tls = server_tls(options)

    def make():
        return SMTP(Handler(), hostname="mail.test", tls_context=None if options.implicit_tls else tls,
                    require_starttls=options.require_starttls, authenticator=authenticate if options.user else None,
                    auth_required=bool(options.user), auth_require_tls=bool(tls) and not options.implicit_tls)

    def run():
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(loop.create_server(make, "127.0.0.1", options.port,
                                                            ssl=tls if options.implicit_tls else None))
        print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
        loop.run_forever()

    threading.Thread(target=run, daemon=True).start()


# --- webhooks, and files

def serve_http(options, out):
    statuses = [int(text) for text in options.statuses.split(",")]
    files = dict(text.split("=", 1) for text in options.file)

    def of_host(field):
        """What --hosts says of the request's host now, without its port."""
        with open(options.hosts, encoding="utf-8") as file:
            return json.load(file).get(field.rsplit(":", 1)[0].lower(), {"status": 404})
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            out.say({"method": self.command, "path": self.path,
                     "fields": {name.lower(): value for name, value in self.headers.items()},
                     "body": body.decode("utf-8", "replace")})
            host = of_host(self.headers.get("host", "")) if options.hosts else {}
            if options.silent or host.get("silent"):
                self.rfile.read(1)  # until the client goes
                self.close_connection = True
                return
            with lock:
                status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
            content = files.get(self.path)
            if files and content is None:
                status = 404
            status, content = host.get("status", status), host.get("content", content)
            content = (content or "").encode()
            self.send_response(status)
            if location := host.get("location", options.location):
                self.send_header("location", location)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer

        def log_message(self, *args):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            pass  # a client that goes away, or does not trust our certificate

    server = Server(("127.0.0.1", options.port), Handler)
    if tls := server_tls(options):
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_address[1]}), flush=True)


# --- DNS

class Zone:
    """{"name.": {"A": ["127.0.0.1"], "AAAA": [...], "TXT": [["one string"], ["two", " strings"]], "CNAME": ["other."],
    "rcode": "SERVFAIL", "silent": true}}: names in lower case without their last dot; others do not exist."""

    def __init__(self, names, out):
        self.fixed, self.out = names, out

    @property
    def names(self):
        if not isinstance(self.fixed, str):
            return self.fixed
        with open(self.fixed, encoding="utf-8") as file:
            return json.load(file)

    def resolve(self, request, handler):
        from dnslib import A, AAAA, CNAME, QTYPE, RCODE, RR, TXT
        name, kind = str(request.q.qname).rstrip("."), QTYPE[request.q.qtype]
        self.out.say({"name": name, "type": kind, "protocol": handler.protocol})
        reply = request.reply()
        known = self.names.get(name.lower())
        if known is None:
            reply.header.rcode = RCODE.NXDOMAIN
            return reply
        if "rcode" in known:
            reply.header.rcode = getattr(RCODE, known["rcode"])
            return reply
        label = request.q.qname
        for target in known.get("CNAME", []):
            reply.add_answer(RR(label, QTYPE.CNAME, rdata=CNAME(target), ttl=1))
            known, label = self.names.get(target.rstrip(".").lower(), {}), target
        for value in known.get(kind, []):
            data = TXT([part.encode() for part in value]) if kind == "TXT" else {"A": A, "AAAA": AAAA}[kind](value)
            reply.add_answer(RR(label, request.q.qtype, rdata=data, ttl=1))
        return reply

    def is_silent(self, request):
        return bool(self.names.get(str(request.q.qname).rstrip(".").lower(), {}).get("silent"))


def serve_dns(options, out):
    from dnslib import DNSError, DNSRecord
    from dnslib.server import DNSHandler

    class Handler(DNSHandler):
        def get_reply(self, data):
            request = DNSRecord.parse(data)
            if zone.is_silent(request):
                raise DNSError("silent")  # the base class then sends nothing
            answer = zone.resolve(request, self).pack()
            if self.protocol == "udp" and len(answer) > 512:  # to be asked for again by TCP (RFC 1035 4.2.1)
                cut = request.reply()
                cut.header.tc = 1
                return cut.pack()
            return answer

    class Quiet:
        def __getattr__(self, name):
            return lambda *args: None

    class UdpServer(socketserver.ThreadingUDPServer):
        daemon_threads = True

    class TcpServer(socketserver.ThreadingTCPServer):
        daemon_threads, allow_reuse_address = True, True

    zone = Zone(options.zone_file or json.loads(options.zone), out)
    for attempt in range(20):  # one port for both
        udp = UdpServer(("127.0.0.1", options.port), Handler)
        try:
            tcp = TcpServer(udp.server_address, Handler)
            break
        except OSError:
            udp.server_close()
            if attempt == 19:
                raise
    for server in (udp, tcp):
        server.logger = Quiet()
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": udp.server_address[1]}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", help="the file for what was received, instead of the output")
    parser.add_argument("--port", type=int, default=0)
    kinds = parser.add_subparsers(required=True)

    smtp = kinds.add_parser("smtp")
    smtp.set_defaults(serve=serve_smtp)
    smtp.add_argument("--implicit-tls", action="store_true", help="smtps: TLS from the start")
    smtp.add_argument("--require-starttls", action="store_true")
    smtp.add_argument("--user", help="AUTH is needed, with this name")
    smtp.add_argument("--password")
    smtp.add_argument("--refuse", default="451 later", help="the answer of a refusal")
    smtp.add_argument("--refuse-at", choices=["mail", "rcpt", "data"])
    smtp.add_argument("--refuse-times", type=int, default=-1, help="so often; -1: always")

    http = kinds.add_parser("http")
    http.set_defaults(serve=serve_http)
    http.add_argument("--statuses", default="200", help="one after the other, the last for ever: 500,200")
    http.add_argument("--file", action="append", default=[], help="/path=content; every other path is 404")
    http.add_argument("--location", help="of a redirect")
    http.add_argument("--hosts", help="a JSON file, read again for each request: {\"host\": {\"status\": 302, \"location\": URL, "
                                      "\"content\": TEXT, \"silent\": true}}; other hosts have nothing")
    http.add_argument("--silent", action="store_true", help="reads the request and never answers")

    for kind in (smtp, http):
        kind.add_argument("--cert")
        kind.add_argument("--key")

    dns = kinds.add_parser("dns")
    dns.set_defaults(serve=serve_dns)
    zone = dns.add_mutually_exclusive_group(required=True)
    zone.add_argument("--zone", help="JSON, see class Zone")
    zone.add_argument("--zone-file", help="a file with it, read again for each question")

    options = parser.parse_args()
    options.serve(options, Output(options.out))
    while sys.stdin.buffer.read(4096):
        pass


if __name__ == "__main__":
    main()
