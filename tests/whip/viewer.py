"""Somebody who watches a room of Janus with aiortc, and the line from a WHIP publisher to it.

    viewer.py '{"web": 7080, "api": 8088, "room": 1234}'

`web` is the port of simple-whip-server, `api` that of Janus' API over HTTP, both on loopback. Prints `port N` when it listens.
What is asked of /whip/... goes on to simple-whip-server; descriptions are changed so that all media come by here. POST /watch
joins the room, /layer chooses a layer of simulcast, /lose has a share of the packets with pictures lost on their way to Janus.
GET /report tells the size of the pictures that are decoded, how many of it in a row, and what the line has seen.
"""

import asyncio
import json
import random
import re
import sys
import uuid

import aiohttp
from aiohttp import web
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

settings = json.loads(sys.argv[1])
PUBLISHER = "http://127.0.0.1:%d" % settings["web"]
JANUS = "http://127.0.0.1:%d/janus" % settings["api"]
PICTURES = 96

report = {"size": None, "in_a_row": 0, "lost": 0, "repairs": 0, "error": None}
line = {"lose": 0.0, "repair": None}
viewer = {}
kept = set()


class Back(asyncio.DatagramProtocol):
    """Towards Janus, for one address of the publisher."""

    def __init__(self, front, client):
        self.front, self.client, self.transport, self.early = front, client, None, []

    def connection_made(self, transport):
        self.transport = transport
        for data in self.early:
            transport.sendto(data)

    def send(self, data):
        if self.transport is None:
            self.early.append(data)
        else:
            self.transport.sendto(data)

    def datagram_received(self, data, _):
        self.front.transport.sendto(data, self.client)

    def error_received(self, _):
        pass


class Front(asyncio.DatagramProtocol):
    """Towards the publisher."""

    def __init__(self, janus):
        self.janus, self.clients, self.transport = janus, {}, None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, client):
        back = self.clients.get(client)
        if back is None:
            back = self.clients[client] = Back(self, client)
            loop = asyncio.get_running_loop()
            keep(loop.create_datagram_endpoint(lambda: back, remote_addr=self.janus))
        media = 128 <= data[0] < 192 and not 64 <= data[1] & 127 < 96
        if media and data[1] & 127 == line["repair"]:
            report["repairs"] += 1
        if media and data[1] & 127 == PICTURES and random.random() < line["lose"]:
            report["lost"] += 1
            return
        back.send(data)


def keep(work):
    async def run():
        try:
            await work
        except Exception as error:
            report["error"] = repr(error)

    task = asyncio.ensure_future(run())
    kept.add(task)
    task.add_done_callback(kept.discard)


def without_addresses(text):
    return [row for row in text.splitlines() if not row.startswith(("a=candidate:", "a=end-of-candidates"))]


async def through(answer):
    """The answer with the address of this line instead of those of Janus."""
    found = re.search(r"^a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host", answer, re.M | re.I)
    address, port = found.group(1), int(found.group(2))
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: Front((address, port)), local_addr=(address, 0))
    own = transport.get_extra_info("sockname")[1]
    rows, placed = [], False
    for row in without_addresses(answer):
        rows.append(row)
        if row.startswith("a=mid:") and not placed:
            rows += ["a=candidate:1 1 udp 2015363327 %s %d typ host" % (address, own), "a=end-of-candidates"]
            placed = True
    return "\r\n".join(rows) + "\r\n"


async def publish(request):
    body = await request.text()
    if request.method == "PATCH":
        # Addresses of the publisher: it is met at this line.
        return web.Response(status=204)
    if request.method == "POST":
        repair = re.search(r"^a=rtpmap:(\d+) rtx/", body, re.M)
        line["repair"] = repair and int(repair.group(1))
        body = "\r\n".join(without_addresses(body)) + "\r\n"
    headers = {name: value for name, value in request.headers.items() if name in ("Content-Type", "Authorization")}
    async with aiohttp.ClientSession() as client:
        async with client.request(request.method, PUBLISHER + request.path, data=body, headers=headers) as answer:
            text = await answer.text()
            if request.method == "POST" and answer.status == 201:
                text = await through(text)
            kept_headers = ("Content-Type", "Location", "ETag")
            headers = {name: value for name, value in answer.headers.items() if name in kept_headers}
            return web.Response(status=answer.status, body=text.encode(), headers=headers)


async def janus(path, **message):
    message["transaction"] = uuid.uuid4().hex
    async with viewer["client"].post(JANUS + path, json=message) as answer:
        return await answer.json()


async def tell(**message):
    jsep = message.pop("jsep", None)
    more = {"jsep": jsep} if jsep else {}
    return await janus(viewer["handle"], janus="message", body=message, **more)


async def look(track):
    while True:
        frame = await track.recv()
        if track.kind != "video":
            continue
        size = "%dx%d" % (frame.width, frame.height)
        if size != report["size"]:
            report["size"], report["in_a_row"] = size, 0
        report["in_a_row"] += 1


async def take(offer):
    connection = viewer["connection"] = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.on("track", lambda track: keep(look(track)))
    await connection.setRemoteDescription(RTCSessionDescription(offer["sdp"], offer["type"]))
    await connection.setLocalDescription(await connection.createAnswer())
    await tell(request="start", jsep={"type": "answer", "sdp": connection.localDescription.sdp})


async def listen():
    while True:
        async with viewer["client"].get(JANUS + viewer["session"], params={"maxev": "5"}) as answer:
            events = await answer.json(content_type=None)
        for event in events if isinstance(events, list) else [events]:
            data = event.get("plugindata", {}).get("data", {})
            if "error" in data:
                report["error"] = data["error"]
            if event.get("jsep", {}).get("type") == "offer":
                viewer["mid"] = [stream["mid"] for stream in data["streams"] if stream["type"] == "video"][0]
                await take(event["jsep"])


async def watch(_):
    viewer["client"] = aiohttp.ClientSession()
    session = (await janus("", janus="create"))["data"]["id"]
    viewer["session"] = "/%d" % session
    attached = await janus(viewer["session"], janus="attach", plugin="janus.plugin.videoroom")
    viewer["handle"] = "/%d/%d" % (session, attached["data"]["id"])
    keep(listen())
    listed = await tell(request="listparticipants", room=settings["room"])
    feed = listed["plugindata"]["data"]["participants"][0]["id"]
    await tell(request="join", ptype="subscriber", room=settings["room"], streams=[{"feed": feed}])
    return web.Response()


async def choose(request):
    layer = int(await request.text())
    report["in_a_row"] = 0
    await tell(request="configure", streams=[{"mid": viewer["mid"], "substream": layer}])
    return web.Response()


async def lose(request):
    line["lose"] = float(await request.text())
    return web.Response()


async def see(_):
    return web.json_response(report)


async def main():
    application = web.Application()
    application.router.add_route("*", "/whip/{rest:.*}", publish)
    application.router.add_post("/watch", watch)
    application.router.add_post("/layer", choose)
    application.router.add_post("/lose", lose)
    application.router.add_get("/report", see)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print("port", site._server.sockets[0].getsockname()[1], flush=True)
    # Ends with whoever started it.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
