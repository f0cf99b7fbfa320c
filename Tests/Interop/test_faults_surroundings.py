"""Every fault of names, files, logs, descriptors and the clock: each on a server of its own."""

import shutil
from pathlib import Path

import pytest

from faults import machine_faults, name_faults
from faults.runner import prove
from faults.stage import Stage


@pytest.mark.parametrize("fault", name_faults.FAULTS + machine_faults.FAULTS, ids=str)
def test_fault(fault, start, certificate, tmp_path):
    setting = fault.setting(tmp_path)
    stage = None
    try:
        own = [shutil.copy(path, tmp_path) for path in certificate]
        server = start("postern-native", setting.site, wrap=setting.wrap, files=own)
        stage = Stage(server, setting)
        stage.certificate = Path(own[0])
        prove(fault, stage)
    finally:
        if stage:
            stage.close()
        setting.close()
