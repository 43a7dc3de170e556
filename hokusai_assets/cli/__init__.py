"""The command line `hokusai`, a module per verb: reads arguments, calls, prints, exits."""
