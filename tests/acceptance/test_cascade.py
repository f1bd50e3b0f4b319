"""What the check of the cascade takes for states in order."""

from acceptance.cascade import Said, in_order

TABLE = """
IDLE CONNECTING WAITING_KEY LIVE STALLED LIVE LOST BACKOFF CONNECTING LIVE | yes
CONNECTING BACKOFF=lanzhou: chengguan: Not in time. CONNECTING LIVE | yes
CONNECTING BACKOFF=lanzhou: The camera's picture was lost. chengguan: It ended the connection. CONNECTING | yes
CONNECTING BACKOFF=lanzhou: The camera's picture was lost. | no
CONNECTING BACKOFF=chengguan: It ended the connection. | no
LIVE BACKOFF=lanzhou: chengguan: Not in time. | no
LIVE CONNECTING | no
LOST LIVE | no
| no
"""
"""States, with a reason where one counts; whether each may follow the one before."""


def read(line: str) -> list[Said]:
    found: list[Said] = []
    for word in line.split():
        if word.isupper() or "=" in word:
            state, _, reason = word.partition("=")
            found.append(Said(state, reason))
        else:
            found[-1] = found[-1]._replace(reason=f"{found[-1].reason} {word}")
    return found


def test_states_follow_one_another_as_the_table_says() -> None:
    for line in TABLE.strip().splitlines():
        states, _, wanted = line.rpartition("|")
        assert (in_order(read(states)) is True) == (wanted.strip() == "yes"), line
