"""A WHIP endpoint (RFC 9725) on aiortc, which decodes what it gets and tells about it.

    server.py '{"port": 0, "token": "secret", "host": "127.0.0.1"}'

Prints `port N` when it listens. GET /report answers with what was asked of it and what was decoded. POST /refuse with a
JSON list of status codes has the next offers refused with them; /stay: the next requests to restart ICE; /token: another token
is expected; /lose: a share of the packets counts as lost; /keyframe: it asks for a keyframe; /retag: ICE sessions get another
tag, as if ICE had been restarted by somebody else. With `cert` and `key`, PEM files, it speaks HTTPS, too, on the port that
the report names. With `restarts` it restarts ICE, and nothing is lost any more from then on; with `by_tag` only for who names
the ICE session by its tag. With `from_ports` its firewall lets UDP in from that range of ports only.
"""

import asyncio
import json
import os
import random
import ssl
import sys
import time

import aioice
import numpy
from aiohttp import web
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription

settings = {"port": 0, "host": "127.0.0.1", "token": "", "links": [], "redirect": False, "cert": "", "key": "", "lose": 0.0}
settings.update({"restarts": False, "by_tag": False, "from_ports": None})
settings.update(json.loads(sys.argv[1] if len(sys.argv) > 1 else "{}"))

sessions = {}
paths = {}
report = {
    "posts": 0,
    "deletes": 0,
    "patches": [],
    "refused": 0,
    "redirects": 0,
    "video": 0,
    "audio": 0,
    "audible": 0,
    "keyframes": 0,
    "latency_ms": [],
    "frames": [],
    "sizes": [],
    "fingerprints": [],
    "gaps_ms": [],
    "behind_gaps": [],
    "restarts": 0,
    "over_another_path": 0,
    "relays_offered": [],
    "told_late": 0,
    "kept_out": 0,
}
refusals = []
no_restarts = []
last = None
watchers = set()


def crc24(payload):
    """RFC 9580 section 6.1, over eleven bytes."""
    crc = 0xB704CE
    for byte in payload.to_bytes(11, "big"):
        crc ^= byte << 16
        for _ in range(8):
            crc = crc << 1 ^ (0x1864CFB if crc & 0x800000 else 0)
    return crc & 0xFFFFFF


def mark(luma):
    """Frame number and UTC of the picture (src/lineup/mark.rs), or None."""
    height, width = luma.shape
    bits = 0
    for row in range(4):
        top, bottom = (row + 1) * height // 24, (row + 2) * height // 24
        rim = (bottom - top) // 4
        for column in range(28):
            left, right = (column + 1) * width // 30, (column + 2) * width // 30
            edge = (right - left) // 4
            mean = luma[top + rim : bottom - rim, left + edge : right - edge].mean()
            bits = bits << 1 | int(mean > 126)
    payload = bits >> 24
    # What was decoded without its reference is damaged, and the mark with it.
    if payload >> 80 != 0xA6 or crc24(payload) != bits & 0xFFFFFF:
        return None
    return payload >> 40 & (1 << 40) - 1, payload & (1 << 40) - 1


async def watch(track):
    while True:
        try:
            frame = await track.recv()
        except Exception:
            return
        if track.kind == "audio":
            report["audio"] += 1
            report["audible"] += bool(numpy.abs(frame.to_ndarray()).max() > 500)
            continue
        report["video"] += 1
        report["keyframes"] += bool(frame.key_frame)
        size = [frame.width, frame.height]
        if size not in report["sizes"]:
            report["sizes"].append(size)
        see(mark(frame.to_ndarray(format="gray")), time.time() * 1000)


def see(found, at):
    """Counts a picture that is whole and new: behind a gap the last one of before it may be shown once more."""
    global last
    late = found and (int(at) & (1 << 40) - 1) - found[1]
    if not found or not -1000 < late < 5000:
        return
    if last and at - last > 1000:
        report["gaps_ms"].append([last, at])
        report["behind_gaps"].append(len(report["frames"]))
    last = at
    report["frames"].append(found[0])
    report["latency_ms"].append(late)


handle_packet = RTCRtpReceiver._handle_rtp_packet


async def handle_some(receiver, packet, arrival_time_ms):
    if random.random() >= settings["lose"]:
        await handle_packet(receiver, packet, arrival_time_ms=arrival_time_ms)


RTCRtpReceiver._handle_rtp_packet = handle_some


def named(fragment, name):
    return [line[len(name) :] for line in fragment.splitlines() if line.startswith(name)]


class Path:
    """What a session runs on: one ICE session after another (RFC 8445, 2.4), which aiortc cannot by itself."""

    def __init__(self, transport):
        self.transport, self.first, self.tag = transport, transport._connection, 1
        self.current = self.first
        transport._recv, transport._send = self.receive, self.send

    def named(self, session):
        """The tag of the ICE session."""
        return '"%s"' % session if self.tag == 1 else '"%s-%d"' % (session, self.tag)

    async def receive(self):
        while True:
            current = self.current
            try:
                data = await current.recv()
            except ConnectionError:
                if current is self.current:
                    raise
                continue
            report["over_another_path"] += current is not self.first
            return data

    async def send(self, data):
        await self.current.send(data)

    async def learn(self, fragment):
        """More addresses of the other end."""
        for text in named(fragment, "a=candidate:"):
            await self.current.add_remote_candidate(aioice.Candidate.from_sdp(text))
            report["told_late"] += 1

    async def renew(self, fragment):
        """Begins with the other end's new credentials and addresses; the own ones, as a fragment."""
        fresh = aioice.Connection(ice_controlling=False)
        fresh.remote_username = named(fragment, "a=ice-ufrag:")[0]
        fresh.remote_password = named(fragment, "a=ice-pwd:")[0]
        await fresh.gather_candidates()
        for text in named(fragment, "a=candidate:"):
            await fresh.add_remote_candidate(aioice.Candidate.from_sdp(text))
        await fresh.add_remote_candidate(None)
        self.tag += 1
        watchers.add(asyncio.ensure_future(self.take_over(fresh)))
        own = ["a=candidate:" + candidate.to_sdp() for candidate in fresh.local_candidates]
        head = ["a=ice-ufrag:" + fresh.local_username, "a=ice-pwd:" + fresh.local_password]
        media = ["m=video 9 UDP/TLS/RTP/SAVPF 0", "a=mid:" + (named(fragment, "a=mid:") or ["0"])[0]]
        return "\r\n".join(head + media + own + ["a=end-of-candidates", ""])

    async def take_over(self, fresh):
        await fresh.connect()
        old, self.current = self.current, fresh
        self.transport._connection = fresh
        report["restarts"] += 1
        settings["lose"] = 0.0
        await old.close()


received = aioice.ice.StunProtocol.datagram_received


def firewall(protocol, data, address):
    allowed = settings["from_ports"]
    if allowed and not allowed[0] <= address[1] <= allowed[1]:
        report["kept_out"] += 1
        return
    received(protocol, data, address)


aioice.ice.StunProtocol.datagram_received = firewall


def allowed(request):
    return not settings["token"] or request.headers.get("Authorization") == "Bearer " + settings["token"]


async def offer(request):
    report["posts"] += 1
    if settings["redirect"] and request.path == "/whip":
        report["redirects"] += 1
        return web.Response(status=307, headers={"Location": "elsewhere/whip"})
    if not allowed(request):
        report["refused"] += 1
        return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
    if refusals:
        return web.Response(status=refusals.pop(0))
    if request.headers.get("Content-Type") != "application/sdp":
        return web.Response(status=415)
    text = await request.text()
    report["fingerprints"].append(text.count("a=fingerprint:sha-256"))
    report["relays_offered"].append(text.count("typ relay"))
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))

    @connection.on("track")
    def arrived(track):
        watchers.add(asyncio.ensure_future(watch(track)))

    try:
        await connection.setRemoteDescription(RTCSessionDescription(text, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
    except Exception as error:
        await connection.close()
        print("offer refused:", error, file=sys.stderr)
        return web.Response(status=422)
    name = "s%d" % report["posts"]
    sessions[name] = connection
    paths[name] = Path(connection.getTransceivers()[0].receiver.transport.transport)
    headers = {"Location": "/session/" + name, "ETag": '"%s"' % name, "Content-Type": "application/sdp"}
    answer = web.Response(status=201, text=connection.localDescription.sdp, headers=headers)
    for link in settings["links"]:
        answer.headers.add("Link", link)
    return answer


async def end(request):
    if not allowed(request):
        return web.Response(status=401)
    connection = sessions.pop(request.match_info["name"], None)
    if connection is None:
        return web.Response(status=404)
    report["deletes"] += 1
    await connection.close()
    return web.Response(status=200)


async def change(request):
    match, text, name = request.headers.get("If-Match"), await request.text(), request.match_info["name"]
    answer = await changed(request, match, text, name)
    report["patches"].append([match, text, answer.status])
    return answer


async def changed(request, match, text, name):
    """RFC 9725, 4.3."""
    if not allowed(request):
        return web.Response(status=401)
    if name not in sessions:
        return web.Response(status=404)
    if match is None:
        return web.Response(status=428)
    path, anew = paths[name], match in ("*", '"*"')
    if anew and no_restarts:
        return web.Response(status=no_restarts.pop(0))
    if settings["by_tag"]:
        if match != path.named(name):
            return web.Response(status=412)
        anew = named(text, "a=ice-ufrag:") != [path.current.remote_username]
    elif not anew and match != path.named(name):
        return web.Response(status=412)
    if not anew:
        await path.learn(text)
        return web.Response(status=204)
    if not settings["restarts"]:
        return web.Response(status=422)
    fragment = await path.renew(text)
    headers = {"ETag": path.named(name), "Content-Type": "application/trickle-ice-sdpfrag"}
    return web.Response(status=200, text=fragment, headers=headers)


async def tell(_):
    return web.json_response(dict(report, sessions=len(sessions)))


async def admit(request):
    settings["token"] = await request.text()
    return web.Response()


async def lose(request):
    settings["lose"] = float(await request.text())
    return web.Response()


async def ask_keyframe(_):
    for connection in sessions.values():
        for receiver in connection.getReceivers():
            if receiver.track.kind == "video":
                for ssrc in list(receiver._RTCRtpReceiver__remote_streams):
                    await receiver._send_rtcp_pli(ssrc)
    return web.Response()


async def retag(_):
    for path in paths.values():
        path.tag += 1
    return web.Response()


async def stay(request):
    no_restarts[:] = await request.json()
    return web.Response()


async def refuse(request):
    refusals[:] = await request.json()
    return web.Response()


async def main():
    application = web.Application()
    application.router.add_post("/whip", offer)
    application.router.add_post("/elsewhere/whip", offer)
    application.router.add_delete("/session/{name}", end)
    application.router.add_patch("/session/{name}", change)
    application.router.add_get("/report", tell)
    application.router.add_post("/refuse", refuse)
    application.router.add_post("/stay", stay)
    application.router.add_post("/retag", retag)
    application.router.add_post("/token", admit)
    application.router.add_post("/lose", lose)
    application.router.add_post("/keyframe", ask_keyframe)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, settings["host"], settings["port"], reuse_address=True)
    await site.start()
    if settings["cert"]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(settings["cert"], settings["key"])
        secure = web.TCPSite(runner, settings["host"], 0, ssl_context=context)
        await secure.start()
        report["secure"] = secure._server.sockets[0].getsockname()[1]
    print("port", site._server.sockets[0].getsockname()[1], flush=True)
    # Ends with whoever started it.
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, sys.stdin.read)


if os.environ.get("WHIP_DEBUG"):
    import logging

    logging.basicConfig(level=logging.DEBUG)
asyncio.run(main())
