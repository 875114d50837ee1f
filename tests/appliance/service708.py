"""Reads CEA-708 from cc_data triplets (ANSI/CTA-708-E), knowing nothing of Uplink: what service 1 was told to write.

Usage: service708.py FILE. Prints JSON: the services that spoke, the rows of service 1, packets, lost packets."""

import json
import sys

# Bytes behind each code of C1, by CTA-708-E table 20 and following.
OPERANDS = {0x88: 1, 0x89: 1, 0x8A: 1, 0x8B: 1, 0x8C: 1, 0x8D: 1, 0x90: 2, 0x91: 3, 0x92: 2, 0x97: 4}
OPERANDS.update({code: 6 for code in range(0x98, 0xA0)})
SECOND = {0x25: "\u2026", 0x31: "\u2018", 0x32: "\u2019", 0x33: "\u201c", 0x34: "\u201d", 0x39: "\u2122"}


def packets(triplets):
    """Whole DTVCC packets: (sequence number, service blocks)."""
    data = None
    for at in range(0, len(triplets) - 2, 3):
        head, first, second = triplets[at : at + 3]
        valid, kind = head & 4, head & 3
        if kind < 2 or not valid:
            continue
        if kind == 3:
            data = bytearray()
        if data is None:
            continue
        data += bytes((first, second))
        size = data[0] & 63
        if len(data) >= (size * 2 if size else 128):
            yield data[0] >> 6, bytes(data[1:])
            data = None


def blocks(data):
    at = 0
    while at < len(data):
        number, size = data[at] >> 5, data[at] & 31
        at += 1
        if number == 7 and size:
            number, at = data[at] & 63, at + 1
        if not number:
            return
        yield number, data[at : at + size]
        at += size


class Service:
    def __init__(self):
        self.rows, self.row, self.windows = [], "", set()

    def end(self):
        if self.row.strip():
            self.rows.append(self.row.strip())
        self.row = ""

    def take(self, codes):
        at = 0
        while at < len(codes):
            code, rest = codes[at], codes[at + 1 :]
            at += 1
            if code == 0x10:
                assert rest[0] >= 0x20, "no extended control codes here"
                self.row += SECOND.get(rest[0], "_")
                at += 1
            elif code == 0x18:
                self.row += chr(rest[0] << 8 | rest[1])
                at += 2
            elif code in (0x03, 0x0C, 0x0D, 0x0E):
                self.end()
            elif code < 0x20:
                at += 2 if code > 0x18 else 1 if code > 0x10 else 0
            elif code == 0x7F:
                self.row += "\u266a"
            elif 0x80 <= code < 0xA0:
                if code == 0x8C:
                    self.windows -= {window for window in range(8) if rest[0] >> window & 1}
                if code >= 0x98:
                    self.windows.add(code & 7)
                at += OPERANDS.get(code, 0)
            else:
                assert self.windows, "text without a window is not shown"
                self.row += bytes((code,)).decode("latin-1")


services, last, count, lost = {}, None, 0, 0
with open(sys.argv[1], "rb") as file:
    for number, data in packets(file.read()):
        count += 1
        lost += last is not None and number != (last + 1) % 4
        last = number
        for service, codes in blocks(data):
            services.setdefault(service, Service()).take(codes)
first = services.get(1, Service())
first.end()
print(json.dumps({"services": sorted(services), "rows": first.rows, "packets": count, "lost": lost}))
