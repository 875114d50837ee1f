"""An NDI sender: a flat colour and a tone of 1 kHz, until it is killed. Arguments: name, R G B."""

import sys
import time
from fractions import Fraction

import numpy
from cyndilib.audio_frame import AudioSendFrame
from cyndilib.sender import Sender
from cyndilib.video_frame import VideoSendFrame
from cyndilib.wrapper.ndi_structs import FourCC

WIDTH, HEIGHT, RATE, SAMPLES = 640, 360, 25, 48000

name, colour = sys.argv[1], [int(part) for part in sys.argv[2:5]]
sender = Sender(name)
video = VideoSendFrame()
video.set_resolution(WIDTH, HEIGHT)
video.set_frame_rate(Fraction(RATE))
video.set_fourcc(FourCC.RGBA)
sender.set_video_frame(video)
audio = AudioSendFrame()
audio.sample_rate = SAMPLES
audio.num_channels = 2
audio.set_max_num_samples(SAMPLES // RATE)
sender.set_audio_frame(audio)

picture = numpy.zeros((HEIGHT, WIDTH, 4), dtype=numpy.uint8)
picture[:, :] = [*colour, 255]
picture = picture.reshape(-1)
with sender:
    print("sending", flush=True)
    begun = time.monotonic()
    frame = 0
    while True:
        at = numpy.arange(SAMPLES // RATE) + frame * (SAMPLES // RATE)
        tone = (0.25 * numpy.sin(2 * numpy.pi * 1000 * at / SAMPLES)).astype(numpy.float32)
        sender.write_video_and_audio(video_data=picture, audio_data=numpy.ascontiguousarray(numpy.vstack([tone, tone])))
        frame += 1
        time.sleep(max(0, begun + frame / RATE - time.monotonic()))
