"""What a source may be called: it is a segment of a path in the policy, `~wabo/`."""

import re

SOURCE = re.compile(r"[0-9A-Za-z_-]{1,64}")
