"""Labels as people write them, taken as classes: each a number from 0, with a name.

Nothing is guessed silently: labels that are not whole numbers from 0 without gaps, one an image,
are noted or refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.wording import listed, plain, show

MOST_CLASSES = 65536
_MOST_LETTERS = 64
_MOST_NAMED = 4
_MANY = 20
"""Distinct labels from which more than one for every two images are no classes."""
_LARGEST = 2**53
"""The largest whole number of which its float and its neighbours' differ."""
_KEEP_PLACE = "To keep a place for missing ones, list every class with --classes A,B,..."
_LIST_ALL = "List every class in order with --classes A,B,..., or as classes = [...] in the file."


class Labels(NamedTuple):
    """The labels of a split as they were found."""

    values: NDArray[Any]
    """``(N,)`` or ``(N, 1)``, whole numbers, also as floats, or text; ``(N, K)``, one-hot."""
    where: str
    """Their place, to begin a message with."""


class Classified(NamedTuple):
    """Labels as classes."""

    classes: tuple[str, ...]
    labels: dict[str, NDArray[np.int64]]
    """The class of each image ``(N,)``, by split."""
    notes: tuple[str, ...]


def classify(given: Mapping[str, Labels], classes: Sequence[str] = ()) -> Classified:
    """Take the labels of each split as classes.

    Args:
        given: Labels by split; ``train`` is one of them.
        classes: The names of all classes in order; by default the distinct training labels are the
            classes, in rising order. Whole numbers stand for the name that is written like them,
            or else for the place in the list, from 0 or from 1.

    Raises:
        DataError: Labels are no classes, or are unknown in training.
    """
    read = {split: _values(labels) for split, labels in given.items()}
    columns = max(_columns(labels) for labels in given.values())
    kinds = {split: found.dtype.kind == "U" for split, found in read.items()}
    if len(set(kinds.values())) > 1:
        odd = next(split for split, text in kinds.items() if text != kinds["train"])
        what = ("numbers", "text")
        raise DataError(
            f"{given[odd].where}: expected {what[kinds['train']]} as in the training labels, "
            f"received {what[kinds[odd]]}."
        )
    if not classes and columns:
        classes = tuple(map(str, range(columns)))
    if classes:
        names = _checked(classes)
        notes, numbers = _by_names(read, names, given)
    else:
        names, numbers = _by_values(read, given)
        notes = _alike(names) if kinds["train"] else _gaps(names)
    return Classified(names, numbers, (*notes, *_absent(names, numbers)))


def _columns(labels: Labels) -> int:
    """Number of columns of one-hot labels; else 0."""
    shape = labels.values.shape
    return shape[1] if len(shape) == 2 and shape[1] > 1 else 0


def _values(labels: Labels) -> NDArray[Any]:
    """One whole number ``(N,)``, int64, or text an image."""
    values, where = labels
    if _columns(labels):
        return _one_hot(values, where)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(
            f"{where}: expected one label an image, received the shape {values.shape}.",
            "Save one for each image: y.reshape(len(y), -1) takes needless axes out.",
        )
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "U":
        return _text(values, where)
    return _whole(values, where)


def _text(values: NDArray[Any], where: str) -> NDArray[Any]:
    """Text without blanks around it, of which none is empty."""
    values = np.char.strip(values)
    if not np.char.str_len(values).all():
        index = int(np.char.str_len(values).argmin())
        raise DataError(
            f"{where}: expected a label for each image, received empty text for image {index}.",
            "Give the image a class, or take it out.",
        )
    return values


def _one_hot(rows: NDArray[Any], where: str) -> NDArray[np.int64]:
    """The column of the 1 of each row; every row has exactly one, and else 0."""
    if rows.dtype.kind not in "biuf":
        raise DataError(f"{where}: expected numbers in {rows.shape[1]} columns, received text.")
    right = (((rows == 0) | (rows == 1)).all(axis=1)) & ((rows != 0).sum(axis=1) == 1)
    if not right.all():
        index = int(right.argmin())
        row = rows[index]
        found = "no 1" if not row.any() else f"{int((row == 1).sum())} ones"
        if not ((row == 0) | (row == 1)).all():
            found = f"the number {row[(row != 0) & (row != 1)][0]:g}"
        raise DataError(
            f"{where}: expected exactly one 1 among the {rows.shape[1]} columns of each row, "
            f"received {found} in row {index}.",
            "An image has one class here; of scores, save the largest: y.argmax(axis=1)."
            if found.startswith("the number")
            else "An image has one class here; several labels an image are not supported.",
        )
    classes: NDArray[np.int64] = rows.argmax(axis=1).astype(np.int64)
    return classes


def _whole(values: NDArray[Any], where: str) -> NDArray[np.int64]:
    if values.dtype.kind not in "biuf":
        raise DataError(f"{where}: expected numbers or text, received {plain(str(values.dtype))}.")
    if values.dtype.kind == "f":
        whole = np.isfinite(values) & (values == np.round(values))
        if not whole.all():
            index = int(whole.argmin())
            distinct = len(np.unique(values))
            quantity = f" ({distinct:,} distinct numbers)" if distinct > _MANY else ""
            raise DataError(
                f"{where}: expected whole numbers or names, received {values[index]:g} for image "
                f"{index}{quantity}.",
                "Quantities to predict (regression) are not supported; give each image a class.",
            )
    if values.size and not -_LARGEST <= values.min() <= values.max() <= _LARGEST:
        raise DataError(f"{where}: expected numbers of classes, received {values.max():g}.")
    return values.astype(np.int64)


def _by_values(
    read: Mapping[str, NDArray[Any]], given: Mapping[str, Labels]
) -> tuple[tuple[str, ...], dict[str, NDArray[np.int64]]]:
    """The distinct training labels as classes, in rising order."""
    known = np.unique(read["train"])
    _require_classes(known, read["train"], given["train"].where)
    numbers = {}
    for split, values in read.items():
        found = np.searchsorted(known, values).clip(max=len(known) - 1)
        unknown = np.flatnonzero(known[found] != values)
        if len(unknown):
            raise _unknown(given[split].where, values, unknown, "no training image has it")
        numbers[split] = found.astype(np.int64)
    return _names(known.tolist()), numbers


def _require_classes(known: NDArray[Any], values: NDArray[Any], where: str) -> None:
    if len(known) < 2:
        images = f"all {len(values):,} images" if len(values) > 1 else "the only image"
        only = f"{show(known.tolist()[0])} for {images}" if len(known) else "none"
        raise DataError(
            f"{where}: expected labels of at least two classes, received {only}.",
            "Add images of another class.",
        )
    if len(known) > max(_MANY, len(values) // 2):
        raise DataError(
            f"{where}: {len(known):,} distinct labels for {len(values):,} images are no classes.",
            "Quantities to predict (regression) and identifiers are not supported; give each image "
            "a class.",
        )
    if len(known) > MOST_CLASSES:
        raise DataError(f"{where}: at most {MOST_CLASSES:,} classes, received {len(known):,}.")


def _by_names(
    read: Mapping[str, NDArray[Any]], names: tuple[str, ...], given: Mapping[str, Labels]
) -> tuple[tuple[str, ...], dict[str, NDArray[np.int64]]]:
    """The labels as places in a list of names, with what was done to find them."""
    distinct = np.unique(np.concatenate(list(read.values())))
    places: dict[Any, int] = {name: place for place, name in enumerate(names)}
    notes: tuple[str, ...] = ()
    if distinct.dtype.kind != "U":
        places, notes = _numbered(distinct, names)
    else:
        places = {
            text: places[name] for text in distinct.tolist() if (name := _name(text)) in places
        }
    known = np.array([value in places for value in distinct.tolist()])
    numbers = np.array([places.get(value, 0) for value in distinct.tolist()], np.int64)
    result = {}
    for split, values in read.items():
        found = np.searchsorted(distinct, values)
        unknown = np.flatnonzero(~known[found])
        if len(unknown):
            raise _unknown(given[split].where, values, unknown, f"the classes are {_some(names)}")
        result[split] = numbers[found]
    return notes, result


def _numbered(
    distinct: NDArray[np.int64], names: tuple[str, ...]
) -> tuple[dict[Any, int], tuple[str, ...]]:
    """Where each number stands in the list: by its name, else counted from 0, else from 1."""
    written = {str(value) for value in distinct.tolist()}
    if written <= set(names):
        return {int(name): place for place, name in enumerate(names) if name in written}, ()
    begins = 1 if len(distinct) and distinct.min() >= 1 and distinct.max() == len(names) else 0
    notes = (f"Labels begin at 1, which is the class {names[0]}.",) if begins else ()
    return {place + begins: place for place in range(len(names))}, notes


def _checked(classes: Sequence[str]) -> tuple[str, ...]:
    names = _names(classes)
    if not 2 <= len(names) <= MOST_CLASSES:
        raise DataError(f"expected from 2 to {MOST_CLASSES:,} classes, received {len(names):,}.")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"the list of classes has {show(twice[0])} twice.", "Name each class once.")
    return names


def _names(values: Sequence[object]) -> tuple[str, ...]:
    return tuple(_name(str(value)) for value in values)


def _name(text: str) -> str:
    return plain(text)[:_MOST_LETTERS]


def _unknown(where: str, values: NDArray[Any], unknown: NDArray[np.int64], why: str) -> DataError:
    index = int(unknown[0])
    more = f" (and {len(unknown) - 1:,} more)" if len(unknown) > 1 else ""
    return DataError(
        f"{where}: the label {show(values[index].item())} of image {index} is not a class{more}: "
        f"{why}.",
        f"Correct or remove such images. {_LIST_ALL}",
    )


def _gaps(names: tuple[str, ...]) -> tuple[str, ...]:
    """The note on labels that do not simply count from 0."""
    values = [int(name) for name in names]
    gaps = list(_missing(values))
    if not gaps and values[0] == 0:
        return ()
    odd = _never(gaps) if gaps else ""
    if values[0] != 0:
        odd = f"Labels begin at {values[0]}" + (f"; {odd[0].lower()}{odd[1:]}" if odd else "")
    places = _some(tuple(map(str, range(len(values)))))
    taken = f"the {len(values)} values {_some(names)} are taken as the classes {places}"
    return (f"{odd}: {taken}. {_KEEP_PLACE}" if gaps else f"{odd}: {taken}.",)


def _alike(names: tuple[str, ...]) -> tuple[str, ...]:
    """The note on names that differ in capitals only."""
    spelt: dict[str, list[str]] = {}
    for name in names:
        spelt.setdefault(name.casefold(), []).append(name)
    twice = [listed(found, "and") for found in spelt.values() if len(found) > 1]
    if not twice:
        return ()
    return (f"These are classes of their own, and differ in capitals only: {'; '.join(twice)}.",)


def _never(gaps: Sequence[str]) -> str:
    if len(gaps) == 1 and " " not in gaps[0]:
        return f"Label {gaps[0]} never occurs"
    return f"Labels {listed(gaps[:_MOST_NAMED], 'and')} never occur"


def _missing(values: Sequence[int]) -> Iterator[str]:
    """The numbers left out between the first and the last, as runs in words."""
    for before, after in pairwise(values):
        if after - before == 2:
            yield str(before + 1)
        elif after - before > 2:
            yield f"{before + 1} to {after - 1}"


def _absent(names: tuple[str, ...], labels: Mapping[str, NDArray[np.int64]]) -> Iterator[str]:
    """Classes that a split lacks, or of which there is one image only."""
    counts = {split: np.bincount(found, minlength=len(names)) for split, found in labels.items()}
    unseen = [names[index] for index in np.flatnonzero(counts["train"] == 0)]
    if unseen:
        yield f"No training image of {_class(unseen)}: the network cannot learn {_it(unseen)}."
    for split in ("val", "test"):
        if split in counts:
            lacks = np.flatnonzero((counts[split] == 0) & (counts["train"] > 0))
            if len(lacks):
                where = "validation" if split == "val" else "test"
                yield f"No {where} image of {_class([names[index] for index in lacks])}."
    single = [names[index] for index in np.flatnonzero(counts["train"] == 1)]
    if single:
        yield f"Only one training image of {_class(single)}: too few to learn from."


def _class(names: Sequence[str]) -> str:
    return f"the class{'es' if len(names) > 1 else ''} {_some(names)}"


def _it(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _some(names: Sequence[str]) -> str:
    """A few names of a list in words."""
    if len(names) > 2 and _counts_on(names):
        return f"{names[0]} to {names[-1]}"
    if len(names) <= _MOST_NAMED:
        return listed(names, "and")
    return f"{', '.join(names[: _MOST_NAMED - 1])} and {len(names) - _MOST_NAMED + 1:,} more"


def _counts_on(names: Sequence[str]) -> bool:
    """Whether names are whole numbers, each one more than the one before."""
    try:
        values = [int(name) for name in names]
    except ValueError:
        return False
    return values == list(range(values[0], values[0] + len(values)))
