"""Names of devices, checked without loading what would compute on them."""

import re
from importlib.metadata import entry_points

from treewright_registry import ConfigurationError

# what torch.device takes (torch 2.13), but for mkldnn, which it gives up, and meta, which computes nothing
_KINDS = frozenset(
    "cpu cuda fpga hip hpu ideep ipu lazy maia mps mtia opencl opengl privateuseone ve vulkan xla xpu".split()
)
_NAME = re.compile(r"(?P<kind>[a-z_][a-z0-9_]*)(:(0|[1-9][0-9]*))?")
_FURTHER_KINDS = "torch.backends"  # entry points of packages that bring torch a kind of their own


def check_device(name: str) -> None:
    """Refuse what can be no device of torch; whether there is one here is found out when it is used.

    Raises:
        ConfigurationError: ``name`` is neither ``auto`` nor a kind of device, perhaps with a number behind it.
    """
    found = _NAME.fullmatch(name)
    if name == "auto" or (found and (found["kind"] in _KINDS or (found["kind"] != "meta" and _further_kinds()))):
        return
    raise ConfigurationError(
        f"device '{name}' is no device that can compute\n    set  device: auto, cpu, cuda, cuda:1  or the like"
    )


def _further_kinds() -> bool:
    """Whether a package may have brought a kind of device that only torch itself will know."""
    return bool(entry_points(group=_FURTHER_KINDS))
