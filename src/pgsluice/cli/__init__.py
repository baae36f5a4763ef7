"""The command line: options, configuration files, exit codes, one file for each command."""
