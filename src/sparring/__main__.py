"""`python -m sparring`: the command line."""

from .cli import main

raise SystemExit(main())
