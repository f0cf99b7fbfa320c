"""What may fail, and what may not. Pure: a failed request and what is known of it in, a verdict out."""

from collections import Counter
from dataclasses import dataclass

#: Bytes that a process may have gained in resident memory from the end of its warm-up to its end, both idle.
MEMORY_BOUND = 16 << 20
#: Bytes that it may have gained under load, from the second tenth of the time to the last.
LOAD_BOUND = 8 << 20


@dataclass
class Failure:
    """A request that didn't get what it had to get. `upstream` is the label that its reply's head named, if one came;
    `replayable`: it may be asked twice, and all of it fits in its head."""

    identity: str
    kind: str
    began: float
    ended: float
    words: str
    status: int | None = None
    upstream: str | None = None
    cut: bool = False
    replayable: bool = False


def excuse(failure, kills, journals, tried):
    """Why a failure is allowed: its upstream was killed under it. None if it isn't.

    `tried` maps a request to what the access log has of it: its status and the upstream addresses, in order.
    """
    over = [kill for kill in kills if kill.began <= failure.ended and failure.began <= kill.ended]
    if not over:
        return None
    for kill in over:
        journal = journals[kill.label]
        if failure.identity in journal.finished:
            continue
        if failure.upstream is not None:
            if failure.cut and failure.upstream == kill.label and failure.identity in journal.begun:
                return "reply cut short: its upstream was killed in the middle of it"
        elif not failure.replayable and _ended_there(failure, tried.get(failure.identity), kill.address):
            if failure.identity in journal.begun:
                return "502, not to be asked twice: its upstream was killed before it had replied"
            return "502, not to be asked twice: sent to an upstream that was killed before it had read it"
    return None


def _ended_there(failure, logged, address):
    """Whether a failure is a 502, by the client's word (or by the log's, to a client that had more to send when it was
    told), and the last upstream that was tried for it is this one."""
    if logged is None or failure.status not in (502, None):
        return False
    status, addresses = logged
    return status == "502" and addresses[-1:] == [address]


def asked_twice(journals, once):
    """Requests of `once` whose head upstreams have seen more than once."""
    seen = Counter()
    for journal in journals.values():
        seen.update(journal.begun)
    return sorted(identity for identity, count in seen.items() if count > 1 and identity in once)


def passed_on(journals, refused):
    """Refused requests that an upstream has seen all the same."""
    seen = set().union(*(journal.begun for journal in journals.values()))
    return sorted(seen & refused)


def tenth(samples, seconds, number):
    """The mean of the (seconds, bytes) samples in one tenth of the time; 0 is the first."""
    inside = [size for at, size in samples if number <= at * 10 / seconds < number + 1]
    return sum(inside) / len(inside) if inside else 0.0


def growth_under_load(samples, seconds):
    """What is wrong with the (seconds, bytes) samples of a process's resident memory."""
    gained = tenth(samples, seconds, 9) - tenth(samples, seconds, 1)
    if gained <= LOAD_BOUND:
        return []
    return [f"resident memory grew under load by {gained / 1024:.0f} KiB, allowed are {LOAD_BOUND >> 10}"]


def slope(samples):
    """The trend of (seconds, bytes) samples in bytes a minute, by least squares."""
    if len(samples) < 2:
        return 0.0
    mean_x = sum(x for x, _ in samples) / len(samples)
    mean_y = sum(y for _, y in samples) / len(samples)
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    return 60 * sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread if spread else 0.0


def growth(warm, end):
    """What is wrong with a process's size at the end, beside its size when it was warm; both idle."""
    wrong = []
    if end.descriptors > warm.descriptors:
        wrong.append(f"descriptors went from {warm.descriptors} to {end.descriptors}: {end.beyond(warm)}")
    if end.threads != warm.threads:
        wrong.append(f"threads went from {warm.threads} to {end.threads}")
    if end.resident - warm.resident > MEMORY_BOUND:
        gained = (end.resident - warm.resident) >> 10
        wrong.append(f"resident memory grew by {gained} KiB, allowed are {MEMORY_BOUND >> 10}")
    return wrong
