"""What must hold before anything changes, one file each. A check that fails raises RefusedError; none changes anything."""
