"""The published models that have a name of their own here: where they come from, what they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

BUNDLED = ("mini",)
TULIP = "mderakhshani/TULIP"  # both sizes in one place; their file names say which
OPENAI, APACHE = "MIT (OpenAI)", "Apache-2.0"


@dataclass(frozen=True, slots=True)
class Published:
    """A model set by name.

    Attributes:
        family: the loader, a file in `lexsearch/encoders/models`.
        source: hub id.
        licence: of the weights, as their publisher states it.
        parameters: in millions; weights in float32 take 4 MB for each.
        pixels, patches: side of the picture, and patch tokens that an index stores; with NaFlex
            the side of a square picture, and the most tokens.
        dim: width of vectors and tokens.
        options: of the loader.
    """

    family: str
    source: str
    licence: str
    parameters: int
    pixels: int
    patches: int
    dim: int
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def disk_bytes(self) -> int:
        """Of the weights, in float32."""
        return 4_000_000 * self.parameters

    @property
    def memory_bytes(self) -> int:
        """To load and run it in float32: the weights, read and placed, and half a GB around."""
        return 2 * self.disk_bytes + 500_000_000

    @property
    def bytes_per_photo(self) -> int:
        """What an index stores for the dense and tokens roles."""
        return self.dim * (2 + self.patches)


SETS = {
    "clip-b32": Published("clip", "openai/clip-vit-base-patch32", OPENAI, 151, 224, 49, 512),
    "clip-b16": Published("clip", "openai/clip-vit-base-patch16", OPENAI, 150, 224, 196, 512),
    "clip-l14": Published("clip", "openai/clip-vit-large-patch14", OPENAI, 428, 224, 256, 768),
    "clip-l14-336": Published(
        "clip", "openai/clip-vit-large-patch14-336", OPENAI, 428, 336, 576, 768
    ),
    "tulip-b16": Published("tulip", TULIP, APACHE, 150, 224, 196, 512, {"size": "b16"}),
    "tulip-l14": Published("tulip", TULIP, APACHE, 428, 224, 256, 768, {"size": "l14"}),
    "siglip-b16": Published("siglip", "google/siglip-base-patch16-224", APACHE, 203, 224, 196, 768),
    "siglip2-b16": Published(
        "siglip", "google/siglip2-base-patch16-224", APACHE, 375, 224, 196, 768
    ),
    "siglip2-b16-naflex": Published(
        "siglip", "google/siglip2-base-patch16-naflex", APACHE, 375, 256, 256, 768
    ),
    "siglip2-l16-256": Published(
        "siglip", "google/siglip2-large-patch16-256", APACHE, 882, 256, 256, 1024
    ),
    "siglip2-so400m-384": Published(
        "siglip", "google/siglip2-so400m-patch14-384", APACHE, 1136, 384, 729, 1152
    ),
}
