"""``python -m vault.cli``: the ``strongroom`` command where it is not installed as a script."""

from vault.cli.main import main

main()
