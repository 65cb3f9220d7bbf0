"""Rows of several arrays seen as one, each file mapped into memory and read where it is asked for."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_ROWS = 65_536


class RowView:
    """The rows of arrays [n_i, ...] of one type, one after the other, as [n, ...]. Nothing is read before it is asked.

    Takes an int, a slice, an array of ints or one of bools, and gives a numpy array; several parts are copied for
    that, one part is a view of its file.
    """

    def __init__(self, parts: Sequence[NDArray[Any]]) -> None:
        if not parts or any(p.shape[1:] != parts[0].shape[1:] or p.dtype != parts[0].dtype for p in parts):
            raise ValueError("arrays with rows of one shape and type were expected")
        self._parts = tuple(parts)
        self._starts = np.cumsum([0, *map(len, parts)])
        self.shape: tuple[int, ...] = (int(self._starts[-1]), *parts[0].shape[1:])
        self.dtype = parts[0].dtype

    @property
    def parts(self) -> tuple[NDArray[Any], ...]:
        """The arrays that it is made of."""
        return self._parts

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all rows together."""
        return sum(p.nbytes for p in self._parts)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: "int | slice | NDArray[np.integer] | NDArray[np.bool_] | Sequence[int]") -> NDArray[Any]:
        """Return the rows; raises `IndexError` for one that there is not."""
        if isinstance(key, int | np.integer):
            row: NDArray[Any] = self._rows(np.array([key]))[0]
            return row
        if isinstance(key, slice):
            return self._slice(*key.indices(len(self)))
        rows = np.asarray(key)
        if rows.dtype == np.bool_:
            if rows.shape != (len(self),):
                raise IndexError(f"a mask of {len(self)} rows was expected, not of shape {rows.shape}")
            rows = np.flatnonzero(rows)
        if rows.size == 0:
            return np.empty((*rows.shape, *self.shape[1:]), self.dtype)
        if rows.dtype.kind not in "iu":
            raise IndexError(f"an array of row numbers was expected, not one of {rows.dtype}")
        return self._rows(rows.ravel()).reshape(*rows.shape, *self.shape[1:])

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        whole = np.asarray(self[:])
        if dtype is not None and np.dtype(dtype) != self.dtype:
            return whole.astype(dtype)
        return whole.copy() if copy else whole

    def blocks(self, rows: int = _ROWS) -> Iterator[tuple[int, NDArray[Any]]]:
        """Give the first row's number and at most so many rows, again and again until all were given."""
        for start in range(0, len(self), rows):
            yield start, self[start : start + rows]

    def _slice(self, start: int, stop: int, step: int) -> NDArray[Any]:
        if step != 1:
            return self._rows(np.arange(start, stop, step))
        found = []
        for part, first in zip(self._parts, self._starts.tolist(), strict=False):
            low, high = max(start - first, 0), min(stop - first, len(part))
            if low < high:
                found.append(part[low:high])
        if len(found) == 1:
            return np.asarray(found[0])
        return np.concatenate(found) if found else np.empty((0, *self.shape[1:]), self.dtype)

    def _rows(self, rows: NDArray[np.integer]) -> NDArray[Any]:
        rows = rows.astype(np.int64)
        wrong = (rows < -len(self)) | (rows >= len(self))
        if wrong.any():
            raise IndexError(f"row {rows[wrong][0]} was asked for, but there are {len(self)}")
        rows = np.where(rows < 0, rows + len(self), rows)
        if len(self._parts) == 1:
            return np.asarray(self._parts[0][rows])
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        of = np.searchsorted(self._starts, rows, side="right") - 1
        for number, part in enumerate(self._parts):
            mine = of == number
            if mine.any():
                found[mine] = part[rows[mine] - self._starts[number]]
        return found
