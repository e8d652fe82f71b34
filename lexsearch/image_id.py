"""What names a picture: the first bits of its content; light, for clients of a server too."""

from __future__ import annotations


def image_id_of(sha256: bytes) -> int:
    """The first 63 bits of a sha256 digest, as a non-negative int64."""
    return int.from_bytes(sha256[:8], "big") >> 1


def docid(image_id: int) -> str:
    """An image id as 16 hex digits: the `id` in JSON and the TREC docid."""
    return f"{image_id:016x}"
