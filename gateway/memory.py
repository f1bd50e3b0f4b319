"""What Python's garbage collector is told by a process that has started up. Knows nothing of what the process does."""

import gc

YOUNG = 20_000
"""Objects made and still there before the collector looks at them; Python's own number is 700."""


def settled() -> None:
    """What start-up made lives as long as the process and is never walked again; what is young is looked at less often.

    A batch of a thousand events holds tens of thousands of objects until its commit, and all the same was walked some fifty
    times on its way there, in vain: a tenth of what taking it costs.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
