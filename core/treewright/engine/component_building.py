"""Build one component from its specification, with errors that a user can act on."""

import asyncio
from collections.abc import Awaitable
from inspect import isawaitable
from pathlib import Path
from typing import Any

from treewright.engine.blobs import FolderBlobs
from treewright.pipeline import ComponentSpec
from treewright_registry import ConfigurationError, TreewrightError


def build(spec: ComponentSpec, blobs: Path | None = None) -> Any:
    """The component of ``spec``, with a blob store if its class wants one.

    Raises:
        ConfigurationError: its constructor refused the options or could not load what it needs.
    """
    at = f"{spec.place}: " if spec.place else ""
    try:
        component = spec.build()
    except ConfigurationError as error:
        raise ConfigurationError(f"{at}{error}") from error
    except TreewrightError:
        raise
    except (Exception, SystemExit) as error:  # a plugin's constructor may raise anything
        raise ConfigurationError(f"{at}{spec.name} cannot be built: {type(error).__name__}: {error}") from error
    if hasattr(type(component), "blobs") and blobs is not None:
        component.blobs = FolderBlobs(blobs)
    return component


def checked_by_itself(spec: ComponentSpec, component: Any) -> list[str]:
    """What a built component says of itself (its optional method ``self_check``), under its name.

    Raises:
        ConfigurationError: it lacks something, e.g. what its server does not offer.
    """
    if not hasattr(component, "self_check"):
        return []
    at = f"{spec.place}: " if spec.place else ""
    try:
        found = component.self_check()
        lines = asyncio.run(_awaited(found)) if isawaitable(found) else found
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        what = str(error) if isinstance(error, ConfigurationError) else f"{type(error).__name__}: {error}"
        raise ConfigurationError(f"{at}{spec.name}: {what}") from error
    return [f"{spec.name}:", *(f"  {line}" for line in lines)]


async def _awaited(promised: Awaitable[Any]) -> Any:
    return await promised
