"""The files that go with a result: a picture, a CSV with every value, an SDF with the molecules."""

import uuid
from collections.abc import Sequence
from pathlib import Path

from consilium.tools.contract import Artifact
from consilium.tools.molecules import alerts, descriptors, export, pictures
from consilium.tools.molecules.export import Row
from consilium.tools.molecules.profile import Profile
from consilium.tools.molecules.steering import Candidate


def of_profile(profile: Profile, folder: Path) -> list[Artifact]:
    """Write the structure, every value, and the molecule itself."""
    folder.mkdir(parents=True, exist_ok=True)
    mol = profile.molecule.mol
    picture = _artifact("structure", ".png", "Structure", folder)
    if profile.alerts:
        picture.title = "Structure; alerts on an orange ground"
    pictures.draw_one(mol, profile.alerts, picture.path)
    table = _artifact("profile", ".csv", "Every value (CSV)", folder)
    export.write_csv(_table(profile), table.path)
    file = _artifact("molecule", ".sdf", "Molecule (SDF)", folder)
    export.write_sdf(
        [mol], [{"name": _title(profile), "SMILES": profile.molecule.smiles}], file.path
    )
    return [picture, table, file]


def of_design(candidates: Sequence[Candidate], folder: Path) -> list[Artifact]:
    """Write the grid of new molecules, their values, and the molecules themselves."""
    folder.mkdir(parents=True, exist_ok=True)
    mols = [candidate.mol for candidate in candidates]
    rows = [_designed_row(number, candidate) for number, candidate in enumerate(candidates, 1)]
    picture = _artifact("molecules", ".png", "The new molecules", folder)
    legends = [_legend(number, candidate) for number, candidate in enumerate(candidates, 1)]
    pictures.draw_grid(mols, legends, picture.path)
    table = _artifact("molecules", ".csv", "Molecules as SMILES with values (CSV)", folder)
    export.write_csv(rows, table.path)
    file = _artifact("molecules", ".sdf", "Molecules (SDF)", folder)
    export.write_sdf(mols, rows, file.path)
    return [picture, table, file]


def _legend(number: int, one: Candidate) -> str:
    alike = "" if one.similarity is None else f", sim {one.similarity:.2f}"
    return f"{number}: QED {one.qed:.2f}, logP {one.logp:.2f}, {one.weight:.0f} Da{alike}"


def _designed_row(number: int, candidate: Candidate) -> Row:
    """Everything computed of one new molecule."""
    p = descriptors.compute(candidate.mol)
    row: dict[str, str | float | int] = {
        "name": f"molecule {number}",
        "SMILES": candidate.smiles,
        "QED": round(p.qed, 3),
        "logP": round(p.logp, 3),
        "molecular weight": round(p.weight, 2),
        "synthetic accessibility": round(p.sa_score, 2),
        "polar surface area": round(p.tpsa, 2),
        "hydrogen-bond donors": p.donors,
        "hydrogen-bond acceptors": p.acceptors,
        "rotatable bonds": p.rotatable_bonds,
        "Lipinski and Veber limits broken": len(p.lipinski_violations + p.veber_violations),
        "structural alerts": "; ".join(
            f"{alert.catalogue}: {alert.name}" for alert in alerts.find(candidate.mol)
        ),
    }
    if candidate.similarity is not None:
        row["similarity to the lead"] = round(candidate.similarity, 3)
    return row


def _title(profile: Profile) -> str:
    if profile.molecule.name:
        return profile.molecule.name
    return profile.nearest.drug.name if profile.nearest and profile.nearest.same else "molecule"


def _table(profile: Profile) -> Sequence[Row]:
    """Every value in one layout: what, value, unit, percentile among approved drugs, how good."""
    computed: list[tuple[str, str | float | int, str]] = [
        ("SMILES", profile.molecule.smiles, ""),
        ("formula", profile.properties.formula, ""),
        ("molecular weight", round(profile.properties.weight, 2), "Da"),
        ("logP", round(profile.properties.logp, 3), ""),
        ("polar surface area", round(profile.properties.tpsa, 2), "A^2"),
        ("QED", round(profile.properties.qed, 3), "0 to 1"),
        ("synthetic accessibility", round(profile.properties.sa_score, 2), "1 (easy) to 10"),
        ("hydrogen-bond donors", profile.properties.donors, ""),
        ("hydrogen-bond acceptors", profile.properties.acceptors, ""),
        ("rotatable bonds", profile.properties.rotatable_bonds, ""),
        ("rings", profile.properties.rings, ""),
        ("heavy atoms", profile.properties.heavy_atoms, ""),
        *((f"{alert.catalogue} alert", alert.name, "") for alert in profile.alerts),
    ]
    rows = [_row("computed", what, value, unit) for what, value, unit in computed]
    for prediction in profile.predictions:
        end = prediction.endpoint
        rows.append(
            _row(
                f"{end.category}, predicted",
                end.name,
                float(f"{prediction.value:.3g}"),
                end.unit,
                round(prediction.percentile, 1),
                end.fit,
            )
        )
    return rows


def _row(
    group: str,
    what: str,
    value: str | float | int,
    unit: str,
    percentile: float | str = "",
    fit: str = "",
) -> Row:
    return {
        "group": group,
        "property": what,
        "value": value,
        "unit": unit,
        "percentile of approved drugs": percentile,
        "accuracy on held-out molecules": fit,
    }


def _artifact(name: str, suffix: str, title: str, folder: Path) -> Artifact:
    """Name a new file; pictures are shown, the rest is for download."""
    unique = f"{name}-{uuid.uuid4().hex[:12]}"
    media_type = {".png": "image/png", ".csv": export.CSV_TYPE, ".sdf": export.SDF_TYPE}[suffix]
    return Artifact(
        id=unique,
        kind="image" if suffix == ".png" else "table",
        title=title,
        path=folder / f"{unique}{suffix}",
        media_type=media_type,
    )
