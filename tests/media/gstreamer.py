"""A real RTSP server, GStreamer's, over a film: `/usr/bin/python3 gstreamer.py FILM` (the system's Python). Prints its port."""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(f"( filesrc location={sys.argv[1]} ! qtdemux ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=0 )")
factory.set_shared(True)
server.get_mount_points().add_factory("/hall", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
