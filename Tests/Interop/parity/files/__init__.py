"""The configuration files and their tables of requests."""

from . import access, corrected, headers, limits, plain, redirects, servers, timeouts, upstreams, variables, websocket

ALL = [
    module.FILE
    for module in (
        corrected,
        plain,
        websocket,
        servers,
        redirects,
        headers,
        access,
        limits,
        upstreams,
        timeouts,
        variables,
    )
]
