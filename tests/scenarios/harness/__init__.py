"""What the scenario tests are made of.

edge.py     the binary under test as a child process: configuration, readiness, logs, metrics, signals
process.py  origins and clients written with other people's WebSocket libraries, as child processes
wire.py     WebSocket without manners: every frame seen and sent as it is, as client and as origin
http1.py    the same for HTTP/1.1: requests and answers byte by byte
http2.py    a client of HTTP/2 with python3-h2; its streams (http2_stream.py) read and write as connections do
http2_checks.py  what the tests of HTTP/2 share
http2_raw.py  HTTP/2 frame by frame, and wrong ones if need be
transport.py  the client's side over HTTP/1.1 or HTTP/2, for tests that are written once for both
authority.py  a certificate authority of our own, made with openssl
names.py    *.test resolves to 127.0.0.1 in this process
waiting.py  conditions with deadlines
"""
