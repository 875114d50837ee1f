"""FFmpeg as an RTMP server (PyAV carries one that knows enhanced RTMP), which decodes what one publisher sends.

    rtmp_server.py rtmp://127.0.0.1:PORT/live/KEY PICTURES

Says as JSON what it found, once so many pictures are decoded.
"""

import json
import sys

import av

address, wanted = sys.argv[1], int(sys.argv[2])
# Two seconds are looked at before it is said what streams there are.
options = {"listen": "1", "analyzeduration": "2000000"}
report = {"pictures": 0, "keyframes": 0, "sound": 0, "backwards": 0, "damaged": 0}
last = None
with av.open(address, format="flv", options=options) as container:
    for stream in container.streams:
        report[stream.type] = stream.codec_context.name
    for packet in container.demux():
        for frame in packet.decode():
            if isinstance(frame, av.AudioFrame):
                report["sound"] += 1
                continue
            report["pictures"] += 1
            report["keyframes"] += bool(frame.key_frame)
            report["damaged"] += bool(frame.is_corrupt)
            report["backwards"] += last is not None and frame.pts <= last
            report["size"] = [frame.width, frame.height]
            last = frame.pts
        if report["pictures"] >= wanted:
            break
    print(json.dumps(report), flush=True)
