"""What the broker is asked: an evaluation with its folder, or many cells for their values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.call import Argument, FunctionCall, Output
from engine.value_answer import EXACT


def evaluation_header(call: FunctionCall, stage: Path, outputs: Sequence[Output]) -> dict[str, Any]:
    """Returns the header of one evaluation, whose session comes to be in `stage`."""
    request = call.to_wire() | {
        "folder": str(stage),
        "outputs": [output.to_wire() for output in outputs],
    }
    return {"request": request, "folder": str(stage)}


def values_header(
    call: FunctionCall,
    cells: Sequence[Sequence[Argument]],
    stage: Path,
    outputs: Sequence[Output],
) -> dict[str, Any]:
    """Returns the header of cells that keep no session.

    Arguments of one shape, which are the same names read in the same ways, are told of once.
    """
    header = evaluation_header(call, stage, [one for one in outputs if one.label != EXACT])
    shapes: dict[tuple[tuple[str, str], ...], int] = {}
    shape = [
        shapes.setdefault(tuple((one.name, one.kind) for one in cell), len(shapes))
        for cell in cells
    ]
    values = [argument.value for cell in cells for argument in cell]
    header["request"] |= {"operation": "values", "shapes": list(shapes)}
    header["request"] |= {"shape": shape, "values": values}
    return header | {"operation": "values"}
