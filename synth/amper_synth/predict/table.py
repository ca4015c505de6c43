"""What ``amper explore --predict`` prints."""

from __future__ import annotations

from collections.abc import Sequence

from amper_spec.declare import word
from amper_synth.predict.predictor import Prediction, Predictor


def predictions_table(predictions: Sequence[Prediction], predictor: Predictor) -> str:
    """A line a configuration, then the error, then what lies outside what was seen."""
    changing = [
        name
        for name, value in predictions[0].config.to_dict().items()
        if name == "rows" or any(each.config.to_dict()[name] != value for each in predictions)
    ]
    table = [[*changing, "area um2", "MHz", "ns", "batch cycles", "batch ns", "limited by"]]
    for each in predictions:
        values = each.config.to_dict()
        table.append([word(values[name]) for name in changing])
        table[-1] += [f"{each.area_um2:,.0f}", f"{each.fmax_mhz:.0f}", f"{each.period_ns:.3f}"]
        table[-1] += [str(each.batch_cycles), f"{each.batch_ns:.1f}", each.limited_by]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    lines = ["  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)) for line in table]
    error = predictor.held_out
    lines.append(
        f"predicted, not measured: on {error.points} points left out of the fit the error was, area, "
        f"{error.area_median:.1f} % in the median and {error.area_worst:.1f} % at worst; "
        f"Fmax, {error.fmax_median:.1f} % and {error.fmax_worst:.1f} %"
    )
    lines.append(f"library {', '.join(predictor.library)}; cycles are exact")
    outside = list(dict.fromkeys(text for each in predictions for text in each.outside))
    lines += [f"outside what was seen, where the error is not known: {text}" for text in outside]
    return "\n".join(lines)
