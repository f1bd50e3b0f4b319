"""What can be wrong with a body or a line before it is an event. Knows no HTTP status.

Refusal
├── LineTooLong         LINE_TOO_LONG       of one line; the lines beside it are taken
├── BodyTooLarge        BODY_TOO_LARGE      ┐
├── GzipInvalid         GZIP_INVALID        │ of the body from here on; what came before is taken
├── GzipTruncated       GZIP_TRUNCATED      │
├── GzipTooDense        GZIP_BOMB           │
├── BodyInterrupted     BODY_INTERRUPTED    ┘
├── EncodingUnknown     ENCODING_UNKNOWN    of the whole request
└── SourceInvalid       SOURCE_NAME_INVALID      of the whole request
"""

from supervision.faults import Refusal


class LineTooLong(Refusal):
    """The line is too long."""

    code = "LINE_TOO_LONG"


class BodyRefused(Refusal):
    """The body cannot be read on from here; the lines before it are answered for."""

    code = "BODY_UNREADABLE"


class BodyTooLarge(BodyRefused):
    """The body is too large."""

    code = "BODY_TOO_LARGE"


class GzipInvalid(BodyRefused):
    """The body is announced as gzip and is not gzip."""

    code = "GZIP_INVALID"


class GzipTruncated(BodyRefused):
    """The gzip ends too early: send it again, what was taken will be answered as duplicate."""

    code = "GZIP_TRUNCATED"


class GzipTooDense(BodyRefused):
    """The gzip grows beyond every measure of real events: send less in one body, or send it plain."""

    code = "GZIP_BOMB"


class BodyInterrupted(BodyRefused):
    """The body broke off: send it again, what was taken will be answered as duplicate."""

    code = "BODY_INTERRUPTED"


class EncodingUnknown(Refusal):
    """The body's encoding is not known: send it plain or as gzip."""

    code = "ENCODING_UNKNOWN"


class SourceInvalid(Refusal):
    """The source must be named: 1 to 64 of 0-9 A-Z a-z _ and -, as ?source=NAME."""

    code = "SOURCE_NAME_INVALID"
