"""What a run has to say, gathered as its processes go on."""

from dataclasses import dataclass, field

from mhx.evidence.gates import Gate


@dataclass
class Told:
    """Metrics by their full names, texts, and the gates that will judge the metrics."""

    metrics: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    gates: list[Gate] = field(default_factory=list)
