"""`python -m pgsluice.rehearsal.load`: the load's own process."""

from pgsluice.rehearsal.load.worker import main

main()
