"""The kinds of machine for which there is an archive, and what is different on them."""

from __future__ import annotations

from typing import NamedTuple


class Machine(NamedTuple):
    """A kind of machine.

    Attributes:
        name: As in `uname -m`, and in the archive's name.
        debian: Debian's name of it, which is also Docker's.
        elf: Its name in ELF files.
        loader: The file name of its dynamic loader.
    """

    name: str
    debian: str
    elf: str
    loader: str

    @property
    def libraries(self) -> str:
        """The name of the folder in which Debian's packages have its libraries."""
        return f"{self.name}-linux-gnu"

    @property
    def wheels(self) -> str:
        """The wheels that fit, as uv names a platform."""
        return f"{self.name}-manylinux_2_28"


MACHINES = {
    machine.name: machine
    for machine in (
        Machine("x86_64", "amd64", "EM_X86_64", "ld-linux-x86-64.so.2"),
        Machine("aarch64", "arm64", "EM_AARCH64", "ld-linux-aarch64.so.1"),
    )
}
