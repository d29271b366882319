"""The settings of a recipe that can be changed during training."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import msgspec

from cnn_tui.engine.decoding import Count, Figure
from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.network import Fraction, NonNegative, Positive, Recipe
from cnn_tui.engine.specs.values import fields_of
from cnn_tui.engine.specs.wording import expected, show

SettingName = Literal["lr", "held_lr", "l2", "dropout", "batch_size"]
SettingValue = Figure | Count | None
SETTING_NAMES: tuple[SettingName, ...] = get_args(SettingName)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The current values of the settings."""

    lr: Positive
    """The recipe's learning rate, which the schedule scales."""
    held_lr: Positive | None = None
    """Learning rate that overrides the schedule; None follows the schedule."""
    l2: NonNegative = 0.0
    dropout: Fraction | None = None
    """Probability in every dropout layer; None leaves each its own."""
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=65536)] = 64

    @classmethod
    def of(cls, training: Recipe) -> Settings:
        """The settings of a recipe."""
        return cls(lr=training.lr, l2=training.l2, batch_size=training.batch_size)

    def with_value(self, name: str, value: SettingValue) -> Settings:
        """The settings with one value changed.

        Raises:
            SpecError: if there is no such setting, or the value is not valid.
        """
        fields = fields_of(Settings)
        if name not in fields:
            raise SpecError(
                f"A running training has no setting {show(name)}.",
                f"Choose one of {', '.join(fields)}.",
            )
        changed: dict[str, Any] = {**msgspec.structs.asdict(self), name: value}
        try:
            return msgspec.convert(changed, Settings)
        except msgspec.ValidationError:
            raise SpecError(
                f"{name} needs {expected(fields[name].type)}, received {show(value)}."
            ) from None

    def in_recipe(self, training: Recipe) -> Recipe:
        """The recipe with these settings."""
        return msgspec.structs.replace(training, lr=self.lr, l2=self.l2, batch_size=self.batch_size)
