"""A value that is made once, whoever asks first: several sessions may ask for the same at the same moment."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import RLock
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801 - used as a decorator, as functools.cached_property is
    """A property that is computed when it is first asked for and then kept.

    Who asks while it is being computed waits: `functools.cached_property` would compute it once more for each of them
    from Python 3.12 on, and what is kept here may be large. The owner has one lock for all of them, so that they may
    ask for each other.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, owner: None, kind: type) -> "once[T]": ...

    @overload
    def __get__(self, owner: object, kind: type) -> T: ...

    def __get__(self, owner: object | None, kind: type) -> "once[T] | T":
        """Return the value; once it is there, Python finds it in the object itself and does not come here."""
        if owner is None:
            return self
        kept = vars(owner)
        with lock_of(owner):
            if self._name not in kept:
                kept[self._name] = self._make(owner)
            value: T = kept[self._name]
            return value


_MAKING = RLock()
_LOCK = "_once_lock"


def lock_of(owner: object) -> AbstractContextManager[Any]:
    """Return the lock of an object, made when it is first asked for."""
    kept = vars(owner)
    if _LOCK not in kept:
        with _MAKING:
            kept.setdefault(_LOCK, RLock())
    lock: AbstractContextManager[Any] = kept[_LOCK]
    return lock
