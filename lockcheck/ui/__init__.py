"""Who asks: the command line and the forms in which a report is shown."""
