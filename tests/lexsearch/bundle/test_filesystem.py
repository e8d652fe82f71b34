"""Where an index must not lie."""

from pathlib import Path

import pytest

from lexsearch.bundle.filesystem import refuse_remote
from lexsearch.errors import UsageError

MOUNTS = r"""22 1 8:1 / / rw - ext4 /dev/sda1 rw
30 22 0:40 / /mnt/my\040nas rw shared:1 - nfs4 nas:/photos rw
31 30 0:41 / /mnt/my\040nas/disk rw - ext4 /dev/sdb1 rw
"""


@pytest.mark.parametrize("path", ["/mnt/my nas", "/mnt/my nas/index"])
def test_an_index_on_a_network_share_is_refused_with_a_way_out(path: str) -> None:
    with pytest.raises(UsageError, match=r"network file system \(nfs4\).*--db"):
        refuse_remote(Path(path), mounts=MOUNTS)


@pytest.mark.parametrize("path", ["/", "/home/me", "/mnt/my nasty", "/mnt/my nas/disk/index"])
def test_a_local_disk_is_taken(path: str) -> None:
    refuse_remote(Path(path), mounts=MOUNTS)
