"""Runs of one machine on several occasions as one result: what nobody measured in a run is a gap of its rounds. Ratios stay
within a round, so that an occasion on which everything was slow weighs as much as another."""


def merged(results):
    """Of at least one. The machine is the last one's; `occasions` has each run's date, commit and number of rounds."""
    workloads, figures, before = {}, {}, 0
    for result in results:
        for workload in result["workloads"]:
            workloads[workload["name"]] = workload
        for name, labels in result["figures"].items():
            for label, metrics in labels.items():
                for metric, series in metrics.items():
                    into = figures.setdefault(name, {}).setdefault(label, {}).setdefault(metric, [])
                    into += [None] * (before - len(into)) + series
        before += result["rounds"]
        for labels in figures.values():
            for metrics in labels.values():
                for series in metrics.values():
                    series += [None] * (before - len(series))
    return {
        **results[-1], "workloads": list(workloads.values()), "figures": figures, "rounds": before,
        "quick": any(r["quick"] for r in results), "first": any(r.get("first") for r in results),
        "occasions": [{"made": r["made"], "commit": r["machine"]["commit"], "load_before": r["machine"]["load_before"], "rounds": r["rounds"]}
                      for r in results],
    }


def apart(result, series):
    """A series cut into those of the occasions."""
    at, pieces = 0, []
    for occasion in result.get("occasions", [{"rounds": result["rounds"]}]):
        pieces.append(series[at:at + occasion["rounds"]])
        at += occasion["rounds"]
    return pieces
