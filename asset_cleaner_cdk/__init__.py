"""An installation of the asset cleaner, for the CDK: `AssetCleaner` is a part of anybody's app.

Within it, each module adds its part by a function. A `Construct` class would put its own id into the logical id of
every resource in it; a class that is renamed, or a resource that moves into another class, would then replace those
resources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asset_cleaner_cdk.settings.errors import SettingsError
from asset_cleaner_cdk.settings.keywords import PolicySettings, Settings, Site

if TYPE_CHECKING:
    from asset_cleaner_cdk.construct import AssetCleaner

__all__ = ["AssetCleaner", "PolicySettings", "Settings", "SettingsError", "Site"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (a module's own signature)
    """Load the construct when it is asked for: the CDK starts a process, and most of our modules do without it."""
    if name == "AssetCleaner":
        from asset_cleaner_cdk.construct import AssetCleaner  # noqa: PLC0415

        return AssetCleaner
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
