"""`python -m brushwork`."""

from .cli.app import main

raise SystemExit(main())
