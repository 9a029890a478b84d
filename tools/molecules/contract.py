"""Contracts of the molecule generator and of the molecule profile."""

from typing import Annotated

from pydantic import Field

from consilium.tools.contract import StatedNumber, StatedText, ToolArgs


class DesignMolecules(ToolArgs):
    """Arguments of `design_molecules`: `similar_to` is a SMILES, `min_qed` runs from 0 to 1, `max_weight` is in Da."""

    count: Annotated[int, Field(ge=1, le=50, json_schema_extra={"stated": True})] = 5
    similar_to: StatedText | None = None
    min_qed: Annotated[float, Field(ge=0, le=1, json_schema_extra={"stated": True})] | None = None
    max_logp: StatedNumber | None = None
    max_weight: StatedNumber | None = None


class ProfileMolecule(ToolArgs):
    """Arguments of `profile_molecule`: a SMILES or a generic drug name."""

    molecule: Annotated[StatedText, Field(description="molecule as a SMILES or a drug name")]
