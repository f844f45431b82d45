"""A kind of import-linter contract: these modules import the standard library and little else."""

from __future__ import annotations

import sys
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.helpers import module_expressions_to_modules


class StdlibOnlyContract(Contract):
    """Broken where one of `modules` (or what lies below it) imports more than it may.

    It may import the standard library, what belongs to the same module, and `allowed`.
    """

    type_name = "stdlib_only"

    modules: Any = fields.SetField(subfield=fields.ModuleExpressionField())
    allowed: Any = fields.SetField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002
        """Return whether all of `modules` keep to it, and who does not."""
        found: list[tuple[str, str]] = []
        for package in module_expressions_to_modules(graph, self.modules):
            own = {package.name, *graph.find_descendants(package.name)}
            found.extend(
                (importer, imported)
                for importer in sorted(own)
                for imported in sorted(graph.find_modules_directly_imported_by(importer) - own)
                if not self._may_be_imported(imported)
            )
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print who imports what it must not."""
        for importer, imported in check.metadata["found"]:
            output.print_error(f"{importer} must not import {imported}", bold=False)

    def _may_be_imported(self, name: str) -> bool:
        return name.partition(".")[0] in sys.stdlib_module_names or name in (self.allowed or ())
