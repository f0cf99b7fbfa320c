"""One measurement: a load against a server, and what the server spent on it."""

import time

from load import Load, h2load
from servers import processor_time
from workloads import Sample


def cost_of(server, act, per=1, others=()):
    """Runs `act`, which does operations and returns their number; a sample of microseconds per operation.

    `others` are the processes on the load's processor.
    """
    watched = [server.pid, *others]
    before, began = [processor_time(pid) for pid in watched], time.monotonic()
    operations = act() * per
    took = time.monotonic() - began
    spent, *rest = (processor_time(pid) - then for pid, then in zip(watched, before))
    ticks = spent.user + spent.system or 1
    cost = spent.total / operations * 1e6
    load = sum(other.total for other in rest) / operations * 1e6
    return Sample(cost, cost * spent.user / ticks, cost * spent.system / ticks, spent.total / took, load)


def sample(bench, server, key, workload, seconds):
    """Microseconds per operation of one load, its connections opened before."""
    if key == "h2":
        return cost_of(server, lambda: h2load(server.ports["h2"], seconds))
    with workload.opened(server, seconds=seconds) as load:
        return cost_of(server, lambda: load.run()[0], workload.per, [load.process.pid, bench.upstream.pid])


def idle_memory(bench, name, workload):
    """Resident KiB per idle TLS connection that had one request, of a server started for this alone."""
    server = bench.start(name)
    crowd = None
    try:
        port = server.ports[workload.listener]
        # What the first connection makes it keep is not each connection's.
        Load("requests", port, tls=True).open(count=0).close()
        time.sleep(0.2)
        before = server.resident()
        crowd = Load("requests", port, workload.connections, tls=True).open(count=0)
        return Sample((server.resident() - before) / workload.connections / 1024)
    finally:
        if crowd:
            crowd.close()
        server.stop()
