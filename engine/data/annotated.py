"""Sets for detection and segmentation, whose folders hold images and annotations, not classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cnn_tui.engine.data.pictures import SUFFIXES
from cnn_tui.engine.data.tree import StoredFile, Tree, join, shown
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.wording import plain

_ANNOTATIONS = {
    "annotation",
    "annotations",
    "label",
    "labels",
    "mask",
    "masks",
    "segmentationclass",
}
_IMAGES = {"image", "images", "imagesets", "img", "imgs", "jpegimages"}
_FORMS = {
    ".txt": "boxes in .txt files, as YOLO has them",
    ".xml": "boxes in .xml files, as Pascal VOC has them",
    ".json": "boxes or outlines in .json files, as COCO has them",
    **dict.fromkeys(SUFFIXES, "as for segmentation"),
}
_DEEPEST = 2


def require_classes(
    tree: Tree, root: str, names: Sequence[str], is_other: Callable[[str], bool]
) -> None:
    """Refuse folders of which one holds annotations and all others images.

    Args:
        tree: Holds the folders.
        root: Where they lie.
        names: Their names.
        is_other: Whether a name is no class for another reason: that of a split.

    Raises:
        DataError: It is such a set.
    """
    marked = [name for name in names if name.lower() in _ANNOTATIONS]
    others = [name for name in names if name not in marked]
    if not others or not all(name.lower() in _IMAGES or is_other(name) for name in others):
        return
    for name in marked:
        file = _first_file(tree, join(root, name), _DEEPEST)
        suffix = "" if file is None else file.name[file.name.rfind(".") :].lower()
        if suffix in _FORMS:
            raise DataError(
                f"{shown(tree, root)}: expected a folder of pictures for each class, received "
                f"{plain(others[0])} beside {plain(name)} ({_FORMS[suffix]}).",
                "A network here gives a whole image one class: put the pictures of each class, or "
                "what is cut out of them, into a folder of its name. If the folders are classes, "
                "add --labels-from folders.",
            )


def _first_file(tree: Tree, at: str, depth: int) -> StoredFile | None:
    found = next(iter(tree.files(at)), None)
    inner = tree.folders(at) if depth and found is None else ()
    return next(
        filter(None, (_first_file(tree, join(at, name), depth - 1) for name in inner)), found
    )
