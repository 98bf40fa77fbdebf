"""Applications written for Node, unchanged, through the edge over ws, wss, and wss over HTTP/2."""

MIB = 1 << 20


def test_ws_sizes_from_one_byte(reach, start_origin, ca):
    way = reach(start_origin("ws_hash.cjs"))
    way.run("ws_client.cjs", way.url(""), "sizes", f"1,2,125,126,127,4096,65535,65536,{MIB},{5 * MIB}", ca=ca)


def test_ws_64_mib(reach, start_origin, ca):
    way = reach(start_origin("ws_hash.cjs"))
    way.run("ws_client.cjs", way.url(""), "sizes", f"{64 * MIB}", ca=ca)


def test_ws_fragments_with_pings_between(reach, start_origin, ca):
    way = reach(start_origin("ws_hash.cjs"))
    way.run("ws_client.cjs", way.url(""), "fragments", ca=ca)


def test_ws_compressed(reach, start_origin, ca):
    way = reach(start_origin("ws_hash.cjs", "--deflate"))
    way.run("ws_client.cjs", way.url(""), "deflate", ca=ca)


def test_ws_both_directions_at_once(reach, start_origin, ca):
    way = reach(start_origin("ws_hash.cjs"))
    way.run("ws_client.cjs", way.url(""), "duplex", f"32x{MIB}", ca=ca)


def test_ws_both_directions_at_once_small_messages(reach, start_origin, ca):
    way = reach(start_origin("ws_hash.cjs"))
    way.run("ws_client.cjs", way.url(""), "duplex", "5000x64", ca=ca)


def test_ws_to_a_tls_origin(reach, start_origin, ca):
    origin = start_origin("ws_hash.cjs", tls=True)
    way = reach(origin, websocket={"origin_scheme": "https"}, origin_tls={"ca_file": str(ca.cert), "server_name": "o.edge.test"})
    if way.edge is None:  # directly, the origin's own wss
        way.scheme = "wss"
    way.run("ws_client.cjs", way.url(""), "sizes", f"1,126,65536,{16 * MIB}", ca=ca)


def test_ws_two_hundred_sessions(reach, start_origin, ca):
    way = reach(start_origin("ws_hash.cjs"))
    way.run("ws_client.cjs", way.url(""), "many", "200", ca=ca)


def test_socketio_polls_then_upgrades(reach, start_origin, ca):
    way = reach(start_origin("socketio.cjs", "--name=a"))
    assert way.run("socketio_client.cjs", way.http_url(""), 3, ca=ca) == {"origins": ["a"]}


def test_socketio_stays_with_its_origin_by_cookie(reach, start_origin, ca, via):
    origins = [start_origin("socketio.cjs", "--name=a"), start_origin("socketio.cjs", "--name=b")]
    way = reach(*origins, load_balancing={"policy": "round-robin", "persistence": "cookie"})
    expected = ["a"] if via == "direct" else ["a", "b"]
    assert way.run("socketio_client.cjs", way.http_url(""), 8, ca=ca) == {"origins": expected}


def test_graphql_ws(reach, start_origin, ca):
    way = reach(start_origin("graphql.cjs"))
    way.run("graphql_client.cjs", way.url("/graphql"), ca=ca)


def test_y_websocket_converges(reach, start_origin, ca):
    way = reach(start_origin("yjs.cjs"))
    assert way.run("yjs_client.cjs", way.url(""), ca=ca)["length"] > 2000


def test_mqtt(reach, start_origin, ca):
    way = reach(start_origin("mqtt.cjs"))
    assert way.run("mqtt_client.cjs", way.url("/mqtt"), ca=ca)["messages"] >= 155
