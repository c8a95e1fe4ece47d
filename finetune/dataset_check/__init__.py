"""What is wrong with a domain's examples before anything is trained on them: each check a file, all of them pure."""
