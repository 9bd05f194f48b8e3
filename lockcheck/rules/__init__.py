"""What is wrong: one file for each rule. Rules never import each other."""
