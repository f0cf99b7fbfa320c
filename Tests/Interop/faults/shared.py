"""The one server that most faults are played on: a location for each of them."""

from harness.site import Site

from . import client_faults, upstream_faults
from .client_faults import HEADER_TIMEOUT

FAULTS = upstream_faults.FAULTS + client_faults.FAULTS


def site(ports, authority):
    """The site that has them all."""
    locations = "\n".join(location(fault, ports) for fault in FAULTS)
    return Site(
        upstream=f"127.0.0.1:{ports['scripted']}",
        server=HEADER_TIMEOUT,
        native_server=locations.replace("{authority}", str(authority)),
    )


def location(fault, ports):
    scheme, _, name = fault.target.rpartition(":")
    address = f"{scheme or 'http'}://127.0.0.1:{ports[name]}"
    return f"location /{fault.slug}/ {{ {fault.location} proxy_pass {address}; }}"
