"""Unique and novel: which share of the texts are different from each other, and from all that were learnt from."""

from jaxgan.media import Text
from jaxgan.metrics.seeing import counts

TAKES, OF, LESS_IS_BETTER, DECIDES = (Text,), "sets", False, "unique"
KEEPS, REAL, NETWORK = ("all",), True, False


def figures(real, made, network, seed):
    """Both shares, in [0, 1]: a model that repeats one text has 0 and one that copies its data 0."""
    # As a person reads them: whatever whole numbers they are, and wherever nothing stands.
    known, said = ({seen.medium.text(row) for row in seen.examples} for seen in (real, made))
    protocol = (
        f"Unique: different ones among {counts(real, made)}; novel: those of the different ones that are not among the real; "
        "comparable at the same counts, and with what an honest baseline has there"
    )
    return {"unique": len(said) / made.count, "novel": len(said - known) / len(said), "protocol": protocol}
