"""Sentences that tell an operator what to set, the same for every source."""

UNWRAPPED_WANTED = "Ask the platform for H.264 that it has unwrapped (RTSP, RTP payload H264), not for PS or TS."
H264_WANTED = "Set the camera's video encoding to H.264 (AVC), not H.265 (HEVC), H.264+ or MJPEG."
