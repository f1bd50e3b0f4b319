"""Sentences that tell an operator what to set, the same for every source."""

H264_WANTED = "Set the camera's video encoding to H.264 (AVC), not H.265 (HEVC), H.264+ or MJPEG."
