"""What is asked of a process that was started as an operator starts it."""

from pathlib import Path


def again(process: int) -> bool:
    """Whether it was started again with its heap in huge pages (gateway.memory)."""
    environ = Path(f"/proc/{process}/environ")
    return environ.exists() and b"PYTHONMALLOC=malloc\0" in environ.read_bytes()
