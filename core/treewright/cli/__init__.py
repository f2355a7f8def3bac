"""The command line. Parsing imports nothing heavy; each command imports what it needs when it runs."""
