"""Tables of what many results share, as bytes: each run that finds something out adds a piece."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

import msgspec

_Item = TypeVar("_Item", bound=Hashable)
_Wire = TypeVar("_Wire")


class Table(Generic[_Item, _Wire]):
    """Values by number. What was there stays as it is; what is new comes behind it."""

    def __init__(
        self,
        pieces: Sequence[msgspec.Raw],
        decoder: msgspec.msgpack.Decoder[tuple[_Wire, ...]],
        unpack: Callable[[_Wire], _Item],
    ) -> None:
        """Begin with the pieces of earlier runs. Raises what decoding does."""
        self._pieces = tuple(pieces)
        self.items: list[_Item] = [unpack(wire) for piece in pieces for wire in decoder.decode(piece)]
        self._known = len(self.items)
        self._places: dict[_Item, int] = {}

    def place(self, value: _Item) -> int:
        """Give the number of a value."""
        if not self._places:
            self._places = {item: number for number, item in enumerate(self.items)}
        found = self._places.get(value)
        if found is None:
            found = self._places[value] = len(self.items)
            self.items.append(value)
        return found

    def places(self, values: Iterable[_Item]) -> tuple[int, ...]:
        """Give the numbers of some values."""
        return tuple(map(self.place, values))

    def some(self, numbers: tuple[int, ...]) -> tuple[_Item, ...]:
        """Give the values of some numbers."""
        return tuple(map(self.items.__getitem__, numbers)) if numbers else ()

    def packed(self, pack: Callable[[_Item], _Wire]) -> Iterator[bytes]:
        """Give the table in pieces, and have it forgotten."""
        fresh = [pack(item) for item in self.items[self._known :]]
        self.items, self._places = [], {}
        return followed(self._pieces, msgspec.msgpack.encode(fresh) if fresh else b"")

    def followed_by(self, values: Sequence[_Item]) -> Iterator[bytes]:
        """Give the table in pieces as it is when all values are these, of which it knows the first."""
        fresh = values[self._known :]
        return followed(self._pieces, msgspec.msgpack.encode(fresh) if fresh else b"")


def followed(known: Sequence[msgspec.Raw], fresh: bytes) -> Iterator[bytes]:
    """Write pieces behind one another, and one that may be new, as what they are together."""
    yield beginning(len(known) + bool(fresh))
    yield from map(bytes, known)
    yield fresh


def beginning(length: int) -> bytes:
    """How MessagePack begins what has so many parts."""
    return b"\xdd" + length.to_bytes(4, "big")
