"""Everything that is told about one molecule, gathered; `report` puts it into words."""

import logging
from dataclasses import dataclass, field

from rdkit import Chem

from consilium.tools.contract import ToolError
from consilium.tools.home import data_home
from consilium.tools.molecules import alerts, descriptors, parsing, report, safety
from consilium.tools.molecules.admet import AdmetModels, LazyAdmet, Prediction
from consilium.tools.molecules.alerts import Alert
from consilium.tools.molecules.drugs import DrugList, Neighbour
from consilium.tools.molecules.novelty import TrainingMolecules
from consilium.tools.molecules.parsing import Molecule
from consilium.tools.molecules.properties import Properties

_PATIENCE = 25.0  # seconds to wait for the ADMET models, well within the tool's time limit

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Profile:
    """What was computed and looked up.

    Parameters
    ----------
    nearest : known drug; None if no list is installed.
    predictions : of ADMET; empty if there are no models, and `unpredicted` says why.
    concern : why the gate would refuse an unapproved molecule of this structure; None if it would not.
    """

    molecule: Molecule
    properties: Properties
    alerts: list[Alert]
    nearest: Neighbour | None
    in_training_set: bool
    predictions: list[Prediction]
    unpredicted: str
    concern: safety.Concern | None


@dataclass(frozen=True)
class Profiler:
    """The lists and models behind a profile."""

    drugs: DrugList
    training: TrainingMolecules
    admet: LazyAdmet = field(default_factory=LazyAdmet)

    @classmethod
    def load(cls) -> "Profiler":
        """Load what a profile always needs; the ADMET models follow when first asked for.

        Raises
        ------
        ToolError
            If the list of training molecules is missing, or a list is damaged.
        """
        return cls(DrugList.load(data_home()), TrainingMolecules.load())

    def admit(self, text: str) -> Molecule:
        """Read a SMILES or drug name and pass it through the safety gate for profiles.

        Raises
        ------
        ToolError
            If it cannot be read, is a chemical weapon, or is a controlled substance that is no
            approved medicine.
        """
        if not self.drugs.find(text) and (concern := safety.examine_name(text)):
            raise safety.refusal(concern, "This")
        molecule = parsing.read(text, self.drugs)
        concern = safety.examine(molecule.mol)
        if concern and (concern.kind == "weapon" or not self.drugs.identify(molecule.mol)):
            raise safety.refusal(concern, "This molecule")
        return molecule

    def admit_lead(self, text: str) -> Molecule:
        """Read the molecule that new ones shall resemble; what the gate knows is never a lead.

        Raises
        ------
        ToolError
            If it cannot be read, or is a chemical weapon or controlled substance, approved or not.
        """
        molecule = self.admit(text)
        if concern := safety.examine(molecule.mol):
            raise safety.refusal(concern, "This lead")
        return molecule

    def is_new(self, mol: Chem.Mol) -> bool:
        """Whether a molecule is neither in the training set nor a known drug."""
        return mol not in self.training and self.drugs.identify(mol) is None

    def profile(self, molecule: Molecule) -> Profile:
        """Compute and look up everything about an admitted molecule."""
        mol = molecule.mol
        predictions, unpredicted = self._predict(mol)
        return Profile(
            molecule=molecule,
            properties=descriptors.compute(mol),
            alerts=alerts.find(mol),
            nearest=self.drugs.nearest(mol),
            in_training_set=mol in self.training,
            predictions=predictions,
            unpredicted=unpredicted,
            concern=safety.examine(mol),
        )

    def _predict(self, mol: Chem.Mol) -> tuple[list[Prediction], str]:
        """Return the predictions, or none and a sentence on why."""
        if not AdmetModels.installed():
            return [], report.NO_ADMET
        try:
            models = self.admet.get(_PATIENCE)
        except ToolError as error:
            return [], str(error)
        except ImportError:
            _log.exception("the packages of the extra cannot be imported")
            return [], report.NO_ADMET
        return (models.predict(mol), "") if models else ([], report.ADMET_LOADING)
