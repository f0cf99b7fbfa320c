"""Ways around the door: paths that mean two things, fields that pass for Postern's, hosts, and credentials."""

from . import credentials, fields, hosts, paths

TABLES = {"Paths": paths.CASES, "Fields": fields.CASES, "Hosts": hosts.CASES, "Credentials": credentials.CASES}
CASES = [case for cases in TABLES.values() for case in cases]
