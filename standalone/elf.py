"""What an ELF file says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"\x7fELF"


class Elf(NamedTuple):
    """A program or a library.

    Attributes:
        machine: For which machine it is, such as ``EM_X86_64``.
        needed: The names of the libraries that it needs.
    """

    machine: str
    needed: frozenset[str]


def read_elf(path: Path) -> Elf | None:
    """Read a file; None if it is not an ELF file."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return None
        elf = ELFFile(file)
        dynamic = elf.get_section_by_name(".dynamic")
        tags = dynamic.iter_tags() if isinstance(dynamic, DynamicSection) else ()
        needed = frozenset(str(tag.needed) for tag in tags if tag.entry.d_tag == "DT_NEEDED")  # type: ignore[attr-defined]  # such a tag has it
        return Elf(str(elf["e_machine"]), needed)
