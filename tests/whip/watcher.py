"""Somebody who watches with aiortc: prints an offer as a line of JSON, reads the answer as another one, and then prints
twice a second what was decoded. Ends with its input."""

import asyncio
import json
import sys

import numpy
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

report = {"video": 0, "audio": 0, "audible": 0, "sizes": []}


async def watch(track):
    while True:
        try:
            frame = await track.recv()
        except Exception:
            return
        report[track.kind] += 1
        if track.kind == "audio":
            report["audible"] += bool(numpy.abs(frame.to_ndarray()).max() > 500)
        elif [frame.width, frame.height] not in report["sizes"]:
            report["sizes"].append([frame.width, frame.height])


async def main():
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    tasks = set()

    @peer.on("track")
    def on_track(track):
        tasks.add(asyncio.ensure_future(watch(track)))

    for kind in ("audio", "video"):
        peer.addTransceiver(kind, direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    print(json.dumps(peer.localDescription.sdp), flush=True)
    loop = asyncio.get_event_loop()
    answer = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    ended = loop.run_in_executor(None, sys.stdin.read)
    while not ended.done():
        print(json.dumps(report), flush=True)
        await asyncio.sleep(0.5)
    await peer.close()


asyncio.run(main())
